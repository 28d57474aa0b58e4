"""Reads a case of the operator's own district: the only door to a case in the staff window."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Select, select

from core.db.any_row import AnyRow
from core.db.tables import decision, service_case, task
from core.rules.case_states import CaseState, TaskRole, TaskState
from core.staff.flow import Operator, Standing
from wire_formats.errors import Kind, Refused

CHECKS: Final = (TaskRole.REVIEW.value, TaskRole.RECHECK.value)


def own_case(connection: Connection, operator: Operator, case_id: str, *, lock: bool = False) -> AnyRow:
    """Return a case of the operator's district.

    Args:
        connection: any; with `lock`, a write transaction.
        operator: whose district counts.
        case_id: 32 hex digits, possibly guessed.
        lock: keep others from changing the case until the transaction ends.

    Raises:
        Refused: NOT_FOUND, also for every other district's case: its existence is not told.
    """
    query: Select[tuple[object, ...]] = select(service_case).where(
        service_case.c.district == operator.district,
        service_case.c.case_id == case_id,
        # Not yet handed in: the parts of a batch are still coming.
        service_case.c.state != CaseState.SAVED.value,
    )
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise Refused(Kind.NOT_FOUND, "no such case in this district")
    return row


def standing_of(connection: Connection, case: AnyRow) -> Standing:
    """Return where a case stands."""
    held = open_task(connection, case)
    decided = connection.execute(
        select(decision.c.role, decision.c.operator_id).where(
            decision.c.district == case.district, decision.c.case_id == case.case_id
        )
    )
    return Standing(
        state=CaseState(case.state),
        holder=held.operator_id if held is not None else None,
        decided={TaskRole(row.role): row.operator_id for row in decided},
    )


def open_task(connection: Connection, case: AnyRow) -> AnyRow | None:
    """Return the check that is under way, or None when nobody holds the case."""
    return _task(connection, case, TaskState.OPENED)


def waiting_task(connection: Connection, case: AnyRow, role: TaskRole) -> AnyRow | None:
    """Return the check that waits for someone to take it, or None."""
    found = _task(connection, case, TaskState.WAITING)
    return found if found is not None and found.role == role.value else None


def _task(connection: Connection, case: AnyRow, state: TaskState) -> AnyRow | None:
    return connection.execute(
        select(task)
        .where(
            task.c.district == case.district,
            task.c.case_id == case.case_id,
            task.c.role.in_(CHECKS),
            task.c.state == state.value,
        )
        .order_by(task.c.created_at.desc())
        .limit(1)
    ).first()
