"""unit.profile 单位基本资料 (C4), unit.assessed 应收帐 (C5) and person.contributions 个人缴费信息 (C10)."""

from __future__ import annotations

from sqlalchemy import bindparam, case, func, select

from core.db.any_row import AnyRow
from core.db.states import EnrolmentState, ReceivableState
from core.db.tables import enrolment, person, person_identity, receivable, unit
from core.rules.contribution import PENSION
from core.rules.months import from_text, shift, to_text
from core.services.handler import Context, Handler, Note, RuleRefused, ServiceAnswer, ServiceRequest
from core.services.units import own_unit
from wire_formats.canonical import Json
from wire_formats.errors import Kind, Refused

MOST_MONTHS = 120
MOST_ROWS = 2_000


#: 在保人数 is counted by pension, which every employee has; an index answers it without touching a row.
_PERSONS = select(func.count()).where(
    enrolment.c.unit_id == bindparam("unit_id"),
    enrolment.c.insurance == PENSION,
    enrolment.c.state == EnrolmentState.ACTIVE.value,
)


def show_unit(context: Context, _request: ServiceRequest) -> ServiceAnswer:
    """Show the caller's unit and how many persons take part."""
    row = own_unit(context.connection, context.caller.unit_id)
    persons = context.connection.scalar(_PERSONS, {"unit_id": row.unit_id})
    return ServiceAnswer(
        {
            "unit_no": str(row.unit_id),
            "credit_code": row.credit_code,
            "unit_name": row.name,
            "district": row.district,
            "agency": row.agency,
            "industry_class": str(row.injury_class),
            "vip": bool(row.vip),
            "unit_state": row.state,
            "persons": persons or 0,
        }
    )


def show_assessed(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """Show the caller's assessed ledger by month and insurance; totals are the sums of the rows.

    Raises:
        RuleRefused: months in the wrong order, or too many.
    """
    first, last = _span(request)
    received = func.sum(
        case(
            (receivable.c.state == ReceivableState.PAID.value, receivable.c.employer_fen + receivable.c.employee_fen),
            else_=0,
        )
    )
    query = (
        select(
            receivable.c.period,
            receivable.c.insurance,
            func.count(func.distinct(receivable.c.person_id)).label("persons"),
            func.sum(receivable.c.base_fen).label("base"),
            func.sum(receivable.c.employer_fen).label("employer"),
            func.sum(receivable.c.employee_fen).label("employee"),
            received.label("received"),
        )
        .where(receivable.c.unit_id == context.caller.unit_id, receivable.c.period.between(first, last))
        .group_by(receivable.c.period, receivable.c.insurance)
        .order_by(receivable.c.period.desc(), receivable.c.insurance)
        .limit(MOST_ROWS)
    )
    if "insurance" in request.body:
        query = query.where(receivable.c.insurance == request.body["insurance"])
    ledger: list[dict[str, Json]] = [_ledger_row(row) for row in context.connection.execute(query)]
    employer, employee = (sum(int(str(row[part])) for row in ledger) for part in ("employer", "employee"))
    return ServiceAnswer(
        {
            "ledger": list(ledger),
            "employer_total": employer,
            "employee_total": employee,
            "grand_total": employer + employee,
        }
    )


def show_contributions(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """Show a person's contributions: one's own in all units, or an employee's in the caller's unit.

    Raises:
        RuleRefused: months in the wrong order or too many, or the person is not the unit's.
        Refused: OTHER_PERSON, somebody else's number in the individual window.
    """
    first, last = _span(request)
    who = _whose(context, request)
    query = (
        select(receivable, unit.c.name.label("unit_name"))
        .join(unit, unit.c.unit_id == receivable.c.unit_id)
        .where(receivable.c.person_id == who.person_id, receivable.c.period.between(first, last))
        .order_by(receivable.c.period.desc(), receivable.c.insurance)
        .limit(MOST_ROWS)
    )
    if context.caller.window == "unit":  # what the person earns elsewhere is not this unit's business
        query = query.where(receivable.c.unit_id == context.caller.unit_id)
    months: list[Json] = [_month_row(row) for row in context.connection.execute(query)]
    return ServiceAnswer({"name": who.name, "id_number": who.id_number, "months": months})


def _span(request: ServiceRequest) -> tuple[int, int]:
    first, last = from_text(request.body["from_month"]), from_text(request.body["to_month"])
    if last < first:
        raise RuleRefused(Note("too_small", "to_month", first))
    if last > shift(first, MOST_MONTHS - 1):
        raise RuleRefused(Note("too_large", "to_month", shift(first, MOST_MONTHS - 1)))
    return first, last


def _whose(context: Context, request: ServiceRequest) -> AnyRow:
    columns = select(person.c.person_id, person.c.name, person.c.id_number)
    asked = request.body.get("id_number")
    if context.caller.window == "person":
        own = context.connection.execute(columns.where(person.c.person_id == context.caller.person_id)).first()
        if own is None:
            raise Refused(Kind.NOT_FOUND, "person does not exist")
        if asked is not None and asked != own.id_number:
            raise Refused(Kind.OTHER_PERSON, "not the caller's own number")
        return own
    if asked is None:
        raise RuleRefused(Note("missing", "id_number"))
    member = select(enrolment.c.person_id).where(
        enrolment.c.unit_id == context.caller.unit_id,
        enrolment.c.person_id == person.c.person_id,
        enrolment.c.state != EnrolmentState.WITHDRAWN.value,
    )
    found = context.connection.execute(
        columns.join(person_identity, person_identity.c.person_id == person.c.person_id).where(
            person_identity.c.id_number == asked, member.exists()
        )
    ).first()
    if found is None:
        raise RuleRefused(Note("person_unknown", "id_number"))
    return found


def _ledger_row(row: AnyRow) -> dict[str, Json]:
    employer, employee = int(row.employer), int(row.employee)
    return {
        "month": to_text(row.period),
        "insurance": row.insurance,
        "persons": int(row.persons),
        "base": int(row.base),
        "employer": employer,
        "employee": employee,
        "total": employer + employee,
        "received": int(row.received),
    }


def _month_row(row: AnyRow) -> dict[str, Json]:
    return {
        "month": to_text(row.period),
        "insurance": row.insurance,
        "unit_name": row.unit_name,
        "base": row.base_fen,
        "employer": row.employer_fen,
        "employee": row.employee_fen,
        "received": row.state == ReceivableState.PAID.value,
    }


HANDLERS = {
    "unit.profile": Handler(show_unit),
    "unit.assessed": Handler(show_assessed),
    "person.contributions": Handler(show_contributions),
}
