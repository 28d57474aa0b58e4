"""The ledger's engine: opens SQLite (embedded) or PostgreSQL, makes the tables, gives transactions.

Every write transaction takes the database's write lock at its start (SQLite: BEGIN IMMEDIATE)
or the rows it changes (PostgreSQL), and ends with a commit that has reached the disk. What the
command line does while the role runs is therefore seen by both in one order.

Source: DESIGN "Chosen parts"; F6.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import IntegrityError, OperationalError

from ca.ledger_tables import METADATA
from wire_formats.errors import Bug, Kind, Unavailable
from wire_formats.instants import SECOND_MS

BUSY_TIMEOUT_MS: Final = 5_000
POOL_SIZE: Final = 4
RETRY_AFTER_S: Final = 5


class Ledger:
    """One database of one authority."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, *, busy_ms: int = BUSY_TIMEOUT_MS) -> Ledger:
        """Open the database and make its tables if there are none.

        Args:
            url: an SQLAlchemy URL, `sqlite:////path/ca.sqlite` or `postgresql+psycopg://...`.
            busy_ms: longest wait for another writer, in milliseconds.

        Raises:
            Unavailable: BUSY, the database cannot be reached.
        """
        _make_private(url)
        engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=busy_ms / SECOND_MS)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", functools.partial(_prepare_sqlite, busy_ms))
            event.listen(engine, "begin", _begin_immediate)
        ledger = cls(engine)
        with ledger.transaction() as connection:
            if not inspect(connection).has_table("log_head"):
                METADATA.create_all(connection, checkfirst=False)
        return ledger

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Run a write transaction; it commits at the end of the block or leaves no trace.

        Raises:
            Unavailable: BUSY, locked for too long or out of reach.
            Bug: BUG, the database refused a row (a trigger or a constraint).
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise Unavailable(Kind.BUSY, "the ledger does not answer", RETRY_AFTER_S) from error
        except IntegrityError as error:
            raise Bug(Kind.BUG, "the ledger refused a row") from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _make_private(url: str) -> None:
    """Make an SQLite file readable by its owner only, before anything is in it."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite" and parts.database:
        path = Path(parts.database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)


def _prepare_sqlite(busy_ms: int, connection: Any, _record: object) -> None:
    # None stops the driver from opening transactions on its own; `_begin_immediate` does it.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={busy_ms}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
