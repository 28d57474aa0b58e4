"""What a half puts before others of its own side: sealed by it, numbered in a row of its own for each lane.

The low half puts answers before workers, the high half opened requests before the core, and answers to refused ones
before its own outbound lane.  A row begins, under a new epoch, with the first bundle after a start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ferry.lane.checks import LaneId
from ferry.parts import HalfParts
from wire_formats.bundle import Bundle, SealStream, encode_bundle
from wire_formats.drop import DropName


class OwnSeals:
    """One row of sealed bundles.

    Args:
        parts: the half's collaborators.
        lane: the lane the bundles belong to.
    """

    def __init__(self, parts: HalfParts, lane: LaneId) -> None:
        self._parts = parts
        self._lane = lane
        self._stream: SealStream | None = None

    def put(self, bundle: Bundle, write: Callable[[DropName, bytes], None], *, tracked: bool = False) -> None:
        """Seal a bundle under the next number and have it written; what was not written leaves its number free.

        Args:
            bundle: with the seals it has.
            write: puts the file where it belongs.
            tracked: whether its author wants to know where it is.

        Raises:
            Unavailable: it cannot be written, or no epoch can be begun.
        """
        now_ms = self._parts.clock.now_ms()
        if self._stream is None:
            self._stream = SealStream(*self._lane, self._parts.journal.begin_epoch(self._lane, now_ms=now_ms))
        stream = replace(self._stream)
        sealed = stream.seal(bundle, self._parts.key, now_ms=now_ms, tracked=tracked)
        write(DropName(stream.epoch, stream.sequence, self._parts.name), encode_bundle(sealed))
        self._stream = stream
