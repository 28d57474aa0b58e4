"""Brings the exchange database to the newest schema; safe when four workers start at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from dmz.workers.exchange_db import WRITE_OPTION

FOLDER = Path(__file__).with_name("migrations")


def upgrade(engine: Engine, *, revision: str = "head") -> None:
    """Run the missing migrations in one transaction; a second process waits for the first and finds nothing to do.

    Args:
        engine: From ``exchange_db.open_engine``.
        revision: Where to stop; a test goes up step by step.
    """
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with engine.connect() as raw, raw.execution_options(**{WRITE_OPTION: True}).begin() as _:
        config.attributes["connection"] = raw
        command.upgrade(config, revision)
