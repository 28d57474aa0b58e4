"""Doctor's look at the three databases: there, whole, at the revision this code needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from core.db.engine import open_engine
from core.db.migrate import check_revision
from ops.cli.finding import Finding, Verdict
from ops.layout import Layout
from ops.provision.role_files import exchange_url, production_url, sqlite_url
from wire_formats.errors import Bug


def database_checks(layout: Layout) -> Iterator[Finding]:
    """Look at every database of an installation; changes nothing."""
    yield _production(layout)
    yield _has_table("exchange database", layout.dmz / "exchange.sqlite", exchange_url(layout), "alembic_version")
    path = layout.ca / "ca.sqlite"
    yield _has_table("authority's ledger", path, sqlite_url(path), "log_head")


def _production(layout: Layout) -> Finding:
    what = "production database"
    path = layout.core / "production.sqlite"
    if not path.exists():
        return _missing(what, path)
    engine = open_engine(production_url(layout))
    try:
        check_revision(engine)
    except Bug as error:
        return Finding(Verdict.BROKEN, what, f"{error.private}; restore a backup, or run the code it was made with")
    except SQLAlchemyError as error:
        return Finding(Verdict.BROKEN, what, f"{path}: {type(error).__name__}; restore a backup")
    finally:
        engine.dispose()
    return Finding(Verdict.GOOD, what, "at the newest revision")


def _has_table(what: str, path: Path, url: str, table: str) -> Finding:
    if not path.exists():
        return _missing(what, path)
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            found = inspect(connection).has_table(table)
            connection.execute(text("PRAGMA quick_check(1)"))
    except SQLAlchemyError as error:
        return Finding(Verdict.BROKEN, what, f"{path}: {type(error).__name__}; restore a backup")
    finally:
        engine.dispose()
    if not found:
        return Finding(Verdict.BROKEN, what, f"{path}: has no tables; start the role once to make them")
    return Finding(Verdict.GOOD, what, "there")


def _missing(what: str, path: Path) -> Finding:
    return Finding(Verdict.BROKEN, what, f"{path} is missing; restore a backup, or `make clean run` for a new one")
