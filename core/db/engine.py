"""Opens the production database: SQLite (WAL, synchronous FULL) or PostgreSQL (psycopg), chosen by URL.

    sqlite:////srv/ferrygate/core/production.sqlite
    postgresql+psycopg://core@/production?host=/run/postgresql

SQLite is driven with explicit BEGINs: the driver's own rules start transactions too late for savepoints, and a
writer takes the lock at once (BEGIN IMMEDIATE) so that two processes never deadlock half-way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event

BUSY_TIMEOUT_MS: Final = 5_000
"""How long one process waits for another's write lock on SQLite."""
POOL_SIZE: Final = 4
CACHE_KIB: Final = 65_536
STATEMENT_TIMEOUT_MS: Final = 60_000
READ_ONLY_OPTION: Final = "ferrygate_read"


def open_engine(url: str, *, connect: Callable[[], Any] | None = None) -> Engine:
    """Return an engine for the production database.

    Args:
        url: SQLAlchemy URL; `sqlite:///…` or `postgresql+psycopg://…`.
        connect: opens the SQLite file in place of the driver.

    Raises:
        ValueError: another kind of database.
    """
    if url.startswith("sqlite"):
        arguments = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
        given = {} if connect is None else {"creator": connect}
        engine = create_engine(url, connect_args=arguments, **given)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if url.startswith("postgresql+psycopg"):
        options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC"
        return create_engine(
            url, pool_size=POOL_SIZE, max_overflow=0, pool_pre_ping=True, connect_args={"options": options}
        )
    raise ValueError("the production database is SQLite or PostgreSQL (postgresql+psycopg://)")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open one write transaction: committed at the end, rolled back on any exception."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open one read transaction: a stable view, no write lock, always rolled back."""
    with engine.connect() as plain:
        connection = plain.execution_options(**{READ_ONLY_OPTION: True})
        with connection.begin() as transaction:
            try:
                yield connection
            finally:
                transaction.rollback()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A read must not take the write lock, or the staff window would wait for intake.
    reads = connection.get_execution_options().get(READ_ONLY_OPTION, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
