"""Service forms: fill in, check your answers, send; or save a draft (B21).

GET  form            empty, or from a draft
POST action=check    errors on the form, or the check page
     action=edit     from the check page back to the form
     action=language the same page in the other language, nothing lost
     action=save     a draft, as typed, errors and all
     action=back     from the page of a refusal back to the form (``form_back``)
     action=again    the same from the page of a hall too busy to answer
     action=submit   checked again, sent once per form token, then the receipt (post/redirect/get)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from dmz.hall import form_back, replies
from dmz.hall.error_page import Notice, notice_of, retry_header, status_of
from dmz.hall.form_check import Checked, check
from dmz.hall.frame import Frame
from dmz.hall.hall import Hall, home_crumb, service_at
from dmz.hall.language import other
from dmz.hall.markup import formats
from dmz.hall.markup.answer_view import cell
from dmz.hall.markup.reference_place import place_of
from dmz.hall.markup.service_form import form_view, texts_of
from dmz.hall.same_origin import token_fits
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from dmz.messages import HallResponse, Pair
from wire_formats.catalogue import SERVICES, Page, Service
from wire_formats.errors import Kind, Refused, Unavailable
from wire_formats.fields import Secret

_TOKEN_CHARACTERS: Final = 22


@dataclass(frozen=True)
class Filled:
    """A form in the middle of its life.

    Attributes:
        service: whose form.
        texts: as typed.
        form_token: makes sending it twice one transaction.
        draft: id of the draft it came from or was saved as, or "".
    """

    service: Service
    texts: Mapping[str, str]
    form_token: str
    draft: str = ""


async def form(hall: Hall, visit: Visit) -> HallResponse:
    """An empty form, or a draft's."""
    service = service_at(visit)
    draft_id = visit.asked("draft")
    if not draft_id:
        return form_page(hall, visit, Filled(service, {}, hall.form_token()))
    draft = await hall.backend.load_draft(visit.signed_in, visit.client, draft_id)
    if draft.service != service.code:
        raise Refused(Kind.NOT_FOUND, "draft of another service")
    texts = texts_of(service, draft.texts.items())
    notice = _draft_notice(visit, visit.asked("note"), draft.saved_at_ms)
    return form_page(hall, visit, Filled(service, texts, hall.form_token(), draft_id), notice=notice)


async def form_post(hall: Hall, visit: Visit) -> HallResponse:
    """Whatever the form's buttons ask for."""
    service = service_at(visit)
    texts = texts_of(service, visit.request.form, secrets=True)
    action = visit.field("action") or "check"
    if action in form_back.ACTIONS:
        texts = dict(form_back.kept_texts(service.code, visit.field("kept")) or {})
    filled = Filled(service, texts, _token_of(hall, visit), visit.field("draft"))
    if action == "language":
        return _in_other_language(hall, visit, filled)
    if not token_fits(visit):
        words = Notice("warn", say(visit.language, "form_again"), (say(visit.language, "form_again_text"),))
        return form_page(hall, visit, filled, notice=words)
    if action == "save":
        return await _save(hall, visit, filled)
    if action == "edit":
        return form_page(hall, visit, filled)
    if action in form_back.ACTIONS:
        return _given_back(hall, visit, filled)
    return await _check_or_send(hall, visit, filled, send=action == "submit")


def form_page(
    hall: Hall,
    visit: Visit,
    filled: Filled,
    *,
    errors: Mapping[str, str] | None = None,
    notice: Notice | None = None,
    busy: Unavailable | None = None,
) -> HallResponse:
    """The form, with what was typed and what is wrong with it, or why nothing can be done with it now."""
    service = filled.service
    model = {
        "form": form_view(service.form_fields, visit.language, texts=filled.texts, errors=errors),
        "notice": notice if busy is None else notice_of(busy, visit.language),
        "summary": service.summary.of(visit.language),
        "form_token": filled.form_token,
        "draft": filled.draft,
        "workbook": _workbook_path(visit, service),
    }
    frame = Frame(
        title=service.title.of(visit.language),
        crumbs=home_crumb(visit),
        path=f"/s/{service.code}",
        main_action="check",
        wrong=bool(errors),
    )
    status, headers = _told(busy, status_of(Kind.FIELDS_INVALID) if errors else 200)
    return hall.renderer.show(visit, frame, "form.html", model, status=status, headers=headers)


async def _check_or_send(hall: Hall, visit: Visit, filled: Filled, *, send: bool) -> HallResponse:
    checked = check(filled.service, filled.texts, visit.language)
    if checked.errors:
        return form_page(hall, visit, filled, errors=checked.errors)
    if not send:
        return _check_page(hall, visit, filled, checked)
    try:
        reference = await hall.backend.transact(
            visit.signed_in, visit.client, filled.service.code, checked.body, form_token=filled.form_token
        )
    except Unavailable as busy:
        return _check_page(hall, visit, filled, checked, busy=busy)
    if filled.draft:
        await hall.backend.delete_draft(visit.signed_in, visit.client, filled.draft)
    return replies.redirect(f"/r/{place_of(reference)}")


def _check_page(
    hall: Hall, visit: Visit, filled: Filled, checked: Checked, *, busy: Unavailable | None = None
) -> HallResponse:
    """What will be sent, in the normal form: exactly the values of the body, not the texts as typed.

    While the hall is too busy to take it, it says so and stays: the same button sends the same transaction.
    """
    service, body = filled.service, checked.body
    view = form_view(service.form_fields, visit.language, texts=filled.texts)
    declared = {field.name: field for field in service.form_fields}
    answers = [
        {
            "label": field.label,
            "cell": cell(declared[field.name], body.get(field.name), visit.language),
            "target": field.target,
        }
        for field in view.fields
    ]
    model = {
        "title": service.title.of(visit.language),
        "answers": answers,
        "warnings": checked.warnings,
        "notice": None if busy is None else notice_of(busy, visit.language),
        "texts": {name: text for name, text in filled.texts.items() if text and not isinstance(declared[name], Secret)},
        "form_token": filled.form_token,
        "draft": filled.draft,
    }
    crumbs = (*home_crumb(visit), (f"/s/{service.code}", service.title.of(visit.language)))
    frame = Frame(
        title=say(visit.language, "check_title"), crumbs=crumbs, path=f"/s/{service.code}", main_action="submit"
    )
    status, headers = _told(busy)
    return hall.renderer.show(visit, frame, "check.html", model, status=status, headers=headers)


def _told(busy: Unavailable | None, status: int = 200) -> tuple[int, tuple[Pair, ...]]:
    """Give status and headers of a page that may have to say that the hall is too busy."""
    return (status, ()) if busy is None else (status_of(busy.kind), retry_header(busy))


def _in_other_language(hall: Hall, visit: Visit, filled: Filled) -> HallResponse:
    """The same step in the other language; nothing is stored or sent."""
    turned = replace(visit, language=other(visit.language))
    checked = check(filled.service, filled.texts, turned.language)
    if visit.field("step") == "check" and not checked.errors:
        page = _check_page(hall, turned, filled, checked)
    else:
        page = form_page(hall, turned, filled)
    return HallResponse(page.status, (*page.headers, replies.language_cookie(turned.language)), page.body)


def _given_back(hall: Hall, visit: Visit, filled: Filled) -> HallResponse:
    """What was refused or not answered, on its form again; the field that the firewall named is marked."""
    language, refused = visit.language, visit.field("refused")
    if visit.field("action") == form_back.UNANSWERED:
        words = Notice("warn", say(language, "form_given_back"), (say(language, "form_unanswered_text"),))
        return form_page(hall, visit, filled, notice=words)
    label = next((field.label for field in filled.service.form_fields if field.name == refused), None)
    errors = {refused: say(language, "form_refused", field=label.of(language))} if label else None
    notice = None if errors else Notice("warn", say(language, "form_given_back"), (say(language, "form_refused_text"),))
    return form_page(hall, visit, filled, errors=errors, notice=notice)


async def _save(hall: Hall, visit: Visit, filled: Filled) -> HallResponse:
    kept = texts_of(filled.service, filled.texts.items())
    try:
        draft = await hall.backend.save_draft(
            visit.signed_in, visit.client, filled.service.code, kept, draft_id=filled.draft or None
        )
    except Unavailable as busy:
        return form_page(hall, visit, filled, busy=busy)
    return replies.redirect(f"/s/{filled.service.code}?draft={draft}&note=saved")


def _token_of(hall: Hall, visit: Visit) -> str:
    """The form's own token; a fresh one for a form that lost it (it then cannot be the same transaction)."""
    token = visit.field("form_token")
    return token if len(token) == _TOKEN_CHARACTERS and token.isascii() else hall.form_token()


def _draft_notice(visit: Visit, note: str, saved_at_ms: int) -> Notice | None:
    if note == "saved":
        title = say(visit.language, "form_saved", time=formats.clock_time(saved_at_ms))
        return Notice("good", title, (say(visit.language, "form_saved_text"),))
    if note == "restored":
        title = say(visit.language, "form_restored")
        return Notice("good", title, (say(visit.language, "form_restored_text"),))
    return None


def _workbook_path(visit: Visit, service: Service) -> str:
    """The batch service of the same group, if this account has one."""
    rights = visit.signed_in.rights
    for candidate in SERVICES.values():
        fits = candidate.page is Page.BATCH and candidate.group == service.group and visit.window in candidate.windows
        if fits and candidate.code in rights:
            return f"/b/{candidate.code}"
    return ""
