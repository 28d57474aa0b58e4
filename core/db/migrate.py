"""Brings the production database to the newest revision."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from wire_formats.errors import Bug, Kind

_FOLDER = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Run all missing revisions, in one transaction where the database allows it (both do)."""
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check_revision(engine: Engine) -> None:
    """Check at start that the database is at the revision this code was made for.

    Raises:
        Bug: it is older or newer; run the migration (or the newer code) first.
    """
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    if found != wanted:
        raise Bug(Kind.BUG, f"production database is at revision {found}, this code needs {wanted}")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config
