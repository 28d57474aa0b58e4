"""Metrics of the content switch and of the workers' end; rows in wire_formats.metric_names say what each means."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from dmz.switch.worker_health import HealthState
from dmz.tallies import Counter, CounterChild, Histogram, HistogramChild

_SECONDS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)


class Outcome(enum.Enum):
    """How a request ended at the switch."""

    ANSWERED = "answered"
    NO_WORKER = "no_worker"
    QUEUE_FULL = "queue_full"
    QUEUE_DEADLINE = "queue_deadline"
    ANSWER_DEADLINE = "answer_deadline"
    LOST = "lost"
    BAD_ANSWER = "bad_answer"
    CANCELLED = "cancelled"


class Again(enum.Enum):
    """Why a request was sent to another worker."""

    NOT_BEGUN = "not_begun"
    REPEATABLE = "repeatable"


class SwitchMetrics:
    """What the switch of one edge counts.

    Args:
        registry: of this process.
        pools: names of the pools.
    """

    def __init__(self, registry: CollectorRegistry, pools: Iterable[str]) -> None:
        self._requests = Counter(
            "dmz_switch_requests_total", "Requests handed to the switch", ("pool", "outcome"), registry=registry
        )
        self._retries = Counter(
            "dmz_switch_retries_total", "Requests sent to another worker", ("pool", "why"), registry=registry
        )
        self._workers = Gauge("dmz_switch_workers_total", "Workers by state", ("pool", "state"), registry=registry)
        self._in_flight = Gauge("dmz_switch_in_flight_total", "Requests under way", ("pool",), registry=registry)
        self._waiting = Gauge("dmz_switch_waiting_total", "Requests waiting for a place", ("pool",), registry=registry)
        self._ejections = Counter("dmz_switch_ejections_total", "Workers ejected", ("pool",), registry=registry)
        self._seconds = Histogram(
            "dmz_switch_wait_seconds", "Time in the queue", ("pool",), registry=registry, buckets=_SECONDS
        )
        self._pools = {name: self._bind(name) for name in pools}

    def pool(self, name: str) -> PoolMetrics:
        """Give the counters of one pool."""
        return self._pools[name]

    def _bind(self, pool: str) -> PoolMetrics:
        return PoolMetrics(
            outcomes={outcome: self._requests.labels(pool, outcome.value) for outcome in Outcome},
            again={why: self._retries.labels(pool, why.value) for why in Again},
            states={state: self._workers.labels(pool, state.value) for state in HealthState},
            in_flight=self._in_flight.labels(pool),
            waiting=self._waiting.labels(pool),
            ejections=self._ejections.labels(pool),
            seconds=self._seconds.labels(pool),
        )


class PoolMetrics:
    """The bound counters of one pool."""

    def __init__(  # noqa: PLR0913 - a record; all by keyword
        self,
        *,
        outcomes: dict[Outcome, CounterChild],
        again: dict[Again, CounterChild],
        states: dict[HealthState, Gauge],
        in_flight: Gauge,
        waiting: Gauge,
        ejections: CounterChild,
        seconds: HistogramChild,
    ) -> None:
        self.outcomes = outcomes
        self.answered = outcomes[Outcome.ANSWERED]
        self.again = again
        self.states = states
        self.in_flight = in_flight
        self.waiting = waiting
        self.ejections = ejections
        self.seconds = seconds


class PortOutcome(enum.Enum):
    """How a request ended at a worker's port."""

    ANSWERED = "answered"
    FAILED = "failed"
    OVERLOADED = "overloaded"
    UNREADABLE = "unreadable"
    UNWANTED = "unwanted"


class PortMetrics:
    """What the port of one worker or static role counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter("dmz_port_requests_total", "Requests that reached a port", ("outcome",), registry=registry)
        self.outcomes = {outcome: requests.labels(outcome.value) for outcome in PortOutcome}
        self.in_flight = Gauge("dmz_port_in_flight_total", "Requests in the handler", registry=registry)
        self.connections = Gauge("dmz_port_connections_total", "Edges connected", registry=registry)
