from __future__ import annotations

from prometheus_client import CollectorRegistry

from core.metrics import CoreMetrics
from core.staff.metrics import StaffMetrics
from wire_formats.catalogue import SERVICES
from wire_formats.metric_names import METRICS


def test_metrics_are_those_of_the_table() -> None:
    registry = CollectorRegistry()
    CoreMetrics(registry, tuple({entry.group for entry in SERVICES.values()}))
    StaffMetrics(registry)
    registered = {name for names in registry._collector_to_names.values() for name in names}
    listed = {name for name in METRICS if name.startswith("core_")}
    assert {name for name in listed if name not in registered} == set()
