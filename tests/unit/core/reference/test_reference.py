from __future__ import annotations

import pytest

from core.reference.loading import load_rows
from core.reference.parameters import Layer, ReferenceData, load_reference, shipped_layer
from core.reference.rows import BaseRow, RateRow, shipped_bases, shipped_rates
from core.rules.contribution import Rate
from tests.support.core_world import World
from wire_formats.errors import Bug, Kind, Refused


def test_shipped_rows_are_those_of_the_rules() -> None:
    rows = {(row.insurance, row.scheme, row.first_month): row for row in shipped_rates()}
    assert len(rows) == len(shipped_rates()) == 20
    assert (rows["110", "standard", 200601].employer_basis_points, rows["110", "standard", 200601].last_month) == (
        2000,
        201604,
    )
    assert rows["110", "standard", 201605].employer_basis_points == 1900
    assert rows["110", "standard", 201905].last_month is None
    assert rows["110", "flexible", 200601].employee_basis_points == 2000
    assert rows["310", "standard", 202001].employee_fixed_fen == 700
    assert [rows["410", str(n), 201510].employer_basis_points for n in range(1, 9)] == [
        20,
        40,
        70,
        90,
        110,
        130,
        160,
        190,
    ]
    assert all(row.source for row in rows.values())
    assert not any(row.verified for row in rows.values())


def test_only_an_illustrative_base_ships() -> None:
    (base,) = shipped_bases()
    assert base.illustrative
    assert not base.verified
    assert (base.first_month, base.last_month) == (202401, 202412)


def test_a_month_without_row_is_refused() -> None:
    reference = load_reference()
    for month in (202312, 202501, 201504):
        with pytest.raises(Refused) as caught:
            reference.parameters_for(month)
        assert caught.value.kind is Kind.NO_PARAMETERS


def test_unknown_unemployment_months_are_refused() -> None:
    base = BaseRow("420100", 201501, 201512, 1, 1, 3, False, True, "test")
    reference = ReferenceData([Layer((), (base,)), shipped_layer()])
    assert reference.parameters_for(201502).rate("210") == Rate(200, 100)
    with pytest.raises(Refused):
        reference.parameters_for(201504).rate("210")


def test_maternity_is_part_of_medical_from_2020() -> None:
    base = BaseRow("420100", 201801, 202412, 1, 1, 3, False, True, "test")
    reference = ReferenceData([Layer((), (base,)), shipped_layer()])
    assert sorted(reference.parameters_for(201912).employee_rates(1)) == ["110", "210", "310", "410", "510"]
    assert sorted(reference.parameters_for(202001).employee_rates(1)) == ["110", "210", "310", "410"]


def test_overlapping_rows_are_refused() -> None:
    one = RateRow("110", "standard", 202001, None, 1, 1, 0, False, "a")
    other = RateRow("110", "standard", 202101, 202112, 1, 1, 0, False, "b")
    with pytest.raises(Bug):
        Layer((one, other), ())


def test_a_loaded_notice_comes_before_what_ships(world: World) -> None:
    with world.engine.begin() as connection:
        rate = RateRow("110", "standard", 202601, 202612, 1500, 800, 0, True, "notice 1/2026")
        base = BaseRow("420100", 202401, 202412, 800_000, 480_000, 2_400_000, True, False, "notice 2/2024")
        load_rows(connection, [rate, base], operator_id="op", now_ms=1)
        reference = load_reference(connection)
    assert reference.parameters_for(202601).rate("110") == Rate(1500, 800)
    assert reference.parameters_for(202701).rate("110") == Rate(1600, 800)
    assert reference.parameters_for(202405).limits.floor_fen == 480_000
    assert not reference.parameters_for(202405).illustrative
