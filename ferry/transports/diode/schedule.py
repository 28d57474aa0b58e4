"""What leaves next: control before interactive before bulk, repeats at their time.

    waiting objects of a lane ─▶ (opened: framed into datagrams) ─▶ ready ─▶ taken
                                          └─ copies, repair ─▶ later, due after the gap ─▶ ready

Only one object or block of a lane is open at a time, so memory is the waiting objects and what the gap holds back.
Interactive leaves bulk one datagram in nine, so that bulk is slow under load and never stands still.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from ferry.transports.diode.datagram import LANE_CODES, LANE_NAMES
from wire_formats.errors import Kind, Unavailable

#: Of this many datagrams one is bulk's when both lanes wait.
BULK_SHARE: Final = 9
#: Small files that may wait on a lane.
MOST_WAITING: Final = 16_384
_RETRY_S: Final = 1
_CONTROL: Final = LANE_CODES["control"]
_INTERACTIVE: Final = LANE_CODES["interactive"]
_BULK: Final = LANE_CODES["bulk"]


class Portion(NamedTuple):
    """Datagrams of one object or block: those to send now, and others for later.

    Attributes:
        now: datagrams, in order.
        later: pairs of a wait in seconds and datagrams.
    """

    now: list[bytes]
    later: list[tuple[float, list[bytes]]]


class Framing(Protocol):
    """Makes datagrams of objects."""

    def portions(self, lane: int, data: bytes) -> Iterator[Portion]:
        """Frame one object, portion by portion."""


class _Lane:
    def __init__(self) -> None:
        self.waiting: OrderedDict[str, bytes] = OrderedDict()
        self.bytes = 0
        self.open: Iterator[Portion] | None = None
        self.open_bytes = 0
        self.ready: deque[bytes] = deque()
        self.later: list[tuple[float, int, list[bytes]]] = []


class Schedule:
    """The queues of one outlet.

    Args:
        framing: makes datagrams.
        lane_bytes: bytes that may wait on each lane.
    """

    def __init__(self, framing: Framing, lane_bytes: int) -> None:
        self._framing = framing
        self._most = lane_bytes
        self._lanes = [_Lane() for _ in LANE_NAMES]
        self._count = 0
        self._owed = 0

    def put(self, lane: int, name: str, data: bytes) -> None:
        """Let an object wait; one of the same name that was not begun is replaced.

        Raises:
            Unavailable: STORAGE_FULL: the lane's queue is full.
        """
        queue = self._lanes[lane]
        queue.bytes = self.require(lane, name, len(data))
        queue.waiting[name] = data

    def require(self, lane: int, name: str, size: int) -> int:
        """Make sure that an object may wait; gives the bytes that would wait with it.

        Raises:
            Unavailable: STORAGE_FULL: the lane's queue is full.
        """
        queue = self._lanes[lane]
        before = queue.waiting.get(name)
        total = queue.bytes + size - (len(before) if before is not None else 0)
        if total + queue.open_bytes > self._most or (before is None and len(queue.waiting) >= MOST_WAITING):
            raise Unavailable(Kind.STORAGE_FULL, "the diode's queue is full", _RETRY_S)
        return total

    def waits(self, lane: int, name: str) -> bool:
        """Whether an object of this name waits and is not begun."""
        return name in self._lanes[lane].waiting

    def take(self, now_s: float, most: int) -> list[bytes]:
        """Give the next datagrams, at most ``most``."""
        taken: list[bytes] = []
        self._take(_CONTROL, now_s, most, taken)
        left, share = most - len(taken), 0
        if left > 0 and self._wants(_BULK, now_s) and self._wants(_INTERACTIVE, now_s):
            self._owed += left
            share = min(left, self._owed // BULK_SHARE)
            self._owed -= share * BULK_SHARE
        self._take(_INTERACTIVE, now_s, most - share, taken)
        self._take(_BULK, now_s, most, taken)
        self._take(_INTERACTIVE, now_s, most, taken)
        return taken

    def wants(self, now_s: float) -> bool:
        """Whether something is to be sent now."""
        return any(self._wants(lane, now_s) for lane in range(len(self._lanes)))

    def next_due(self) -> float | None:
        """Give when the next repeat is due, or None."""
        dues = [lane.later[0][0] for lane in self._lanes if lane.later]
        return min(dues, default=None)

    @property
    def empty(self) -> bool:
        """Whether nothing is left to send, now or later."""
        return not any(lane.waiting or lane.open or lane.ready or lane.later for lane in self._lanes)

    def queued(self, lane: int) -> tuple[int, int]:
        """Give how many objects of a lane wait, and their bytes."""
        queue = self._lanes[lane]
        return len(queue.waiting) + (queue.open is not None), queue.bytes + queue.open_bytes

    def _wants(self, code: int, now_s: float) -> bool:
        lane = self._lanes[code]
        return bool(lane.ready or lane.open or lane.waiting or (lane.later and lane.later[0][0] <= now_s))

    def _take(self, code: int, now_s: float, most: int, taken: list[bytes]) -> None:
        lane = self._lanes[code]
        while len(taken) < most and self._fill(lane, code, now_s):
            count = min(most - len(taken), len(lane.ready))
            taken += [lane.ready.popleft() for _ in range(count)]

    def _fill(self, lane: _Lane, code: int, now_s: float) -> bool:
        """Make datagrams ready: repeats that are due first, then the next portion."""
        while lane.later and lane.later[0][0] <= now_s:
            lane.ready += heapq.heappop(lane.later)[2]
        while not lane.ready and (lane.open is not None or lane.waiting):
            if lane.open is None:
                _, data = lane.waiting.popitem(last=False)
                lane.bytes -= len(data)
                lane.open, lane.open_bytes = self._framing.portions(code, data), len(data)
            portion = next(lane.open, None)
            if portion is None:
                lane.open, lane.open_bytes = None, 0
                continue
            lane.ready += portion.now
            for wait_s, datagrams in portion.later:
                self._count += 1
                heapq.heappush(lane.later, (now_s + wait_s, self._count, datagrams))
        return bool(lane.ready)
