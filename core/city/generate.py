"""Writes a synthetic city into an empty production database, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, func, insert, select

from core.city.ledgers import assess_year, receive_year
from core.city.people import INSURANCES, CommunityRow, PersonRow, UnitRow, communities, persons, units
from core.city.shape import YEAR, CityShape
from core.db.engine import writing
from core.db.tables import enrolment, person, person_identity, unit
from core.reference.parameters import load_reference
from wire_formats.catalogue.words import DISTRICT_AGENCY_END

_BATCH: Final = 5_000
#: step, done, of
ProgressReport = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class City:
    """What was made, for whoever creates accounts."""

    units: tuple[UnitRow, ...]
    communities: tuple[CommunityRow, ...]
    persons: int
    receivables: int


class CityExistsError(Exception):
    """The database already holds units."""


def generate(engine: Engine, shape: CityShape, *, now_ms: int, report: ProgressReport) -> City:
    """Make a city.

    Args:
        engine: an empty, migrated production database.
        shape: how large.
        now_ms: what to write as time of change.
        report: called with the step, how far, and of how many.

    Raises:
        CityExistsError: the database is not empty; nothing was changed.
        Refused: NO_PARAMETERS, no limits of the base for the city's year.
    """
    _sort_on_disk(engine)
    with writing(engine) as connection:
        if connection.execute(select(func.count()).select_from(unit)).scalar_one():
            raise CityExistsError("the production database already holds a city")
        reference = load_reference(connection)
        limits = reference.parameters_for_year(YEAR).limits
        employers = list(units(shape))
        _insert(connection, unit, (_unit_values(row, now_ms) for row in employers))
        done = 0
        rows = persons(shape, employers, limits)
        while batch := list(islice(rows, _BATCH)):
            _insert_persons(connection, batch, now_ms)
            done += len(batch)
            report("persons", done, shape.persons)
        report("assessments", 0, 1)
        assessed = assess_year(connection, reference)
        report("receipts", 0, 1)
        receive_year(connection, now_ms)
        report("receipts", 1, 1)
    return City(tuple(employers), tuple(communities(shape)), done, assessed)


def _sort_on_disk(engine: Engine) -> None:
    """Let SQLite sort the ledgers in files: those of a real city would not fit into memory."""
    if engine.dialect.name != "sqlite":
        return
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA temp_store=FILE")  # of the one connection, which the pool gives out again
    finally:
        raw.close()


def _insert_persons(connection: Connection, batch: list[PersonRow], now_ms: int) -> None:
    _insert(connection, person, (_person_values(row, now_ms) for row in batch))
    _insert(
        connection,
        person_identity,
        ({"id_number": r.id_number, "district": r.district, "person_id": r.person_id} for r in batch),
    )
    _insert(connection, enrolment, (values for row in batch for values in _enrolments(row, now_ms)))


def _insert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    values = list(rows)
    if values:
        connection.execute(insert(table), values)


def _unit_values(row: UnitRow, now_ms: int) -> dict[str, Any]:
    return {
        "unit_id": row.unit_id,
        "credit_code": row.credit_code,
        "name": row.name,
        "district": row.district,
        "agency": row.district + DISTRICT_AGENCY_END,
        "injury_class": row.injury_class,
        "vip": row.vip,
        "credit_level": 90 if row.vip else 60,
        "pooling_area": "420100",
        "changed_at": now_ms,
    }


def _person_values(row: PersonRow, now_ms: int) -> dict[str, Any]:
    return {
        "district": row.district,
        "person_id": row.person_id,
        "id_number": row.id_number,
        "name": row.name,
        "sex": row.sex,
        "birth_day": row.birth_day,
        "household": row.household,
        "first_enrolled": row.since,
        "pooling_area": "420100",
        "alive": True,
        "changed_at": now_ms,
    }


def _enrolments(row: PersonRow, now_ms: int) -> Iterator[dict[str, Any]]:
    for insurance in INSURANCES:
        yield {
            "unit_id": row.unit_id,
            "person_id": row.person_id,
            "insurance": insurance,
            "since": row.since,
            "person_district": row.district,
            "state": "active",
            "wage_fen": row.wage_fen,
            "base_fen": row.base_fen,
            "changed_at": now_ms,
        }
