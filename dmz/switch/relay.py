"""A pool of workers as one handler: choose, send, wait, and once more where that is safe."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from dmz.answering import Answering, Cancel, Done, nothing
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
_ANSWERED: Final = Outcome.ANSWERED
_MS: Final = 1_000


class _Attempt:
    """One request on its way through the pool; over when ``done`` is None."""

    __slots__ = (
        "deadline_s",
        "done",
        "give_up",
        "message",
        "moves",
        "person",
        "pool",
        "repeats",
        "request",
        "since_s",
        "timer",
        "tried",
        "worker",
    )

    def __init__(self, pool: WorkerPool, request: HallRequest, message: bytes, done: Done, deadline_s: float) -> None:
        self.pool = pool
        self.request = request
        self.message = message
        self.done: Done | None = done
        self.deadline_s = deadline_s
        self.person = person_of(request)
        self.tried: tuple[str, ...] = ()
        self.moves = 0
        self.repeats = 0
        self.worker = ""
        #: While a worker has it: tells the worker to give up.
        self.give_up: Cancel | None = None
        #: While it waits for a place: its deadline, and since when.
        self.timer: IDelayedCall | None = None
        self.since_s = 0.0

    def ended(self, result: bytes | ExchangeError) -> None:
        """The worker has answered, or cannot."""
        self.pool.ended(self, result)

    def cancel(self) -> None:
        """Nobody wants the answer any more."""
        self.pool.cancelled(self)


class WorkerPool(Answering):
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
        self._queue: WaitQueue[_Attempt] = WaitQueue(settings.queue * len(workers))
        self._retries = RetryBudget(percent=settings.retry_percent, reserve=settings.in_flight)
        self._links = {
            name: WorkerLink(
                name, path, reactor=reactor, settings=settings, randomness=randomness, on_state=self._changed
            )
            for name, path in workers.items()
        }
        self._answer_s = settings.answer_ms / _MS
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

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        """Have a request answered.

        The error may be ``Unavailable`` (NO_WORKER, BUSY or TIMED_OUT, with a time after which to try again), or
        ``PeerError``: the request does not fit a frame.
        """
        try:
            message = encode_request(request)
        except PeerError as error:
            done(error)
            return nothing
        attempt = _Attempt(self, request, message, done, self._reactor.seconds() + self._answer_s)
        self._retries.earn()
        self._place(attempt)
        return attempt.cancel

    # --- what an attempt says ---------------------------------------------------

    def ended(self, attempt: _Attempt, result: bytes | ExchangeError) -> None:
        """A worker has answered, or cannot: tell the asker, or try again where that is safe."""
        name, attempt.give_up = attempt.worker, None
        response: HallResponse | None = None
        error: Unavailable | None = None
        outcome = _ANSWERED
        if isinstance(result, ExchangeError):
            self._failed(name, counts=result.begun or result.ended is Ended.LOST)
            if not self._may_try_again(attempt, name, result):
                outcome, error = _given_up(result)
        else:
            try:
                response = decode_response(result)
            except PeerError as wrong:
                self._failed(name, counts=True)
                self._log.error("worker_answer_unreadable", worker=name, reason=wrong.private)
                outcome = Outcome.BAD_ANSWER
                error = Unavailable(Kind.NO_WORKER, "a worker's answer cannot be read", RETRY_AFTER_S)
        self._balancer.end(name)
        if self._queue:
            self._wake()
        if response is not None:
            if response.status == _INTERNAL_ERROR:
                self._failed(name, counts=True)
            else:
                self._ejections.succeeded(name)
        finished = response or error
        if finished is None:
            self._place(attempt)
        else:
            self._finish(attempt, outcome, finished)

    def cancelled(self, attempt: _Attempt) -> None:
        """Nobody wants an answer any more."""
        if attempt.done is None:
            return
        attempt.done = None
        self._metrics.outcomes[Outcome.CANCELLED].inc()
        if attempt.give_up is not None:
            attempt.give_up()
            self._balancer.end(attempt.worker)
            self._wake()
        elif attempt.timer is not None:
            self._queue.remove(attempt)
            self._waits_no_more(attempt)

    def _finish(self, attempt: _Attempt, outcome: Outcome, result: HallResponse | Unavailable) -> None:
        done, attempt.done = attempt.done, None
        if done is not None:
            if outcome is _ANSWERED:
                self._metrics.answered.count += 1
            else:
                self._metrics.outcomes[outcome].inc()
            done(result)

    def _may_try_again(self, attempt: _Attempt, name: str, error: ExchangeError) -> bool:
        """Tell whether the request may be sent again."""
        attempt.tried = (*attempt.tried, name)
        if error.ended is Ended.DEADLINE:
            return False
        if not error.begun and attempt.moves < len(self._links):
            attempt.moves += 1
            self._metrics.again[Again.NOT_BEGUN].inc()
            return True
        repeatable = attempt.repeats < MOST_REPEATS and is_repeatable(attempt.request)
        if error.begun and repeatable and self._retries.spend():
            attempt.repeats += 1
            self._metrics.again[Again.REPEATABLE].inc()
            return True
        return False

    def _failed(self, name: str, *, counts: bool) -> None:
        if not counts or self._links[name].state is not HealthState.UP:
            return
        for_ms = self._ejections.failed(name, self._now_ms())
        if for_ms:
            self._metrics.ejections.inc()
            self._log.warn("worker_ejected", worker=name, duration_ms=for_ms)
            self._links[name].eject(for_ms)

    # --- a place -----------------------------------------------------------------

    def _place(self, attempt: _Attempt) -> None:
        """Send a request to a worker, or let it wait for one."""
        name = None
        try:
            # With no worker ready while a bridge holds, one waits as for a free place.
            if self._bridge is None or self._balancer.ready_count:
                name = self._balancer.pick(attempt.person, self._now_ms(), attempt.tried)
        except Unavailable as error:
            self._finish(attempt, Outcome.NO_WORKER, error)
            return
        if name is None:
            self._wait(attempt)
            return
        attempt.worker = name
        self._balancer.begin(name)
        attempt.give_up = self._links[name].exchange(attempt.message, attempt.deadline_s, attempt.ended)
        if attempt.give_up is None:
            self.ended(attempt, ExchangeError(Ended.LOST, begun=False))

    def _wait(self, attempt: _Attempt) -> None:
        attempt.since_s = self._reactor.seconds()
        rejected = self._queue.push(attempt, self._rank(attempt.request))
        if rejected is attempt:
            self._finish(attempt, Outcome.QUEUE_FULL, Unavailable(Kind.BUSY, "queue full", RETRY_AFTER_S))
            return
        limit_s = min(self._settings.queue_ms / _MS, attempt.deadline_s - attempt.since_s)
        attempt.timer = self._reactor.callLater(max(limit_s, 0.0), self._waited_too_long, attempt)
        self._metrics.waiting.set(len(self._queue))
        if rejected is not None:
            self._waits_no_more(rejected)
            error = Unavailable(Kind.BUSY, "queue full, others first", RETRY_AFTER_S)
            self._finish(rejected, Outcome.QUEUE_FULL, error)

    def _waits_no_more(self, attempt: _Attempt) -> None:
        timer, attempt.timer = attempt.timer, None
        if timer is not None and timer.active():
            timer.cancel()
        self._metrics.waiting.set(len(self._queue))
        self._metrics.seconds.observe(self._reactor.seconds() - attempt.since_s)

    def _waited_too_long(self, attempt: _Attempt) -> None:
        self._queue.remove(attempt)
        self._waits_no_more(attempt)
        error = Unavailable(Kind.TIMED_OUT, "no place at a worker in time", RETRY_AFTER_S)
        self._finish(attempt, Outcome.QUEUE_DEADLINE, error)

    def _wake(self) -> None:
        """Give one free place to the next in line; if no worker is left, tell all of them."""
        none_left = self._balancer.ready_count == 0
        if none_left and self._bridge is not None:
            return
        attempt = self._queue.pop()
        while attempt is not None:
            self._waits_no_more(attempt)
            self._place(attempt)  # it gets a worker at once, or learns that none is left
            attempt = self._queue.pop() if none_left else None

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


def _given_up(error: ExchangeError) -> tuple[Outcome, Unavailable]:
    """Give what the asker is told when no other worker is tried."""
    if error.ended is Ended.DEADLINE:
        return Outcome.ANSWER_DEADLINE, Unavailable(Kind.TIMED_OUT, "no answer from the worker in time", RETRY_AFTER_S)
    return Outcome.LOST, Unavailable(Kind.NO_WORKER, f"worker {error.ended.value}", RETRY_AFTER_S)


def person_of(request: HallRequest) -> bytes | None:
    """Give what stays the same for one person: the certificate's fingerprint, or a digest of the session cookie."""
    if request.client is not None:
        return request.client.fingerprint
    for name, value in request.cookies:
        if name.startswith(SESSION_COOKIE_PREFIX) and value:
            return hashlib.sha256(value.encode("utf-8", "replace")).digest()
    return None
