"""Keeps the book of cases: opening, moving, closing; every step leaves a row in `case_step`.

Handlers and the staff window move a case only through `move_case`, so the transition table cannot be bypassed.
Source: catalogue B21-B23, D10, X8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from core.db.any_row import AnyRow
from core.db.states import PeriodState
from core.db.tables import case_part, case_row_failure, case_step, period_lock, service_case
from core.rules.case_states import Approval, CaseEvent, CaseState
from core.rules.cases import advance
from core.rules.months import month_of, shift
from core.services.handler import Context, ServiceRequest
from wire_formats.errors import Kind, Refused
from wire_formats.ids import reference_number

_MOST_CLOSED_MONTHS: Final = 24

PUBLIC_STATES: Final = {
    CaseState.SAVED: "submitted",
    CaseState.SUBMITTED: "submitted",
    CaseState.REVIEWING: "reviewing",
    CaseState.RECHECKING: "rechecking",
    CaseState.EFFECTIVE: "effective",
    # Whether a case was drawn for post-audit is not shown before it passed (防串通).
    CaseState.AUDITING: "effective",
    CaseState.DISPUTED: "effective",
    CaseState.AUDITED: "audited",
    CaseState.WITHDRAWN: "withdrawn",
    CaseState.REFUSED: "refused",
}


# Statements are built once: building them anew costs more than running them.
_CLOSED_MONTHS: Final = select(period_lock.c.period).where(
    period_lock.c.district == bindparam("district"),
    period_lock.c.state == PeriodState.CLOSED.value,
    period_lock.c.period >= bindparam("month"),
)
_THIS_CASE: Final = and_(
    service_case.c.district == bindparam("in_district"), service_case.c.case_id == bindparam("which")
)
_FIND_CASE: Final = select(service_case).where(_THIS_CASE)
_OPEN_CASE: Final = insert(service_case).returning(*service_case.c)
_KEEP_PART: Final = insert(case_part)
_NOTE_STEP: Final = insert(case_step)
_COUNT_PART: Final = (
    update(service_case)
    .where(_THIS_CASE)
    .values(
        parts_received=service_case.c.parts_received + 1,
        rows_total=service_case.c.rows_total + bindparam("rows"),
        rows_failed=service_case.c.rows_failed + bindparam("failed"),
    )
    .returning(*service_case.c)
)
_MOVE_CASE: Final = (
    update(service_case)
    .where(_THIS_CASE, service_case.c.version == bindparam("was_version"))
    .values(
        {
            name: bindparam(name)
            for name in ("state", "version", "submitted_at", "opened_at", "decided_at", "effective_at", "reason")
        }
    )
    .returning(*service_case.c)
)


class Act(NamedTuple):
    """Who moves a case, when, and why; `actor` is applicant, rule, operator or system."""

    at_ms: int
    actor: str
    operator_id: str | None = None
    note: str | None = None
    """Reason; for a refusal it is shown to the applicant."""


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a case begins with; `case_id` is the request id or batch id in hex."""

    case_id: str
    approval: Approval
    unit_id: int | None = None
    person_id: int | None = None
    parts_expected: int = 1
    rows_total: int = 1


def booking_period(connection: Connection, district: str, now_ms: int) -> int:
    """Return the month a case is booked in: this one, or the next that is not closed (月结).

    Raises:
        Refused: CONFLICT, no open month within two years (a mistake in the locks).
    """
    month = month_of(now_ms)
    closed = set(connection.scalars(_CLOSED_MONTHS, {"district": district, "month": month}))
    for _ in range(_MOST_CLOSED_MONTHS):
        if month not in closed:
            return month
        month = shift(month, 1)
    raise Refused(Kind.CONFLICT, "no open month")


def open_case(context: Context, request: ServiceRequest, new: NewCase) -> AnyRow:
    """Insert a case in state SAVED with its first step, and return it."""
    caller, connection = context.caller, context.connection
    values = {
        "district": caller.district,
        "case_id": new.case_id,
        "reference": reference_number(bytes.fromhex(new.case_id)),
        "service": request.header.service,
        "service_version": request.header.version,
        "window": caller.window,
        "account_id": caller.account_id,
        "unit_id": new.unit_id,
        "person_id": new.person_id,
        "state": CaseState.SAVED.value,
        "approval": new.approval.value,
        "period": booking_period(connection, caller.district, context.now_ms),
        "parts_expected": new.parts_expected,
        "parts_received": 0,
        "rows_total": 0,
        "rows_failed": 0,
        "submitted_at": context.now_ms,
        "version": 1,
    }
    row = connection.execute(_OPEN_CASE, values).one()
    _note_step(connection, row, Act(context.now_ms, "applicant"))
    return row


def add_part(context: Context, request: ServiceRequest, case: AnyRow, *, part: int, rows: int, failed: int) -> AnyRow:
    """Keep what was asked (one chunk of a batch, or the whole single request) and count it in.

    Returns:
        The case as it is now.
    """
    connection = context.connection
    part_row = {
        "district": case.district,
        "case_id": case.case_id,
        "part": part,
        "request_id": request.id_hex,
        "body": request.body_bytes,
        "body_digest": request.header.body_digest,
        "rows_total": rows,
        "rows_failed": failed,
        "received_at": context.now_ms,
    }
    connection.execute(_KEEP_PART, part_row)
    counted = {"in_district": case.district, "which": case.case_id, "rows": rows, "failed": failed}
    return connection.execute(_COUNT_PART, counted).one()


def note_failures(connection: Connection, case: AnyRow, failures: list[tuple[int, str]]) -> None:
    """Keep the failed rows of a batch: (line in the user's sheet, fault code)."""
    if failures:
        rows = [
            {"district": case.district, "case_id": case.case_id, "row_no": line, "code": code}
            for line, code in failures
        ]
        connection.execute(insert(case_row_failure), rows)


def find_case(connection: Connection, district: str, case_id: str) -> AnyRow | None:
    """Return a case, or None."""
    return connection.execute(_FIND_CASE, {"in_district": district, "which": case_id}).first()


def move_case(connection: Connection, case: AnyRow, event: CaseEvent, act: Act) -> AnyRow:
    """Move a case by the transition table and note the step.

    Args:
        connection: open write transaction.
        case: the case as it was read; if somebody moved it meanwhile, nothing happens.
        event: what happens.
        act: who does it, when, and why.

    Returns:
        The case as it is now.

    Raises:
        Refused: CONFLICT, the event does not fit, or the case changed meanwhile.
    """
    state = advance(CaseState(case.state), event, opened=case.opened_at is not None)
    values = {
        "in_district": case.district,
        "which": case.case_id,
        "was_version": case.version,
        "state": state.value,
        "version": case.version + 1,
        **_times(case, event, state, act),
    }
    moved = connection.execute(_MOVE_CASE, values).first()
    if moved is None:
        raise Refused(Kind.CONFLICT, "case changed meanwhile")
    _note_step(connection, moved, act)
    return moved


def public_state(case: AnyRow) -> str:
    """Return the state as the applicant sees it."""
    state = PUBLIC_STATES[CaseState(case.state)]
    return "partly_effective" if state == "effective" and case.rows_failed else state


def _times(case: AnyRow, event: CaseEvent, state: CaseState, act: Act) -> dict[str, Any]:
    values = {
        name: getattr(case, name) for name in ("submitted_at", "opened_at", "decided_at", "effective_at", "reason")
    }
    if event is CaseEvent.SUBMIT:
        values["submitted_at"] = act.at_ms
    if event is CaseEvent.OPEN or (event is CaseEvent.DRAW_FOR_AUDIT and case.opened_at is None):
        # A case drawn for post-audit counts as opened: its applicant may no longer take it back.
        values["opened_at"] = act.at_ms
    if event in (CaseEvent.REFUSE, CaseEvent.WITHDRAW) or state is CaseState.EFFECTIVE:
        values["decided_at"] = act.at_ms
    if state is CaseState.EFFECTIVE:
        values["effective_at"] = act.at_ms
    if act.note is not None and event in (CaseEvent.REFUSE, CaseEvent.WITHDRAW):
        values["reason"] = act.note
    return values


def _note_step(connection: Connection, case: AnyRow, act: Act) -> None:
    """Note the step a case has just made; its number is the case's version, which every move raises by one."""
    step = {
        "district": case.district,
        "case_id": case.case_id,
        "step_no": case.version,
        "state": case.state,
        "actor": act.actor,
        "operator_id": act.operator_id,
        "note": act.note,
        "at": act.at_ms,
    }
    connection.execute(_NOTE_STEP, step)
