"""Workbooks as the pages use them: take one, tell what came of its rows, give back the failed ones.

The reference number is told as soon as the upload's row is stored; reading goes on in the background. Answers
of chunks are sealed to a key that grows out of the account's key, so that the result of a long batch can be
seen after the next login too.

Source: catalogue B13 to B16; research/domain.md section 2 ("all errors of every row").
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row
from twisted.logger import Logger

from dmz.hall.backend_port import Download, Upload
from dmz.hall.batch_port import BatchState, BatchView, NoticeCount, RowError, RowNotice
from dmz.workers import request_store, upload_store
from dmz.workers.batch import (
    BatchFile,
    ChunkResult,
    Tally,
    batch_id,
    chunk_result,
    notice_words,
    open_file,
    seal_file,
    tally,
)
from dmz.workers.batch_job import BatchJob, BatchParts, BatchRunner
from dmz.workers.request_building import open_and_check
from dmz.workers.request_desk import answer_in, parse_reference
from dmz.workers.request_state import RequestState
from dmz.workers.session import OpenSession
from dmz.workers.upload_store import READING_MS, NewUpload, UploadLimits, UploadState, left_behind
from dmz.workers.workbook.failed_rows import make_failed_rows
from dmz.workers.workbook.limits import WorkbookLimits
from dmz.workers.workbook.noted_rows import NotedRow, make_noted_rows
from dmz.workers.workbook.reader_process import pause
from dmz.workers.workbook.template import make_template
from wire_formats.bilingual import LANGUAGES, Label, Language
from wire_formats.catalogue import Page, Service, service
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.ids import reference_number

PAGE_SIZE = 50
NOTICES_SHOWN = 50
MAX_PAGE = 100_000
FILE_NAME_CHARS = 120
ATTEMPTS = 16
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class BatchBounds:
    """How long workbooks are kept, and how many may be under way.

    Attributes:
        keep_ms: How long an upload and its failed rows are kept.
        same_ms: The same file within this time is the same batch.
        under_way: Workbooks of one account under way.
    """

    keep_ms: int
    same_ms: int
    under_way: int


class BatchDesk:
    """Workbooks of live sessions."""

    log = Logger()

    def __init__(self, parts: BatchParts, bounds: BatchBounds) -> None:
        self._parts = parts
        self._bounds = bounds
        self._runner = BatchRunner(parts)

    async def take(self, session: OpenSession, code: str, upload: Upload, form_token: str) -> str:
        """Store an upload and begin to read it; the batch's reference number.

        The same form token with the same file gives the same reference, and so does the same file
        again, unless what was sent before came to nothing.

        Raises:
            Refused: no right, too large, or CONFLICT.
            Unavailable: too much under way.
        """
        entry = batch_service(code)
        intake, store = self._parts.intake, self._parts.store
        intake.check_submit(session, entry)
        upload = replace(upload, name=upload.name[:FILE_NAME_CHARS])
        if len(upload.content) > WorkbookLimits.file_bytes:
            raise Refused(Kind.BODY_TOO_LARGE, "workbook too large")
        digest = hashlib.sha256(upload.content).digest()
        key = session.private.account_keys().batch
        candidates = [batch_id(key, entry, digest, attempt) for attempt in range(ATTEMPTS)]
        use = intake.token_use(session, form_token, code, digest, candidates[0])
        now_ms, life = self._parts.tools.clock.now_ms(), session.life
        limits = UploadLimits(self._bounds.under_way, now_ms - READING_MS, now_ms - self._bounds.same_ms)

        def work(connection: Connection) -> tuple[bytes, bool]:
            before = request_store.token_before(connection, use)
            if before is not None:
                return before, True
            identity, stands = upload_store.first_free(connection, candidates, limits)
            request_store.add_token(connection, use._replace(used_for=identity))
            if not stands:
                intake.check_chunk_room(connection, session)
                sealed = seal_file(BatchFile(upload.name), key, identity, self._parts.tools.randomness)
                expires_at = now_ms + self._bounds.keep_ms
                new = NewUpload(identity, life.account, life.window, code, now_ms, expires_at, sealed)
                upload_store.add_upload(connection, new, limits)
            return identity, stands

        identity, stands = await store.write(work)
        if stands:
            self._parts.tools.metrics.workbooks.labels("repeated").inc()
        else:
            self._begin(BatchJob(identity, session, entry, upload))
        return reference_number(identity)

    async def result(self, session: OpenSession, reference: str, page: int) -> BatchView:
        """What is known of a batch, with one page of its errors.

        Raises:
            Refused: NOT_FOUND.
        """
        row, file, counted = await self._look(session, reference)
        page = min(max(page, 1), MAX_PAGE)
        wrong = counted.wrong[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        state, file_error = self._state(row, counted)
        return BatchView(
            reference=reference_number(row.id),
            service=row.service,
            file_name=file.file_name,
            uploaded_at_ms=row.uploaded_at,
            state=state,
            rows=counted.rows,
            accepted=counted.accepted,
            failed=counted.failed,
            waiting=counted.waiting,
            repeated=counted.repeated,
            errors=tuple(RowError(o.row, o.field, o.code, o.words.zh, o.words.en, o.from_core) for o in wrong),
            error_total=len(counted.wrong),
            page=page,
            page_size=PAGE_SIZE,
            file_error=file_error,
            notices=tuple(_row_notice(row, code) for row, code in counted.notices[:NOTICES_SHOWN]),
            notice_total=len(counted.notices),
            noted=_noted(counted),
        )

    async def failed_rows(self, session: OpenSession, reference: str, language: str) -> Download:
        """The failed rows as a workbook.

        Raises:
            Refused: NOT_FOUND: no such batch, or no failed rows.
        """
        row, file, counted = await self._look(session, reference)
        reasons: dict[int, list[Label]] = {}
        for one in counted.wrong:
            reasons.setdefault(one.row, []).append(one.words)
        general = [one.words for one in counted.wrong if one.row in {found.row for found in file.form_findings}]
        failed = [
            (one.texts, [*reasons.get(one.number, ()), *general])
            for one in file.rows
            if general or one.number in reasons
        ]
        if not failed:
            raise Refused(Kind.NOT_FOUND, "no failed rows")
        entry = batch_service(row.service)
        content = await self._parts.pool.run(make_failed_rows, entry, as_language(language), file.form_texts, failed)
        return Download(f"{row.service.replace('.', '-')}-failed-{row.id.hex()[:8]}.xlsx", XLSX, content)

    async def noted_rows(self, session: OpenSession, reference: str, language: str) -> Download:
        """The accepted rows on which the core has a notice, as a workbook.

        Raises:
            Refused: NOT_FOUND: no such batch, or no notices.
        """
        row, file, counted = await self._look(session, reference)
        if not counted.notices:
            raise Refused(Kind.NOT_FOUND, "no notices")
        told = {code: notice_words(code) for code in {code for _, code in counted.notices}}
        notices: dict[int, list[Label]] = {}
        for number, code in counted.notices:
            notices.setdefault(number, []).append(told[code])
        noted = [NotedRow(one.number, one.texts, notices[one.number]) for one in file.rows if one.number in notices]
        entry = batch_service(row.service)
        content = await self._parts.pool.run(make_noted_rows, entry, as_language(language), noted)
        return Download(f"{row.service.replace('.', '-')}-notices-{row.id.hex()[:8]}.xlsx", XLSX, content)

    async def template(self, code: str, language: str) -> Download:
        """The empty template.

        Raises:
            PeerError: not a batch service.
        """
        content = await self._parts.pool.run(make_template, batch_service(code), as_language(language))
        return Download(f"{code.replace('.', '-')}-template.xlsx", XLSX, content)

    def _begin(self, job: BatchJob) -> None:
        try:
            self._parts.tools.background.start("workbook", self._runner.run(job))
        except Unavailable as error:
            # The upload stays in READING and is shown as timed out; the same file can then be sent again.
            self.log.warn("workbook_not_begun", reason=error.private)

    async def _look(self, session: OpenSession, reference: str) -> tuple[Row[Any], BatchFile, Tally]:
        identity, life = parse_reference(reference), session.life

        def work(connection: Connection) -> tuple[Row[Any], list[Row[Any]]]:
            row = upload_store.find(connection, life.account, life.window, identity)
            return row, request_store.chunks_with_result(connection, life.account, life.window, identity)

        row, chunks = await self._parts.store.read(work)
        keys, entry = session.private.account_keys(), batch_service(row.service)
        file = await self._parts.pool.run(open_file, row.sealed, keys.batch, row.id)
        assert entry.table is not None
        good, most = file.good_numbers(), entry.table.most
        results: list[ChunkResult] = []
        for chunk in chunks:
            answer = answer_in(chunk)
            opened = None if answer is None else open_and_check(entry, answer, keys.reply)
            numbers = good[(chunk.chunk - 1) * most : chunk.chunk * most]
            expired = chunk.state == RequestState.EXPIRED.value
            results.append(chunk_result(numbers, opened, chunk.result_error, expired=expired))
            await pause(self._parts.tools.reactor)
        return row, file, tally(entry, file, results)

    def _state(self, row: Row[Any], counted: Tally) -> tuple[BatchState, int | None]:
        if row.state == UploadState.REFUSED.value:
            return BatchState.REFUSED, row.file_error
        if row.state == UploadState.READING.value:
            if left_behind(row.state, row.uploaded_at, self._parts.tools.clock.now_ms()):
                return BatchState.REFUSED, Kind.TIMED_OUT.value
            return BatchState.READING, None
        return (BatchState.UNDER_WAY if counted.waiting else BatchState.DONE), None


def batch_service(code: str) -> Service:
    """A service that takes workbooks.

    Raises:
        PeerError: UNKNOWN_SERVICE.
    """
    entry = service(code)
    if entry.page is not Page.BATCH or entry.table is None:
        raise PeerError(Kind.UNKNOWN_SERVICE, "service takes no workbook")
    return entry


def _row_notice(row: int, code: str) -> RowNotice:
    told = notice_words(code)
    return RowNotice(row, code, told.zh, told.en)


def _noted(counted: Tally) -> tuple[NoticeCount, ...]:
    rows = Counter(code for _, code in counted.notices)
    told = {code: notice_words(code) for code in rows}
    return tuple(NoticeCount(code, rows[code], told[code].zh, told[code].en) for code in sorted(rows))


def as_language(text: str) -> Language:
    """A language of the hall; anything else is Chinese."""
    return next((language for language in LANGUAGES if language == text), "zh-CN")
