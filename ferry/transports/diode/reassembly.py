"""Puts objects together from datagrams whose tags held, within fixed memory.

Every lane has a budget in bytes and in objects.  An object is charged with its whole size when its first datagram
comes; where that does not fit, the oldest incomplete objects of the lane are dropped.  Whoever knows the key, a low
half that was taken over for example, can so make others lose what is incomplete, never more.

Source: DESIGN invariant 9; research, section 4.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, NamedTuple

from ferry.transports.diode.coding import BlockDecoder, block_count, block_of
from ferry.transports.diode.datagram import COPIES, LANE_NAMES, Header

#: Incomplete objects of one lane.
MOST_OBJECTS: Final = 4096
#: An object that has not become whole this long after its first datagram is dropped.
INCOMPLETE_S: Final = 10.0
#: Memory of an object beside its bytes.
OBJECT_COST: Final = 1024
#: Objects of one run that are remembered as done with: further copies of them are passed over.
MOST_FINISHED: Final = 65_536
#: Runs of the sender that are remembered; a run is one start of its process.
MOST_RUNS: Final = 4

_Key = tuple[int, int]


class Whole(NamedTuple):
    """An object that has become whole."""

    lane: int
    data: bytes
    repaired: bool


class Finished:
    """Which objects of the last runs are done with."""

    def __init__(self) -> None:
        self._runs: OrderedDict[int, tuple[set[int], deque[int]]] = OrderedDict()

    def __contains__(self, key: _Key) -> bool:
        found = self._runs.get(key[0])
        return found is not None and key[1] in found[0]

    def add(self, key: _Key) -> None:
        """Note that an object needs no more datagrams."""
        run, number = key
        if run not in self._runs:
            self._runs[run] = set(), deque()
            if len(self._runs) > MOST_RUNS:
                self._runs.popitem(last=False)
        known, order = self._runs[run]
        known.add(number)
        order.append(number)
        if len(order) > MOST_FINISHED:
            known.discard(order.popleft())


class _Copied:
    """An object that comes in copies of its fragments."""

    def __init__(self, header: Header, symbol_bytes: int) -> None:
        self._size = header.object_bytes
        self._fragments: list[bytes | None] = [None] * -(-header.object_bytes // symbol_bytes)
        self._missing = len(self._fragments)
        self.repaired = False
        self.hopeless = False

    def feed(self, header: Header, payload: memoryview) -> bytes | None:
        """Take in a fragment; gives the object when it is whole."""
        if self._fragments[header.symbol] is not None:
            self.repaired = True  # a second copy comes while a fragment is missing: its first copy was lost
            return None
        self._fragments[header.symbol] = bytes(payload)
        self._missing -= 1
        if self._missing:
            return None
        return b"".join(part for part in self._fragments if part is not None)[: self._size]


class _Coded:
    """An object that comes in RaptorQ blocks."""

    def __init__(self, header: Header, symbol_bytes: int) -> None:
        self._header = header
        self._symbol_bytes = symbol_bytes
        count = block_count(header.object_bytes, symbol_bytes, header.largest_block)
        self._blocks: list[bytes | BlockDecoder | None] = [None] * count
        self._missing = count
        self.repaired = False
        self.hopeless = False

    def feed(self, header: Header, payload: memoryview) -> bytes | None:
        """Take in a symbol; gives the object when it is whole."""
        found = self._blocks[header.block]
        if isinstance(found, bytes):
            return None
        if found is None:
            block = block_of(header.object_bytes, self._symbol_bytes, header.largest_block, header.block)
            found = self._blocks[header.block] = BlockDecoder(block.size, block.symbols, self._symbol_bytes)
        data = found.feed(header.symbol, bytes(payload))
        if data is None:
            self.hopeless = found.hopeless
            return None
        self.repaired |= found.repaired
        self._blocks[header.block] = data
        self._missing -= 1
        if self._missing:
            return None
        return b"".join(part for part in self._blocks if isinstance(part, bytes))

    def fits(self, header: Header) -> bool:
        """Whether a datagram speaks of the same object."""
        return header.largest_block == self._header.largest_block


class _Assembly(NamedTuple):
    parts: _Copied | _Coded
    scheme: int
    lane: int
    object_bytes: int
    since_s: float


class Reassembly:
    """The incomplete objects of all lanes.

    Args:
        symbol_bytes: bytes of a symbol on this link.
        lane_bytes: memory for each lane.
        lost: called with the lane for every object that is given up.
    """

    def __init__(self, symbol_bytes: int, lane_bytes: int, lost: Callable[[int], None]) -> None:
        self._symbol_bytes = symbol_bytes
        self._lane_bytes = lane_bytes
        self._lost = lost
        self._lanes: list[OrderedDict[_Key, _Assembly]] = [OrderedDict() for _ in LANE_NAMES]
        self._bytes = [0] * len(LANE_NAMES)
        self.finished = Finished()

    def add(self, header: Header, payload: memoryview, now_s: float) -> Whole | None:
        """Take in a datagram whose tag held; gives the object when this made it whole.

        What contradicts the object's first datagram is passed over.
        """
        key = header.run, header.object
        lane = self._lanes[header.lane]
        found = lane.get(key)
        if found is None:
            found = self._begin(key, header, now_s)
            if found is None:
                return None
        elif not _fits(found, header):
            return None
        data = found.parts.feed(header, payload)
        if data is not None:
            self._end(header.lane, key)
            self.finished.add(key)
            return Whole(header.lane, data, found.parts.repaired)
        if found.parts.hopeless:
            self._drop(header.lane, key)
        return None

    def expire(self, now_s: float) -> None:
        """Drop what has been incomplete for too long."""
        for lane, held in enumerate(self._lanes):
            while held:
                key, oldest = next(iter(held.items()))
                if 0 <= now_s - oldest.since_s < INCOMPLETE_S:
                    break
                self._drop(lane, key)

    def held(self, lane: int) -> tuple[int, int]:
        """Give how many objects of a lane are incomplete, and their memory in bytes."""
        return len(self._lanes[lane]), self._bytes[lane]

    def _begin(self, key: _Key, header: Header, now_s: float) -> _Assembly | None:
        cost = header.object_bytes + OBJECT_COST
        if cost > self._lane_bytes:
            self.finished.add(key)
            self._lost(header.lane)
            return None
        held = self._lanes[header.lane]
        while held and (self._bytes[header.lane] + cost > self._lane_bytes or len(held) >= MOST_OBJECTS):
            self._drop(header.lane, next(iter(held)))
        parts = (_Copied if header.scheme == COPIES else _Coded)(header, self._symbol_bytes)
        found = held[key] = _Assembly(parts, header.scheme, header.lane, header.object_bytes, now_s)
        self._bytes[header.lane] += cost
        return found

    def _drop(self, lane: int, key: _Key) -> None:
        self._end(lane, key)
        self.finished.add(key)
        self._lost(lane)

    def _end(self, lane: int, key: _Key) -> None:
        self._bytes[lane] -= self._lanes[lane].pop(key).object_bytes + OBJECT_COST


def _fits(found: _Assembly, header: Header) -> bool:
    same = (found.scheme, found.object_bytes) == (header.scheme, header.object_bytes)
    return same and (not isinstance(found.parts, _Coded) or found.parts.fits(header))
