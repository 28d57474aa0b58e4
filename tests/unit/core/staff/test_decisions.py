"""The pure parts: flow, view, sessions, forms, settings."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.db.states import OperatorLevel
from core.rules.case_states import TRANSITIONS, CaseState, TaskRole, Verdict
from core.staff.case_view import Facts, id_numbers_of, lines_of, table_of, warnings_of
from core.staff.flow import (
    ONE_CHECK,
    Operator,
    Standing,
    check_due,
    check_may_decide,
    check_may_open,
    check_may_release,
    flow_of,
    may_see_content,
    move_of,
    roles_of,
    state_seen,
)
from core.staff.renderer import duration
from core.staff.sessions import Sessions
from core.staff.settings import StaffSettings
from core.staff.texts import WARNINGS
from core.staff.visit import local_address
from tests.support.core_world import Seeded, id_number
from wire_formats.errors import Refused, Unavailable

FLOWS = (ONE_CHECK, (TaskRole.REVIEW, TaskRole.RECHECK))
OPERATORS = st.builds(
    Operator,
    operator_id=st.sampled_from(["a", "b"]),
    user_name=st.just("x"),
    display_name=st.just("x"),
    level=st.sampled_from(list(OperatorLevel)),
    district=st.just("420102"),
    roles=st.frozensets(st.sampled_from(list(TaskRole))),
)
STANDINGS = st.builds(
    Standing,
    state=st.sampled_from(list(CaseState)),
    holder=st.sampled_from([None, "a", "b"]),
    decided=st.dictionaries(st.sampled_from([TaskRole.REVIEW, TaskRole.RECHECK]), st.sampled_from(["a", "b"])),
)


def allowed(check: Any, operator: Operator, standing: Standing) -> bool:
    try:
        check(operator, standing)
    except Refused:
        return False
    return True


@given(OPERATORS, STANDINGS)
def test_only_the_holder_with_the_role_and_no_earlier_decision_decides(operator: Operator, standing: Standing) -> None:
    if allowed(check_may_decide, operator, standing):
        assert standing.holder == operator.operator_id
        assert operator.operator_id not in standing.decided.values()
        assert check_due(standing.state) in operator.roles
        assert allowed(check_may_open, operator, standing)
        assert may_see_content(operator, standing), "nobody decides what they cannot see"
        for flow in FLOWS:
            for verdict in (Verdict.PASS, Verdict.REFUSE):
                assert (standing.state, move_of(standing.state, verdict, flow)) in TRANSITIONS


@given(OPERATORS, STANDINGS)
def test_releasing(operator: Operator, standing: Standing) -> None:
    if allowed(check_may_release, operator, standing):
        assert standing.holder is not None
        assert standing.holder == operator.operator_id or operator.level is OperatorLevel.DISTRICT_ADMIN


@given(OPERATORS, STANDINGS)
def test_content_of_an_unopened_case_stays_shut(operator: Operator, standing: Standing) -> None:
    if standing.holder is None and check_due(standing.state) is not None:
        assert not may_see_content(operator, standing)


def test_flows_and_roles() -> None:
    assert flow_of(None) == ONE_CHECK
    assert flow_of("recheck") == (TaskRole.REVIEW, TaskRole.RECHECK)
    assert flow_of("review") == ONE_CHECK
    assert roles_of("review king recheck") == {TaskRole.REVIEW, TaskRole.RECHECK}
    with pytest.raises(Refused):
        move_of(CaseState.SUBMITTED, Verdict.PASS, ONE_CHECK)
    assert state_seen(CaseState.AUDITING, {TaskRole.REVIEW}) is CaseState.EFFECTIVE
    assert state_seen(CaseState.AUDITING, {TaskRole.POST_AUDIT}) is CaseState.AUDITING


def test_fields_are_shown_with_their_labels() -> None:
    body: dict[str, Any] = {"id_number": id_number(1), "household": "10", "wage": 500_050, "older_key": 3}
    lines = {line.label.en: line.value for line in lines_of("employee.add", body)}
    assert lines["Household type"].zh == "非农业户口（10）"
    assert lines["Monthly wage (yuan)"].en == "5000.50"
    assert lines["older_key"].en == "3", "what the catalogue no longer knows is not hidden"
    assert lines_of("gone.service", {"x": "y"})[0].value.en == "y"
    assert id_numbers_of("employee.add", body) == (id_number(1),)


def test_rows_of_a_batch() -> None:
    rows: list[Any] = [{"row": n + 2, "id_number": id_number(n), "name": "甲", "wage": 100} for n in range(8)]
    shown = table_of("wage.batch", {"year": 2026, "rows": rows}, first=5, rows=5)
    assert [row.number for row in shown] == [7, 8, 9]
    assert shown[0].cells[2].value.en == "1.00"
    assert id_numbers_of("wage.batch", {"rows": rows}, first=0, rows=2) == (id_number(0), id_number(1))


def test_cautions() -> None:
    facts = Facts(
        today=datetime.date(2026, 1, 15),
        period=202602,
        submitted_month=202601,
        unit_active=False,
        credit_level=10,
        clamped=2,
        rows_failed=1,
    )
    found = warnings_of("employee.add", {"id_number": id_number(1, area="990102", born="19600115")}, facts)
    assert [caution.code for caution in found] == [
        "id_area",
        "age_old",
        "unit_inactive",
        "credit_low",
        "period_later",
        "base_clamped",
        "rows_failed",
    ]
    assert {caution.code for caution in found} <= set(WARNINGS)
    calm = Facts(datetime.date(2026, 1, 14), 202601, 202601)
    assert warnings_of("employee.add", {"id_number": id_number(1, born="19660115")}, calm) == ()


def test_sessions_are_bounded_and_bound() -> None:
    sessions = Sessions(Seeded(), idle_ms=100, life_ms=250, most=2)
    first = sessions.begin("a", b"1" * 32, 0)
    assert sessions.find(first, b"2" * 32, 1) is None
    assert sessions.find(first, b"1" * 32, 99) is not None
    second = sessions.begin("a", b"1" * 32, 100)
    assert sessions.find(first, b"1" * 32, 100) is None, "one session per operator"
    sessions.begin("b", b"3" * 32, 100)
    with pytest.raises(Unavailable):
        sessions.begin("c", b"4" * 32, 150)
    assert sessions.find(second, b"1" * 32, 199) is not None
    sessions.begin("c", b"4" * 32, 200)  # b's pause was too long
    for now in (298, 349):
        assert sessions.find(second, b"1" * 32, now) is not None
    assert sessions.find(second, b"1" * 32, 350) is None


@pytest.mark.parametrize("text", ["//evil", "https://evil", "/\\evil", "/a\r\nb", "", "/é", "/" + "x" * 400])
def test_addresses_lead_nowhere_else(text: str) -> None:
    assert local_address(text) == "/"


def test_durations() -> None:
    assert [duration(ms).en for ms in (-5, 61_000, 3_700_000, 90_000_000)] == ["0 min", "1 min", "1 h 1 min", "1 d 1 h"]


def settings(**changes: Any) -> StaffSettings:
    path = Path("x")
    values: dict[str, Any] = {
        "database_url": "sqlite://",
        "server_key": path,
        "server_chain": path,
        "client_issuers": path,
        "pepper": path,
    }
    return StaffSettings(**{**values, **changes})


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "8.8.8.8", "localhost"])
def test_addresses_the_internet_may_reach_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="listen"):
        settings(listen=address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1"])
def test_intranet_addresses_are_good(address: str) -> None:
    assert settings(listen=address).listen == address


def test_a_wildcard_must_be_wanted() -> None:
    assert settings(listen="0.0.0.0", allow_public_address=True).port == 7443
