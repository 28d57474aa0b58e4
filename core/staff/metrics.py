"""Measurements of the staff window; names are listed in wire_formats.metric_names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5)
STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx")
LOGIN_OUTCOMES = ("done", "failed", "locked")
ACTS = ("open", "release", "pass", "refuse")


class StaffMetrics:
    """What the staff window tells about itself.

    Args:
        registry: the process's registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter("core_staff_requests_total", "requests answered", ["status"], registry=registry)
        self.requests = {name: requests.labels(name) for name in STATUS_CLASSES}
        self.seconds = Histogram(
            "core_staff_request_seconds", "time of one request", registry=registry, buckets=_SECONDS
        )
        logins = Counter("core_staff_logins_total", "attempts to sign in", ["outcome"], registry=registry)
        self.logins = {name: logins.labels(name) for name in LOGIN_OUTCOMES}
        acts = Counter("core_staff_case_acts_total", "what operators did to cases", ["act"], registry=registry)
        self.acts = {name: acts.labels(name) for name in ACTS}
        self.views = Counter("core_staff_person_views_total", "persons whose data was shown", registry=registry)
        self.sessions = Gauge("core_staff_sessions_total", "sessions open now", registry=registry)
        self.work = Gauge("core_staff_work_total", "requests in or waiting for a thread", registry=registry)
