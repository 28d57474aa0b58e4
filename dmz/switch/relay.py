"""A pool of workers as one handler: choose, send, wait, and once more where that is safe."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from dmz.messages import SESSION_COOKIE_PREFIX, HallRequest, HallResponse, decode_response, encode_request
from dmz.switch.balancer import RETRY_AFTER_S, Balancer
from dmz.switch.ejection import EjectionLedger
from dmz.switch.metrics import Again, Outcome, PoolMetrics
from dmz.switch.reactor_port import SwitchReactor
from dmz.switch.retry import MOST_REPEATS, RetryBudget, is_repeatable
from dmz.switch.settings import SwitchSettings
from dmz.switch.wait_queue import Priority, WaitQueue, priority_of
from dmz.switch.worker_health import HealthState
from dmz.switch.worker_link import Ended, ExchangeError, WorkerLink
from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, PeerError, Unavailable

_INTERNAL_ERROR: Final = 500
_MS: Final = 1_000


@dataclass(slots=True)
class _Attempt:
    """One request on its way through the pool."""

    request: HallRequest
    person: bytes | None
    deadline_ms: int
    tried: set[str] = field(default_factory=set)
    moves: int = 0
    repeats: int = 0
    outcome: Outcome = Outcome.CANCELLED


class WorkerPool:
    """Workers that can stand in for each other.

    Args:
        workers: name -> socket.
        reactor: for sockets and timers.
        settings: limits and deadlines.
        metrics: this pool's counters.
        randomness: for the jitter of reconnections.
        rank: tells who goes first while all wait.
    """

    _log = Logger()

    def __init__(
        self,
        workers: Mapping[str, Path],
        *,
        reactor: SwitchReactor,
        settings: SwitchSettings,
        metrics: PoolMetrics,
        randomness: Randomness,
        rank: Callable[[HallRequest], Priority] = priority_of,
    ) -> None:
        self._reactor = reactor
        self._rank = rank
        self._settings = settings
        self._metrics = metrics
        self._balancer = Balancer(workers, settings.balancer)
        self._ejections = EjectionLedger(workers)
        self._queue: WaitQueue[Deferred[None]] = WaitQueue(settings.queue * len(workers))
        self._retries = RetryBudget(percent=settings.retry_percent, reserve=settings.in_flight)
        self._links = {
            name: WorkerLink(
                name, path, reactor=reactor, settings=settings, randomness=randomness, on_state=self._changed
            )
            for name, path in workers.items()
        }
        self._bridge: IDelayedCall | None = None
        self._stopping = False
        metrics.states[HealthState.DOWN].inc(len(workers))
        metrics.in_flight.set_function(lambda: self._balancer.in_flight)

    def start(self) -> None:
        """Connect to every worker; those that are missing are called again and again."""
        self._begin_bridge()
        for link in self._links.values():
            link.start()

    def stop(self) -> Deferred[None]:
        """Hang up everywhere; fires when all connections are gone."""
        self._stopping = True
        self._end_bridge()
        return gatherResults([link.stop() for link in self._links.values()]).addCallback(lambda _: None)

    def states(self) -> dict[str, HealthState]:
        """Give every worker's state."""
        return {name: link.state for name, link in self._links.items()}

    async def __call__(self, request: HallRequest) -> HallResponse:
        """Have a request answered.

        Raises:
            Unavailable: NO_WORKER, BUSY or TIMED_OUT, with a time after which to try again.
            PeerError: the request does not fit a frame.
        """
        message = encode_request(request)
        attempt = _Attempt(request, person_of(request), self._now_ms() + self._settings.answer_ms)
        self._retries.earn()
        try:
            while True:
                response = await self._try_once(attempt, message)
                if response is not None:
                    attempt.outcome = Outcome.ANSWERED
                    return response
        finally:
            self._metrics.outcomes[attempt.outcome].inc()

    # --- one try ---------------------------------------------------------------

    async def _try_once(self, attempt: _Attempt, message: bytes) -> HallResponse | None:
        name = await self._place(attempt)
        self._balancer.begin(name)
        try:
            limit_s = (attempt.deadline_ms - self._now_ms()) / _MS
            payload = await self._links[name].exchange(message, limit_s)
            response = decode_response(payload)
        except ExchangeError as error:
            self._failed(name, counts=error.begun or error.ended is Ended.LOST)
            self._again(attempt, name, error)
            return None
        except PeerError as error:
            self._failed(name, counts=True)
            attempt.outcome = Outcome.BAD_ANSWER
            self._log.error("worker_answer_unreadable", worker=name, reason=error.private)
            raise Unavailable(Kind.NO_WORKER, "a worker's answer cannot be read", RETRY_AFTER_S) from error
        finally:
            self._balancer.end(name)
            self._wake()
        if response.status == _INTERNAL_ERROR:
            self._failed(name, counts=True)
        else:
            self._ejections.succeeded(name)
        return response

    def _again(self, attempt: _Attempt, name: str, error: ExchangeError) -> None:
        """Return if the request may be sent again.

        Raises:
            Unavailable: it may not.
        """
        attempt.tried.add(name)
        if error.ended is Ended.DEADLINE:
            attempt.outcome = Outcome.ANSWER_DEADLINE
            raise Unavailable(Kind.TIMED_OUT, "no answer from the worker in time", RETRY_AFTER_S) from error
        if not error.begun and attempt.moves < len(self._links):
            attempt.moves += 1
            self._metrics.again[Again.NOT_BEGUN].inc()
            return
        repeatable = attempt.repeats < MOST_REPEATS and is_repeatable(attempt.request)
        if error.begun and repeatable and self._retries.spend():
            attempt.repeats += 1
            self._metrics.again[Again.REPEATABLE].inc()
            return
        attempt.outcome = Outcome.LOST
        raise Unavailable(Kind.NO_WORKER, f"worker {error.ended.value}", RETRY_AFTER_S) from error

    def _failed(self, name: str, *, counts: bool) -> None:
        if not counts or self._links[name].state is not HealthState.UP:
            return
        for_ms = self._ejections.failed(name, self._now_ms())
        if for_ms:
            self._metrics.ejections.inc()
            self._log.warn("worker_ejected", worker=name, duration_ms=for_ms)
            self._links[name].eject(for_ms)

    # --- a place -----------------------------------------------------------------

    async def _place(self, attempt: _Attempt) -> str:
        try:
            while True:
                # With no worker ready while a bridge holds, one waits as for a free place.
                if self._bridge is None or self._balancer.ready_count:
                    name = self._balancer.pick(attempt.person, self._now_ms(), attempt.tried)
                    if name is not None:
                        return name
                await self._wait(attempt)
        except Unavailable as error:
            attempt.outcome = _OUTCOMES.get(error.kind, Outcome.NO_WORKER)
            raise

    async def _wait(self, attempt: _Attempt) -> None:
        entry: Deferred[None] = Deferred()
        rejected = self._queue.push(entry, self._rank(attempt.request))
        if rejected is entry:
            raise Unavailable(Kind.BUSY, "queue full", RETRY_AFTER_S)
        if rejected is not None:
            rejected.errback(Unavailable(Kind.BUSY, "queue full, others first", RETRY_AFTER_S))
        since = self._reactor.seconds()
        limit_ms = min(self._settings.queue_ms, attempt.deadline_ms - self._now_ms())
        timer = self._reactor.callLater(max(limit_ms, 0) / _MS, self._waited_too_long, entry)
        self._metrics.waiting.set(len(self._queue))
        try:
            await entry
        except CancelledError:
            self._queue.remove(entry)
            raise
        finally:
            if timer.active():
                timer.cancel()
            self._metrics.waiting.set(len(self._queue))
            self._metrics.seconds.observe(self._reactor.seconds() - since)

    def _waited_too_long(self, entry: Deferred[None]) -> None:
        self._queue.remove(entry)
        entry.errback(Unavailable(Kind.TIMED_OUT, "no place at a worker in time", RETRY_AFTER_S))

    def _wake(self) -> None:
        """Give one free place to the next in line; if no worker is left, tell all of them."""
        none_left = self._balancer.ready_count == 0
        if none_left and self._bridge is not None:
            return
        entry = self._queue.pop()
        while entry is not None:
            entry.callback(None)  # it picks at once, or learns that no worker is left
            entry = self._queue.pop() if none_left else None

    def _changed(self, name: str, before: HealthState, after: HealthState) -> None:
        self._metrics.states[before].dec()
        self._metrics.states[after].inc()
        if after is HealthState.DOWN or before is HealthState.DRAINING:
            self._ejections.replaced(name)
        ready_before = self._balancer.ready_count
        self._balancer.set_ready(name, ready=after is HealthState.UP, now_ms=self._now_ms())
        self._begin_or_end_bridge(ready_before)
        places = self._settings.in_flight if after is HealthState.UP else 1
        for _ in range(min(places, len(self._queue))):
            self._wake()

    def _begin_or_end_bridge(self, ready_before: int) -> None:
        if self._balancer.ready_count:
            self._end_bridge()
        elif ready_before:
            self._begin_bridge()

    def _begin_bridge(self) -> None:
        """Bridge the moment without a worker: at our own start, or when the last one leaves before another is back."""
        if self._settings.bridge_ms and not self._stopping and self._bridge is None:
            self._bridge = self._reactor.callLater(self._settings.bridge_ms / _MS, self._bridge_is_over)

    def _bridge_is_over(self) -> None:
        self._bridge = None
        self._wake()

    def _end_bridge(self) -> None:
        if self._bridge is not None:
            self._bridge.cancel()
            self._bridge = None

    def _now_ms(self) -> int:
        return int(self._reactor.seconds() * _MS)


_OUTCOMES: Final = {Kind.BUSY: Outcome.QUEUE_FULL, Kind.TIMED_OUT: Outcome.QUEUE_DEADLINE}


def person_of(request: HallRequest) -> bytes | None:
    """Give what stays the same for one person: the certificate's fingerprint, or a digest of the session cookie."""
    if request.client is not None:
        return request.client.fingerprint
    for name, value in request.cookies:
        if name.startswith(SESSION_COOKIE_PREFIX) and value:
            return hashlib.sha256(value.encode("utf-8", "replace")).digest()
    return None
