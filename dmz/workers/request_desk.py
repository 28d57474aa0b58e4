"""Queries, transactions and their progress, and the certificate download of the site."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from dmz.hall.backend_port import (
    Client,
    Download,
    Hop,
    Progress,
    QueryAnswer,
    QueryRefused,
    Reason,
    Submission,
    SubmissionPage,
)
from dmz.workers import request_store, throttle
from dmz.workers.exchange_db import ExchangeStore
from dmz.workers.request_building import Asker, Opened, RefusedAnswer, open_and_check
from dmz.workers.request_intake import RequestIntake, asker_of
from dmz.workers.request_state import RequestState
from dmz.workers.sent_list import Chunk, Entry, chunks_of, outcome_of, sent_entries, standing_of
from dmz.workers.session import OpenSession
from dmz.workers.session_desk import decode_base64
from dmz.workers.throttle import ThrottleBounds
from dmz.workers.tools import WorkerTools
from wire_formats.answer import Answer, AnswerStatus, parse_answer_header
from wire_formats.catalogue import ServiceKind, service
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.field_faults import FAULTS, Fault, words
from wire_formats.field_kinds import Month
from wire_formats.ids import parse_reference_number, reference_number
from wire_formats.seal import KEY_BYTES, SealPrivateKey

PAGE_SIZE = 20
MAX_PAGE = 10_000
CERTIFICATE_NUMBER_CHARS = 16


@dataclass(frozen=True)
class RequestParts:
    """What the desk works with."""

    store: ExchangeStore
    intake: RequestIntake
    tools: WorkerTools
    throttle: ThrottleBounds


class RequestDesk:
    """Requests of live sessions."""

    def __init__(self, parts: RequestParts) -> None:
        self._parts = parts

    async def query(self, session: OpenSession, code: str, body: Mapping[str, object]) -> QueryAnswer:
        """Ask and wait.

        Raises:
            QueryRefused: the core's refusal, with its reasons.
            Refused: no right.
            Unavailable: busy, or CORE_SILENT.
        """
        entry = service(code)
        if entry.kind is not ServiceKind.QUERY:
            raise PeerError(Kind.UNKNOWN_SERVICE, "not a query")
        session.need_right(code)
        try:
            answered = await self._parts.intake.ask(asker_of(session), entry, body)
        except RefusedAnswer as error:
            raise QueryRefused(error, reasons_of(code, error.opened)) from None
        opened = answered.opened
        return QueryAnswer(dict(opened.answer), reference_number(answered.request_id), opened.answered_ms)

    async def transact(self, session: OpenSession, code: str, body: Mapping[str, object], form_token: str) -> str:
        """Store and send; the reference number.

        Raises:
            Refused: no right, or the form token belongs to another form.
            Unavailable: busy; nothing was stored.
        """
        return (await self._parts.intake.submit(session, service(code), body, form_token=form_token)).reference

    async def progress(self, session: OpenSession, reference: str) -> Progress:
        """Where a transaction is.

        Raises:
            Refused: NOT_FOUND for an unknown or foreign reference.
        """
        identity = parse_reference(reference)
        life = session.life
        row = await self._parts.store.read(
            lambda db: request_store.find_with_result(db, life.account, life.window, identity)
        )
        opened, sealed = _open(row, session)
        kind = Kind.EXPIRED.value if row.state == RequestState.EXPIRED.value else row.result_error
        return Progress(
            reference=reference_number(row.id),
            service=row.service,
            submitted_at_ms=row.saved_at,
            hops=hops_of(row, opened),
            outcome=outcome_of(row.state, row.result_status),
            answer=dict(opened.answer) if opened is not None and opened.answer else None,
            error_kind=kind,
            reasons=reasons_of(row.service, opened),
            sealed=sealed,
        )

    async def submissions(self, session: OpenSession, page: int) -> SubmissionPage:
        """What the account has sent, workbooks among single cases, newest first."""
        page = min(max(page, 1), MAX_PAGE)
        life, now_ms = session.life, self._parts.tools.clock.now_ms()

        def work(connection: Connection) -> tuple[tuple[Submission, ...], int]:
            skip = (page - 1) * PAGE_SIZE
            entries, total = sent_entries(connection, life.account, life.window, skip=skip, most=PAGE_SIZE)
            batches = [entry.id for entry in entries if entry.is_batch]
            chunks = chunks_of(connection, life.account, life.window, batches)
            return tuple(_submission(entry, chunks.get(entry.id, []), now_ms) for entry in entries), total

        items, total = await self._parts.store.read(work)
        return SubmissionPage(items, total, page, PAGE_SIZE)

    async def download_certificate(self, client: Client, number: str, code: str) -> Download:
        """Fetch a PKCS#12 file with number and code; there is no session, the answer's key lives for this call.

        Raises:
            Refused: CODE_WRONG, CODE_USED_UP, LOCKED_OUT ...
            Unavailable: no answer in time.
        """
        number = number.strip().upper()
        if not number.isascii() or not number.isalnum() or len(number) > CERTIFICATE_NUMBER_CHARS:
            raise Refused(Kind.CODE_WRONG, "not a certificate number")
        subjects = (throttle.subject("address", client.address.encode()), throttle.subject("number", number.encode()))
        now_ms = self._parts.tools.clock.now_ms()
        await self._parts.store.read(lambda db: _check_all(db, subjects, now_ms))
        key = SealPrivateKey(self._parts.tools.randomness.bytes(KEY_BYTES))
        credit = hashlib.sha256(b"download" + client.address.encode()).digest()
        asker = Asker("site", "", b"", b"", credit, key, credit)
        body = {"certificate_number": number, "verification_code": code}
        try:
            answered = await self._parts.intake.ask(asker, service("certificate.download"), body)
        except Refused as error:
            if error.kind in (Kind.CODE_WRONG, Kind.NOT_FOUND):
                await self._parts.store.write(lambda db: _count_failures(db, subjects, now_ms, self._parts.throttle))
            raise
        content = answered.opened.answer.get("pkcs12")
        if not isinstance(content, str):
            raise Refused(Kind.CODE_WRONG, "no certificate in the answer")
        return Download(f"certificate-{number}.p12", "application/x-pkcs12", decode_base64(content))


def _submission(entry: Entry, chunks: list[Chunk], now_ms: int) -> Submission:
    reference = reference_number(entry.id)
    if not entry.is_batch:
        return Submission(reference, entry.service, entry.sent_at, outcome_of(entry.state, entry.status))
    table = service(entry.service).table
    standing = standing_of(entry, chunks, table.most if table is not None else 0, now_ms)
    counts = (entry.rows_sent, standing.rows_answered)
    return Submission(reference, entry.service, entry.sent_at, standing.outcome, *counts)


def _check_all(connection: Connection, subjects: tuple[bytes, ...], now_ms: int) -> None:
    for who in subjects:
        throttle.check(connection, who, now_ms)


def _count_failures(connection: Connection, subjects: tuple[bytes, ...], now_ms: int, bounds: ThrottleBounds) -> None:
    for who in subjects:
        throttle.failed(connection, who, now_ms, bounds)


def parse_reference(reference: str) -> bytes:
    """A reference number from a page's address.

    Raises:
        Refused: NOT_FOUND: not a reference number.
    """
    try:
        return parse_reference_number(reference)
    except PeerError:
        raise Refused(Kind.NOT_FOUND, "not a reference number") from None


def answer_in(row: Row[Any]) -> Answer | None:
    """The stored answer of a row with result, or None."""
    if row.result_header is None:
        return None
    return Answer(parse_answer_header(row.result_header), row.result_header, row.result_content)


def _open(row: Row[Any], session: OpenSession) -> tuple[Opened | None, bool]:
    """The opened answer, and whether there is one that this session cannot open."""
    answer = answer_in(row)
    if answer is None:
        return None, False
    if row.session != session.keys.id and answer.header.status is not AnswerStatus.REJECTED:
        return None, True
    return open_and_check(service(row.service), answer, session.keys.answer_key()), False


def reasons_of(code: str, opened: Opened | None) -> tuple[Reason, ...]:
    """The core's reasons in words; codes that are no fault (times to wait) are left out."""
    reasons = []
    entry = service(code)
    for one in opened.errors if opened is not None else ():
        fault, name, value = one.get("code"), one.get("field"), one.get("value")
        if not isinstance(fault, str) or fault not in FAULTS:
            continue
        declared = entry.field(name) if isinstance(name, str) else None
        values = {"least": value, "most": value, "first": value} if isinstance(value, int) else {}
        written = _month if isinstance(declared, Month) else int
        text = words(Fault(fault, values), declared.label if declared else entry.title, written)
        reasons.append(Reason(declared.name if declared else "", fault, text.zh, text.en))
    return tuple(reasons)


def _month(value: int) -> str:
    """The core tells months as YYYYMM; people write YYYY-MM."""
    return f"{value // 100:04d}-{value % 100:02d}"


def hops_of(row: Row[Any], opened: Opened | None) -> tuple[tuple[Hop, int], ...]:
    """The hops reached with their times; those that no notice told of are missing."""
    times: dict[Hop, int | None] = {
        Hop.STORED: row.saved_at,
        Hop.SENT: row.sent_at,
        Hop.TAKEN: row.taken_at,
        Hop.CROSSED: row.crossed_at,
        Hop.DECIDED: None,
        Hop.RETURNED: row.answered_at,
    }
    if row.result_header is not None:
        times[Hop.DECIDED] = parse_answer_header(row.result_header).answered_ms
    for hop, party in ((Hop.TAKEN, "ferry_low"), (Hop.CROSSED, "ferry_high")):
        # The answer tells again when each half sealed the request, in case its notice got lost.
        told = opened.hops.get(party) if opened is not None else None
        if times[hop] is None and isinstance(told, int):
            times[hop] = told
    return tuple((hop, at) for hop, at in times.items() if at is not None)
