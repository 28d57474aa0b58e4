"""Measurements of one ferry half."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ferry.lane.checks import LaneId
from ferry.lane.reasons import Reason

_AGES_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 600, 3600)
_STEPS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)


class LaneMetrics:
    """The children of one lane, bound once."""

    def __init__(self, metrics: FerryMetrics, lane: LaneId) -> None:
        labels = (lane.lane, lane.direction)
        self.age = metrics.age.labels(*labels)
        self.bundles = metrics.bundles.labels(*labels)
        self.items = metrics.items.labels(*labels)
        self.bytes = metrics.bytes.labels(*labels)
        self.duplicates = metrics.duplicates.labels(*labels)
        self.rejected = metrics.rejected.labels(*labels)
        self.resends = metrics.resends.labels(*labels)
        self.lost = metrics.lost.labels(*labels)
        self.gaps = metrics.gaps.labels(*labels)
        self.depth = metrics.depth.labels(*labels)
        self.unacknowledged = metrics.unacknowledged.labels(*labels)
        self.heartbeat_age = metrics.heartbeat_age.labels(*labels)
        self.blocked = metrics.blocked.labels(*labels)


class FerryMetrics:
    """What one half tells about itself; ``way`` is inbound or outbound.

    Args:
        registry: the process's registry.
        lanes: the lanes this half serves.
    """

    def __init__(self, registry: CollectorRegistry, lanes: Iterable[LaneId]) -> None:
        self.age = Histogram(
            "ferry_parcel_age_seconds",
            "age of a bundle when passed on",
            ("lane", "way"),
            registry=registry,
            buckets=_AGES_S,
        )
        self.bundles = Counter("ferry_bundles_total", "bundles passed on", ("lane", "way"), registry=registry)
        self.items = Counter("ferry_items_total", "requests and answers passed on", ("lane", "way"), registry=registry)
        self.bytes = Counter("ferry_bundle_bytes_total", "bytes passed on", ("lane", "way"), registry=registry)
        self.duplicates = Counter(
            "ferry_duplicates_total", "repeated bundles recognised", ("lane", "way"), registry=registry
        )
        self.rejected = Counter("ferry_rejected_items_total", "failed inspection", ("lane", "way"), registry=registry)
        self.resends = Counter("ferry_resends_total", "bundles sent again", ("lane", "way"), registry=registry)
        self.lost = Counter("ferry_lost_total", "given up: not kept any more", ("lane", "way"), registry=registry)
        self.resend_asked = Gauge("ferry_resend_asked_total", "asked for by the resend list", registry=registry)
        self.gaps = Gauge("ferry_gaps_total", "crossings missing now", ("lane", "way"), registry=registry)
        self.depth = Gauge("ferry_queue_depth_total", "files waiting to be taken", ("lane", "way"), registry=registry)
        self.unacknowledged = Gauge(
            "ferry_unacknowledged_total", "sent and not acknowledged", ("lane", "way"), registry=registry
        )
        self.heartbeat_age = Gauge(
            "ferry_heartbeat_age_seconds",
            "since the other half was heard on this lane",
            ("lane", "way"),
            registry=registry,
        )
        self.blocked = Gauge(
            "ferry_lane_blocked_total", "1 while a lane cannot go on", ("lane", "way"), registry=registry
        )
        self.quarantined = Counter(
            "ferry_set_aside_total", "bundles quarantined or held", ("reason",), registry=registry
        )
        self.quarantine_files = Gauge("ferry_quarantine_files_total", "files in quarantine", registry=registry)
        self.held_files = Gauge("ferry_held_files_total", "held files that wait for two people", registry=registry)
        self.quarantine_lost = Counter(
            "ferry_quarantine_refused_total", "set aside without keeping the bytes: quarantine full", registry=registry
        )
        self.scanner_absent = Gauge(
            "ferry_scanner_absent_total",
            "1 while the virus scanner does not answer and requests wait",
            registry=registry,
        )
        self.bad_control = Counter("ferry_bad_control_total", "control messages refused", registry=registry)
        self.log_leaves = Gauge("ferry_log_leaves_total", "crossings in the log now written", registry=registry)
        self.log_uncosigned = Gauge(
            "ferry_log_uncosigned_total", "crossings the other half has not witnessed", registry=registry
        )
        self.log_alarm = Gauge("ferry_log_alarm_total", "alarms of the log that hold now", registry=registry)
        self.notices = Counter("ferry_notices_total", "deny-list notices carried", registry=registry)
        self.failures = Counter("ferry_turn_failures_total", "steps that broke unexpectedly", registry=registry)
        self.turn = Histogram("ferry_turn_seconds", "time of one step", registry=registry, buckets=_STEPS_S)
        self._reasons = {reason: self.quarantined.labels(reason.value) for reason in Reason}
        self._lanes = {lane: LaneMetrics(self, lane) for lane in lanes}

    def lane(self, lane: LaneId) -> LaneMetrics:
        """Give the children of a lane."""
        return self._lanes[lane]

    def set_aside(self, reason: Reason) -> None:
        """Count a bundle that was set aside."""
        self._reasons[reason].inc()
