"""Measurements of the core; names are listed in wire_formats.metric_names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class CoreMetrics:
    """What intake, handlers and publisher tell about themselves.

    Args:
        registry: the process's registry.
        groups: service groups of the catalogue: children are bound once, labels stay bounded.
    """

    def __init__(self, registry: CollectorRegistry, groups: tuple[str, ...]) -> None:
        intake = Histogram(
            "core_intake_seconds", "handler time of one request", ["group"], registry=registry, buckets=_SECONDS
        )
        self.intake = {group: intake.labels(group) for group in groups}
        requests = Counter("core_requests_total", "requests answered", ["status"], registry=registry)
        self.requests = {status: requests.labels(status) for status in ("done", "accepted", "refused", "partly")}
        bundles = Counter("core_bundles_total", "bundles taken in", ["lane", "verdict"], registry=registry)
        self.bundles = {
            (lane, verdict): bundles.labels(lane, verdict)
            for lane in ("interactive", "bulk")
            for verdict in ("done", "quarantined")
        }
        self.replays = Counter("core_replays_total", "stored answers sent again", registry=registry)
        self.stopped = Counter("core_answers_stopped_total", "answers the outflow guard stopped", registry=registry)
        held = Counter("core_held_total", "requests held for a person to look at", ["reason"], registry=registry)
        self.held = {reason: held.labels(reason) for reason in ("same_id_other_digest", "poison")}
        self.commit = Histogram("core_commit_seconds", "one write transaction", registry=registry, buckets=_SECONDS)
        self.slow_waiting = Gauge("core_slow_work_total", "password and desk work under way", registry=registry)
        self.turn_at = Gauge(
            "core_last_turn_seconds", "epoch second of the intake thread's last turn", registry=registry
        )
        self.faults = Counter("core_intake_faults_total", "turns of the intake thread that failed", registry=registry)
        self.published = Counter("core_answers_total", "answers put into the outbox", ["lane"], registry=registry)
