"""Workbooks: template, upload, result row by row, the failed rows to mend (B13 to B16)."""

from __future__ import annotations

from typing import Final

from dmz.hall import replies
from dmz.hall.backend_port import Upload
from dmz.hall.batch_port import BatchState, BatchView, NoticeCount, RowError, RowNotice
from dmz.hall.error_page import Notice, notice_of, retry_header, status_of
from dmz.hall.frame import Frame
from dmz.hall.hall import Hall, home_crumb, service_at
from dmz.hall.markup import formats
from dmz.hall.markup.answer_view import Cell, Column, Table
from dmz.hall.markup.reference_place import place_of, reference_at
from dmz.hall.markup.service_form import form_view
from dmz.hall.pages.search import Pages
from dmz.hall.same_origin import check_token
from dmz.hall.visit import Visit
from dmz.hall.wording import WORDS, say
from dmz.messages import HallResponse
from wire_formats import error_texts
from wire_formats.bilingual import Label
from wire_formats.catalogue import SERVICES, Service
from wire_formats.errors import Kind, Refused, Unavailable, code_of, kind_of
from wire_formats.field_kinds import Rows
from wire_formats.fields import Field, Text

_SECOND_MS: Final = 1000
_SLOW_REFRESH_FACTOR: Final = 5
_ZIP_START: Final = b"PK"
#: Rows that changed nothing have a sentence of their own, `batch_repeated`.
_ALREADY_TOLD: Final = "unchanged"
WORKBOOK: Final = Text(name="workbook", label=WORDS["batch_file"], most=255)
"""The file input, so that it has a label, an id and an error like every declared field."""


async def batch(hall: Hall, visit: Visit) -> HallResponse:
    """The three steps, and the upload form."""
    return _upload_page(hall, visit, "", None, status=200)


async def batch_post(hall: Hall, visit: Visit) -> HallResponse:
    """Take a workbook; its reading and crossing happen behind the result page."""
    check_token(visit)
    service = service_at(visit)
    sent = visit.upload(WORKBOOK.name)
    wrong = _file_fault(sent.data if sent else None)
    if wrong or sent is None:
        return _upload_page(hall, visit, say(visit.language, wrong), None, status=status_of(Kind.FIELDS_INVALID))
    upload = Upload(sent.filename, sent.data)
    token = visit.field("form_token")
    try:
        reference = await hall.backend.upload_workbook(
            visit.signed_in, visit.client, service.code, upload, form_token=token
        )
    except (Refused, Unavailable) as error:
        notice = notice_of(error, visit.language)
        page = _upload_page(hall, visit, "", notice, status=status_of(error.kind))
        return HallResponse(page.status, page.headers + retry_header(error), page.body)
    return replies.redirect(f"/batch/{place_of(reference)}")


async def batch_template(hall: Hall, visit: Visit) -> HallResponse:
    """The empty template, in the page's language (B14)."""
    service = service_at(visit)
    return replies.download(await hall.backend.template_workbook(visit.signed_in, visit.client, service.code))


async def batch_result(hall: Hall, visit: Visit) -> HallResponse:
    """Counts, and every error of every row, page by page (B15)."""
    reference = reference_at(visit.places["id"])
    found = await hall.backend.batch_result(visit.signed_in, visit.client, reference, visit.page_number())
    service = SERVICES[found.service]
    pages = max(1, -(-found.error_total // max(1, found.page_size)))
    model = {
        "notice": _file_notice(found, visit),
        "batch": found,
        "title": service.title.of(visit.language),
        "state_text": say(visit.language, _state_key(found)),
        "uploaded": formats.second(found.uploaded_at_ms),
        "errors": _error_table(service, found, pages, visit),
        "noted": [_noted(count, visit) for count in found.noted if count.code != _ALREADY_TOLD],
        "notices": _notice_table(found, visit) if found.notices else None,
        "pages": Pages(found.page, pages, found.error_total, visit.request.path),
        "upload_path": f"/b/{service.code}",
    }
    return hall.renderer.show(visit, _result_frame(hall, visit, found), "batch_result.html", model)


async def batch_notices(hall: Hall, visit: Visit) -> HallResponse:
    """The accepted rows on which the core has a notice, all of them (B15)."""
    reference = reference_at(visit.places["id"])
    return replies.download(await hall.backend.noted_rows_workbook(visit.signed_in, visit.client, reference))


async def batch_failed(hall: Hall, visit: Visit) -> HallResponse:
    """The failed rows in the same template, with the reasons (B16)."""
    reference = reference_at(visit.places["id"])
    return replies.download(await hall.backend.failed_rows_workbook(visit.signed_in, visit.client, reference))


def _upload_page(hall: Hall, visit: Visit, fault: str, notice: Notice | None, *, status: int) -> HallResponse:
    service = service_at(visit)
    table = service.table
    columns: tuple[Field, ...] = (*service.form_fields, *(table.columns if table else ()))
    model = {
        "notice": notice,
        "form": form_view((WORKBOOK,), visit.language, errors={WORKBOOK.name: fault}),
        "summary": service.summary.of(visit.language),
        "form_token": hall.form_token(),
        "rows": formats.count(table.most_in_batch if table else 0),
        "size": hall.settings.max_upload_mib,
        "columns": form_view(columns, visit.language).fields,
    }
    title = service.title.of(visit.language)
    frame = Frame(title=title, crumbs=home_crumb(visit), path=f"/b/{service.code}", wrong=status != 200)
    return hall.renderer.show(visit, frame, "batch.html", model, status=status)


def _file_fault(data: bytes | None) -> str:
    """What can be seen of a file at first sight; the strict reader judges the rest in its own process."""
    if data is None:
        return "batch_missing"
    return "" if data.startswith(_ZIP_START) else "batch_not_xlsx"


def _result_frame(hall: Hall, visit: Visit, found: BatchView) -> Frame:
    service = SERVICES[found.service]
    waiting = found.state in (BatchState.READING, BatchState.UNDER_WAY)
    waited_s = (visit.now_ms - found.uploaded_at_ms) // _SECOND_MS
    factor = _SLOW_REFRESH_FACTOR if waited_s >= hall.settings.slow_after_s else 1
    return Frame(
        title=say(visit.language, "batch_title"),
        crumbs=(*home_crumb(visit), (f"/b/{service.code}", service.title.of(visit.language))),
        refresh_to=f"{visit.request.path}?auto=1" if waiting else "",
        refresh_s=hall.settings.refresh_s * factor,
        wrong=found.state is BatchState.REFUSED,
    )


def _state_key(found: BatchView) -> str:
    if found.state is BatchState.DONE and found.failed:
        return "batch_done_some"
    return f"batch_{found.state.value}"


def _file_notice(found: BatchView, visit: Visit) -> Notice | None:
    if found.state is not BatchState.REFUSED:
        return None
    kind = kind_of(found.file_error) if found.file_error is not None else Kind.BAD_WORKBOOK
    title = error_texts.text(kind).of(visit.language)
    lines = (error_texts.remedy(kind).of(visit.language), say(visit.language, "batch_refused_text"))
    return Notice("bad", title, lines, code_of(kind))


def _error_table(service: Service, found: BatchView, pages: int, visit: Visit) -> Table:
    labels = ("batch_row", "batch_field", "batch_reason", "batch_found_by", "batch_code")
    return Table(
        caption=say(visit.language, "batch_errors"),
        columns=tuple(Column(say(visit.language, label), label == "batch_row") for label in labels),
        rows=tuple(_error_row(service.table, error, visit) for error in found.errors),
        total=found.error_total,
        page=found.page,
        pages=pages,
    )


def _error_row(table: Rows | None, error: RowError, visit: Visit) -> tuple[Cell, ...]:
    columns = {column.name: column.label for column in table.columns} if table else {}
    label = columns.get(error.field)
    return (
        Cell(str(error.row), "number"),
        Cell(label.of(visit.language) if label else say(visit.language, "batch_whole_row")),
        Cell(Label(error.message_zh, error.message_en).of(visit.language)),
        Cell(say(visit.language, "batch_from_core" if error.from_core else "batch_from_page")),
        Cell(error.code, "code"),
    )


def _noted(count: NoticeCount, visit: Visit) -> str:
    """How many rows have one notice, as a sentence; a notice this hall has no sentence for tells its own words."""
    key = f"batch_noted_{count.code}"
    rows = formats.count(count.rows)
    if key in WORDS:
        return say(visit.language, key, count=rows)
    words = Label(count.message_zh, count.message_en).of(visit.language)
    return say(visit.language, "batch_noted_other", words=words, count=rows)


def _notice_table(found: BatchView, visit: Visit) -> Table:
    return Table(
        caption=say(visit.language, "batch_notices"),
        columns=(Column(say(visit.language, "batch_row"), True), Column(say(visit.language, "batch_notice"), False)),
        rows=tuple(_notice_row(notice, visit) for notice in found.notices),
        total=found.notice_total,
        page=1,
        pages=1,
    )


def _notice_row(notice: RowNotice, visit: Visit) -> tuple[Cell, ...]:
    words = Label(notice.message_zh, notice.message_en).of(visit.language)
    return (Cell(str(notice.row), "number"), Cell(words))
