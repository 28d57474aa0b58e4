"""The receiver's side of a lane: what has arrived, what is missing, what came twice.

The replay window is by epoch and sequence, not by clock.  A newer epoch replaces the older one: its
sender sends again, under new numbers, all that was not acknowledged.  Within an epoch everything up
to ``cumulative`` has arrived; beyond it at most ``window`` numbers are remembered one by one.

Source: DESIGN invariants 3 and 4; RFC 4303, 3.4.3 (anti-replay window) for the idea.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from wire_formats.bundle import FIRST
from wire_formats.lane_control import MAX_GAPS

#: Larger than any sender's credits, so that an honest sender never meets its end.
WINDOW: Final = 4096


class Verdict(enum.Enum):
    """What a crossing number says about a bundle whose seals held."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """This crossing has arrived before, with the same statement."""
    STALE = "stale"
    """Of an epoch that has been replaced; its content comes again under the new one."""
    BEYOND = "beyond_window"
    """Further ahead than any honest sender is."""
    CONFLICT = "crossing_conflict"
    """Another statement has used this number."""
    BROKEN_CHAIN = "broken_chain"
    """Does not name the statement before it."""


class Inbox:
    """The crossings of one lane, as its receiver knows them.

    Args:
        epoch: the newest epoch known; 0 before the first.
        cumulative: everything up to here has arrived.
        beyond: statement digests of what arrived beyond it, by number.
    """

    def __init__(self, *, epoch: int = 0, cumulative: int = 0, beyond: Mapping[int, bytes] | None = None) -> None:
        self.epoch = epoch
        self.cumulative = cumulative
        self._beyond: dict[int, bytes] = dict(beyond or {})
        self._digests: dict[int, bytes] = dict(self._beyond)
        self.mark = max((cumulative, *self._beyond))
        self._advance()

    def judge(self, epoch: int, sequence: int, *, previous: bytes, digest: bytes) -> Verdict:
        """Judge a crossing; changes nothing.

        Args:
            epoch: of the ferry's seal.
            sequence: of the ferry's seal.
            previous: digest of the statement before it, as the seal names it.
            digest: digest of this statement.
        """
        if epoch < self.epoch:
            return Verdict.STALE
        if epoch > self.epoch:
            if sequence > WINDOW:
                return Verdict.BEYOND
            return Verdict.NEW if sequence > 1 or previous == FIRST else Verdict.BROKEN_CHAIN
        known = self._digests.get(sequence)
        if sequence <= self.cumulative or known is not None:
            return Verdict.DUPLICATE if known is None or known == digest else Verdict.CONFLICT
        if sequence > self.cumulative + WINDOW:
            return Verdict.BEYOND
        before = FIRST if sequence == 1 else self._digests.get(sequence - 1)
        return Verdict.NEW if before is None or before == previous else Verdict.BROKEN_CHAIN

    def settle(self, epoch: int, sequence: int, digest: bytes) -> None:
        """Note that a crossing is done with: delivered, rejected, held or known before."""
        if epoch < self.epoch:
            return
        self._enter(epoch)
        if sequence <= self.cumulative:
            return
        self._beyond[sequence] = self._digests[sequence] = digest
        self.mark = max(self.mark, sequence)
        self._advance()

    def heard(self, epoch: int, mark: int) -> None:
        """Take in a heartbeat whose signature held: the sender has come as far as ``mark``."""
        if epoch < self.epoch:
            return
        self._enter(epoch)
        self.mark = max(self.mark, min(mark, self.cumulative + WINDOW))

    def digest(self, sequence: int) -> bytes | None:
        """Give the statement digest of a crossing that arrived, while it is remembered."""
        return self._digests.get(sequence)

    def forgo(self, kept: int) -> int:
        """Give up what is older than the sender keeps; gives how many crossings are lost with it.

        Args:
            kept: the oldest number that may still come.
        """
        last = min(kept - 1, self.mark)
        lost = sum(number not in self._beyond for number in range(self.cumulative + 1, last + 1))
        if last > self.cumulative:
            for number in range(self.cumulative + 1, last + 1):
                self._beyond.pop(number, None)
            self.cumulative = last
            self._advance()
        return lost

    def gaps(self, *, most: int = MAX_GAPS) -> tuple[int, ...]:
        """Give the numbers that are missing, lowest first; at most ``most``."""
        missing: list[int] = []
        for sequence in range(self.cumulative + 1, self.mark + 1):
            if sequence not in self._beyond:
                missing.append(sequence)
                if len(missing) >= most:
                    break
        return tuple(missing)

    def missing(self) -> int:
        """Give how many numbers are missing up to the mark."""
        return self.mark - self.cumulative - len(self._beyond)

    def beyond(self) -> list[tuple[int, bytes]]:
        """Give numbers and digests of what arrived beyond ``cumulative``, for the journal."""
        return sorted(self._beyond.items())

    def _enter(self, epoch: int) -> None:
        if epoch > self.epoch:
            self.epoch = epoch
            self.cumulative = self.mark = 0
            self._beyond.clear()
            self._digests.clear()

    def _advance(self) -> None:
        while self.cumulative + 1 in self._beyond:
            self.cumulative += 1
            del self._beyond[self.cumulative]
        if len(self._digests) > 2 * WINDOW:
            oldest = self.cumulative - WINDOW
            self._digests = {n: d for n, d in self._digests.items() if n > oldest}
