"""Measurements of one half's diode links; ``way`` tells which of the two."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from ferry.transports.diode.datagram import LANE_NAMES


class DiodeMetrics:
    """What both links of a half count.

    Args:
        registry: the process's registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.packets = Counter(
            "ferry_diode_packets_total", "datagrams sent or taken", ("lane", "way"), registry=registry
        )
        self.files = Counter(
            "ferry_diode_files_total", "files sent or arrived whole", ("lane", "way"), registry=registry
        )
        self.repaired = Counter(
            "ferry_diode_repaired_total", "arrived whole after loss", ("lane", "way"), registry=registry
        )
        self.incomplete = Counter(
            "ferry_diode_incomplete_total", "never became whole", ("lane", "way"), registry=registry
        )
        self.dropped = Counter("ferry_diode_dropped_total", "whole files dropped", ("lane", "way"), registry=registry)
        self.queue = Gauge("ferry_diode_queue_bytes", "bytes that wait to be sent", ("lane", "way"), registry=registry)
        self.passed_over = Counter(
            "ferry_diode_passed_over_total", "datagrams passed over", ("reason", "way"), registry=registry
        )
        self.kernel_dropped = Gauge(
            "ferry_diode_kernel_dropped_total", "datagrams the kernel had no room for", ("way",), registry=registry
        )
        self.loss = Gauge("ferry_diode_loss_ratio", "share of datagrams lost lately", ("way",), registry=registry)
        self.unsent = Counter("ferry_diode_send_failures_total", "times sending failed", ("way",), registry=registry)

    def lane(self, code: int, way: str) -> LaneCounts:
        """Give the children of one lane of one link."""
        return LaneCounts(self, LANE_NAMES[code], way)


class LaneCounts:
    """One lane of one link: its measurements, and the same numbers for the status."""

    def __init__(self, metrics: DiodeMetrics, lane: str, way: str) -> None:
        self._metrics = {
            name: getattr(metrics, name).labels(lane, way)
            for name in ("packets", "files", "repaired", "incomplete", "dropped")
        }
        self.queue = metrics.queue.labels(lane, way)
        self.counts: dict[str, int | float] = dict.fromkeys(self._metrics, 0)

    def add(self, name: str, count: int = 1) -> None:
        """Count."""
        self._metrics[name].inc(count)
        self.counts[name] += count
