"""Takes checked bodies, makes requests of them, and brings them on their way.

``ask`` is for what a page waits for (queries, login): never stored. ``submit`` is for transactions: stored by
group commit before the user is told, then sent, and sent again until they are answered.

Source: DESIGN "The road of one request", invariants 3 and 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger

from dmz.workers import request_store
from dmz.workers.answer_watch import AnswerWatch
from dmz.workers.bundler import Bundler
from dmz.workers.credits import Credits
from dmz.workers.exchange_db import ExchangeStore
from dmz.workers.request_building import (
    Asker,
    Frame,
    Opened,
    SealKeys,
    build_request,
    check_window,
    is_refusal,
    open_and_check,
    refusal,
    wire_body,
)
from dmz.workers.request_store import Outgoing, RoomLimits, Stored, TokenUse
from dmz.workers.session import OpenSession
from dmz.workers.tools import WorkerTools
from wire_formats.answer import Answer
from wire_formats.canonical import Json, encode_json
from wire_formats.catalogue import Service, ServiceKind
from wire_formats.errors import Kind, PeerError, Unavailable
from wire_formats.ids import reference_number
from wire_formats.request import Batch

RETRY_AFTER_S = 10
TOKEN_CHARS = (8, 128)


@dataclass(frozen=True)
class IntakeBounds:
    """How long requests wait and live, and how many may be unanswered.

    Attributes:
        worker: This worker's name; answers come to its inbox.
        answer_wait_ms: How long a page waits.
        query_life_ms: A query's life at most.
        transaction_life_ms: A transaction's life at most.
        first_pause_ms: Until an unanswered transaction is sent again.
        room: Unanswered transactions of one account and of one unit.
        backlog: Unanswered transactions of this worker.
    """

    worker: str
    answer_wait_ms: int
    query_life_ms: int
    transaction_life_ms: int
    first_pause_ms: int
    room: RoomLimits
    backlog: int


@dataclass(frozen=True)
class IntakeParts:
    """What the intake works with."""

    store: ExchangeStore
    bundler: Bundler
    answers: AnswerWatch
    credits: Credits
    keys: SealKeys
    tools: WorkerTools


@dataclass(frozen=True, slots=True)
class Submitted:
    """A transaction that is stored; ``again`` when this form had been submitted before."""

    request_id: bytes
    reference: str
    again: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer a page waited for."""

    request_id: bytes
    opened: Opened


class RequestIntake:
    """The one way from a page to the core."""

    log = Logger()

    def __init__(self, parts: IntakeParts, bounds: IntakeBounds) -> None:
        self._parts = parts
        self._bounds = bounds
        self._backlog = 0

    def set_backlog(self, count: int) -> None:
        """Told by housekeeping how many transactions of this worker have no answer."""
        self._backlog = count
        self._parts.tools.metrics.under_way.labels("transaction").set(count)

    async def ask(self, asker: Asker, entry: Service, body: Mapping[str, object]) -> Answered:
        """Send a request that is not stored and wait for its answer.

        Raises:
            Refused: the core's refusal, with its kind.
            Unavailable: no credit, no room, or CORE_SILENT when no answer came in time.
        """
        check_window(entry, asker.window)
        parts = self._parts
        parts.bundler.check_room(entry.lane, asker.unit)
        life_ms = min(entry.life_ms, self._bounds.query_life_ms)
        outgoing = self._build(entry, wire_body(entry, body, parts.keys.core), asker, life_ms)
        with parts.credits.one(asker.session, asker.account, asker.unit):
            parts.tools.metrics.under_way.labels("query").set(parts.credits.total)
            began = parts.tools.reactor.seconds()
            answer = await self._exchange(outgoing, entry)
            parts.tools.metrics.answer_seconds.observe(parts.tools.reactor.seconds() - began)
        opened = open_and_check(entry, answer, asker.reply_key)
        self._count(entry, "refused" if is_refusal(opened.status) else "answered")
        if is_refusal(opened.status):
            raise refusal(answer.header.error, opened)
        return Answered(outgoing.id, opened)

    async def submit(
        self, session: OpenSession, entry: Service, body: Mapping[str, object], *, form_token: str
    ) -> Submitted:
        """Store a transaction and start it on its way; the same form token gives the same request.

        Raises:
            Refused: no right, wrong window, too large, or CONFLICT: the token was used with another body.
            Unavailable: too much under way, or the database cannot take it now; nothing was stored.
        """
        self.check_submit(session, entry)
        wire = wire_body(entry, body, self._parts.keys.core)
        asker = asker_of(session)
        outgoing = self._build(entry, wire, asker, min(entry.life_ms, self._bounds.transaction_life_ms))
        use = self.token_use(session, form_token, entry.code, encode_json(as_json(body)), outgoing.id)
        stored = self._stored(outgoing, session, entry)

        def work(connection: Connection) -> bytes | None:
            before = request_store.token_before(connection, use)
            if before is None:
                request_store.add_token(connection, use)
                request_store.check_room(connection, asker.unit, session.account, self._bounds.room)
                request_store.add_requests(connection, [stored])
            return before

        with self._parts.credits.one(session.keys.id, session.account, asker.unit):
            before = await self._parts.store.write(work)
        if before is not None:
            self._count(entry, "repeated")
            return Submitted(before, reference_number(before), again=True)
        self._count(entry, "stored")
        self.send_stored([outgoing])
        return Submitted(outgoing.id, reference_number(outgoing.id), again=False)

    def check_submit(self, session: OpenSession, entry: Service) -> None:
        """Everything that can refuse a transaction before it is built.

        Raises:
            Refused: no right, wrong window, or not a transaction.
            Unavailable: the ferry is behind, or too many transactions wait for an answer.
        """
        check_window(entry, session.life.window)
        session.need_right(entry.code)
        if entry.kind is not ServiceKind.TRANSACTION:
            raise PeerError(Kind.UNKNOWN_SERVICE, "not a transaction")
        self._parts.bundler.check_room(entry.lane, unit_of(session))
        if self._backlog >= self._bounds.backlog:
            raise Unavailable(Kind.BUSY, "too many unanswered transactions", RETRY_AFTER_S)

    def check_chunk_room(self, connection: Connection, session: OpenSession) -> None:
        """Take no further workbook of a unit that has many chunks unanswered.

        Raises:
            Unavailable: UNIT_BUSY.
        """
        request_store.check_chunk_room(connection, unit_of(session), self._bounds.room.unit)

    def chunk(
        self, session: OpenSession, entry: Service, body: Mapping[str, object], asker: Asker, batch: Batch
    ) -> tuple[Outgoing, Stored]:
        """One chunk of a batch, ready to be stored."""
        life_ms = min(entry.life_ms, self._bounds.transaction_life_ms)
        wire = wire_body(entry, body, self._parts.keys.core)
        outgoing = self._build(entry, wire, asker, life_ms, batch=batch)
        return outgoing, self._stored(outgoing, session, entry, batch=batch)

    def token_use(self, session: OpenSession, token: str, service: str, body: bytes, used_for: bytes) -> TokenUse:
        """The use of a form token.

        Raises:
            PeerError: not a form token.
        """
        if not TOKEN_CHARS[0] <= len(token) <= TOKEN_CHARS[1] or not token.isascii():
            raise PeerError(Kind.MALFORMED, "not a form token")
        return TokenUse(
            digest=session.keys.token_digest(token),
            body_mark=session.keys.form_mark(service, body),
            used_for=used_for,
            expires_at=session.life.ends_at + self._bounds.transaction_life_ms,
        )

    def send_stored(self, group: Sequence[Outgoing]) -> None:
        """Send what was just stored; what fails here is sent again by housekeeping."""
        self._backlog += len(group)
        try:
            self._parts.tools.background.start("send_stored", self._send_all(group))
        except Unavailable as error:
            self.log.warn("transaction_waits_for_resend", count=len(group), reason=error.private)

    async def _send_all(self, group: Sequence[Outgoing]) -> None:
        try:
            sent_at = await self._parts.bundler.send_all(group)
            ids = [outgoing.id for outgoing in group]
            await self._parts.store.write(lambda db: request_store.mark_sent(db, ids, sent_at))
        except Unavailable as error:
            self.log.warn("transaction_waits_for_resend", count=len(group), reason=error.private)

    async def _exchange(self, outgoing: Outgoing, entry: Service) -> Answer:
        parts = self._parts
        waiter = parts.answers.expect(outgoing.id)
        waiter.addTimeout(self._bounds.answer_wait_ms / 1000, parts.tools.reactor)
        try:
            await parts.bundler.send(outgoing)
            return await waiter
        except DeferredTimeout:
            self._count(entry, "silent")
            raise Unavailable(Kind.CORE_SILENT, "no answer in time", RETRY_AFTER_S) from None
        finally:
            parts.answers.forget(outgoing.id)

    def _build(
        self, entry: Service, wire: Mapping[str, Json], asker: Asker, life_ms: int, *, batch: Batch | None = None
    ) -> Outgoing:
        now_ms = self._parts.tools.clock.now_ms()
        frame = Frame(now_ms, now_ms + life_ms, self._bounds.worker, self._parts.keys, batch)
        return build_request(entry, wire, asker, frame=frame, randomness=self._parts.tools.randomness)

    def _stored(
        self, outgoing: Outgoing, session: OpenSession, entry: Service, *, batch: Batch | None = None
    ) -> Stored:
        now_ms = self._parts.tools.clock.now_ms()
        return Stored(
            outgoing=outgoing,
            account=session.account,
            window=session.life.window,
            session=session.keys.id,
            worker=self._bounds.worker,
            service=entry.code,
            saved_at=now_ms,
            expires_at=now_ms + min(entry.life_ms, self._bounds.transaction_life_ms),
            next_try_at=now_ms + self._bounds.first_pause_ms,
            batch=batch.batch_id if batch else None,
            chunk=batch.chunk if batch else None,
        )

    def _count(self, entry: Service, result: str) -> None:
        self._parts.tools.metrics.requests.labels(entry.code, result).inc()


def asker_of(session: OpenSession) -> Asker:
    """A live session as the one who asks."""
    return Asker(
        window=session.life.window,
        account=session.account,
        certificate=session.life.certificate,
        grant=session.private.grant,
        session=session.keys.id,
        reply_key=session.keys.answer_key(),
        unit=unit_of(session),
    )


def unit_of(session: OpenSession) -> bytes:
    """For whom a session asks; one from before an upgrade counts by itself until it ends."""
    return session.private.unit or session.keys.id


def as_json(body: Mapping[str, object]) -> dict[str, Json]:
    """A page's body as JSON values."""
    return dict(body)  # type: ignore[arg-type]  # wire_body has checked it
