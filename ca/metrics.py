"""The authority's figures: one class, children bound once, labels from fixed words only.

Source: DESIGN "Metrics"; research/style.md section 4.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DESK_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
QUESTIONS: Final = ("download", "prepare", "enable", "revoke", "status", "unknown")
OUTCOMES: Final = ("done", "refused", "unavailable", "malformed", "bug")


class CaMetrics:
    """What the `ca` role counts.

    Args:
        registry: where the figures are collected.
        profiles: names of the profiles, the label's whole range.
    """

    def __init__(self, registry: CollectorRegistry, profiles: tuple[str, ...]) -> None:
        signatures = Counter("ca_signatures_total", "Certificates signed, by profile", ["profile"], registry=registry)
        self._signed = {name: signatures.labels(profile=name) for name in profiles}
        self._lint = Counter("ca_lint_refusals_total", "Certificates the house lint refused", registry=registry)
        questions = Counter(
            "ca_desk_questions_total",
            "Questions at the desk, by kind and outcome",
            ["question", "outcome"],
            registry=registry,
        )
        self._asked = {
            (question, outcome): questions.labels(question=question, outcome=outcome)
            for question in QUESTIONS
            for outcome in OUTCOMES
        }
        self._seconds = Histogram(
            "ca_desk_seconds", "Time from question to answer", registry=registry, buckets=DESK_BUCKETS_S
        )
        self._codes = Counter("ca_wrong_codes_total", "Wrong verification codes", registry=registry)
        self._locked = Counter("ca_slips_locked_total", "Slips locked after too many wrong codes", registry=registry)
        self._connections = Gauge("ca_desk_connections_total", "Open connections at the desk", registry=registry)
        self._epoch = Gauge("ca_deny_epoch_total", "Newest epoch of the published deny list", registry=registry)
        self._denied = Gauge("ca_denied_certificates_total", "Certificates on the deny list", registry=registry)
        self._published = Gauge("ca_deny_published_seconds", "When the deny list was last published", registry=registry)
        self._publish_failures = Counter(
            "ca_deny_publish_failures_total", "Deny lists that could not be put into the drop", registry=registry
        )

    def signed(self, profile: str) -> None:
        """Count one signature."""
        self._signed[profile].inc()

    def lint_refused(self) -> None:
        """Count one refusal by the lint."""
        self._lint.inc()

    def answered(self, question: str, outcome: str, seconds: float) -> None:
        """Count one answer of the desk."""
        self._asked[question, outcome].inc()
        self._seconds.observe(seconds)

    def wrong_code(self, *, locked: bool) -> None:
        """Count one wrong verification code."""
        self._codes.inc()
        if locked:
            self._locked.inc()

    def connections(self, count: int) -> None:
        """Say how many connections are open."""
        self._connections.set(count)

    def published(self, *, epoch: int, size: int, now_ms: int) -> None:
        """Say what was published last."""
        self._epoch.set(epoch)
        self._denied.set(size)
        self._published.set(now_ms / 1000)

    def publish_failed(self) -> None:
        """Count one increment that could not be put into the drop."""
        self._publish_failures.inc()
