"""Makes the databases of an installation and fills the production database with the synthetic city."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, select

from core.city.generate import City, generate
from core.city.shape import YEAR, shape_for
from core.db import migrate as production
from core.db.engine import open_engine, reading
from core.db.tables import enrolment, person
from dmz.workers import exchange_db
from dmz.workers import migrate as exchange
from ops.provision.progress import ProgressLines
from wire_formats.collaborators import Clock

#: Pension: every employee has it once, so its enrolments are the roster.
_PENSION: Final = "110"


def make_exchange(url: str) -> None:
    """Make or upgrade the exchange database."""
    engine = exchange_db.open_engine(url)
    try:
        exchange.upgrade(engine)
    finally:
        engine.dispose()


def make_production(url: str) -> Engine:
    """Make or upgrade the production database; the caller disposes of the engine."""
    engine = open_engine(url)
    production.migrate(engine)
    return engine


def make_city(engine: Engine, units: int, *, clock: Clock, progress: ProgressLines) -> City:
    """Fill an empty production database.

    Raises:
        ValueError: an impossible number of units.
    """
    shape = shape_for(units)
    return generate(engine, shape, now_ms=clock.now_ms(), report=progress.bar)


def write_roster(engine: Engine, unit_id: int, path: Path) -> int:
    """Write the employees of a unit as the unit itself knows them: what its wage clerk would declare.

    Args:
        engine: the production database.
        unit_id: the unit.
        path: CSV with identity number, name and monthly wage in yuan.

    Returns:
        The number of employees.
    """
    query = (
        select(person.c.id_number, person.c.name, enrolment.c.wage_fen)
        .join(enrolment, enrolment.c.person_id == person.c.person_id)
        .where(enrolment.c.unit_id == unit_id, enrolment.c.insurance == _PENSION)
        .order_by(person.c.person_id)
    )
    with reading(engine) as connection, path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(("year", YEAR))
        count = 0
        for row in connection.execute(query):
            out.writerow((row.id_number, row.name, f"{row.wage_fen / 100:.2f}"))
            count += 1
    return count
