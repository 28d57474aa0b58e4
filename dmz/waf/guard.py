"""The firewall around a handler: what it refuses never reaches a worker; what a worker must not say never leaves.

One audit line per refusal, with the request's id, the stage, the rule and the score. Never a value, a name that came
with the request, or a path that is not ours.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry
from twisted.logger import Logger, LogLevel

from dmz.messages import HallRequest, HallResponse, Handler
from dmz.waf.hall_routes import hall_route_table
from dmz.waf.metrics import FirewallMetrics
from dmz.waf.negative_rules import load_rules
from dmz.waf.pipeline import WafPipeline
from dmz.waf.refused import FirewallRefusedError
from dmz.waf.settings import FirewallSettings
from dmz.waf.verdict import Stage, Verdict
from wire_formats.errors import Bug, Kind

_MIB = 1024 * 1024


class GuardedHandler:
    """A handler behind the firewall.

    Args:
        inner: the content switch (or a worker's handler).
        pipeline: decides.
        metrics: counters.
        seconds: gives a time in seconds, for the histogram.
    """

    _log = Logger()

    def __init__(
        self, inner: Handler, pipeline: WafPipeline, *, metrics: FirewallMetrics, seconds: Callable[[], float]
    ) -> None:
        self._inner = inner
        self._pipeline = pipeline
        self._metrics = metrics
        self._seconds = seconds

    async def __call__(self, request: HallRequest) -> HallResponse:
        """Have a request answered, if it may pass.

        Raises:
            FirewallRefusedError: FIREWALL, NOT_FOUND, METHOD_NOT_ALLOWED or BODY_TOO_LARGE.
            Bug: the answer must not leave.
        """
        started = self._seconds()
        verdict = self._pipeline.check(request)
        self._metrics.seconds.observe(max(0.0, self._seconds() - started))
        self._metrics.count(verdict)
        if not verdict.allowed:
            self._audit(verdict, request)
            raise FirewallRefusedError(verdict)
        response = await self._inner(request)
        verdict = self._pipeline.check_answer(response)
        if not verdict.allowed:
            self._metrics.count(verdict)
            self._audit(verdict, request)
            raise Bug(Kind.BUG, verdict.rule)
        return response

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


def build_firewall(settings: FirewallSettings) -> WafPipeline:
    """Build the hall's firewall: its routes from catalogue and pages, its rules from ``rule_sets``."""
    return WafPipeline(
        hall_route_table(upload_bytes=settings.upload_mib * _MIB),
        load_rules(),
        threshold=settings.threshold,
        answer_bytes=settings.answer_mib * _MIB,
    )


def guarded(
    inner: Handler, settings: FirewallSettings, *, registry: CollectorRegistry, seconds: Callable[[], float]
) -> GuardedHandler:
    """Put the hall's firewall around a handler.

    Args:
        inner: the content switch.
        settings: of the firewall.
        registry: of this process.
        seconds: ``reactor.seconds``.
    """
    return GuardedHandler(inner, build_firewall(settings), metrics=FirewallMetrics(registry), seconds=seconds)
