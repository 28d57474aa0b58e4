"""Reads all of a case that an operator may see, and notes in `access_log` whose data was shown.

Source: catalogue B18, B23, E19.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, func, select

from core.db.any_row import AnyRow
from core.db.engine import reading, writing
from core.db.states import UnitState
from core.db.tables import (
    account,
    case_part,
    case_row_failure,
    case_step,
    decision,
    enrolment,
    staff_operator,
    unit,
    wage_declaration,
)
from core.rules.case_states import TaskRole
from core.rules.months import month_of
from core.staff.access import note_views
from core.staff.case_view import (
    Caution,
    Facts,
    Line,
    TableRow,
    fault_words,
    id_numbers_of,
    lines_of,
    table_of,
    warnings_of,
)
from core.staff.flow import Operator, Standing, may_see_content
from core.staff.metrics import StaffMetrics
from core.staff.operators import current_flow
from core.staff.standing import own_case, standing_of
from wire_formats.bilingual import Label
from wire_formats.canonical import Json, decode_object
from wire_formats.collaborators import Randomness
from wire_formats.instants import local_day

MOST_STEPS = 200


class Content(NamedTuple):
    """What was asked: the form's fields, and one page of a batch's rows."""

    lines: tuple[Line, ...]
    rows: tuple[TableRow, ...]
    page: int
    pages: int
    cautions: tuple[Caution, ...]
    base_fen: int | None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case as its page shows it; `content` is None while this operator may not see it."""

    case: AnyRow
    standing: Standing
    flow: tuple[TaskRole, ...]
    holder_name: str | None
    account_name: str | None
    unit: AnyRow | None
    steps: Sequence[AnyRow]
    decisions: Sequence[AnyRow]
    content: Content | None


class _Place(NamedTuple):
    """Where a page of rows begins."""

    part: int
    first: int


@dataclass(frozen=True)
class CaseReader:
    """Reads cases for pages.

    Attributes:
        engine: the production database.
        randomness: for ids of access records.
        metrics: counts persons shown.
        page_rows: rows of a batch on one page.
    """

    engine: Engine
    randomness: Randomness
    metrics: StaffMetrics
    page_rows: int

    def read(self, operator: Operator, case_id: str, page: int, now_ms: int) -> CaseFile:
        """Return a case; when its content is shown, whose data it holds is noted first.

        Raises:
            Refused: NOT_FOUND, no such case in the operator's district.
        """
        with reading(self.engine) as connection:
            case = own_case(connection, operator, case_id)
            shown = may_see_content(operator, standing_of(connection, case))
            if not shown:
                return self._file(connection, case, None, now_ms)
        # Access is noted in the transaction that reads: no view without its record.
        with writing(self.engine) as connection:
            case = own_case(connection, operator, case_id)
            content, persons = self._content(connection, operator, case, page, now_ms)
            found = self._file(connection, case, content, now_ms)
        self.metrics.views.inc(persons)
        return found

    def _file(self, connection: Connection, case: AnyRow, content: Content | None, now_ms: int) -> CaseFile:
        standing = standing_of(connection, case)
        names = select(staff_operator.c.display_name).where(staff_operator.c.operator_id == standing.holder)
        submitter = select(account.c.display_name).where(account.c.account_id == case.account_id)
        return CaseFile(
            case=case,
            standing=standing,
            flow=current_flow(connection, case.service, now_ms),
            holder_name=connection.scalar(names) if standing.holder is not None else None,
            account_name=connection.scalar(submitter),
            unit=_unit_of(connection, case),
            steps=_with_operator(connection, case_step, case, case_step.c.step_no),
            decisions=_with_operator(connection, decision, case, decision.c.decided_at),
            content=content,
        )

    def _content(
        self, connection: Connection, operator: Operator, case: AnyRow, page: int, now_ms: int
    ) -> tuple[Content, int]:
        places = self._places(connection, case)
        page = min(max(1, page), len(places))
        place = places[page - 1]
        body = _body(connection, case, place.part)
        window = {"first": place.first, "rows": self.page_rows}
        faults = _faults(connection, case)
        rows = tuple(row._replace(fault=faults.get(row.number)) for row in table_of(case.service, body, **window))
        persons = note_views(
            connection,
            case,
            id_numbers_of(case.service, body, **window),
            operator_id=operator.operator_id,
            randomness=self.randomness,
            now_ms=now_ms,
        )
        facts = _facts(connection, case, now_ms)
        content = Content(
            lines=lines_of(case.service, body),
            rows=rows,
            page=page,
            pages=len(places),
            cautions=warnings_of(case.service, body, facts),
            base_fen=_base(connection, case),
        )
        return content, persons

    def _places(self, connection: Connection, case: AnyRow) -> list[_Place]:
        parts = connection.execute(
            select(case_part.c.part, case_part.c.rows_total)
            .where(case_part.c.district == case.district, case_part.c.case_id == case.case_id)
            .order_by(case_part.c.part)
        )
        places = [
            _Place(part.part, first) for part in parts for first in range(0, max(1, part.rows_total), self.page_rows)
        ]
        return places or [_Place(1, 0)]


def _body(connection: Connection, case: AnyRow, part: int) -> Mapping[str, Json]:
    data = connection.scalar(
        select(case_part.c.body).where(
            case_part.c.district == case.district, case_part.c.case_id == case.case_id, case_part.c.part == part
        )
    )
    return decode_object(bytes(data)) if data is not None else {}


def _unit_of(connection: Connection, case: AnyRow) -> AnyRow | None:
    if case.unit_id is None:
        return None
    return connection.execute(select(unit).where(unit.c.unit_id == case.unit_id)).first()


def _with_operator(connection: Connection, table: Any, case: AnyRow, order: Any) -> Sequence[AnyRow]:
    return connection.execute(
        select(table, staff_operator.c.display_name.label("operator_name"))
        .outerjoin(staff_operator, staff_operator.c.operator_id == table.c.operator_id)
        .where(table.c.district == case.district, table.c.case_id == case.case_id)
        .order_by(order)
        .limit(MOST_STEPS)
    ).all()


def _faults(connection: Connection, case: AnyRow) -> dict[int, Label]:
    if not case.rows_failed:
        return {}
    rows = connection.execute(
        select(case_row_failure.c.row_no, case_row_failure.c.code).where(
            case_row_failure.c.district == case.district, case_row_failure.c.case_id == case.case_id
        )
    )
    return {row.row_no: fault_words(row.code) for row in rows}


def _facts(connection: Connection, case: AnyRow, now_ms: int) -> Facts:
    of_unit = _unit_of(connection, case)
    return Facts(
        today=datetime.date.fromisoformat(local_day(now_ms)),
        period=case.period,
        submitted_month=month_of(case.submitted_at),
        unit_active=of_unit is None or of_unit.state == UnitState.ACTIVE.value,
        credit_level=of_unit.credit_level if of_unit is not None else 100,
        clamped=_clamped(connection, case),
        rows_failed=case.rows_failed,
    )


def _clamped(connection: Connection, case: AnyRow) -> int:
    """Return how many persons of the case pay on a base other than the wage declared."""
    wages = select(func.count()).where(
        wage_declaration.c.unit_id == case.unit_id,
        wage_declaration.c.case_id == case.case_id,
        wage_declaration.c.wage_fen != wage_declaration.c.base_fen,
    )
    enrolled = select(func.count(enrolment.c.person_id.distinct())).where(
        enrolment.c.unit_id == case.unit_id,
        enrolment.c.case_id == case.case_id,
        enrolment.c.wage_fen != enrolment.c.base_fen,
    )
    return (connection.scalar(wages) or 0) + (connection.scalar(enrolled) or 0)


def _base(connection: Connection, case: AnyRow) -> int | None:
    """Return the contribution base of a single case, None for a batch."""
    if case.rows_total != 1:
        return None
    for table in (enrolment, wage_declaration):
        base = connection.scalar(
            select(func.max(table.c.base_fen)).where(table.c.unit_id == case.unit_id, table.c.case_id == case.case_id)
        )
        if base is not None:
            return int(base)
    return None
