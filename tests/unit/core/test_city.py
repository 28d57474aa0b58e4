"""The synthetic city: valid numbers, the promised sizes, and ledgers that agree to the fen."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from core.city.generate import City, CityExistsError, generate
from core.city.people import persons, units
from core.city.shape import DEMO_PERSONS, FULL_PERSONS, FULL_UNITS, YEAR, CityShape, shape_for, unit_sizes
from core.db.engine import open_engine, reading
from core.db.migrate import migrate
from core.db.tables import enrolment, person, posting, receipt, receivable, tax_ledger, unit
from core.reference.parameters import load_reference
from core.rules.contribution import WORK_INJURY, contribution
from wire_formats.identifiers import (
    credit_code_fault,
    credit_code_warning,
    id_number_fault,
    id_number_warning,
)

SMALL = CityShape(units=30, persons=200, largest=50, communities=26)
NOW_MS = 1_768_464_000_000


def _make(path: Path) -> tuple[Engine, City]:
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    return engine, generate(engine, SMALL, now_ms=NOW_MS, report=lambda *_: None)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, City]:
    """One small city for the module."""
    return _make(tmp_path_factory.mktemp("city") / "production.sqlite")


@pytest.mark.parametrize("count", [2, 30, 300, 301, 5_000, FULL_UNITS])
def test_sizes_add_up(count: int) -> None:
    shape = shape_for(count)
    sizes = unit_sizes(shape)
    assert len(sizes) == count
    assert sum(sizes) == shape.persons
    assert min(sizes) >= 1
    assert sizes[0] == 10_000


def test_the_two_named_cities() -> None:
    assert (shape_for(300).persons, shape_for(FULL_UNITS).persons) == (DEMO_PERSONS, FULL_PERSONS)
    with pytest.raises(ValueError, match="CITY_UNITS"):
        shape_for(1)


def test_numbers_are_valid_and_unique() -> None:
    employers = list(units(SMALL))
    limits = load_reference().parameters_for_year(YEAR).limits
    rows = list(persons(SMALL, employers, limits))
    assert len({row.id_number for row in rows}) == len(rows) == SMALL.persons
    for row in rows:
        assert id_number_fault(row.id_number) is None
        assert id_number_warning(row.id_number) is None
        assert limits.floor_fen <= row.base_fen <= limits.ceiling_fen
    assert len({row.credit_code for row in employers}) == len(employers)
    for employer in employers:
        assert credit_code_fault(employer.credit_code) is None
        assert credit_code_warning(employer.credit_code) is None


def test_the_same_seed_gives_the_same_city() -> None:
    assert list(units(SMALL)) == list(units(SMALL))
    other = CityShape(units=30, persons=200, largest=50, communities=26, seed="another")
    assert list(units(SMALL)) != list(units(other))


def test_every_unit_and_person_is_there(city: tuple[Engine, City]) -> None:
    engine, made = city
    with reading(engine) as connection:
        counts = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (unit, person, enrolment, receivable)
        }
    assert counts == {
        "unit": 30,
        "person": 200,
        "enrolment": 800,
        "receivable": made.receivables,
    }
    assert made.receivables == 200 * 4 * 12


def test_assessments_equal_the_rules(city: tuple[Engine, City]) -> None:
    engine, _ = city
    parameters = load_reference().parameters_for(YEAR * 100 + 1)
    with reading(engine) as connection:
        query = select(receivable, unit.c.injury_class).join(unit, unit.c.unit_id == receivable.c.unit_id).limit(2000)
        for row in connection.execute(query):
            scheme = {"scheme": str(row.injury_class)} if row.insurance == WORK_INJURY else {}
            due = contribution(row.insurance, row.base_fen, parameters.rate(row.insurance, **scheme))
            assert (row.employer_fen, row.employee_fen) == (due.employer_fen, due.employee_fen)


def test_three_ledgers_agree(city: tuple[Engine, City]) -> None:
    engine, _ = city
    with reading(engine) as connection:
        paid = connection.execute(
            select(func.sum(receivable.c.employer_fen + receivable.c.employee_fen)).where(receivable.c.state == "paid")
        ).scalar_one()
        received, posted, taxed = (
            connection.execute(select(func.sum(column))).scalar_one()
            for column in (receipt.c.amount_fen, posting.c.amount_fen, tax_ledger.c.paid_fen)
        )
    assert paid == received == posted == taxed > 0


def test_a_city_is_made_once(city: tuple[Engine, City]) -> None:
    engine, _ = city
    with pytest.raises(CityExistsError):
        generate(engine, SMALL, now_ms=NOW_MS, report=lambda *_: None)
