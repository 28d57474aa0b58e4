"""A queue in which units wait for each other, not for the longest queue: fair shares by what requests cost. Pure.

    add     finish = max(virtual time, finish of the unit's last request that waits) + cost
    take    the request with the least finish goes; the virtual time becomes its finish

A unit (insured unit 参保单位, community or person: on whose behalf a request is made) that has thousands waiting gets
its share and no more; one that comes with a single request is served within the present round. Nothing is ever idle
while something waits, and the requests of one unit keep their order.

Among units that wait all the time, each is served the same cost in any stretch, give or take one request of each
(Golestani, theorem 1). A request of cost c that comes to a unit with nothing waiting has at most c and one request's
cost of every other unit before it, however much those have waiting.

How much one unit may have waiting follows from what is free: as many as there are places left. Alone it may fill half
of the queue, k busy units fill k / (k + 1) of it, so that a newcomer finds a place unless there are as many units as
places.

Source: Golestani, "A Self-Clocked Fair Queueing Scheme for Broadband Applications", 1994 (order); Choudhury and Hahne,
"Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998 (places).
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Final, Generic, NamedTuple, TypeVar

from wire_formats.errors import Kind, Unavailable

T = TypeVar("T")

LEAST_COST: Final = 4_096
"""What the smallest request counts as, in bytes: each needs a row, a place in a signature and a handler's call."""
RETRY_AFTER_S: Final = 5


def cost_of(size: int) -> int:
    """Give what a request of so many bytes costs."""
    return max(size, LEAST_COST)


class _Entry(NamedTuple):
    """One waiting request; numbers differ, so that units are never compared."""

    finish: int
    number: int
    unit: Hashable


class FairQueue(Generic[T]):
    """Requests of many units; every step costs O(log n).

    Args:
        most: requests that may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[_Entry] = []
        self._items: dict[int, T] = {}
        self._waiting: dict[Hashable, int] = {}
        self._last: dict[Hashable, int] = {}
        self._now = 0
        self._number = 0

    def __len__(self) -> int:
        return len(self._heap)

    def waiting(self, unit: Hashable) -> int:
        """Give how many requests of a unit wait."""
        return self._waiting.get(unit, 0)

    def check_room(self, unit: Hashable) -> None:
        """Check that a unit may have one more waiting.

        Raises:
            Unavailable: UNIT_BUSY: it has as many waiting as there are places free; BUSY: no place is free.
        """
        free = self._most - len(self._heap)
        if free <= 0 and not self.waiting(unit):
            raise Unavailable(Kind.BUSY, "queue full", RETRY_AFTER_S)
        if self.waiting(unit) >= free:
            raise Unavailable(Kind.UNIT_BUSY, "a unit has its share of the queue waiting", RETRY_AFTER_S)

    def add(self, unit: Hashable, cost: int, item: T) -> None:
        """Let a request wait; whether its unit may have more waiting is for the caller to ask first.

        Args:
            unit: for whom it is asked.
            cost: from ``cost_of``; at least 1.
            item: the request.

        Raises:
            Unavailable: BUSY: the queue is full.
        """
        if len(self._heap) >= self._most:
            raise Unavailable(Kind.BUSY, "queue full", RETRY_AFTER_S)
        finish = max(self._now, self._last.get(unit, 0)) + max(cost, 1)
        self._number += 1
        self._last[unit] = finish
        self._waiting[unit] = self.waiting(unit) + 1
        self._items[self._number] = item
        heapq.heappush(self._heap, _Entry(finish, self._number, unit))

    def first(self) -> T:
        """Give what goes next, without taking it; the queue is not empty."""
        return self._items[self._heap[0].number]

    def take(self) -> T:
        """Take what goes next; the queue is not empty."""
        entry = heapq.heappop(self._heap)
        self._now = entry.finish
        self._waiting[entry.unit] -= 1
        if not self._waiting[entry.unit]:
            # Its last finish is the virtual time now, so nothing is lost by forgetting it.
            del self._waiting[entry.unit], self._last[entry.unit]
        if not self._heap:
            self._now = 0
        return self._items.pop(entry.number)
