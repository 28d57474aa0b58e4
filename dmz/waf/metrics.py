"""Metrics of the firewall; rows in wire_formats.metric_names say what each means."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from dmz.tallies import Counter, Histogram
from dmz.waf.verdict import Stage, Verdict

_SECONDS: Final = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)


class FirewallMetrics:
    """What the firewall of one edge counts.

    Args:
        registry: of this process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        verdicts = Counter("dmz_waf_verdicts_total", "Verdicts", ("stage", "verdict"), registry=registry)
        self._passed = verdicts.labels("all", "passed")
        self._refused = {stage: verdicts.labels(stage.value, "refused") for stage in Stage}
        seconds = Histogram("dmz_waf_seconds", "Time to judge a request", registry=registry, buckets=_SECONDS)
        self.seconds = seconds.labels()

    def count(self, verdict: Verdict) -> None:
        """Count a verdict."""
        if verdict.stage is None:
            self._passed.inc()
        else:
            self._refused[verdict.stage].inc()
