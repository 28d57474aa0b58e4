from __future__ import annotations

from prometheus_client import CollectorRegistry

from ca.metrics import CaMetrics
from wire_formats.metric_names import METRICS


def test_every_figure_is_in_the_table():
    registry = CollectorRegistry()
    CaMetrics(registry, ("server",))
    found = {}
    for metric in registry.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        found[name] = metric.type.capitalize()
    assert found == {name: metric.kind for name, metric in METRICS.items() if name.startswith("ca_")}
