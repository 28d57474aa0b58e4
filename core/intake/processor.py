"""Runs requests: queries in one read transaction, transactions in one write transaction with a savepoint each.

    queries        read transaction  ─▶ answers                                    (nothing stored)
    slow requests  prepared in it    ─▶ slow work ─▶ come back with their outcome
    transactions   BEGIN  { SAVEPOINT handler RELEASE }*  applied + answer rows  COMMIT  ─▶ answers

Expected refusals become answers. Anything unexpected rolls everything back and is raised: the loop then runs the
requests one by one, so that one bad request harms no other.
Source: DESIGN invariant 3, "core/intake".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError
from twisted.logger import Logger

from core.db.engine import reading, writing
from core.intake.dedupe import POISON, Applied, Record, find_applied, find_poison, hold, mark_sent, remember
from core.intake.grants import GrantChecker, GrantStates
from core.intake.outflow import guard_answer, seal_outgoing
from core.intake.slow_work import SlowWorkers
from core.intake.work import Results, Work
from core.metrics import CoreMetrics
from core.reference.parameters import ReferenceData, load_reference
from core.services.handler import (
    CITY_DISTRICT,
    Caller,
    Context,
    Handler,
    Note,
    RuleRefused,
    ServiceAnswer,
    ServiceRequest,
    Tools,
)
from wire_formats.answer import Answer, AnswerStatus
from wire_formats.collaborators import Clock
from wire_formats.errors import Bug, HallError, Kind, PeerError, Refused

REFERENCE_LIFE_MS: Final = 30_000
"""How long loaded parameters, and the list of held requests, are used before they are read anew."""


@dataclass(frozen=True, slots=True)
class ProcessorParts:
    """What a processor is made of."""

    engine: Engine
    checker: GrantChecker
    handlers: Mapping[str, Handler]
    tools: Tools
    slow: SlowWorkers
    clock: Clock
    metrics: CoreMetrics


class Processor:
    """Runs requests against the production database; used by one thread."""

    _log = Logger()

    def __init__(self, parts: ProcessorParts) -> None:
        self._parts = parts
        self._reference: ReferenceData | None = None
        self._reference_at = 0
        self._poison: frozenset[tuple[bytes, bytes]] | None = None
        self._poison_at = 0
        self.sent: list[bytes] = []
        """Answers that lie in the outbox; taken off the queue in the next write transaction."""

    def run_reads(self, works: Sequence[Work], results: Results) -> list[Work]:
        """Answer the queries, send slow requests to their threads; return what needs a write transaction."""
        reads = [work for work in works if not work.request.is_transaction or self._wants_slow_work(work)]
        if not reads:
            return list(works)
        taken = set(map(id, reads))
        writes = [work for work in works if id(work) not in taken]
        with reading(self._parts.engine) as connection:
            states = self._parts.checker.states(connection, [work.request for work in reads])
            known = find_applied(connection, [w.request.header.id for w in reads if w.request.is_transaction])
            for work in reads:
                if not work.request.is_transaction:
                    _, answer = self._answer(connection, work, states)
                    _finish(results, work, answer)
                elif work.request.header.id in known or not self._start_slow(connection, work, states, results):
                    writes.append(work)
        return writes

    def run_writes(self, works: Sequence[Work], results: Results) -> None:
        """Carry out transactions: effects, `applied` rows and answers in one commit."""
        if not works and not self.sent:
            return
        now_ms = self._parts.clock.now_ms()
        mine = Results()
        sent = list(self.sent)
        with self._parts.metrics.commit.time(), writing(self._parts.engine) as connection:
            known = find_applied(connection, [work.request.header.id for work in works])
            states = self._parts.checker.states(connection, [work.request for work in works])
            poison = self._held_as_poison(connection, now_ms)
            records: list[Record] = []
            for work in works:
                if (work.request.header.id, work.request.digest) in poison:
                    mine.finished.append(work)  # its worker sends it again and again; it ended us often enough
                    continue
                before = known.get(work.request.header.id)
                if before is not None:
                    self._again(connection, work, before, mine)
                    continue
                district, answer = self._answer(connection, work, states)
                if answer is not None and self._is_remembered(work):
                    records.append(Record(district, work.request, answer))
                    known[work.request.header.id] = Applied(work.request.digest, answer)
                _finish(mine, work, answer)
            remember(connection, records, now_ms=now_ms)
            mark_sent(connection, sent)
        # Only now, after the commit, may anything leave.
        del self.sent[: len(sent)]
        results.answers.extend(mine.answers)
        results.finished.extend(mine.finished)

    def refuse_bug(self, work: Work, results: Results) -> None:
        """Answer a request that failed in an unexpected way; it had no effect and never will."""
        refused = ServiceAnswer({}, AnswerStatus.REFUSED, Kind.BUG)
        answer = self._seal(work, refused)
        if work.request.is_transaction:
            now_ms = self._parts.clock.now_ms()
            with writing(self._parts.engine) as connection:
                if not find_applied(connection, [work.request.header.id]):
                    remember(connection, [Record(CITY_DISTRICT, work.request, answer)], now_ms=now_ms)
        _finish(results, work, answer)

    def hold_poison(self, work: Work, results: Results) -> None:
        """Hold a request that ended the process again and again."""
        with writing(self._parts.engine) as connection:
            self._hold(connection, work, POISON)
        self._poison = None
        results.finished.append(work)

    def _wants_slow_work(self, work: Work) -> bool:
        handler = self._parts.handlers.get(work.request.header.service)
        return handler is not None and handler.prepare is not None and not work.has_outcome and not work.request.fault

    def _start_slow(self, connection: Connection, work: Work, states: GrantStates, results: Results) -> bool:
        """Start a slow request's work; False when it was refused and needs its refusal recorded."""
        running = self._parts.slow.under_way(work.request.header.id)
        if running is not None:
            if running is not work and running.request.digest == work.request.digest:
                results.finished.append(work)  # a double of one under way: the one answer serves both
            return running.request.digest == work.request.digest
        handler = self._parts.handlers[work.request.header.service]
        assert handler.prepare is not None
        try:
            caller = self._parts.checker.caller(work.request, states, now_ms=self._parts.clock.now_ms())
            context = self._context(connection, caller, work)
            self._parts.slow.submit(work, handler.prepare(context, _service_request(work)))
        except HallError as error:
            work.outcome, work.has_outcome = error, True
            return False
        return True

    def _held_as_poison(self, connection: Connection, now_ms: int) -> frozenset[tuple[bytes, bytes]]:
        if self._poison is None or not 0 <= now_ms - self._poison_at <= REFERENCE_LIFE_MS:
            self._poison, self._poison_at = find_poison(connection), now_ms
        return self._poison

    def _again(self, connection: Connection, work: Work, before: Applied, results: Results) -> None:
        if before.digest == work.request.digest:
            self._parts.metrics.replays.inc()
            _finish(results, work, before.answer)
        else:
            self._hold(connection, work, "same_id_other_digest")
            results.finished.append(work)

    def _hold(self, connection: Connection, work: Work, reason: str) -> None:
        hold(
            connection,
            work.request,
            bundle=str(work.bundle.name),
            reason=reason,
            randomness=self._parts.tools.randomness,
            now_ms=self._parts.clock.now_ms(),
        )
        self._parts.metrics.held[reason].inc()

    def _answer(self, connection: Connection, work: Work, states: GrantStates) -> tuple[str, Answer | None]:
        """Run one request and seal its answer; None, and no effect, when the session's key cannot be sealed to."""
        district = CITY_DISTRICT
        try:
            caller = self._check(work, states)
            district = caller.district if caller else CITY_DISTRICT
            return district, self._counted(self._run(connection, work, caller))
        except RuleRefused as refused:
            answer = ServiceAnswer({}, AnswerStatus.REFUSED, refused.kind, refused.notes)
        except Bug as bug:
            self._log.error("answer_stopped", service=work.request.header.service, reason=bug.private)
            self._parts.metrics.stopped.inc()
            answer = _refusal(bug)
        except HallError as refused:
            answer = _refusal(refused)
        try:
            return district, self._counted(self._seal(work, answer))
        except PeerError:
            return district, None

    def _is_remembered(self, work: Work) -> bool:
        """Say whether a repetition must find this answer again.

        What carries no grant of ours is refused today and for ever, so there is nothing to remember: a taken worker key
        must not be able to fill the production database.
        """
        declared = work.request.declared
        if declared is not None and not declared.needs_grant:
            return True
        try:
            self._parts.checker.check_made_here(work.request)
        except PeerError:
            return False
        return True

    def _counted(self, answer: Answer) -> Answer:
        self._parts.metrics.requests[answer.header.status.name.lower()].inc()
        return answer

    def _check(self, work: Work, states: GrantStates) -> Caller | None:
        if work.request.fault is not None:
            raise work.request.fault
        caller = self._parts.checker.caller(work.request, states, now_ms=self._parts.clock.now_ms())
        if isinstance(work.outcome, HallError):
            raise work.outcome
        return caller

    def _run(self, connection: Connection, work: Work, caller: Caller | None) -> Answer:
        handler = self._parts.handlers[work.request.header.service]
        context = self._context(connection, caller, work)
        assert work.request.declared is not None
        timer = self._parts.metrics.intake[work.request.declared.group]
        with timer.time():
            if not work.request.is_transaction:
                return self._seal(work, _guarded(work, handler.run(context, _service_request(work))))
            try:
                with connection.begin_nested():
                    # Inside the savepoint: an answer that may not or cannot leave takes its effect back.
                    return self._seal(work, _guarded(work, handler.run(context, _service_request(work))))
            except IntegrityError:
                raise Refused(Kind.CONFLICT, "the database refused a double") from None

    def _context(self, connection: Connection, caller: Caller | None, work: Work) -> Context:
        now_ms = self._parts.clock.now_ms()
        # A clock that was set back must not keep old parameters alive.
        if self._reference is None or not 0 <= now_ms - self._reference_at <= REFERENCE_LIFE_MS:
            self._reference, self._reference_at = load_reference(connection), now_ms
        return Context(connection, now_ms, self._reference, self._parts.tools, caller, work.outcome)

    def _seal(self, work: Work, answer: ServiceAnswer) -> Answer:
        now_ms = self._parts.clock.now_ms()
        hops = {**work.bundle.hops, "core_in": work.started_ms, "core_out": now_ms}
        return seal_outgoing(work.request.header, answer, hops=hops, now_ms=now_ms)


def _refusal(error: HallError) -> ServiceAnswer:
    notes = (Note("retry_after", "", error.retry_after_s),) if error.retry_after_s is not None else ()
    return ServiceAnswer({}, AnswerStatus.REFUSED, error.kind, notes)


def _guarded(work: Work, answer: ServiceAnswer) -> ServiceAnswer:
    guard_answer(work.request.declared, answer)
    return answer


def _service_request(work: Work) -> ServiceRequest:
    return ServiceRequest(work.request.header, work.request.body, work.request.body_bytes)


def _finish(results: Results, work: Work, answer: Answer | None) -> None:
    if answer is not None:
        results.answers.append(answer)
    results.finished.append(work)
