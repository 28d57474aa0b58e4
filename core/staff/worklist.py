"""The worklist: what waits in the operator's district, oldest first; and what was closed, newest first.

Source: catalogue A11, B18, X2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select

from core.db.any_row import AnyRow
from core.db.tables import account, service_case, staff_operator, task, unit
from core.rules.case_states import CaseState, TaskState
from core.staff.flow import OPEN_STATES, Operator
from core.staff.standing import CHECKS

OPEN: Final = "open"
"""Filter word for everything that waits for the staff."""
FILTERS: Final = {
    OPEN: OPEN_STATES,
    "submitted": (CaseState.SUBMITTED,),
    "reviewing": (CaseState.REVIEWING,),
    "rechecking": (CaseState.RECHECKING,),
    "effective": (CaseState.EFFECTIVE, CaseState.AUDITING, CaseState.AUDITED, CaseState.DISPUTED),
    "refused": (CaseState.REFUSED,),
    "withdrawn": (CaseState.WITHDRAWN,),
}
MOST_PAGES: Final = 400


class Wanted(NamedTuple):
    """What the operator asked to see; `state` is a key of FILTERS, `service` a code or nothing."""

    state: str = OPEN
    service: str = ""
    mine: bool = False
    page: int = 1


class Counts(NamedTuple):
    """How much waits in the district; `oldest_ms` is None when nothing does."""

    submitted: int
    reviewing: int
    rechecking: int
    mine: int
    oldest_ms: int | None


class Worklist(NamedTuple):
    """One page of cases."""

    rows: Sequence[AnyRow]
    total: int
    page: int
    pages: int


def read_worklist(connection: Connection, operator: Operator, wanted: Wanted, *, page_rows: int) -> Worklist:
    """Return one page of the district's cases.

    Args:
        connection: a read transaction.
        operator: whose district counts.
        wanted: filters and page; a page beyond the end gives the last.
        page_rows: cases on a page.
    """
    conditions = _conditions(operator, wanted)
    holding = _holding()
    total = connection.scalar(
        select(func.count()).select_from(service_case.outerjoin(task, holding)).where(*conditions)
    )
    pages = min(max(1, -(-(total or 0) // page_rows)), MOST_PAGES)
    page = min(max(1, wanted.page), pages)
    oldest_first = wanted.state in (OPEN, *(state.value for state in OPEN_STATES))
    order = service_case.c.submitted_at if oldest_first else service_case.c.submitted_at.desc()
    rows = connection.execute(
        select(
            service_case,
            unit.c.name.label("unit_name"),
            account.c.display_name.label("account_name"),
            task.c.operator_id.label("holder"),
            staff_operator.c.display_name.label("holder_name"),
        )
        .select_from(
            service_case.outerjoin(unit, unit.c.unit_id == service_case.c.unit_id)
            .outerjoin(account, account.c.account_id == service_case.c.account_id)
            .outerjoin(task, holding)
            .outerjoin(staff_operator, staff_operator.c.operator_id == task.c.operator_id)
        )
        .where(*conditions)
        .order_by(order, service_case.c.case_id)
        .limit(page_rows)
        .offset((page - 1) * page_rows)
    ).all()
    return Worklist(rows, total or 0, page, pages)


def read_counts(connection: Connection, operator: Operator) -> Counts:
    """Return how much waits in the district, and how much of it this operator holds."""
    here = service_case.c.district == operator.district
    states = [state.value for state in OPEN_STATES]
    by_state = {
        row.state: row
        for row in connection.execute(
            select(
                service_case.c.state,
                func.count().label("cases"),
                func.min(service_case.c.submitted_at).label("oldest"),
            )
            .where(here, service_case.c.state.in_(states))
            .group_by(service_case.c.state)
        )
    }
    mine = connection.scalar(
        select(func.count())
        .select_from(task)
        .where(
            task.c.operator_id == operator.operator_id,
            task.c.state == TaskState.OPENED.value,
            task.c.district == operator.district,
            task.c.role.in_(CHECKS),
        )
    )
    cases = [by_state[state].cases if state in by_state else 0 for state in states]
    oldest = min((row.oldest for row in by_state.values()), default=None)
    return Counts(cases[0], cases[1], cases[2], mine or 0, oldest)


def _conditions(operator: Operator, wanted: Wanted) -> list[ColumnElement[bool]]:
    states = [state.value for state in FILTERS.get(wanted.state, OPEN_STATES)]
    conditions: list[ColumnElement[bool]] = [
        service_case.c.district == operator.district,
        service_case.c.state.in_(states),
    ]
    if wanted.service:
        conditions.append(service_case.c.service == wanted.service)
    if wanted.mine:
        conditions.append(task.c.operator_id == operator.operator_id)
    return conditions


def _holding() -> ColumnElement[bool]:
    return and_(
        task.c.district == service_case.c.district,
        task.c.case_id == service_case.c.case_id,
        task.c.state == TaskState.OPENED.value,
        task.c.role.in_(CHECKS),
    )
