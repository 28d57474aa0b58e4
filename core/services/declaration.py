"""wage.declare 年度缴费工资申报 (B10) and wage.batch 批量年度工资申报 (B13).

A batch comes in chunks of at most 500 rows; all chunks of a batch are parts of one case. For a VIP unit each chunk
takes effect as it comes; otherwise the case is submitted for review when its last chunk has come.
"""

from __future__ import annotations

from typing import Final

from core.db.any_row import AnyRow
from core.rules.approval import approval_of
from core.rules.case_states import Approval, CaseEvent, CaseState
from core.services.case_book import (
    Act,
    NewCase,
    add_part,
    find_case,
    move_case,
    note_failures,
    open_case,
    public_state,
)
from core.services.case_effects import apply_wages
from core.services.handler import Context, Handler, Note, RuleRefused, ServiceAnswer, ServiceRequest
from core.services.units import own_unit, standing
from core.services.wage_rows import Judgement, WageRow, find_declared, find_employees, insert_rows, judge_rows
from wire_formats.answer import AnswerStatus
from wire_formats.canonical import Json
from wire_formats.errors import Kind, Refused
from wire_formats.request import Batch

NO_ROW: Final = "没有可申报的人员 / no row can be declared"
_OPEN_FOR_PARTS: Final = (CaseState.SAVED, CaseState.EFFECTIVE)


def declare_wage(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """Declare the wage of one employee.

    Raises:
        RuleRefused: the person is not an active employee of the unit under that name.
        Refused: NO_PARAMETERS, no base limits for the year.
    """
    body = request.body
    row = WageRow(1, body["id_number"], body["name"], body["wage"])
    judgement = _judge(context, int(body["year"]), [row])
    if judgement.failures:
        raise RuleRefused(judgement.failures[0][1])
    case, _ = _record(context, request, judgement, Batch(request.header.id, 1, 1), rows=1)
    limits = context.reference.parameters_for_year(int(body["year"])).limits
    fields: dict[str, Json] = {
        "reference": case.reference,
        "state": public_state(case),
        "base": min(max(row.wage_fen, limits.floor_fen), limits.ceiling_fen),
    }
    if judgement.warnings:
        fields["warning"] = judgement.warnings[0][1]
    return ServiceAnswer(fields, _status(case, failed=0))


def declare_batch(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """Declare the wages of up to 500 employees: one chunk of a workbook.

    Raises:
        Refused: NO_PARAMETERS; CONFLICT when the batch was withdrawn or a reviewer opened it meanwhile.
    """
    body = request.body
    rows = [WageRow(item["row"], item["id_number"], item["name"], item["wage"]) for item in body["rows"]]
    judgement = _judge(context, int(body["year"]), rows)
    batch = request.header.batch or Batch(request.header.id, 1, 1)
    case, part_failed = _record(context, request, judgement, batch, rows=len(rows))
    note_failures(context.connection, case, [(line, note.code) for line, note in _once_per_line(judgement)])
    fields: dict[str, Json] = {
        "reference": case.reference,
        "state": public_state(case),
        "rows_total": len(rows),
        "rows_done": len(judgement.good),
        "rows_unchanged": judgement.unchanged,
        "rows_failed": part_failed,
        "failures": [_failure(line, note) for line, note in judgement.failures],
        "warnings": [{"row": line, "code": code} for line, code in judgement.warnings],
    }
    return ServiceAnswer(fields, _status(case, failed=part_failed))


def _judge(context: Context, year: int, rows: list[WageRow]) -> Judgement:
    connection, unit_id = context.connection, context.caller.unit_id
    limits = context.reference.parameters_for_year(year).limits
    employees = find_employees(connection, unit_id, [row.id_number for row in rows])
    declared = find_declared(connection, unit_id, year, [item.person_id for item in employees.values()])
    return judge_rows(rows, employees, declared, limits)


def _record(
    context: Context, request: ServiceRequest, judgement: Judgement, batch: Batch, *, rows: int
) -> tuple[AnyRow, int]:
    """Write the good rows and count this part into its case; return the case and the failed rows of this part."""
    connection = context.connection
    case = _case_of(context, request, batch)
    failed = len(judgement.failures)
    year = int(request.body["year"])
    insert_rows(connection, case.unit_id, year, judgement.good, case_id=case.case_id, now_ms=context.now_ms)
    case = add_part(context, request, case, part=batch.chunk, rows=rows, failed=failed)
    return _move_on(context, case, changed=bool(judgement.good)), failed


def _case_of(context: Context, request: ServiceRequest, batch: Batch) -> AnyRow:
    caller = context.caller
    case = find_case(context.connection, caller.district, batch.batch_id.hex())
    if case is None:
        unit = own_unit(context.connection, caller.unit_id)
        approval = approval_of(request.header.service, standing(unit))
        new = NewCase(batch.batch_id.hex(), approval, unit_id=unit.unit_id, parts_expected=batch.chunks)
        return open_case(context, request, new)
    # A batch id is chosen in the DMZ: another unit's batch must stay out of reach, whoever sends its id.
    if case.unit_id != caller.unit_id or case.service != request.header.service:
        raise Refused(Kind.CONFLICT, "batch id belongs to another case")
    if CaseState(case.state) not in _OPEN_FOR_PARTS or case.opened_at is not None:
        raise Refused(Kind.CONFLICT, "case no longer takes parts")
    if case.parts_received >= case.parts_expected:
        raise Refused(Kind.CONFLICT, "batch already has all its parts")
    return case


def _move_on(context: Context, case: AnyRow, *, changed: bool) -> AnyRow:
    """Move the case as far as this part allows: by rule at once, to review when the last part has come."""
    connection, now_ms = context.connection, context.now_ms
    complete = case.parts_received >= case.parts_expected
    by_rule_now = Act(now_ms, "rule")
    by_rule = case.approval == Approval.BY_RULE.value
    if CaseState(case.state) is CaseState.SAVED and (complete or (by_rule and changed)):
        case = move_case(connection, case, CaseEvent.SUBMIT, Act(now_ms, "applicant"))
        if case.rows_failed == case.rows_total:
            return move_case(connection, case, CaseEvent.REFUSE, by_rule_now._replace(note=NO_ROW))
        if by_rule or not _has_rows(case, changed=changed):
            case = move_case(connection, case, CaseEvent.APPROVE_BY_RULE, by_rule_now)
    if CaseState(case.state) is CaseState.EFFECTIVE and changed:
        apply_wages(connection, case.case_id, case.unit_id, now_ms=now_ms)
    return case


def _has_rows(case: AnyRow, *, changed: bool) -> bool:
    """Tell whether a reviewer would have anything to review."""
    return changed or case.parts_received > 1


def _status(case: AnyRow, *, failed: int) -> AnswerStatus:
    if failed:
        return AnswerStatus.PARTLY
    waits = case.approval == Approval.BY_REVIEW.value and CaseState(case.state) is not CaseState.EFFECTIVE
    return AnswerStatus.ACCEPTED if waits else AnswerStatus.DONE


def _failure(line: int, note: Note) -> dict[str, Json]:
    failure: dict[str, Json] = {"row": line, "code": note.code}
    if note.value is not None:
        failure["value"] = note.value
    return failure


def _once_per_line(judgement: Judgement) -> list[tuple[int, Note]]:
    return list(dict(judgement.failures).items())


HANDLERS = {"wage.declare": Handler(declare_wage), "wage.batch": Handler(declare_batch)}
