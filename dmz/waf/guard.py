"""The firewall around a handler: what it refuses never reaches a worker; what a worker must not say never leaves.

One audit line per refusal, with the request's id, the stage, the rule and the score. Never a value, a name that came
with the request, or a path that is not ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from dmz.answering import Answerer, Answering, Cancel, Done, answerer_of, nothing
from dmz.hall.form_back import form_back
from dmz.messages import HallRequest, HallResponse, Handler
from dmz.waf.hall_routes import hall_route_table
from dmz.waf.metrics import FirewallMetrics
from dmz.waf.pipeline import WafPipeline
from dmz.waf.refused import FirewallRefusedError
from dmz.waf.rule_store import compile_stored, read_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.settings import FirewallSettings
from dmz.waf.verdict import Stage, Verdict
from wire_formats.errors import Bug, HallError, Kind

_T = TypeVar("_T")
_R = TypeVar("_R")
_MIB: Final = 1024 * 1024
#: How long a request is judged before others have their turn.
SLICE_S: Final = 0.005


class GuardedHandler(Answering):
    """A handler behind the firewall.

    Args:
        inner: the content switch (or a worker's handler).
        pipeline: decides.
        metrics: counters.
        seconds: gives a time in seconds, for the histogram and for slices.
        pause: lets others have their turn.
    """

    _log = Logger()

    def __init__(
        self,
        inner: Handler | Answerer,
        pipeline: WafPipeline,
        *,
        metrics: FirewallMetrics,
        seconds: Callable[[], float],
        pause: Callable[[], Awaitable[None]],
    ) -> None:
        self.inner = answerer_of(inner)
        self.pipeline = pipeline
        self._metrics = metrics
        self._seconds = seconds
        self._pause = pause

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        """Have a request answered, if it may pass.

        The error may be ``FirewallRefusedError`` (FIREWALL, NOT_FOUND, METHOD_NOT_ALLOWED or BODY_TOO_LARGE), or a
        ``Bug``: the answer must not leave.
        """
        guarded = _Guarded(self, request, done)
        guarded.begin()
        return guarded.cancel

    # --- for the requests under way ----------------------------------------------

    def judge(self, steps: Generator[None, None, Verdict], then: Callable[[Verdict | BaseException], None]) -> Cancel:
        """Take the steps of a judgement; those of a long one in slices of SLICE_S, between which others have a turn."""
        until = self._seconds() + SLICE_S
        told: Verdict | BaseException
        try:
            next(steps)
            while self._seconds() <= until:
                next(steps)
        except StopIteration as last:
            told = last.value
        except Exception as error:  # noqa: BLE001 - whoever asked is told, and logs what is our own fault
            told = error
        else:
            going_on = Deferred.fromCoroutine(self._in_slices(steps))
            going_on.addCallbacks(then, _unless_cancelled(then))
            return going_on.cancel
        then(told)
        return nothing

    async def _in_slices(self, steps: Generator[None, None, Verdict]) -> Verdict:
        while True:
            await self._pause()
            until = self._seconds() + SLICE_S
            try:
                next(steps)
                while self._seconds() <= until:
                    next(steps)
            except StopIteration as last:
                verdict: Verdict = last.value
                return verdict

    def asked(self, request: HallRequest, verdict: Verdict, started_s: float) -> HallError | None:
        """Count a request's verdict; gives the refusal if it may not pass."""
        self._metrics.seconds.observe(max(0.0, self._seconds() - started_s))
        self._metrics.count(verdict)
        if verdict.allowed:
            return None
        self._audit(verdict, request)
        label = self.pipeline.label_of(request, verdict)
        return FirewallRefusedError(verdict, label, form_back(request, verdict.field))

    def answered(self, request: HallRequest, verdict: Verdict) -> HallError | None:
        """Count an answer's verdict; gives an error if it must not leave."""
        if verdict.allowed:
            return None
        self._metrics.count(verdict)
        self._audit(verdict, request)
        return Bug(Kind.BUG, verdict.rule)

    def now_s(self) -> float:
        """Give the time in seconds."""
        return self._seconds()

    def _audit(self, verdict: Verdict, request: HallRequest) -> None:
        self._log.emit(
            LogLevel.error if verdict.stage is Stage.RESPONSE else LogLevel.warn,
            "firewall_refused",
            request_id=request.request_id,
            window=request.window,
            stage=verdict.stage.value if verdict.stage is not None else "",
            rule=verdict.rule,
            reason=verdict.field,
            score=verdict.score,
        )


def _unless_cancelled(then: Callable[[Verdict | BaseException], None]) -> Callable[[Failure], None]:
    def failed(failure: Failure) -> None:
        if not failure.check(CancelledError):
            assert failure.value is not None
            then(failure.value)

    return failed


class _Guarded:
    """One request on its way through the firewall, and its answer on the way back: three stages."""

    __slots__ = ("_cancel", "_done", "_guard", "_request", "_response", "_stage", "_started_s")

    def __init__(self, guard: GuardedHandler, request: HallRequest, done: Done) -> None:
        self._guard = guard
        self._request = request
        self._done = done
        self._response: HallResponse | None = None
        self._cancel: Cancel = nothing
        self._stage = 0
        self._started_s = guard.now_s()

    def begin(self) -> None:
        """Judge the request."""
        self._go_on(self._guard.judge, self._guard.pipeline.steps(self._request), self._judged)

    def cancel(self) -> None:
        """Nobody wants the answer any more."""
        self._cancel()

    def _go_on(self, begin: Callable[[_T, Callable[[_R], None]], Cancel], what: _T, then: Callable[[_R], None]) -> None:
        """Begin a stage; it may be over, and the next one begun, before ``begin`` returns."""
        self._stage = stage = self._stage + 1
        cancel = begin(what, then)
        if stage == self._stage:
            self._cancel = cancel

    def _judged(self, verdict: Verdict | BaseException) -> None:
        error = (
            verdict
            if isinstance(verdict, BaseException)
            else self._guard.asked(self._request, verdict, self._started_s)
        )
        if error is not None:
            self._done(error)
        else:
            self._go_on(self._guard.inner.begin, self._request, self._answered)

    def _answered(self, outcome: HallResponse | BaseException) -> None:
        if isinstance(outcome, BaseException):
            self._done(outcome)
        else:
            self._response = outcome
            self._go_on(
                self._guard.judge, self._guard.pipeline.answer_steps(self._request, outcome), self._answer_judged
            )

    def _answer_judged(self, verdict: Verdict | BaseException) -> None:
        error = verdict if isinstance(verdict, BaseException) else self._guard.answered(self._request, verdict)
        if error is not None:
            self._done(error)
        else:
            assert self._response is not None
            self._done(self._response)


def build_firewall(settings: FirewallSettings, cache: Path | None = None) -> WafPipeline:
    """Build the hall's firewall: its routes from catalogue and pages, its rules from their files.

    Args:
        settings: of the firewall.
        cache: where compiled rules are kept; None: nowhere.

    Raises:
        SettingsError: a rule file that is missing or cannot be used.
    """
    return WafPipeline(
        hall_route_table(upload_bytes=settings.upload_mib * _MIB),
        Engine(compile_stored(read_rules(settings), cache)),
        answer_bytes=settings.answer_mib * _MIB,
    )


def guarded(
    inner: Handler | Answerer,
    pipeline: WafPipeline,
    *,
    registry: CollectorRegistry,
    seconds: Callable[[], float],
    pause: Callable[[], Awaitable[None]],
) -> GuardedHandler:
    """Put the hall's firewall around a handler.

    Args:
        inner: the content switch.
        pipeline: ``build_firewall``'s.
        registry: of this process.
        seconds: ``reactor.seconds``.
        pause: lets the reactor do other work: an awaitable that is done in its next turn.
    """
    return GuardedHandler(inner, pipeline, metrics=FirewallMetrics(registry), seconds=seconds, pause=pause)
