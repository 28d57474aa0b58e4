from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from core.db.tables import case_row_failure, enrolment, service_case, wage_declaration
from core.rules.case_states import CaseEvent
from core.rules.contribution import BaseLimits
from core.services.case_book import Act, move_case
from core.services.case_effects import make_effective
from core.services.wage_rows import Declared, Employee, WageRow, judge_rows
from tests.support.core_world import World, id_number, stored_case
from wire_formats.answer import AnswerStatus
from wire_formats.errors import Kind
from wire_formats.request import Batch

NAMES = {1: "张三甲", 2: "张三乙", 3: "张三丙", 101: "李四甲", 102: "李四乙", 103: "李四丙"}
BATCH = bytes(range(16))


def row(line: int, serial: int, wage: int = 510_000, name: str | None = None) -> dict[str, Any]:
    return {"row": line, "id_number": id_number(serial), "name": name or NAMES[serial], "wage": wage}


def one(serial: int, wage: int = 510_000) -> dict[str, Any]:
    return {"year": 2026, "id_number": id_number(serial), "name": NAMES[serial], "wage": wage}


def bases(world: World) -> dict[int, set[int]]:
    with world.engine.connect() as connection:
        found: dict[int, set[int]] = {}
        for person, base in connection.execute(select(enrolment.c.person_id, enrolment.c.base_fen)):
            found.setdefault(person, set()).add(base)
        return found


def states(world: World) -> dict[tuple[int, int], str]:
    with world.engine.connect() as connection:
        columns = (wage_declaration.c.person_id, wage_declaration.c.revision, wage_declaration.c.state)
        return {(person, revision): state for person, revision, state in connection.execute(select(*columns))}


def test_vip_wage_takes_effect_in_all_insurances(world: World) -> None:
    header, content = world.ask("vip", "wage.declare", one(1, 510_000))
    assert header.status is AnswerStatus.DONE
    assert content["answer"]["base"] == 510_000
    assert "warning" not in content["answer"]
    assert bases(world)[1001] == {510_000}
    assert bases(world)[1002] == {500_000}


def test_clamping_says_so(world: World) -> None:
    _, low = world.ask("vip", "wage.declare", one(1, 100))
    assert (low["answer"]["base"], low["answer"]["warning"]) == (422_400, "clamped_low")
    _, high = world.ask("vip", "wage.declare", one(1, 90_000_000))
    assert (high["answer"]["base"], high["answer"]["warning"]) == (2_112_000, "clamped_high")


def test_the_same_again_changes_nothing_and_says_so(world: World) -> None:
    world.ask("vip", "wage.declare", one(1))
    header, content = world.ask("vip", "wage.declare", one(1))
    assert header.status is AnswerStatus.DONE
    assert content["answer"]["warning"] == "unchanged"
    assert states(world) == {(1001, 1): "effective"}


def test_another_value_supersedes(world: World) -> None:
    world.ask("vip", "wage.declare", one(1, 510_000))
    world.ask("vip", "wage.declare", one(1, 520_000))
    assert states(world) == {(1001, 1): "superseded", (1001, 2): "effective"}
    assert bases(world)[1001] == {520_000}


def test_withdrawing_restores_what_stood_before(world: World) -> None:
    world.ask("vip", "wage.declare", one(1, 510_000))
    _, second = world.ask("vip", "wage.declare", one(1, 520_000))
    world.ask("vip", "case.withdraw", {"reference": second["answer"]["reference"]})
    assert states(world) == {(1001, 1): "effective", (1001, 2): "withdrawn"}
    assert bases(world)[1001] == {510_000}


def test_other_units_persons_are_unknown(world: World) -> None:
    header, content = world.ask("vip", "wage.declare", one(101))
    assert header.error is Kind.RULE
    assert content["errors"] == [{"field": "id_number", "code": "person_unknown"}]


def test_good_rows_go_on_and_bad_ones_come_back(world: World) -> None:
    rows = [row(5, 1), row(6, 2, name="别人"), row(7, 101), row(8, 1), row(9, 3, wage=1)]
    header, content = world.ask("vip", "wage.batch", {"year": 2026, "rows": rows})
    answer = content["answer"]
    assert header.status is AnswerStatus.PARTLY
    assert answer["state"] == "partly_effective"
    assert (answer["rows_total"], answer["rows_done"], answer["rows_failed"], answer["rows_unchanged"]) == (5, 2, 3, 0)
    assert answer["failures"] == [
        {"row": 6, "code": "name_differs"},
        {"row": 7, "code": "person_unknown"},
        {"row": 8, "code": "doubled", "value": 5},
    ]
    assert answer["warnings"] == [{"row": 9, "code": "clamped_low"}]
    assert bases(world)[1001] == {510_000}
    assert bases(world)[1003] == {422_400}
    assert bases(world)[2001] == {500_000}
    with world.engine.connect() as connection:
        failures = connection.execute(select(case_row_failure.c.row_no, case_row_failure.c.code)).all()
    assert sorted(map(tuple, failures)) == [(6, "name_differs"), (7, "person_unknown"), (8, "doubled")]


def test_a_second_upload_changes_nothing_and_says_so(world: World) -> None:
    sheet = {"year": 2026, "rows": [row(2, 1), row(3, 2)]}
    for who, final in (("vip", "effective"),):
        world.ask(who, "wage.batch", sheet)
        header, content = world.ask(who, "wage.batch", sheet)
        assert header.status is AnswerStatus.DONE
        assert (content["answer"]["rows_done"], content["answer"]["rows_unchanged"]) == (0, 2)
        assert {warning["code"] for warning in content["answer"]["warnings"]} == {"unchanged"}
        assert content["answer"]["state"] == final
    assert states(world) == {(1001, 1): "effective", (1002, 1): "effective"}


def test_no_good_row_refuses_the_case(world: World) -> None:
    header, content = world.ask("vip", "wage.batch", {"year": 2026, "rows": [row(2, 101)]})
    assert header.status is AnswerStatus.PARTLY
    assert content["answer"]["state"] == "refused"


def chunk(world: World, who: str, number: int, of: int, rows: list[dict[str, Any]]) -> tuple[Any, Any]:
    return world.ask(who, "wage.batch", {"year": 2026, "rows": rows}, batch=Batch(BATCH, number, of))


def test_chunks_are_one_case(world: World) -> None:
    _, first = chunk(world, "plain", 1, 2, [row(2, 101)])
    _, second = chunk(world, "plain", 2, 2, [row(3, 102), row(4, 1)])
    assert first["answer"]["reference"] == second["answer"]["reference"]
    assert bases(world)[2001] == {500_000}
    with world.engine.begin() as connection:
        (case,) = connection.execute(select(service_case)).all()
        assert (case.state, case.parts_received, case.rows_total, case.rows_failed) == ("submitted", 2, 3, 1)
        moved = stored_case(connection, case.case_id)
        for event in (CaseEvent.OPEN, CaseEvent.PASS_REVIEW, CaseEvent.PASS_RECHECK):
            moved = move_case(connection, moved, event, Act(1, "operator", "op"))
        make_effective(connection, moved, now_ms=1)
    assert bases(world)[2001] == bases(world)[2002] == {510_000}
    _, result = world.ask("plain", "case.result", {"reference": first["answer"]["reference"]})
    assert (result["answer"]["rows_done"], result["answer"]["rows_failed"]) == (2, 1)
    assert result["answer"]["state"] == "partly_effective"


def test_a_foreign_batch_id_reaches_nothing(world: World) -> None:
    chunk(world, "plain", 1, 2, [row(2, 101)])
    header, content = chunk(world, "vip", 2, 2, [row(3, 1)])
    assert header.error is Kind.CONFLICT
    assert content["answer"] == {}
    assert states(world) == {(2001, 1): "submitted"}


def test_a_chunk_after_the_case_was_withdrawn(world: World) -> None:
    _, first = chunk(world, "plain", 1, 2, [row(2, 101)])
    world.ask("plain", "case.withdraw", {"reference": first["answer"]["reference"]})
    header, _ = chunk(world, "plain", 2, 2, [row(3, 102)])
    assert header.error is Kind.CONFLICT
    assert states(world) == {(2001, 1): "withdrawn"}


def test_a_newer_declaration_takes_the_place_of_a_waiting_one(world: World) -> None:
    world.ask("plain", "wage.declare", one(101, 510_000))
    header, _ = world.ask("plain", "wage.declare", one(101, 530_000))
    assert header.status is AnswerStatus.ACCEPTED
    assert states(world) == {(2001, 1): "withdrawn", (2001, 2): "submitted"}


def test_a_year_without_parameters_is_refused(world: World) -> None:
    header, _ = world.ask("vip", "wage.declare", one(1) | {"year": 2023})
    assert header.error is Kind.NO_PARAMETERS
    with world.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(service_case)) == 0


LIMITS = BaseLimits(422_400, 2_112_000, 704_000)
_ROWS = st.lists(
    st.builds(
        WageRow,
        st.integers(1, 10_000),
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(["N", "M"]),
        st.integers(0, 10**8),
    ),
    unique_by=lambda item: item.line,
    max_size=30,
)


@given(
    _ROWS, st.dictionaries(st.integers(1, 3), st.builds(Declared, st.integers(1, 5), st.none() | st.integers(0, 10**8)))
)
def test_every_row_is_judged_exactly_once(rows: list[WageRow], declared: dict[int, Declared]) -> None:
    employees = {key: Employee(n, "N", "active", 1, 1) for n, key in enumerate("abc", start=1)}
    judgement = judge_rows(rows, employees, declared, LIMITS)
    assert len(judgement.good) + judgement.unchanged + len(judgement.failures) == len(rows)
    assert len({item.employee.person_id for item in judgement.good}) == len(judgement.good)
    for item in judgement.good:
        assert LIMITS.floor_fen <= item.base_fen <= LIMITS.ceiling_fen
        assert item.revision == declared.get(item.employee.person_id, Declared(0, None)).revision + 1
