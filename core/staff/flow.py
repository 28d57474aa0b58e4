"""Who may do what to a case, and which move an approval is.  Pure.

    state        check due     approving moves it by
    submitted    review        (must be opened first)
    reviewing    review        pass_review when the flow has a second check, else approve_merged
    rechecking   recheck       pass_recheck; never by who did the first check

Source: catalogue B18, X2, X3 (three checks, distinct persons); D8; RULES, Workflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from core.db.states import OperatorLevel
from core.rules.case_states import CaseEvent, CaseState, TaskRole, Verdict
from core.rules.cases import has_effect, is_final
from wire_formats.errors import Kind, Refused

ONE_CHECK: Final = (TaskRole.REVIEW,)
"""Flow of a service for which no flow was ever stored."""
_DUE: Final = {
    CaseState.SUBMITTED: TaskRole.REVIEW,
    CaseState.REVIEWING: TaskRole.REVIEW,
    CaseState.RECHECKING: TaskRole.RECHECK,
}
OPEN_STATES: Final = tuple(_DUE)
"""States in which a case waits for the staff."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who works: read from `staff_operator` on every request."""

    operator_id: str
    user_name: str
    display_name: str
    level: OperatorLevel
    district: str
    roles: frozenset[TaskRole]
    must_change: bool = False

    @property
    def sees_city(self) -> bool:
        """Whether statistics of all districts are shown."""
        return self.level is OperatorLevel.ROOT


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands: its state, who holds it now, and who decided which check."""

    state: CaseState
    holder: str | None
    decided: Mapping[TaskRole, str]


def roles_of(text: str) -> frozenset[TaskRole]:
    """Read the checks an operator may do; unknown words give no right."""
    known = {role.value: role for role in TaskRole}
    return frozenset(known[word] for word in text.split() if word in known)


def flow_of(text: str | None) -> tuple[TaskRole, ...]:
    """Read the checks of a stored flow, in order; the first check is always one of them."""
    if text is None:
        return ONE_CHECK
    wanted = roles_of(text)
    return tuple(role for role in TaskRole if role is TaskRole.REVIEW or role in wanted)


def check_due(state: CaseState) -> TaskRole | None:
    """Return the check a case waits for, None when it waits for none."""
    return _DUE.get(state)


def check_may_open(operator: Operator, standing: Standing) -> TaskRole:
    """Make sure that the operator may take the case, and return the check to do.

    Raises:
        Refused: CONFLICT, nothing is due or another holds it; NO_RIGHT; OTHER_PERSON, the own first check.
    """
    due = check_due(standing.state)
    if due is None:
        raise Refused(Kind.CONFLICT, "case waits for no check")
    if due not in operator.roles:
        raise Refused(Kind.NO_RIGHT, "operator does not do this check")
    _check_other_person(operator, standing.decided)
    if standing.holder not in (None, operator.operator_id):
        raise Refused(Kind.CONFLICT, "another operator holds the case")
    return due


def check_may_release(operator: Operator, standing: Standing) -> None:
    """Make sure that the operator may give the case back: the holder, or the district's administrator.

    Raises:
        Refused: CONFLICT, nobody holds it; NO_RIGHT.
    """
    if standing.holder is None or check_due(standing.state) is None:
        raise Refused(Kind.CONFLICT, "nobody holds the case")
    if standing.holder != operator.operator_id and operator.level is not OperatorLevel.DISTRICT_ADMIN:
        raise Refused(Kind.NO_RIGHT, "another operator holds the case")


def check_may_decide(operator: Operator, standing: Standing) -> TaskRole:
    """Make sure that the operator may decide the case now, and return the check decided.

    Raises:
        Refused: CONFLICT, not open in the operator's hands; NO_RIGHT; OTHER_PERSON.
    """
    due = check_may_open(operator, standing)
    if standing.holder != operator.operator_id or standing.state is CaseState.SUBMITTED:
        raise Refused(Kind.CONFLICT, "case is not open in this operator's hands")
    return due


def move_of(state: CaseState, verdict: Verdict, flow: Iterable[TaskRole]) -> CaseEvent:
    """Return the event a verdict is.

    Raises:
        Refused: CONFLICT, no such verdict in this state.
    """
    if verdict is Verdict.REFUSE and state in (CaseState.REVIEWING, CaseState.RECHECKING):
        return CaseEvent.REFUSE
    if verdict is Verdict.PASS and state is CaseState.REVIEWING:
        return CaseEvent.PASS_REVIEW if TaskRole.RECHECK in flow else CaseEvent.APPROVE_MERGED
    if verdict is Verdict.PASS and state is CaseState.RECHECKING:
        return CaseEvent.PASS_RECHECK
    raise Refused(Kind.CONFLICT, f"no verdict {verdict.value} in state {state.value}")


def may_see_content(operator: Operator, standing: Standing) -> bool:
    """Tell whether what was asked may be shown: to the holder, and to reviewers once the case is closed.

    Before a case is opened its content stays shut, so that nobody reads what the applicant may still take back.
    """
    if standing.holder == operator.operator_id and check_due(standing.state) is not None:
        return True
    closed = has_effect(standing.state) or is_final(standing.state)
    return closed and bool(operator.roles)


def state_seen(state: CaseState, roles: Iterable[TaskRole]) -> CaseState:
    """Return the state an operator sees: a draw for post-audit is shown to its auditors only (防串通)."""
    if state in (CaseState.AUDITING, CaseState.DISPUTED) and TaskRole.POST_AUDIT not in roles:
        return CaseState.EFFECTIVE
    return state


def _check_other_person(operator: Operator, decided: Mapping[TaskRole, str]) -> None:
    if operator.operator_id in decided.values():
        raise Refused(Kind.OTHER_PERSON, "operator decided an earlier check of this case")
