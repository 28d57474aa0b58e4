"""Cases: what this account has sent, one case's result, taking a case back (C1, C2, B22)."""

from __future__ import annotations

from typing import Final

from dmz.hall import replies
from dmz.hall.backend_port import Outcome, Submission
from dmz.hall.frame import Frame
from dmz.hall.hall import Hall, allowed_service, home_crumb
from dmz.hall.markup import formats
from dmz.hall.markup.answer_view import NOTHING, Cell, Column, Table, blocks
from dmz.hall.markup.reference_place import place_of, reference_at
from dmz.hall.pages.search import Pages
from dmz.hall.same_origin import check_token
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from dmz.messages import HallResponse
from wire_formats.catalogue import SERVICES

#: How states of a transaction look.
OUTCOME_TAGS: Final = {
    Outcome.UNDER_WAY: "warn",
    Outcome.DONE: "good",
    Outcome.ACCEPTED: "good",
    Outcome.PARTLY: "warn",
    Outcome.REFUSED: "grave",
    Outcome.REJECTED: "grave",
}


async def sent(hall: Hall, visit: Visit) -> HallResponse:
    """What this account has sent, with the state known here."""
    found = await hall.backend.submissions(visit.signed_in, visit.client, visit.page_number())
    pages = max(1, -(-found.total // max(1, found.page_size)))
    labels = ("receipt_reference", "receipt_service", "receipt_submitted", "sent_rows", "receipt_state")
    table = Table(
        caption=say(visit.language, "sent_title"),
        columns=tuple(Column(say(visit.language, label), number=label == "sent_rows") for label in labels),
        rows=tuple(_row(visit, item) for item in found.items),
        total=found.total,
        page=found.page,
        pages=pages,
    )
    frame = Frame(title=say(visit.language, "sent_title"), crumbs=home_crumb(visit))
    model = {"table": table, "pages": Pages(found.page, pages, found.total, "/sent")}
    return hall.renderer.show(visit, frame, "sent.html", model)


async def case(hall: Hall, visit: Visit) -> HallResponse:
    """One case: state, result, reasons, history."""
    service = allowed_service(visit, "case.result")
    reference = reference_at(visit.places["id"])
    answer = await hall.backend.query(visit.signed_in, visit.client, service.code, {"reference": reference})
    may_withdraw = answer.body.get("can_withdraw") is True and "case.withdraw" in visit.signed_in.rights
    model = {
        "notice": None,
        "blocks": blocks(service.answer, answer.body, visit.language),
        "withdraw": may_withdraw,
        "answered": formats.second(answer.answered_at_ms),
        "reference": answer.reference,
    }
    frame = Frame(title=service.title.of(visit.language), crumbs=_crumbs(visit))
    return hall.renderer.show(visit, frame, "case.html", model)


async def withdraw(hall: Hall, visit: Visit) -> HallResponse:
    """Asks whether to take the case back."""
    allowed_service(visit, "case.withdraw")
    model = {
        "reference": reference_at(visit.places["id"]),
        "case_path": f"/c/{visit.places['id']}",
        "form_token": hall.form_token(),
    }
    frame = Frame(title=say(visit.language, "withdraw_title"), crumbs=_crumbs(visit))
    return hall.renderer.show(visit, frame, "withdraw.html", model)


async def withdraw_post(hall: Hall, visit: Visit) -> HallResponse:
    """Takes the case back: a transaction like any other, with its own receipt."""
    check_token(visit)
    service = allowed_service(visit, "case.withdraw")
    body = {"reference": reference_at(visit.places["id"])}
    token = visit.field("form_token")
    reference = await hall.backend.transact(visit.signed_in, visit.client, service.code, body, form_token=token)
    return replies.redirect(f"/r/{place_of(reference)}")


def _crumbs(visit: Visit) -> tuple[tuple[str, str], ...]:
    return (*home_crumb(visit), ("/s/case.list", SERVICES["case.list"].title.of(visit.language)))


def _row(visit: Visit, item: Submission) -> tuple[Cell, ...]:
    service = SERVICES.get(item.service)
    workbook = service is not None and service.table is not None
    path = "/batch/" if workbook else "/r/"
    state = say(visit.language, _batch_state(item) if workbook else f"state_{item.outcome.value}")
    return (
        Cell(item.reference, "code", href=path + place_of(item.reference)),
        Cell(service.title.of(visit.language) if service else item.service),
        Cell(formats.minute(item.submitted_at_ms), "short"),
        Cell(_rows(visit, item), "number"),
        Cell(state, "tag", OUTCOME_TAGS[item.outcome]),
    )


def _batch_state(item: Submission) -> str:
    """The words of a workbook's state where they differ from a single case's."""
    if item.outcome is Outcome.UNDER_WAY and item.rows is None:
        return "batch_reading"
    return "sent_mend" if item.outcome is Outcome.PARTLY else f"state_{item.outcome.value}"


def _rows(visit: Visit, item: Submission) -> str:
    if item.rows is None:
        return NOTHING
    rows, answered = formats.count(item.rows), item.rows_answered
    if item.outcome is not Outcome.UNDER_WAY or answered is None:
        return rows
    return say(visit.language, "sent_rows_answered", answered=formats.count(answered), rows=rows)
