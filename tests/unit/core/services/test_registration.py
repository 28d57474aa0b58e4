from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from core.db.tables import case_part, enrolment, period_lock, person, person_identity, reference_base, service_case
from core.rules.case_states import CaseEvent
from core.services.case_book import Act, move_case
from core.services.case_effects import make_effective, undo
from tests.support.core_world import DISTRICT, PLAIN_UNIT, VIP_UNIT, World, id_number, stored_case
from wire_formats.answer import AnswerStatus
from wire_formats.errors import Kind

NEW = id_number(500)


def body(**changes: Any) -> dict[str, Any]:
    return {
        "id_number": NEW,
        "name": "王五",
        "household": "10",
        "origin": "new",
        "start_month": "2026-01",
        "wage": 600_000,
        **changes,
    }


def rows_of(world: World, number: str = NEW) -> list[Any]:
    with world.engine.connect() as connection:
        query = select(enrolment, person.c.participation).join(person, person.c.person_id == enrolment.c.person_id)
        return list(connection.execute(query.where(person.c.id_number == number)).all())


def test_vip_is_effective_at_once(world: World) -> None:
    header, content = world.ask("vip", "employee.add", body())
    assert header.status is AnswerStatus.DONE
    assert content["answer"]["state"] == "effective"
    rows = rows_of(world)
    assert sorted(row.insurance for row in rows) == ["110", "210", "310", "410"]
    assert {(row.unit_id, row.state, row.base_fen, row.since, row.participation) for row in rows} == {
        (VIP_UNIT, "active", 600_000, 202601, "1")
    }


def test_others_wait_for_review(world: World) -> None:
    header, content = world.ask("plain", "employee.add", body())
    assert header.status is AnswerStatus.ACCEPTED
    assert content["answer"]["state"] == "submitted"
    assert {(row.unit_id, row.state, row.participation) for row in rows_of(world)} == {(PLAIN_UNIT, "submitted", "0")}


def test_what_the_reviewer_approves_becomes_effective(world: World) -> None:
    world.ask("plain", "employee.add", body())
    with world.engine.begin() as connection:
        case_id = connection.scalar(select(service_case.c.case_id))
        assert case_id is not None
        case = stored_case(connection, case_id)
        for number, event in enumerate((CaseEvent.OPEN, CaseEvent.PASS_REVIEW, CaseEvent.PASS_RECHECK)):
            case = move_case(connection, case, event, Act(world.clock.now_ms(), "operator", f"op{number}"))
        make_effective(connection, case, now_ms=world.clock.now_ms())
    assert {(row.state, row.participation) for row in rows_of(world)} == {("active", "1")}


@pytest.mark.parametrize(("wage", "base"), [(100, 422_400), (422_400, 422_400), (9_000_000, 2_112_000)])
def test_the_base_is_clamped(world: World, wage: int, base: int) -> None:
    _, content = world.ask("vip", "employee.add", body(wage=wage))
    assert content["answer"]["base"] == base


def refused(world: World, who: str, **changes: Any) -> tuple[Kind | None, list[dict[str, Any]]]:
    before = _counts(world)
    header, content = world.ask(who, "employee.add", body(**changes))
    assert header.status is AnswerStatus.REFUSED
    assert _counts(world) == before, "a refusal leaves nothing behind"
    return header.error, content["errors"]


def _counts(world: World) -> list[int | None]:
    with world.engine.connect() as connection:
        tables = (person, person_identity, enrolment, service_case, case_part)
        return [connection.scalar(select(func.count()).select_from(table)) for table in tables]


def test_refusals(world: World) -> None:
    own = {"id_number": id_number(1), "name": "张三甲"}
    assert refused(world, "vip", **own) == (Kind.RULE, [{"field": "id_number", "code": "already_enrolled"}])
    assert refused(world, "plain", **own) == (Kind.RULE, [{"field": "id_number", "code": "enrolled_elsewhere"}])
    other_name = {**own, "name": "别人"}
    assert refused(world, "plain", **other_name) == (Kind.RULE, [{"field": "name", "code": "name_differs"}])
    early = [{"field": "start_month", "code": "too_small", "value": 202512}]
    assert refused(world, "vip", start_month="2025-11") == (Kind.RULE, early)
    late = [{"field": "start_month", "code": "too_large", "value": 202602}]
    assert refused(world, "vip", start_month="2026-03") == (Kind.RULE, late)


def test_without_parameters_nothing_is_computed(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(update(reference_base).values(last_month=202512))
    assert refused(world, "vip") == (Kind.NO_PARAMETERS, [])


def test_a_closed_month_books_into_the_next(world: World) -> None:
    with world.engine.begin() as connection:
        for period in (202601, 202602):
            row = {"district": DISTRICT, "period": period, "state": "closed", "changed_at": 1}
            connection.execute(insert(period_lock).values(**row))
    world.ask("vip", "employee.add", body(start_month="2026-03"))
    with world.engine.connect() as connection:
        assert connection.scalar(select(service_case.c.period)) == 202603


def test_withdrawing_undoes_everything(world: World) -> None:
    for who in ("vip", "plain"):
        before = _counts(world)[:2]
        _, content = world.ask(who, "employee.add", body())
        header, answer = world.ask(who, "case.withdraw", {"reference": content["answer"]["reference"]})
        assert header.status is AnswerStatus.DONE
        assert answer["answer"]["state"] == "withdrawn"
        assert _counts(world)[:2] == before, "the person that only this case registered is gone"
        with world.engine.connect() as connection:
            states = connection.scalars(
                select(enrolment.c.state).where(enrolment.c.case_id == bytes_hex(connection))
            ).all()
        assert set(states) == {"withdrawn"}
    # and the same person can be added again, under the right name
    header, _ = world.ask("vip", "employee.add", body(name="王武"))
    assert header.status is AnswerStatus.DONE


def bytes_hex(connection: Any) -> str:
    newest = select(service_case.c.case_id).order_by(service_case.c.submitted_at.desc())
    return str(connection.scalar(newest.where(service_case.c.state == "withdrawn")))


def test_an_opened_case_cannot_be_withdrawn(world: World) -> None:
    _, content = world.ask("plain", "employee.add", body())
    with world.engine.begin() as connection:
        case = stored_case(connection, connection.scalar(select(service_case.c.case_id)) or "")
        move_case(connection, case, CaseEvent.OPEN, Act(world.clock.now_ms(), "operator", "op1"))
    header, answer = world.ask("plain", "case.withdraw", {"reference": content["answer"]["reference"]})
    assert header.error is Kind.RULE
    assert answer["errors"] == [{"field": "reference", "code": "case_opened"}]
    assert {row.state for row in rows_of(world)} == {"submitted"}


def test_a_refused_case_leaves_no_person_behind(world: World) -> None:
    world.ask("plain", "employee.add", body())
    with world.engine.begin() as connection:
        case = stored_case(connection, connection.scalar(select(service_case.c.case_id)) or "")
        case = move_case(connection, case, CaseEvent.OPEN, Act(1, "operator", "op1"))
        case = move_case(connection, case, CaseEvent.REFUSE, Act(2, "operator", "op1", "材料不全"))
        undo(connection, case, now_ms=2)
    assert rows_of(world) == []
    _, listed = world.ask("plain", "case.list", {})
    assert [row["state"] for row in listed["answer"]["cases"]] == ["refused"]


def test_a_case_drawn_for_audit_cannot_be_withdrawn(world: World) -> None:
    _, content = world.ask("vip", "employee.add", body())
    with world.engine.begin() as connection:
        case = stored_case(connection, connection.scalar(select(service_case.c.case_id)) or "")
        move_case(connection, case, CaseEvent.DRAW_FOR_AUDIT, Act(1, "system"))
    _, answer = world.ask("vip", "case.withdraw", {"reference": content["answer"]["reference"]})
    assert [error["code"] for error in answer["errors"]] == ["case_opened"]
    _, result = world.ask("vip", "case.result", {"reference": content["answer"]["reference"]})
    assert result["answer"]["state"] == "effective", "the draw is not shown"
    assert result["answer"]["can_withdraw"] is False
