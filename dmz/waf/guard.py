"""The firewall around a handler: what it refuses never reaches a worker; what a worker must not say never leaves.

One audit line per refusal, with the request's id, the stage, the rule and the score. Never a value, a name that came
with the request, or a path that is not ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from twisted.logger import Logger, LogLevel

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
from wire_formats.errors import Bug, Kind

_MIB: Final = 1024 * 1024
#: How long a request is judged before others have their turn.
SLICE_S: Final = 0.005


class GuardedHandler:
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
        inner: Handler,
        pipeline: WafPipeline,
        *,
        metrics: FirewallMetrics,
        seconds: Callable[[], float],
        pause: Callable[[], Awaitable[None]],
    ) -> None:
        self._inner = inner
        self._pipeline = pipeline
        self._metrics = metrics
        self._seconds = seconds
        self._pause = pause

    async def __call__(self, request: HallRequest) -> HallResponse:
        """Have a request answered, if it may pass.

        Raises:
            FirewallRefusedError: FIREWALL, NOT_FOUND, METHOD_NOT_ALLOWED or BODY_TOO_LARGE.
            Bug: the answer must not leave.
        """
        started = self._seconds()
        verdict = await self._in_slices(self._pipeline.steps(request))
        self._metrics.seconds.observe(max(0.0, self._seconds() - started))
        self._metrics.count(verdict)
        if not verdict.allowed:
            self._audit(verdict, request)
            label = self._pipeline.label_of(request, verdict)
            raise FirewallRefusedError(verdict, label, form_back(request, verdict.field))
        response = await self._inner(request)
        verdict = await self._in_slices(self._pipeline.answer_steps(request, response))
        if not verdict.allowed:
            self._metrics.count(verdict)
            self._audit(verdict, request)
            raise Bug(Kind.BUG, verdict.rule)
        return response

    async def _in_slices(self, steps: Generator[None, None, Verdict]) -> Verdict:
        """Take steps of a judgement in slices of SLICE_S."""
        until = self._seconds() + SLICE_S
        while True:
            try:
                next(steps)
            except StopIteration as done:
                verdict: Verdict = done.value
                return verdict
            if self._seconds() > until:
                await self._pause()
                until = self._seconds() + SLICE_S

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
    inner: Handler,
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
