"""employee.add 增员 (B1): enrols a new or moved person in all insurances of the unit.

VIP units: approved by rule, effective at once. Others: rows wait in state `submitted` for review.
Source: catalogue B1, B17, B18; Social Insurance Law art. 58 (within 30 days).
"""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from core.db.any_row import AnyRow
from core.db.states import LIVE_ENROLMENTS, EnrolmentKind, EnrolmentState, UnitState
from core.db.tables import enrolment, person, person_identity
from core.rules.approval import approval_of
from core.rules.case_states import Approval, CaseEvent
from core.rules.contribution import base_of
from core.rules.months import from_text, shift
from core.services.case_book import Act, NewCase, add_part, move_case, open_case, public_state
from core.services.case_effects import make_effective
from core.services.handler import Context, Handler, Note, RuleRefused, ServiceAnswer, ServiceRequest
from core.services.numbers import FIRST_PERSON, PERSON_SERIES, next_number
from core.services.units import own_unit, standing
from wire_formats.answer import AnswerStatus
from wire_formats.errors import Kind, Refused
from wire_formats.identifiers import birth_date, sex_of

_MONTHS_BACK = 1
_MONTHS_AHEAD = 1


def add_employee(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """Enrol one person.

    Raises:
        RuleRefused: already enrolled here or elsewhere, name differs, or start month out of reach.
        Refused: NO_PARAMETERS, no base limits for the start month.
    """
    connection = context.connection
    unit = own_unit(connection, context.caller.unit_id)
    if unit.state != UnitState.ACTIVE.value:
        raise Refused(Kind.RULE, "unit does not take part now")
    approval = approval_of(request.header.service, standing(unit))
    case = open_case(context, request, NewCase(request.id_hex, approval, unit_id=unit.unit_id))
    start = _start_month(request.body["start_month"], case.period)
    parameters = context.reference.parameters_for(start)
    base_fen = base_of(request.body["wage"], parameters.limits)
    who = _find_or_register(context, request, unit)
    _insert_enrolments(context, unit, who, since=start, wages=(request.body["wage"], base_fen), case_id=case.case_id)
    case = add_part(context, request, case, part=1, rows=1, failed=0)
    case = move_case(connection, case, CaseEvent.SUBMIT, Act(context.now_ms, "applicant"))
    if approval is Approval.BY_RULE:
        case = move_case(connection, case, CaseEvent.APPROVE_BY_RULE, Act(context.now_ms, "rule"))
        make_effective(connection, case, now_ms=context.now_ms)
    return ServiceAnswer(
        {"reference": case.reference, "state": public_state(case), "base": base_fen},
        AnswerStatus.DONE if approval is Approval.BY_RULE else AnswerStatus.ACCEPTED,
    )


def _start_month(text: str, period: int) -> int:
    month = from_text(text)
    if month < shift(period, -_MONTHS_BACK):
        raise RuleRefused(Note("too_small", "start_month", shift(period, -_MONTHS_BACK)))
    if month > shift(period, _MONTHS_AHEAD):
        raise RuleRefused(Note("too_large", "start_month", shift(period, _MONTHS_AHEAD)))
    return month


def _find_or_register(context: Context, request: ServiceRequest, unit: AnyRow) -> AnyRow:
    connection = context.connection
    id_number = request.body["id_number"]
    known = connection.execute(
        select(person.c.person_id, person.c.district, person.c.name)
        .join(person_identity, person_identity.c.person_id == person.c.person_id)
        .where(person_identity.c.id_number == id_number, person.c.district == person_identity.c.district)
    ).first()
    if known is None:
        return _register(context, request, unit)
    if known.name != request.body["name"]:
        raise RuleRefused(Note("name_differs", "name"))
    live = connection.execute(
        select(enrolment.c.unit_id)
        .where(enrolment.c.person_id == known.person_id, enrolment.c.state.in_(LIVE_ENROLMENTS))
        .distinct()
    ).scalars()
    units = set(live)
    if unit.unit_id in units:
        raise RuleRefused(Note("already_enrolled", "id_number"))
    if units:
        raise RuleRefused(Note("enrolled_elsewhere", "id_number"))
    return known


def _register(context: Context, request: ServiceRequest, unit: AnyRow) -> AnyRow:
    connection = context.connection
    id_number = request.body["id_number"]
    number = next_number(connection, PERSON_SERIES, first=FIRST_PERSON)
    born = birth_date(id_number)
    connection.execute(insert(person_identity).values(id_number=id_number, district=unit.district, person_id=number))
    connection.execute(
        insert(person).values(
            district=unit.district,
            person_id=number,
            id_number=id_number,
            name=request.body["name"],
            sex=sex_of(id_number),
            birth_day=int(born.strftime("%Y%m%d")) if born else 0,
            phone=request.body.get("phone"),
            household=request.body["household"],
            participation="0",
            first_enrolled=from_text(request.body["start_month"]),
            pooling_area=unit.pooling_area,
            alive=True,
            case_id=request.id_hex,
            changed_at=context.now_ms,
        )
    )
    return _person_row(connection, unit.district, number)


def _person_row(connection: Connection, district: str, number: int) -> AnyRow:
    return connection.execute(
        select(person.c.person_id, person.c.district, person.c.name).where(
            person.c.district == district, person.c.person_id == number
        )
    ).one()


def _insert_enrolments(
    context: Context, unit: AnyRow, who: AnyRow, *, since: int, wages: tuple[int, int], case_id: str
) -> None:
    rates = context.reference.parameters_for(since).employee_rates(unit.injury_class)
    newest = context.connection.scalar(
        select(func.max(enrolment.c.entry)).where(
            enrolment.c.unit_id == unit.unit_id, enrolment.c.person_id == who.person_id, enrolment.c.since == since
        )
    )
    context.connection.execute(
        insert(enrolment),
        [
            {
                "unit_id": unit.unit_id,
                "person_id": who.person_id,
                "insurance": insurance,
                "since": since,
                "entry": 0 if newest is None else newest + 1,
                "person_district": who.district,
                "kind": EnrolmentKind.EMPLOYEE.value,
                "state": EnrolmentState.SUBMITTED.value,
                "wage_fen": wages[0],
                "base_fen": wages[1],
                "case_id": case_id,
                "changed_at": context.now_ms,
            }
            for insurance in sorted(rates)
        ],
    )


HANDLERS = {"employee.add": Handler(add_employee)}
