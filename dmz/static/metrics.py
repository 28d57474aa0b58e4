"""Metrics of the static role; rows in wire_formats.metric_names say what each means."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter

_STATUSES: Final = (200, 304, 404, 405)


class StaticMetrics:
    """What the static role counts.

    Args:
        registry: of this process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        answers = Counter("dmz_static_answers_total", "Answers", ("status",), registry=registry)
        self.answers = {status: answers.labels(str(status)) for status in _STATUSES}
        self.sent_bytes = Counter("dmz_static_sent_bytes", "Bytes of files sent", registry=registry)
