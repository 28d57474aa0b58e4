"""Counters and histograms for what happens with every request: plain numbers, turned into samples when they are asked.

prometheus_client's own take a lock and call through three layers for every step, which is more than reading a
request's head costs. Everything here is counted in the reactor's thread, and read there by the metrics page, so no lock
is needed. Names, labels and the page stay those of prometheus_client; what is counted seldom uses its classes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class CounterChild:
    """One counter; ``count`` may be added to directly."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def inc(self, by: int = 1) -> None:
        """Count."""
        self.count += by


class Counter(Collector):
    """A family of counters, as ``prometheus_client.Counter``.

    Args:
        name: as in wire_formats.metric_names.
        documentation: one line.
        labelnames: of its children.
        registry: of this process.
    """

    def __init__(
        self, name: str, documentation: str, labelnames: Sequence[str] = (), *, registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labelnames = tuple(labelnames)
        self._children: dict[tuple[str, ...], CounterChild] = {}
        if not labelnames:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> CounterChild:
        """Give the child of these label values."""
        return self._children.setdefault(values, CounterChild())

    def describe(self) -> Iterable[CounterMetricFamily]:
        """Tell the registry the name."""
        return [CounterMetricFamily(self._name, self._documentation, labels=self._labelnames)]

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Give the samples now."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labelnames)
        for values, child in self._children.items():
            family.add_metric(values, child.count)
        return [family]


class HistogramChild:
    """One histogram."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, amount: float) -> None:
        """Count an amount in its bucket."""
        self.counts[bisect_left(self._bounds, amount)] += 1
        self.total += amount


class Histogram(Collector):
    """A family of histograms, as ``prometheus_client.Histogram``.

    Args:
        name: as in wire_formats.metric_names.
        documentation: one line.
        labelnames: of its children.
        registry: of this process.
        buckets: upper bounds, ascending, without infinity.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str] = (),
        *,
        registry: CollectorRegistry,
        buckets: Sequence[float],
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labelnames = tuple(labelnames)
        self._bounds = tuple(buckets)
        self._children: dict[tuple[str, ...], HistogramChild] = {}
        if not labelnames:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> HistogramChild:
        """Give the child of these label values."""
        return self._children.setdefault(values, HistogramChild(self._bounds))

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """Tell the registry the name."""
        return [HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Give the samples now."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)
        names = [floatToGoString(bound) for bound in (*self._bounds, math.inf)]  # type: ignore[no-untyped-call]
        for values, child in self._children.items():
            buckets, below = [], 0
            for name, count in zip(names, child.counts, strict=True):
                below += count
                buckets.append((name, below))
            family.add_metric(values, buckets, child.total)
        return [family]
