"""Metrics of admission control; rows in wire_formats.metric_names say what each means."""

from __future__ import annotations

import enum
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from dmz.switch.wait_queue import Priority
from dmz.tallies import Counter, Histogram

_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 5.0)


class Entry(enum.Enum):
    """How a request came in, or not."""

    AT_ONCE = "at_once"
    WAITED = "waited"
    SHED = "shed"
    LEFT = "left"


class AdmissionMetrics:
    """What one child counts.

    Args:
        registry: of this process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        entries = Counter(
            "dmz_admission_requests_total",
            "Requests at admission control",
            ("priority", "entry"),
            registry=registry,
        )
        seconds = Histogram(
            "dmz_admission_wait_seconds", "Time in the line", ("priority",), registry=registry, buckets=_SECONDS
        )
        overloaded = Gauge("dmz_admission_overloaded_total", "1 under overload", ("priority",), registry=registry)
        words = {priority: priority.name.lower() for priority in Priority}
        self.entries = {(each, entry): entries.labels(words[each], entry.value) for each in Priority for entry in Entry}
        self.seconds = {each: seconds.labels(words[each]) for each in Priority}
        self.overloaded = {each: overloaded.labels(words[each]) for each in Priority}
        self.places = Gauge("dmz_admission_places_total", "Requests that may be under way", registry=registry)
        self.pace = Gauge("dmz_admission_pace_ratio", "How much slower than usual is no overload", registry=registry)
        self.in_flight = Gauge("dmz_admission_in_flight_total", "Requests under way", registry=registry)
        self.waiting = Gauge("dmz_admission_waiting_total", "Requests waiting", registry=registry)
