"""Puts the business effect of a case in force, and takes it back.

Used by handlers (approval by rule, withdrawal) and by the staff window (approval, refusal), in the transaction that
moves the case. Rows written for a case that still waits are in state `submitted`; they count for nothing until then.
Source: catalogue B17, B18, B22; RULES, Workflow.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, select, tuple_, update

from core.db.any_row import AnyRow
from core.db.states import LIVE_ENROLMENTS, EnrolmentState, WageState
from core.db.tables import enrolment, person, person_identity, wage_declaration

WAGE_SERVICES: Final = frozenset({"wage.declare", "wage.batch"})


# Built once. Driven from the case's own rows: a chunk of 500 must not walk through a unit of 50 000.
_MINE: Final = wage_declaration.alias("mine")
_SUBMITTED: Final = and_(
    wage_declaration.c.unit_id == bindparam("unit"),
    wage_declaration.c.case_id == bindparam("of_case"),
    wage_declaration.c.state == WageState.SUBMITTED.value,
)
_SUPERSEDE: Final = (
    update(wage_declaration)
    .where(
        wage_declaration.c.unit_id == bindparam("unit"),
        tuple_(wage_declaration.c.year, wage_declaration.c.person_id).in_(
            select(_MINE.c.year, _MINE.c.person_id).where(
                _MINE.c.case_id == bindparam("of_case"), _MINE.c.state == WageState.SUBMITTED.value
            )
        ),
        wage_declaration.c.state == WageState.EFFECTIVE.value,
    )
    .values(state=WageState.SUPERSEDED.value)
)
_CARRY: Final = (
    update(enrolment)
    .where(
        _SUBMITTED,
        enrolment.c.unit_id == wage_declaration.c.unit_id,
        enrolment.c.person_id == wage_declaration.c.person_id,
        enrolment.c.state.in_(LIVE_ENROLMENTS),
    )
    .values(wage_fen=wage_declaration.c.wage_fen, base_fen=wage_declaration.c.base_fen, changed_at=bindparam("now"))
)
_PUT_IN_FORCE: Final = update(wage_declaration).where(_SUBMITTED).values(state=WageState.EFFECTIVE.value)


def make_effective(connection: Connection, case: AnyRow, *, now_ms: int) -> None:
    """Put the case's submitted rows in force."""
    connection.execute(
        update(enrolment)
        .where(enrolment.c.case_id == case.case_id, enrolment.c.state == EnrolmentState.SUBMITTED.value)
        .values(state=EnrolmentState.ACTIVE.value, changed_at=now_ms)
    )
    connection.execute(
        update(person).where(person.c.case_id == case.case_id).values(participation="1", changed_at=now_ms)
    )
    if case.service in WAGE_SERVICES:
        apply_wages(connection, case.case_id, case.unit_id, now_ms=now_ms)


def apply_wages(connection: Connection, case_id: str, unit_id: int | None, *, now_ms: int) -> None:
    """Put all submitted wages of a case in force and carry them into the enrolments.

    The earlier effective declaration of the same year becomes superseded.
    """
    values = {"of_case": case_id, "unit": unit_id}
    connection.execute(_SUPERSEDE, values)
    connection.execute(_CARRY, {**values, "now": now_ms})
    connection.execute(_PUT_IN_FORCE, values)


def undo(connection: Connection, case: AnyRow, *, now_ms: int) -> None:
    """Take the case's rows out of force (withdrawn 退单 or refused), restoring what stood before."""
    if case.service in WAGE_SERVICES:
        _undo_wages(connection, case, now_ms=now_ms)
        return
    connection.execute(
        update(enrolment)
        .where(enrolment.c.case_id == case.case_id, enrolment.c.state.in_(LIVE_ENROLMENTS))
        .values(state=EnrolmentState.WITHDRAWN.value, changed_at=now_ms)
    )
    _forget_person(connection, case.case_id)


def _undo_wages(connection: Connection, case: AnyRow, *, now_ms: int) -> None:
    ours = and_(wage_declaration.c.unit_id == case.unit_id, wage_declaration.c.case_id == case.case_id)
    in_force = and_(ours, wage_declaration.c.state == WageState.EFFECTIVE.value)
    keys = connection.execute(
        select(wage_declaration.c.year, wage_declaration.c.person_id, wage_declaration.c.revision).where(in_force)
    ).all()
    connection.execute(
        update(enrolment)
        .where(
            in_force,
            enrolment.c.unit_id == wage_declaration.c.unit_id,
            enrolment.c.person_id == wage_declaration.c.person_id,
            enrolment.c.state.in_(LIVE_ENROLMENTS),
            wage_declaration.c.prior_wage_fen.is_not(None),
        )
        .values(
            wage_fen=wage_declaration.c.prior_wage_fen, base_fen=wage_declaration.c.prior_base_fen, changed_at=now_ms
        )
    )
    connection.execute(update(wage_declaration).where(ours).values(state=WageState.WITHDRAWN.value))
    if keys:
        _restore_superseded(connection, case)


def _restore_superseded(connection: Connection, case: AnyRow) -> None:
    """Bring back, for every person of the case without an effective wage now, the newest superseded one."""
    mine, other, now = (wage_declaration.alias(name) for name in ("mine", "other", "now"))

    def same(table: Any) -> ColumnElement[bool]:
        return and_(
            table.c.unit_id == wage_declaration.c.unit_id,
            table.c.year == wage_declaration.c.year,
            table.c.person_id == wage_declaration.c.person_id,
        )

    newest = (
        select(func.max(other.c.revision))
        .where(same(other), other.c.state == WageState.SUPERSEDED.value)
        .scalar_subquery()
    )
    in_force = select(now.c.person_id).where(same(now), now.c.state == WageState.EFFECTIVE.value).exists()
    connection.execute(
        update(wage_declaration)
        .where(
            wage_declaration.c.unit_id == case.unit_id,
            tuple_(wage_declaration.c.year, wage_declaration.c.person_id).in_(
                select(mine.c.year, mine.c.person_id).where(mine.c.case_id == case.case_id)
            ),
            wage_declaration.c.state == WageState.SUPERSEDED.value,
            ~in_force,
            wage_declaration.c.revision == newest,
        )
        .values(state=WageState.EFFECTIVE.value)
    )


def _forget_person(connection: Connection, case_id: str) -> None:
    """Remove a person whom only this case registered: a mistyped name must not stay for ever."""
    others = enrolment.alias("others")
    alone = (
        ~select(others.c.person_id)
        .where(others.c.person_id == person.c.person_id, others.c.state != EnrolmentState.WITHDRAWN.value)
        .exists()
    )
    registered = [
        row.person_id
        for row in connection.execute(select(person.c.person_id).where(person.c.case_id == case_id, alone))
    ]
    if registered:
        connection.execute(delete(person_identity).where(person_identity.c.person_id.in_(registered)))
        connection.execute(delete(person).where(person.c.person_id.in_(registered)))
