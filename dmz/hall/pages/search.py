"""Queries: conditions and result on one page; nothing of either is stored anywhere in the DMZ.

A query goes by POST, so that ID numbers stand in no address, history or log. One that needs no conditions runs at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dmz.hall import replies
from dmz.hall.backend_port import QueryAnswer, QueryRefused
from dmz.hall.error_page import Notice, notice_of, retry_header, status_of
from dmz.hall.form_check import check
from dmz.hall.frame import Frame
from dmz.hall.hall import Hall, home_crumb, service_at
from dmz.hall.language import other
from dmz.hall.markup import formats
from dmz.hall.markup.answer_view import Block, blocks
from dmz.hall.markup.service_form import form_view, texts_of
from dmz.hall.same_origin import token_fits
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from dmz.messages import HallResponse, Pair
from wire_formats.bilingual import Label
from wire_formats.catalogue import Service
from wire_formats.errors import Kind, Refused, Unavailable

#: Values that lead to a page of their own.
LINKS: Final[Mapping[str, Mapping[str, str]]] = {"case.list": {"reference": "/c/"}}
#: Fields by which a service pages its own answer; they are buttons, not inputs.
_PAGE_FIELD: Final = "page"


@dataclass(frozen=True)
class Pages:
    """Where in a list we are; `path` for links, unused by forms."""

    page: int
    pages: int
    total: int
    path: str = ""


@dataclass(frozen=True)
class Trouble:
    """Why there is no result: errors by field name, a message, both, or nothing at all yet."""

    errors: Mapping[str, str] = field(default_factory=dict)
    notice: Notice | None = None
    status: int = 200
    headers: tuple[Pair, ...] = ()


async def search(hall: Hall, visit: Visit) -> HallResponse:
    """The conditions; with the result already, if none are needed."""
    service = service_at(visit)
    if _needs_conditions(service):
        return _search_page(hall, visit, service, {}, Trouble())
    return await _run(hall, visit, service, {})


async def search_post(hall: Hall, visit: Visit) -> HallResponse:
    """Run the query."""
    service = service_at(visit)
    texts = texts_of(service, visit.request.form)
    if visit.field("action") == "language":
        return await _in_other_language(hall, visit, service, texts)
    if not token_fits(visit):
        notice = Notice("warn", say(visit.language, "form_again"), (say(visit.language, "form_again_text"),))
        return _search_page(hall, visit, service, texts, Trouble(notice=notice))
    return await _run(hall, visit, service, texts)


def _needs_conditions(service: Service) -> bool:
    return any(declared.required for declared in service.form_fields)


async def _run(hall: Hall, visit: Visit, service: Service, texts: Mapping[str, str]) -> HallResponse:
    checked = check(service, texts, visit.language)
    if checked.errors:
        trouble = Trouble(checked.errors, status=status_of(Kind.FIELDS_INVALID))
        return _search_page(hall, visit, service, texts, trouble)
    try:
        answer = await hall.backend.query(visit.signed_in, visit.client, service.code, checked.body)
    except (Refused, Unavailable) as error:
        return _search_page(hall, visit, service, texts, _trouble_of(error, visit, service))
    return _result_page(hall, visit, service, texts, answer)


def _trouble_of(error: Refused | Unavailable, visit: Visit, service: Service) -> Trouble:
    """What the page says: at the fields, where the core names them; else its kind, with the reasons it gives."""
    reasons = error.reasons if isinstance(error, QueryRefused) else ()
    told = {one.field: Label(one.message_zh, one.message_en).of(visit.language) for one in reasons}
    if told and all(any(declared.name == name for declared in service.form_fields) for name in told):
        return Trouble(told, None, status_of(error.kind), retry_header(error))
    notice = notice_of(error, visit.language)
    notice = replace(notice, lines=(*told.values(), *notice.lines))
    return Trouble({}, notice, status_of(error.kind), retry_header(error))


def _result_page(
    hall: Hall, visit: Visit, service: Service, texts: Mapping[str, str], answer: QueryAnswer
) -> HallResponse:
    links = LINKS.get(service.code, {})
    shown = blocks(service.answer, answer.body, visit.language, page=visit.page_number(), links=links)
    model = {
        "blocks": _without_paging(shown, service),
        "pages": _pages_of(shown, answer.body),
        "answered": formats.second(answer.answered_at_ms),
        "reference": answer.reference,
    }
    return _page(hall, visit, service, model | _conditions(visit, service, texts, {}) | {"notice": None})


def _search_page(
    hall: Hall, visit: Visit, service: Service, texts: Mapping[str, str], trouble: Trouble
) -> HallResponse:
    """The conditions without a result."""
    model = _conditions(visit, service, texts, trouble.errors) | {"blocks": None, "notice": trouble.notice}
    page = _page(hall, visit, service, model, status=trouble.status)
    return HallResponse(page.status, page.headers + trouble.headers, page.body)


def _conditions(
    visit: Visit, service: Service, texts: Mapping[str, str], errors: Mapping[str, str]
) -> dict[str, object]:
    fields = [declared for declared in service.form_fields if declared.name != _PAGE_FIELD]
    return {
        "form": form_view(fields, visit.language, texts=texts, errors=errors),
        "summary": service.summary.of(visit.language),
    }


def _page(
    hall: Hall, visit: Visit, service: Service, model: Mapping[str, object], *, status: int = 200
) -> HallResponse:
    frame = Frame(
        title=service.title.of(visit.language),
        crumbs=home_crumb(visit),
        path=f"/s/{service.code}",
        main_action="query",
        wrong=status != 200,
    )
    return hall.renderer.show(visit, frame, "search.html", model, status=status)


def _pages_of(shown: tuple[Block, ...], body: Mapping[str, object]) -> Pages:
    """The service's own paging if it has one, else that of its longest table."""
    page, pages, total = body.get("page"), body.get("pages"), body.get("total")
    if isinstance(page, int) and isinstance(pages, int) and isinstance(total, int):
        return Pages(page, pages, total)
    tables = [block.table for block in shown if block.table is not None]
    longest = max(tables, key=lambda table: table.total, default=None)
    return Pages(longest.page, longest.pages, longest.total) if longest else Pages(1, 1, 0)


def _without_paging(shown: tuple[Block, ...], service: Service) -> tuple[Block, ...]:
    """Drop the facts that only say which page this is; the pager says it."""
    if not any(declared.name == _PAGE_FIELD for declared in service.answer):
        return shown
    return tuple(block for block in shown if block.table is not None)


async def _in_other_language(hall: Hall, visit: Visit, service: Service, texts: Mapping[str, str]) -> HallResponse:
    turned = replace(visit, language=other(visit.language))
    empty = not any(texts.values()) and _needs_conditions(service)
    if empty or not token_fits(visit):
        page = _search_page(hall, turned, service, texts, Trouble())
    else:
        page = await _run(hall, turned, service, texts)
    return HallResponse(page.status, (*page.headers, replies.language_cookie(turned.language)), page.body)
