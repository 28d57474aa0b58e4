"""case.list 已办业务 (C1, C3), case.result 审核结果 (C2) and case.withdraw 主动退单 (B22)."""

from __future__ import annotations

import datetime

from sqlalchemy import ColumnElement, func, select, update

from core.db.any_row import AnyRow
from core.db.tables import case_step, service_case, staff_operator, task
from core.rules.case_states import CaseEvent, CaseState, TaskState
from core.rules.cases import is_final, may_withdraw
from core.services.case_book import PUBLIC_STATES, Act, move_case, public_state
from core.services.case_effects import undo
from core.services.handler import Caller, Context, Handler, Note, RuleRefused, ServiceAnswer, ServiceRequest
from wire_formats.canonical import Json
from wire_formats.ids import parse_reference_number
from wire_formats.instants import CHINA_TIME, DAY_MS, SECOND_MS, local_minute

PAGE_ROWS = 50
#: States in which what was asked has taken effect; before them, and after a refusal or a withdrawal, no row is done.
_IN_FORCE = frozenset({CaseState.EFFECTIVE, CaseState.AUDITING, CaseState.AUDITED, CaseState.DISPUTED})


def list_cases(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """List the caller's cases, newest first, 50 a page."""
    body = request.body
    wanted = [_own(context.caller), *_state_filter(body.get("state"))]
    if "from_day" in body:
        wanted.append(service_case.c.submitted_at >= _day_start(body["from_day"]))
    if "to_day" in body:
        wanted.append(service_case.c.submitted_at < _day_start(body["to_day"]) + DAY_MS)
    total = context.connection.scalar(select(func.count()).select_from(service_case).where(*wanted)) or 0
    page = int(body.get("page", 1))
    rows = context.connection.execute(
        select(service_case)
        .where(*wanted)
        .order_by(service_case.c.submitted_at.desc(), service_case.c.case_id)
        .limit(PAGE_ROWS)
        .offset((page - 1) * PAGE_ROWS)
    )
    pages = (total + PAGE_ROWS - 1) // PAGE_ROWS
    return ServiceAnswer({"cases": [_line(row) for row in rows], "total": total, "page": page, "pages": pages})


def show_result(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """Show one case of the caller with its history.

    Raises:
        RuleRefused: there is no such case of the caller.
    """
    case = _own_case(context, request.body["reference"])
    fields = _line(case)
    if case.reason:
        fields["reason"] = case.reason
    fields |= _desk(context, case)
    failed = case.rows_failed
    fields |= {
        "rows_done": case.rows_total - failed if CaseState(case.state) in _IN_FORCE else 0,
        "rows_failed": failed,
        "can_withdraw": may_withdraw(CaseState(case.state), opened=case.opened_at is not None),
        "history": _history(context, case),
    }
    return ServiceAnswer(fields)


def withdraw_case(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """Take a case back and undo its effect, while no reviewer has opened it.

    Raises:
        RuleRefused: no such case of the caller, opened by a reviewer, or closed.
    """
    case = _own_case(context, request.body["reference"])
    state = CaseState(case.state)
    if not may_withdraw(state, opened=case.opened_at is not None):
        opened = case.opened_at is not None and not is_final(state)
        raise RuleRefused(Note("case_opened" if opened else "case_ended", "reference"))
    case = move_case(context.connection, case, CaseEvent.WITHDRAW, Act(context.now_ms, "applicant"))
    undo(context.connection, case, now_ms=context.now_ms)
    context.connection.execute(
        update(task)
        .where(
            task.c.district == case.district, task.c.case_id == case.case_id, task.c.state == TaskState.WAITING.value
        )
        .values(state=TaskState.CANCELLED.value, closed_at=context.now_ms)
    )
    return ServiceAnswer({"reference": case.reference, "state": public_state(case)})


def _own(caller: Caller) -> ColumnElement[bool]:
    """Return the condition that makes every other unit's and person's case unreachable."""
    if caller.window == "unit":
        return service_case.c.unit_id == caller.unit_id
    if caller.window == "person":
        return service_case.c.person_id == caller.person_id
    return service_case.c.account_id == caller.account_id


def _own_case(context: Context, reference: str) -> AnyRow:
    case_id = parse_reference_number(reference).hex()
    case = context.connection.execute(
        select(service_case).where(
            service_case.c.district == context.caller.district,
            service_case.c.case_id == case_id,
            _own(context.caller),
        )
    ).first()
    if case is None:
        raise RuleRefused(Note("case_unknown", "reference"))
    return case


def _state_filter(public: str | None) -> list[ColumnElement[bool]]:
    if public is None:
        return []
    base = "effective" if public == "partly_effective" else public
    states = [state.value for state, name in PUBLIC_STATES.items() if name == base]
    conditions: list[ColumnElement[bool]] = [service_case.c.state.in_(states)]
    if public == "effective":
        conditions.append(service_case.c.rows_failed == 0)
    elif public == "partly_effective":
        conditions.append(service_case.c.rows_failed > 0)
    return conditions


def _day_start(day: str) -> int:
    start = datetime.datetime.combine(datetime.date.fromisoformat(day), datetime.time(), CHINA_TIME)
    return round(start.timestamp()) * SECOND_MS


def _line(case: AnyRow) -> dict[str, Json]:
    line: dict[str, Json] = {
        "reference": case.reference,
        "service": case.service,
        "state": public_state(case),
        "submitted_at": local_minute(case.submitted_at),
        "rows_total": case.rows_total,
    }
    if case.decided_at is not None:
        line["decided_at"] = local_minute(case.decided_at)
    return line


def _history(context: Context, case: AnyRow) -> list[Json]:
    steps = context.connection.execute(
        select(case_step.c.state, case_step.c.at)
        .where(case_step.c.district == case.district, case_step.c.case_id == case.case_id)
        .order_by(case_step.c.step_no)
        .limit(PAGE_ROWS)
    )
    history: list[Json] = []
    shown = ""
    for step in steps:
        state = PUBLIC_STATES[CaseState(step.state)]
        if state != shown:
            history.append({"state": state, "at": local_minute(step.at)})
            shown = state
    return history


def _desk(context: Context, case: AnyRow) -> dict[str, Json]:
    """Return whom to ask (经办人员联系方式): known only after a reviewer opened the case, so nobody can be foreseen."""
    if case.opened_at is None:
        return {}
    found = context.connection.execute(
        select(staff_operator.c.department, staff_operator.c.phone)
        .join(task, task.c.operator_id == staff_operator.c.operator_id)
        .where(task.c.district == case.district, task.c.case_id == case.case_id, task.c.opened_at.is_not(None))
        .order_by(task.c.opened_at.desc())
        .limit(1)
    ).first()
    if found is None:
        return {}
    told = {"desk": found.department, "desk_phone": found.phone}
    return {name: value for name, value in told.items() if value}


HANDLERS = {
    "case.list": Handler(list_cases),
    "case.result": Handler(show_result),
    "case.withdraw": Handler(withdraw_case),
}
