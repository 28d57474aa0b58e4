"""The sender's side of a lane: what was sent under which number, and what must be sent again.

Numbers run from 1 without gaps inside an epoch.  A crossing stays here until the receiver's
cumulative acknowledgement passes it.  It is due again when the receiver names it as a gap, or when
the acknowledgements lag behind it, each time after a longer wait.

Times are seconds on any one clock; a clock that jumps backward makes things due, never stuck.

Source: DESIGN invariant 4; RFC 6298 (exponential back-off) for the idea.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from wire_formats.bundle import CLOCK_SLACK_MS

GAP_WAIT_S: Final = 0.25
TAIL_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 30.0
#: How often everything is sent where no acknowledgement comes.
ONE_WAY_TRIES: Final = 2


@dataclass(slots=True)
class Sent:
    """One crossing that is not acknowledged yet."""

    sequence: int
    size: int
    first_s: float
    last_s: float
    tries: int = 0
    gap: bool = False
    tries_missed: int = 0
    """Tries since the receiver has named it as missing, all the time."""

    def due(self, now_s: float) -> bool:
        """Say whether to send it again now."""
        if self.tries == 0:
            return True
        wait = GAP_WAIT_S if self.gap else TAIL_WAIT_S
        elapsed = now_s - self.last_s
        return elapsed < 0 or elapsed >= min(wait * 2 ** min(self.tries - 1, 16), LONGEST_WAIT_S)

    def due_one_way(self, now_s: float) -> bool:
        """The same where nobody acknowledges: once more after a while, and whenever it is asked for."""
        if self.tries < ONE_WAY_TRIES:
            return self.tries == 0 or not 0 <= now_s - self.last_s < TAIL_WAIT_S
        return self.gap


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What one acknowledgement changed.

    Attributes:
        settled: numbers that are done with.
        newer_epoch: the receiver knows a newer epoch than ours: we lost our memory.
        regressed: the receiver knows less than it once acknowledged: it lost its memory.
    """

    settled: tuple[int, ...] = ()
    newer_epoch: bool = False
    regressed: bool = False


class Outbox:
    """Everything sent in the current epoch and not yet acknowledged.

    Args:
        epoch: of this run; larger than any before.
        most_bundles: credits: how many may be unacknowledged.
        most_bytes: how many bytes may be unacknowledged.
        one_way: no acknowledgement ever comes by itself: everything is sent twice, and again when a list asks for it.
    """

    def __init__(self, *, epoch: int, most_bundles: int, most_bytes: int, one_way: bool = False) -> None:
        self.epoch = epoch
        self._one_way = one_way
        self._most_bundles = most_bundles
        self._most_bytes = most_bytes
        self._sent: OrderedDict[int, Sent] = OrderedDict()
        self._bytes = 0
        self.mark = 0
        self.acknowledged = 0
        self._last_control_ms = 0

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def size(self) -> int:
        """Bytes that are not acknowledged."""
        return self._bytes

    def has_room(self) -> bool:
        """Say whether another bundle may be sent: credits, bytes, and the receiver's window."""
        span = self.mark - self.acknowledged
        return len(self._sent) < self._most_bundles and span < self._most_bundles and self._bytes < self._most_bytes

    def add(self, sequence: int, size: int, now_s: float) -> None:
        """Enter a crossing that lies in the spool and is not on the transport yet.

        Raises:
            ValueError: numbers must run without gaps.
        """
        if sequence != self.mark + 1:
            raise ValueError("crossing numbers run without gaps")
        self.mark = sequence
        self._sent[sequence] = Sent(sequence, size, now_s, now_s)
        self._bytes += size

    def sent(self, sequence: int, now_s: float) -> None:
        """Note that a crossing was put on the transport (again)."""
        entry = self._sent.get(sequence)
        if entry is not None:
            entry.tries += 1
            entry.tries_missed += entry.gap
            entry.last_s = now_s
            if self._one_way:
                entry.gap = False

    def acknowledge(
        self, epoch: int, cumulative: int, gaps: Sequence[int], made_ms: int, *, now_ms: int
    ) -> Acknowledged:
        """Take in an acknowledgement whose signature held.

        Args:
            epoch: the epoch the receiver speaks of.
            cumulative: everything up to here has arrived.
            gaps: numbers beyond it that the receiver misses.
            made_ms: when it was made; gaps of an older one than the last are not believed.
            now_ms: the instant now, by our own clock.
        """
        if epoch != self.epoch:
            return Acknowledged(newer_epoch=epoch > self.epoch)
        if cumulative > self.mark:
            return Acknowledged(newer_epoch=True)
        if self._last_control_ms > now_ms + CLOCK_SLACK_MS:
            self._last_control_ms = 0  # our clock was wrong when we believed it
        fresh = made_ms > self._last_control_ms
        self._last_control_ms = max(made_ms, self._last_control_ms)
        if cumulative < self.acknowledged:
            return Acknowledged(regressed=fresh)
        settled = []
        while self._sent and (first := next(iter(self._sent))) <= cumulative:
            self._bytes -= self._sent.pop(first).size
            settled.append(first)
        self.acknowledged = cumulative
        if fresh:
            missing = frozenset(gaps)
            for entry in self._sent.values():
                entry.gap = entry.sequence in missing
                if not entry.gap:
                    entry.tries_missed = 0
        return Acknowledged(tuple(settled))

    def due(self, now_s: float, *, most: int, on_its_way: Callable[[int], bool] = lambda _sequence: False) -> list[int]:
        """Give the numbers to send (again) now, oldest first, but none that is still on its way by hand."""
        found: list[int] = []
        for entry in self._sent.values():
            due = entry.due_one_way(now_s) if self._one_way else entry.due(now_s)
            if due and not (entry.tries and on_its_way(entry.sequence)):
                found.append(entry.sequence)
                if len(found) >= most:
                    break
        return found

    def hopeless(self, *, tries: int) -> list[int]:
        """Give the numbers the receiver still misses after this many tries, counted from when it first missed them.

        A receiver that was silent, or paused, for long has missed nothing by that.
        """
        return [entry.sequence for entry in self._sent.values() if entry.gap and entry.tries_missed >= tries]

    def missing(self) -> int:
        """Give how many crossings the receiver named as gaps."""
        return sum(entry.gap for entry in self._sent.values())

    def oldest_s(self, now_s: float) -> float:
        """Give the age of the oldest crossing without acknowledgement, in seconds."""
        if not self._sent:
            return 0.0
        return max(0.0, now_s - next(iter(self._sent.values())).first_s)

    def first_s(self, sequence: int) -> float:
        """Give when an unacknowledged crossing was first sent, in seconds."""
        return self._sent[sequence].first_s

    def tries(self, sequence: int) -> int:
        """Give how often a crossing was put on the transport."""
        entry = self._sent.get(sequence)
        return entry.tries if entry else 0
