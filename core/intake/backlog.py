"""The requests that wait in the core, in the order in which they are run: units take turns.

    inbox (bundles, in the ferry's order) ─▶ opened ahead, bounded ─▶ fair shares of units ─▶ one commit for many

So a unit whose requests fill bundle after bundle keeps nobody else from the next commit, and a workbook of hundreds of
chunks not the next workbook. How far ahead bundles are opened bounds how much of a flood a newcomer can overtake: eight
full bundles, more than workers let one unit have unanswered. What is further back was put into order by the workers,
who share out bundles in the same way.

Who is asked for is read off the grant, once its signature held; without one (sign-in, certificate download) the client
certificate or the worker stands for it. A worker that lies about it gains turns, never an effect.
Source: wire_formats.fair_queue; DESIGN "Priorities".
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

from core.intake.inbox import Inbox
from core.intake.verify import Incoming
from core.intake.work import Work
from wire_formats.bundle import MAX_ITEMS
from wire_formats.fair_queue import FairQueue, cost_of
from wire_formats.request import LANES

AHEAD: Final = {"interactive": 8 * MAX_ITEMS, "bulk": 64}
"""Requests of a lane that are open and wait, at most; the bundle that reaches it is opened whole."""
AHEAD_BYTES: Final = 16 << 20
"""The same, by the bytes of their bodies."""


class Backlog:
    """Opens bundles ahead of time and gives their requests in fair shares; used by the intake thread.

    Args:
        inbox: where the bundles lie; a bundle's file stays until each of its requests is answered.
        unit_of: for whom a request is made.
    """

    def __init__(self, inbox: Inbox, unit_of: Callable[[Incoming], Hashable]) -> None:
        self._inbox = inbox
        self._unit_of = unit_of
        self._queues: dict[str, FairQueue[Work]] = {lane: FairQueue(AHEAD[lane] + MAX_ITEMS) for lane in LANES}
        self._bytes = dict.fromkeys(LANES, 0)

    def waiting(self, lane: str) -> int:
        """Return how many requests of a lane are open and wait."""
        return len(self._queues[lane])

    def take(self, lane: str, *, most: int) -> list[Work]:
        """Take the requests whose turn it is, at most so many; what is taken is run before more is taken."""
        self._open(lane)
        queue = self._queues[lane]
        taken = [queue.take() for _ in range(min(most, len(queue)))]
        self._bytes[lane] -= sum(len(work.request.body_bytes) for work in taken)
        return taken

    def _open(self, lane: str) -> None:
        queue = self._queues[lane]
        while len(queue) < AHEAD[lane] and self._bytes[lane] < AHEAD_BYTES:
            works = self._inbox.take(lane, most_items=1)
            if not works:
                return
            for work in works:
                size = len(work.request.body_bytes)
                queue.add(self._unit_of(work.request), cost_of(size), work)
                self._bytes[lane] += size
