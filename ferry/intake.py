"""Takes files from a folder or transport, one after the other, whatever they are.

A batch forms naturally: whatever waits, at most 16 files.  Its files are read, entered in the journal
and committed; then each is handled; then the journal is committed and only then the files leave.

What becomes of a file
    handled            it leaves
    fails a check      it goes to the quarantine with its reason, and leaves
    crashed us before  it is held, and leaves; the lane goes on
    cannot go on now   it stays (disk full, no room ahead); the batch ends, and the lane tries later
    strange name       quarantine; never opened as a bundle
    cannot be removed  it stays, is remembered, and is not looked at again

Source: DESIGN invariants 3, 4 and 9; research, sections 7 and 8.
"""

from __future__ import annotations

import enum
import hashlib
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final, Protocol

from twisted.logger import Logger

from ferry.inspector.port import InspectorLostError
from ferry.journal import Entry
from ferry.lane.checks import LaneId
from ferry.lane.crossing import DONE, State
from ferry.lane.reasons import HELD, Reason, SetAside, reason_of
from ferry.parts import HalfParts
from ferry.seldom import Seldom
from ferry.transports.port import Waiting
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError, Unavailable

BATCH: Final = 16
#: A bundle that was being looked at when something broke this often is held.
CRASHES: Final = 3
BLOCKED_S: Final = 0.25
_MOST_IGNORED: Final = 4096

#: Says whether the present step has used up its time.
Over = Callable[[], bool]


class Pause(enum.Enum):
    """Why a handler lets go of the loop."""

    BREATH = "others may want it"
    UNTIL_WOKEN = "until woken"


Steps = Generator[Pause, None, None]


class FilePort(Protocol):
    """Where files are taken from: a drop, or one lane of a transport."""

    def waiting(self, *, most: int) -> Waiting:
        """List some of what waits."""

    def read(self, name: DropName | str) -> bytes:
        """Read one file."""

    def remove(self, name: DropName | str) -> bool:
        """Take a file away; False when it cannot be removed."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that was read and entered in the journal."""

    name: DropName
    data: bytes
    entry: Entry


class Handler(Protocol):
    """What a lane does with its files."""

    def room(self) -> int:
        """Give how many files may be taken now.

        Raises:
            Unavailable: none, for a reason worth telling.
        """

    def handle(self, candidate: Candidate) -> Steps:
        """Deal with one file; yields wherever the work may be interrupted, and how.

        Raises:
            PeerError: it may not pass.
            Unavailable: it cannot pass now.
            InspectorLostError: it may have killed its inspector.
        """

    def repeated(self, candidate: Candidate) -> None:
        """Note that a file came again that was dealt with before."""

    def settle(self) -> None:
        """Write what goes into the same commit as the batch."""

    def settled(self) -> None:
        """Note that the batch is committed and its files are gone."""


class Intake:
    """Drives one handler over one port.

    Args:
        parts: the half's collaborators.
        lane: the lane the files belong to.
        way: "sent" or "received", for the journal.
        port: where the files are.
        handler: what is done with them.
        crashes: a file that was being looked at when something broke this often is held.
    """

    log = Logger()

    def __init__(
        self, parts: HalfParts, lane: LaneId, way: str, port: FilePort, handler: Handler, *, crashes: int = CRASHES
    ) -> None:
        self._crashes = crashes
        self._parts = parts
        self._lane = lane
        self._way = way
        self._port = port
        self._handler = handler
        self._batch: deque[Candidate] = deque()
        self._done: list[DropName | str] = []
        self._current: tuple[Candidate, Steps] | None = None
        self._waits = False
        self._ignored: set[str] = set()
        self._retry_at = 0.0
        self._seldom = Seldom(parts.clock)
        self.blocked = ""

    @property
    def busy(self) -> bool:
        """Whether a batch is under way."""
        return self._current is not None or bool(self._batch) or bool(self._done)

    def step(self, over: Over) -> bool:
        """Do a little work; gives whether there was any."""
        now = self._parts.seconds()
        # A retry far ahead means that the clock was set back.
        if now < self._retry_at <= now + 2 * BLOCKED_S:
            return False
        try:
            worked = self._step(over)
        except Unavailable as error:
            self._block(error)
            return False
        except InspectorLostError:
            # Its row stays RECEIVED: the next look at it is counted, as after a crash of our own.
            self._block(Unavailable(Kind.BUSY, "inspector lost", 1))
            return False
        if worked and self.blocked:
            self.log.info("lane_goes_on", lane=self._lane.lane, way=self._lane.direction)
            self.blocked = ""
            self._parts.metrics.lane(self._lane).blocked.set(0)
        return worked

    def abandon(self) -> None:
        """Drop the batch after something broke; what was handled is settled, the rest comes again."""
        self._current = None
        self._batch.clear()
        try:
            self._settle()
        except Unavailable as error:
            self._block(error)

    def _step(self, over: Over) -> bool:
        if self._current is None and not self._batch and not self._fill():
            return False
        if self._current is None and self._batch:
            self._begin(self._batch.popleft())
        if self._current is not None and not self._work(over):
            return not self._waits
        if not self._batch:
            self._settle()
        return True

    def _fill(self) -> bool:
        """Read and enter the next batch."""
        self._parts.crossings.queue.check_room()
        room = min(self._handler.room(), BATCH)
        if room <= 0:
            return False
        found = self._port.waiting(most=room)
        for strange in found.strange:
            self._set_strange_aside(strange)
        files = [file for name in found.names if (file := self._read(name)) is not None]
        digests = [hashlib.sha256(data).digest() for _, data in files]
        now_ms = self._parts.clock.now_ms()
        entries = self._parts.journal.receive(self._way, self._lane, digests, now_ms=now_ms) if files else []
        for (name, data), entry in zip(files, entries, strict=True):
            self._batch.append(Candidate(name, data, entry))
        return bool(self._batch or self._done)

    def _read(self, name: DropName) -> tuple[DropName, bytes] | None:
        if str(name) in self._ignored:
            return None
        try:
            return name, self._port.read(name)
        except FileNotFoundError:
            return None
        except Unavailable as error:
            # It stays and comes again; one file that cannot be read does not stop the others.
            if count := self._seldom.count():
                lane, way = self._lane.lane, self._lane.direction
                self.log.warn("file_not_readable", lane=lane, way=way, reason=error.private, count=count)
            return None
        except PeerError as error:
            reason = Reason.NOT_A_FILE if reason_of(error) is Reason.MALFORMED else reason_of(error)
            self._parts.quarantine.add(reason, self._lane, b"", file=name)
            self._take_away(str(name))
            return None

    def _begin(self, candidate: Candidate) -> None:
        entry = candidate.entry
        if entry.state in DONE:
            self._handler.repeated(candidate)
            self._done.append(candidate.name)
            return
        if entry.met_before and entry.state is State.RECEIVED:
            if entry.attempts >= self._crashes - 1:
                self._set_aside(candidate, SetAside(Reason.POISON))
                return
            self._parts.journal.suspect(entry)
        self._current = (candidate, self._handler.handle(candidate))

    def _work(self, over: Over) -> bool:
        """Go on with the present file; gives whether it is done with."""
        assert self._current is not None
        candidate, steps = self._current
        self._waits = False
        try:
            for pause in steps:
                self._waits = pause is Pause.UNTIL_WOKEN
                if self._waits or over():
                    return False
        except PeerError as error:
            self._current = None
            self._set_aside(candidate, error)
            return True
        except Unavailable:
            self._current = None
            self._parts.journal.clear(candidate.entry)
            raise
        self._current = None
        self._done.append(candidate.name)
        return True

    def _set_aside(self, candidate: Candidate, error: PeerError) -> None:
        reason = reason_of(error)
        kept = self._parts.quarantine.add(reason, self._lane, candidate.data, file=candidate.name)
        state = State.HELD if kept and reason in HELD else State.QUARANTINED
        now_ms = self._parts.clock.now_ms()
        self._parts.journal.set_aside(candidate.entry, state, reason.value, now_ms=now_ms)
        self._done.append(candidate.name)

    def _set_strange_aside(self, name: str) -> None:
        if name in self._ignored:
            return
        try:
            data = self._port.read(name)
        except FileNotFoundError:
            return
        except PeerError:
            data = b""
        self._parts.quarantine.add(Reason.BAD_NAME, self._lane, data, file=name)
        self._take_away(name)

    def _take_away(self, name: str) -> None:
        """Remove what is no bundle; what cannot be removed is not looked at again."""
        if not self._port.remove(name) and len(self._ignored) < _MOST_IGNORED:
            self._ignored.add(name)

    def _settle(self) -> None:
        self._handler.settle()
        self._parts.journal.commit()
        for name in self._done:
            self._port.remove(name)
        self._done.clear()
        self._handler.settled()

    def _block(self, error: Unavailable) -> None:
        """End the batch; its remaining files come again."""
        self._retry_at = self._parts.seconds() + BLOCKED_S
        self._batch.clear()
        self._current = None
        reason = error.private or error.kind.name
        if self.blocked != reason:
            self.log.warn("lane_blocked", lane=self._lane.lane, way=self._lane.direction, reason=reason)
            self.blocked = reason
            self._parts.metrics.lane(self._lane).blocked.set(1)
        try:
            self._settle()
        except Unavailable:
            # The journal itself has no room: its group was rolled back, so the files must stay.
            self._done.clear()
