"""Which worker gets a request (pure).

Least connections: the ready worker with the fewest requests under way, relative to its weight; ties rotate. Requests of
one person go to one worker (its caches know the person): workers are ranked by a hash of person and worker name, and
the first that is not much busier than the average gets the request ("bounded load"), so that one busy person or one
slow worker cannot pile up a queue. When a worker leaves, only its own persons move.

A worker that comes back starts slowly: its weight grows linearly over SLOW_START_MS. At the edge's own start there is
no slow start, since all workers would have it at once.

Source: research "edge", section 4; highest random weight hashing (Thaler, Ravishankar 1998); Mirrokni, Thorup,
Zadimoghaddam 2016 (consistent hashing with bounded loads).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from wire_formats.errors import Kind, Unavailable

SLOW_START_MS: Final = 10_000
LEAST_WEIGHT: Final = 0.1
RETRY_AFTER_S: Final = 5
_PERSONS: Final = 4_096


@dataclass(frozen=True, slots=True)
class BalancerLimits:
    """How requests are spread.

    Attributes:
        in_flight: requests under way at one worker, at most.
        load_percent: an affine worker may have this share of the average load, in percent.
        load_floor: below this many requests a worker is never too busy for its own persons.
        slow_start_ms: how long a worker that comes back takes to get its full share.
    """

    in_flight: int = 64
    load_percent: int = 125
    load_floor: int = 8
    slow_start_ms: int = SLOW_START_MS


@dataclass(slots=True, eq=False)
class _Worker:
    name: str
    salt: bytes
    ready: bool = False
    seen: bool = False
    in_flight: int = 0
    since_ms: int | None = None


#: The workers that are ready, and their weights by name.
_Weighed: TypeAlias = tuple[list[_Worker], dict[str, float]]


class Balancer:
    """Chooses among the workers of one pool.

    Args:
        names: of all workers, ready or not.
        limits: how requests are spread.
    """

    def __init__(self, names: Iterable[str], limits: BalancerLimits) -> None:
        self._ranked = functools.lru_cache(maxsize=_PERSONS)(self._rank)
        self._workers = {name: _Worker(name, hashlib.sha256(name.encode()).digest()) for name in names}
        self._limits = limits
        self._steady: _Weighed | None = None
        self._turn = 0
        self._ready = 0
        self._in_flight = 0

    @property
    def ready_count(self) -> int:
        """Workers that may get requests."""
        return self._ready

    @property
    def in_flight(self) -> int:
        """Requests under way at all workers."""
        return self._in_flight

    def load_of(self, name: str) -> int:
        """Requests under way at one worker."""
        return self._workers[name].in_flight

    def set_ready(self, name: str, *, ready: bool, now_ms: int) -> None:
        """Take note that a worker may, or may no longer, get requests."""
        worker = self._workers[name]
        if ready and not worker.ready and worker.seen:
            worker.since_ms = now_ms
        self._ready += ready - worker.ready
        worker.ready = ready
        worker.seen = worker.seen or ready
        self._steady = None

    def pick(self, person: bytes | None, now_ms: int, avoid: Collection[str] = ()) -> str | None:
        """Choose a worker.

        Args:
            person: what stays the same for one person (a certificate's fingerprint), or None.
            now_ms: for slow start.
            avoid: workers already tried; they are chosen only when there is no other.

        Returns:
            A name, or None when every ready worker has all it may have.

        Raises:
            Unavailable: no worker is ready.
        """
        ready, weights = self._steady or self._weigh(now_ms)
        if not ready:
            raise Unavailable(Kind.NO_WORKER, "no worker is ready", RETRY_AFTER_S)
        candidates = ([worker for worker in ready if worker.name not in avoid] or ready) if avoid else ready
        chosen = None if person is None else self._affine(person, candidates, weights)
        if chosen is None:
            free = [worker for worker in candidates if worker.in_flight < self._limits.in_flight]
            chosen = self._least(free, weights) if free else None
        return None if chosen is None else chosen.name

    def _weigh(self, now_ms: int) -> _Weighed:
        """Give who is ready, and how much each may get; remembered while nobody starts slowly."""
        ready = [worker for worker in self._workers.values() if worker.ready]
        weights = {
            worker.name: 1.0 if worker.since_ms is None else self._weight(worker, worker.since_ms, now_ms)
            for worker in ready
        }
        weighed = ready, weights
        self._steady = weighed if all(worker.since_ms is None for worker in ready) else None
        return weighed

    def begin(self, name: str) -> None:
        """Take note of a request that goes to a worker."""
        self._workers[name].in_flight += 1
        self._in_flight += 1

    def end(self, name: str) -> None:
        """Take note that it is over."""
        self._workers[name].in_flight -= 1
        self._in_flight -= 1

    def _weight(self, worker: _Worker, since_ms: int, now_ms: int) -> float:
        share = (now_ms - since_ms) / self._limits.slow_start_ms
        if share >= 1.0:
            worker.since_ms = None
            return 1.0
        return max(LEAST_WEIGHT, share)

    def _affine(self, person: bytes, candidates: list[_Worker], weights: dict[str, float]) -> _Worker | None:
        average = (self._in_flight + 1) / sum(weights.values())
        for worker in self._ranked(person):
            if worker not in candidates:
                continue
            weight = weights[worker.name]
            bound = weight * max(average * self._limits.load_percent / 100, self._limits.load_floor)
            if worker.in_flight < min(bound, self._limits.in_flight):
                return worker
        return None

    def _rank(self, person: bytes) -> tuple[_Worker, ...]:
        """Rank all workers for a person: it never changes, so that the last few thousand are remembered."""
        return tuple(sorted(self._workers.values(), key=lambda each: hashlib.sha256(each.salt + person).digest()))

    def _least(self, free: list[_Worker], weights: dict[str, float]) -> _Worker:
        self._turn += 1
        start = self._turn % len(free)
        rotated = free[start:] + free[:start]
        return min(rotated, key=lambda worker: (worker.in_flight + 1) / weights[worker.name])
