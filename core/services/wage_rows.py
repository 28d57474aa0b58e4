"""Declares the wages of many persons of one unit at once, set-based: one query to match, one to insert.

    rows ──▶ match persons of the unit ──▶ judge each row (pure) ──▶ insert the good ones ──▶ failures by line

Good rows go on when others fail. The same values again change nothing and say so, so a workbook may be sent twice.
Source: catalogue B10, B13, B15, B16; RULES, Period and base (60-300 %).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from core.db.states import LIVE_ENROLMENTS, EnrolmentState, WageState
from core.db.tables import enrolment, person, person_identity, wage_declaration
from core.rules.contribution import BaseLimits, base_of
from core.services.handler import Note

# min(): "active" sorts before "submitted" and "suspended", so one active insurance makes the person active.
_EMPLOYEES: Final = (
    select(
        person_identity.c.id_number,
        person.c.person_id,
        person.c.name,
        func.min(enrolment.c.state).label("state"),
        func.max(enrolment.c.wage_fen).label("wage_fen"),
        func.max(enrolment.c.base_fen).label("base_fen"),
    )
    # From the identity register to the person to this unit's enrolments: primary keys all the way, so that one
    # row costs the same in a unit of ten persons and of fifty thousand.
    .join(
        person,
        and_(person.c.district == person_identity.c.district, person.c.person_id == person_identity.c.person_id),
    )
    .join(enrolment, and_(enrolment.c.unit_id == bindparam("unit"), enrolment.c.person_id == person.c.person_id))
    .where(
        person_identity.c.id_number.in_(bindparam("numbers", expanding=True)), enrolment.c.state.in_(LIVE_ENROLMENTS)
    )
    .group_by(person_identity.c.id_number, person.c.person_id, person.c.name)
)
_DECLARED: Final = (
    select(
        wage_declaration.c.person_id,
        wage_declaration.c.revision,
        wage_declaration.c.wage_fen,
        wage_declaration.c.state,
    )
    .where(
        wage_declaration.c.unit_id == bindparam("unit"),
        wage_declaration.c.year == bindparam("in_year"),
        wage_declaration.c.person_id.in_(bindparam("persons", expanding=True)),
    )
    .order_by(wage_declaration.c.person_id, wage_declaration.c.revision)
)
_INSERT: Final = insert(wage_declaration)


class WageRow(NamedTuple):
    """One row as the unit sent it; `line` is the row in its own sheet."""

    line: int
    id_number: str
    name: str
    wage_fen: int


class Employee(NamedTuple):
    """One matched person of the unit."""

    person_id: int
    name: str
    state: str
    wage_fen: int
    base_fen: int


class Declared(NamedTuple):
    """What stands declared for a person and year; `wage_fen` is that of the live declaration, or None."""

    revision: int
    wage_fen: int | None
    waits: bool = False
    """Whether a submitted declaration waits for review."""


class GoodRow(NamedTuple):
    """A row that will be declared."""

    row: WageRow
    employee: Employee
    base_fen: int
    revision: int
    replaces_waiting: bool = False


@dataclass(slots=True)
class Judgement:
    """What becomes of the rows."""

    good: list[GoodRow] = field(default_factory=list)
    unchanged: int = 0
    failures: list[tuple[int, Note]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)


def judge_rows(
    rows: Sequence[WageRow],
    employees: Mapping[str, Employee],
    declared: Mapping[int, Declared],
    limits: BaseLimits,
) -> Judgement:
    """Judge every row; pure.

    Args:
        rows: as sent, one person at most once (later ones fail).
        employees: by identity number.
        declared: by person number.
        limits: of the payment year.
    """
    judgement = Judgement()
    first_line: dict[str, int] = {}
    for row in rows:
        fault = _fault(row, employees.get(row.id_number), first_line)
        if fault is not None:
            judgement.failures.append((row.line, fault))
            continue
        employee = employees[row.id_number]
        before = declared.get(employee.person_id, Declared(0, None))
        if before.wage_fen == row.wage_fen:
            judgement.unchanged += 1
            judgement.warnings.append((row.line, "unchanged"))
            continue
        base_fen = base_of(row.wage_fen, limits)
        if base_fen != row.wage_fen:
            judgement.warnings.append((row.line, "clamped_low" if base_fen > row.wage_fen else "clamped_high"))
        judgement.good.append(GoodRow(row, employee, base_fen, before.revision + 1, before.waits))
    return judgement


def _fault(row: WageRow, employee: Employee | None, first_line: dict[str, int]) -> Note | None:
    seen_at = first_line.setdefault(row.id_number, row.line)
    if seen_at != row.line:
        return Note("doubled", "id_number", seen_at)
    if employee is None:
        return Note("person_unknown", "id_number")
    if unicodedata.normalize("NFC", employee.name) != row.name:
        return Note("name_differs", "name")
    if employee.state == EnrolmentState.SUSPENDED.value:
        return Note("person_suspended", "id_number")
    if row.wage_fen == 0:
        return Note("wage_zero", "wage")
    return None


def find_employees(connection: Connection, unit_id: int, id_numbers: Sequence[str]) -> dict[str, Employee]:
    """Match identity numbers to persons of one unit, in one query; nobody outside the unit is ever found."""
    rows = connection.execute(_EMPLOYEES, {"unit": unit_id, "numbers": list(id_numbers)})
    return {row.id_number: Employee(*row[1:]) for row in rows}


def find_declared(connection: Connection, unit_id: int, year: int, person_ids: Sequence[int]) -> dict[int, Declared]:
    """Return what stands declared for these persons: newest revision, and the newest live wage."""
    if not person_ids:
        return {}
    found: dict[int, Declared] = {}
    live = (WageState.EFFECTIVE.value, WageState.SUBMITTED.value)
    for row in connection.execute(_DECLARED, {"unit": unit_id, "in_year": year, "persons": list(person_ids)}):
        before = found.get(row.person_id, Declared(0, None))
        wage_fen = row.wage_fen if row.state in live else before.wage_fen
        found[row.person_id] = Declared(row.revision, wage_fen, before.waits or row.state == WageState.SUBMITTED.value)
    return found


def insert_rows(
    connection: Connection, unit_id: int, year: int, good: Sequence[GoodRow], *, case_id: str, now_ms: int
) -> None:
    """Insert the good rows as submitted; an older submitted row of the same person gives way to the newer."""
    if not good:
        return
    waiting = [item.employee.person_id for item in good if item.replaces_waiting]
    if waiting:
        connection.execute(
            update(wage_declaration)
            .where(
                wage_declaration.c.unit_id == unit_id,
                wage_declaration.c.year == year,
                wage_declaration.c.person_id.in_(waiting),
                wage_declaration.c.state == WageState.SUBMITTED.value,
            )
            .values(state=WageState.WITHDRAWN.value)
        )
    values: list[dict[str, Any]] = [
        {
            "unit_id": unit_id,
            "year": year,
            "person_id": item.employee.person_id,
            "revision": item.revision,
            "wage_fen": item.row.wage_fen,
            "base_fen": item.base_fen,
            "prior_wage_fen": item.employee.wage_fen,
            "prior_base_fen": item.employee.base_fen,
            "state": WageState.SUBMITTED.value,
            "case_id": case_id,
            "row_no": item.row.line,
            "declared_at": now_ms,
        }
        for item in good
    ]
    connection.execute(_INSERT, values)
