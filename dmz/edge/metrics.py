"""The edge's metrics; children are bound once, labels have few known values.

Rows in wire_formats.metric_names carry the meaning of each.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from dmz.edge.refusals import Reason
from dmz.tallies import Counter, Histogram
from wire_formats.instants import SECOND_MS

WINDOWS: Final = ("unit", "community", "person", "site", "plain")
STATUS_CLASSES: Final = ("2xx", "3xx", "4xx", "5xx")
CONNECTION_REFUSALS: Final = (
    "banned",
    "connections",
    "connection_rate",
    "address_connections",
    "handshakes",
    "address_handshakes",
)
_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class EdgeMetrics:
    """What one edge process counts.

    Args:
        registry: of this process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter("dmz_edge_requests_total", "Requests answered", ("window", "status"), registry=registry)
        self._requests = {
            (window, int(status[0])): requests.labels(window, status) for window in WINDOWS for status in STATUS_CLASSES
        }
        refusals = Counter("dmz_edge_refusals_total", "Requests refused by the edge", ("reason",), registry=registry)
        self._refusals = {reason: refusals.labels(reason.word) for reason in Reason}
        turned_away = Counter(
            "dmz_edge_connections_refused_total", "Connections closed at once", ("limit",), registry=registry
        )
        self._turned_away = {limit: turned_away.labels(limit) for limit in CONNECTION_REFUSALS}
        handshakes = Counter("dmz_edge_handshakes_total", "TLS handshakes ended", ("kind",), registry=registry)
        self.full_handshakes = handshakes.labels("full")
        self.resumed_handshakes = handshakes.labels("resumed")
        self.failed_handshakes = handshakes.labels("failed")
        self.dropped_handshakes = handshakes.labels("dropped")
        self._seconds = {
            window: child
            for family in [
                Histogram(
                    "dmz_edge_request_seconds",
                    "From the last byte of a request to its answer",
                    ("window",),
                    registry=registry,
                    buckets=_SECONDS,
                )
            ]
            for window, child in ((name, family.labels(name)) for name in WINDOWS)
        }
        #: Connections open now.
        self.open_connections = 0
        connections = Gauge("dmz_edge_open_connections_total", "Connections open now", registry=registry)
        connections.set_function(lambda: self.open_connections)
        self.body_bytes = Gauge("dmz_edge_body_memory_bytes", "Memory held for request bodies", registry=registry)
        self.answer_bytes = Gauge(
            "dmz_edge_answer_memory_bytes", "Memory held for answers that clients are taking", registry=registry
        )
        self.staple_seconds = Gauge("dmz_edge_staple_left_seconds", "Life left; -1: none", registry=registry)
        received = Counter("dmz_edge_received_bytes", "Request bytes, decrypted", registry=registry)
        sent = Counter("dmz_edge_sent_bytes", "Response bytes, before encryption", registry=registry)
        self.received_bytes, self.sent_bytes = received.labels(), sent.labels()
        self._deny_epoch = Gauge("dmz_edge_deny_list_epoch_total", "Newest epoch of the deny list", registry=registry)
        self._deny_serials = Gauge("dmz_edge_deny_list_serials_total", "Certificates denied", registry=registry)
        self._deny_age = Gauge("dmz_edge_deny_list_age_seconds", "Age of the deny list; -1: none", registry=registry)
        refused_notices = Counter(
            "dmz_edge_deny_notices_refused_total", "Notices that are no valid deny list", registry=registry
        )
        self.deny_notices_refused = refused_notices.labels()

    def answered(self, window: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests[window, status // 100].count += 1
        self._seconds[window].observe(seconds)

    def refused(self, reason: Reason) -> None:
        """Count a refusal."""
        self._refusals[reason].inc()

    def turned_away(self, limit: str) -> None:
        """Count a connection that was closed at once, by the limit it met."""
        self._turned_away[limit].inc()

    def deny_list(self, *, epoch: int, serials: int, age_ms: int | None) -> None:
        """Say how the deny list stands."""
        self._deny_epoch.set(epoch)
        self._deny_serials.set(serials)
        self._deny_age.set(-1 if age_ms is None else age_ms / SECOND_MS)
