from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, update

from core.db.tables import receivable, unit
from tests.support.core_world import PLAIN_UNIT, VIP_UNIT, World, id_number
from wire_formats.answer import AnswerStatus
from wire_formats.errors import Kind
from wire_formats.ids import reference_number

SPAN = {"from_month": "2026-01", "to_month": "2026-12"}
NOBODY = reference_number(bytes(16))


@pytest.fixture
def ledgers(world: World) -> World:
    rows = [
        {
            "unit_id": unit_id,
            "period": period,
            "person_id": person_id,
            "insurance": insurance,
            "kind": "normal",
            "entry": 0,
            "booked_in": period,
            "base_fen": 500_000,
            "employer_fen": 80_000,
            "employee_fen": 40_000,
            "state": "paid" if period == 202601 else "open",
        }
        for unit_id, people in ((VIP_UNIT, (1001, 1002)), (PLAIN_UNIT, (2001, 1001)))
        for person_id in people
        for period in (202601, 202602)
        for insurance in ("110", "310")
    ]
    with world.engine.begin() as connection:
        connection.execute(insert(receivable), rows)
    return world


def test_assessed_ledger_adds_up(ledgers: World) -> None:
    _, content = ledgers.ask("vip", "unit.assessed", SPAN)
    answer = content["answer"]
    assert [(row["month"], row["insurance"]) for row in answer["ledger"]] == [
        ("2026-02", "110"),
        ("2026-02", "310"),
        ("2026-01", "110"),
        ("2026-01", "310"),
    ]
    assert answer["employer_total"] == sum(row["employer"] for row in answer["ledger"]) == 8 * 80_000
    assert answer["grand_total"] == sum(row["total"] for row in answer["ledger"])
    assert [row["received"] for row in answer["ledger"]] == [0, 0, 240_000, 240_000]
    assert {row["persons"] for row in answer["ledger"]} == {2}
    _, one = ledgers.ask("vip", "unit.assessed", SPAN | {"insurance": "310"})
    assert {row["insurance"] for row in one["answer"]["ledger"]} == {"310"}


def test_spans_are_bounded(world: World) -> None:
    header, content = world.ask("vip", "unit.assessed", {"from_month": "2026-02", "to_month": "2026-01"})
    assert (header.error, content["errors"][0]["code"]) == (Kind.RULE, "too_small")
    header, content = world.ask("vip", "unit.assessed", {"from_month": "2006-01", "to_month": "2026-01"})
    assert (header.error, content["errors"][0]["code"]) == (Kind.RULE, "too_large")


def test_a_person_sees_all_own_months(ledgers: World) -> None:
    _, content = ledgers.ask("person", "person.contributions", SPAN)
    answer = content["answer"]
    assert (answer["name"], answer["id_number"]) == ("张三甲", id_number(1))
    assert len(answer["months"]) == 8
    assert {row["unit_name"] for row in answer["months"]} == {f"单位{VIP_UNIT}", f"单位{PLAIN_UNIT}"}


def test_a_unit_sees_only_what_it_paid(ledgers: World) -> None:
    _, content = ledgers.ask("vip", "person.contributions", SPAN | {"id_number": id_number(1)})
    assert {row["unit_name"] for row in content["answer"]["months"]} == {f"单位{VIP_UNIT}"}
    assert len(content["answer"]["months"]) == 4


def test_other_peoples_data_is_out_of_reach(ledgers: World) -> None:
    """Whatever the body claims, the grant decides: another unit, another person, another unit's case."""
    header, content = ledgers.ask("vip", "person.contributions", SPAN | {"id_number": id_number(101)})
    assert (header.error, content["errors"]) == (Kind.RULE, [{"field": "id_number", "code": "person_unknown"}])
    header, _ = ledgers.ask("person", "person.contributions", SPAN | {"id_number": id_number(2)})
    assert header.error is Kind.OTHER_PERSON
    _, profile = ledgers.ask("plain", "unit.profile", {})
    assert profile["answer"]["unit_no"] == str(PLAIN_UNIT)
    wage = {"year": 2026, "id_number": id_number(1), "name": "张三甲", "wage": 510_000}
    _, made = ledgers.ask("vip", "wage.declare", wage)
    reference = made["answer"]["reference"]
    for who in ("plain", "person"):
        for service in ("case.result", "case.withdraw"):
            header, content = ledgers.ask(who, service, {"reference": reference})
            assert header.error is Kind.RULE, (who, service)
            assert content == {**content, "answer": {}, "errors": [{"field": "reference", "code": "case_unknown"}]}
        _, listed = ledgers.ask(who, "case.list", {})
        assert listed["answer"]["total"] == 0
    _, mine = ledgers.ask("vip", "case.list", {})
    assert [row["reference"] for row in mine["answer"]["cases"]] == [reference]


def test_unknown_and_known_foreign_references_look_the_same(world: World) -> None:
    header, content = world.ask("vip", "case.result", {"reference": NOBODY})
    assert (header.error, content["errors"]) == (Kind.RULE, [{"field": "reference", "code": "case_unknown"}])


def test_a_unit_must_say_whom_it_asks_about(world: World) -> None:
    header, content = world.ask("vip", "person.contributions", SPAN)
    assert (header.error, content["errors"]) == (Kind.RULE, [{"field": "id_number", "code": "missing"}])


def wage(world: World, amount: int) -> Any:
    body = {"year": 2026, "id_number": id_number(1), "name": "张三甲", "wage": amount}
    return world.ask("vip", "wage.declare", body)[1]["answer"]["reference"]


def test_case_list_pages_and_filters(world: World) -> None:
    references = []
    for number in range(53):
        world.clock.value += 1_000
        references.append(wage(world, 500_000 + number))
    _, first = world.ask("vip", "case.list", {})
    assert (first["answer"]["total"], first["answer"]["pages"], first["answer"]["page"]) == (53, 2, 1)
    assert [row["reference"] for row in first["answer"]["cases"]] == references[:2:-1]
    _, second = world.ask("vip", "case.list", {"page": 2})
    assert [row["reference"] for row in second["answer"]["cases"]] == references[2::-1]
    world.ask("vip", "case.withdraw", {"reference": references[-1]})
    _, withdrawn = world.ask("vip", "case.list", {"state": "withdrawn"})
    assert [row["reference"] for row in withdrawn["answer"]["cases"]] == [references[-1]]
    _, today = world.ask("vip", "case.list", {"from_day": "2026-01-15", "to_day": "2026-01-15"})
    assert today["answer"]["total"] == 53
    _, yesterday = world.ask("vip", "case.list", {"to_day": "2026-01-14"})
    assert yesterday["answer"]["total"] == 0


def test_case_result_tells_the_history(world: World) -> None:
    reference = wage(world, 520_000)
    _, content = world.ask("vip", "case.result", {"reference": reference})
    answer = content["answer"]
    assert [step["state"] for step in answer["history"]] == ["submitted", "effective"]
    assert answer["can_withdraw"] is True
    assert (answer["rows_total"], answer["rows_done"], answer["rows_failed"]) == (1, 1, 0)
    world.ask("vip", "case.withdraw", {"reference": reference})
    header, again = world.ask("vip", "case.withdraw", {"reference": reference})
    assert header.error is Kind.RULE
    assert again["errors"] == [{"field": "reference", "code": "case_ended"}]
    _, content = world.ask("vip", "case.result", {"reference": reference})
    assert (content["answer"]["state"], content["answer"]["rows_done"]) == ("withdrawn", 0)


def test_the_outflow_guard_stops_what_is_not_as_declared(world: World) -> None:
    """A unit with a broken credit code from the old system: no half-checked answer leaves, and it is counted."""
    with world.engine.begin() as connection:
        connection.execute(update(unit).where(unit.c.unit_id == VIP_UNIT).values(credit_code="broken"))
    header, content = world.ask("vip", "unit.profile", {})
    assert (header.status, header.error, content["answer"]) == (AnswerStatus.REFUSED, Kind.BUG, {})
    assert world.metrics.stopped._value.get() == 1
