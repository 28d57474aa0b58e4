"""What the processes of one edge tell each other about offences: a ring for each in memory that they share.

Connections are spread over the children, so an offender would otherwise have as many scores as there are children.
Every process writes the offences it has counted into its own ring, and reads those of the others before it counts its
next, and twice a second. One writer a ring, no lock, no wait: a reader that is too slow misses the oldest, and nothing
ever blocks. A new process begins with what the rings hold, so a child that dies, or makes room for one with new
certificates, takes no score with it.

A ring belongs to the process that holds the lock on its byte of the memory's file; the kernel gives it back when that
process ends. The memory is nobody's file on disk and goes with the master.

Slot, 72 bytes, little-endian::

    number 8 (from 1, counts up) │ at_ms 8 │ points 2 │ may_ban 1 │ length 1 │ subject 48 │ CRC-32 of all before 4

A subject of 32 bytes is a certificate's fingerprint, any other text is an address or network.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from dmz.intrusion.subjects import Subject

SLOTS: Final = 1_024
#: A renewal has two generations of children, and those before may still drain.
GENERATIONS: Final = 3
_SLOT: Final = struct.Struct("<QQHBB48s")
_CHECK: Final = struct.Struct("<I")
SLOT_BYTES: Final = _SLOT.size + _CHECK.size
_MOST_POINTS: Final = 0xFFFF
_ADDRESS: Final = 0x80


class Told(NamedTuple):
    """One offence.

    Attributes:
        subject: whose.
        points: 1..65535.
        at_ms: when, wall clock.
        may_ban: whether it may lead to a ban.
    """

    subject: Subject
    points: int
    at_ms: int
    may_ban: bool


class SharedOffences:
    """The memory; made by the master before it forks.

    Args:
        children: how many processes serve at a time.
    """

    def __init__(self, children: int) -> None:
        self.rings = children * GENERATIONS
        self._file = os.memfd_create("edge-offences", os.MFD_CLOEXEC)
        os.ftruncate(self._file, self.rings * SLOTS * SLOT_BYTES)
        self._memory = mmap.mmap(self._file, self.rings * SLOTS * SLOT_BYTES)

    def join(self) -> OffenceExchange:
        """Give a process its place; to be called in the process itself, once."""
        return self.place(self._claim())

    def place(self, own: int | None) -> OffenceExchange:
        """Give a place without asking whether another has it."""
        return OffenceExchange(self._memory, self.rings, own)

    def _claim(self) -> int | None:
        for ring in range(self.rings):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, ring)
            except OSError:
                continue
            return ring
        return None

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
        os.close(self._file)


class OffenceExchange:
    """One process's place among the others.

    Args:
        memory: of all rings.
        rings: how many.
        own: number of the ring that this process writes; None: all are taken, and it only hears.
    """

    def __init__(self, memory: mmap.mmap, rings: int, own: int | None) -> None:
        self._memory = memory
        self._own = own
        self._rings = [ring for ring in range(rings) if ring != own]
        newest = [max((self._number(ring, slot) for slot in range(SLOTS)), default=0) for ring in range(rings)]
        self._next = [max(1, number - SLOTS + 1) for number in newest]
        #: What the process before left in this ring is heard once, with the others'.
        self._left = [] if own is None else list(self._read(own))
        self._tell = 0 if own is None else newest[own]

    @property
    def tells(self) -> bool:
        """Whether others hear of what this process counts."""
        return self._own is not None

    def tell(self, told: Told) -> None:
        """Write an offence for the others."""
        if self._own is None:
            return
        self._tell += 1
        is_address = isinstance(told.subject, str)
        subject = told.subject.encode("ascii") if isinstance(told.subject, str) else told.subject
        length = len(subject) | (_ADDRESS if is_address else 0)
        points = min(told.points, _MOST_POINTS)
        data = _SLOT.pack(self._tell, max(0, told.at_ms), points, told.may_ban, length, subject)
        at = self._at(self._own, self._tell)
        self._memory[at : at + SLOT_BYTES] = data + _CHECK.pack(zlib.crc32(data))

    def hear(self) -> Iterator[Told]:
        """Give what the others have told since the last time; at the first, all that is there."""
        left, self._left = self._left, []
        yield from left
        for ring in self._rings:
            yield from self._read(ring)

    def _read(self, ring: int) -> Iterator[Told]:
        for _ in range(2 * SLOTS):
            wanted = self._next[ring]
            at = self._at(ring, wanted)
            slot = self._memory[at : at + SLOT_BYTES]
            number = int.from_bytes(slot[:8], "little")
            if number < wanted:
                return
            _, at_ms, points, may_ban, length, subject = _SLOT.unpack_from(slot)
            if _CHECK.unpack_from(slot, _SLOT.size)[0] != zlib.crc32(slot[: _SLOT.size]):
                return  # it is just being written
            if number > wanted:
                self._next[ring] = number - SLOTS + 1  # too slow: what lay between is gone
                continue
            self._next[ring] = wanted + 1
            text = subject[: length & ~_ADDRESS]
            yield Told(text.decode("ascii") if length & _ADDRESS else text, points, at_ms, bool(may_ban))

    def _number(self, ring: int, slot: int) -> int:
        at = (ring * SLOTS + slot) * SLOT_BYTES
        data = self._memory[at : at + SLOT_BYTES]
        sound = _CHECK.unpack_from(data, _SLOT.size)[0] == zlib.crc32(data[: _SLOT.size])
        return int.from_bytes(data[:8], "little") if sound else 0

    @staticmethod
    def _at(ring: int, number: int) -> int:
        return (ring * SLOTS + (number - 1) % SLOTS) * SLOT_BYTES
