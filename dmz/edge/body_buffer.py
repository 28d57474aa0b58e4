"""Memory for request bodies: it grows with what has arrived, never with what was merely announced.

A client that announces 12 MiB and sends nothing holds nothing. All bodies of a process together draw from one budget,
so that a thousand slow uploads cannot exhaust it.
"""

from __future__ import annotations

from typing import Final

from dmz.edge.refusals import Reason, RefusalError

_FIRST_BYTES: Final = 64 * 1024
_LONG_PART: Final = 4 * 1024
_RETRY_S: Final = 5


class MemoryBudget:
    """How much memory all bodies, or all answers, of one process may hold together.

    Args:
        limit_bytes: the most.
        reason: of the refusal when it is used up.
    """

    def __init__(self, limit_bytes: int, reason: Reason = Reason.BODY_MEMORY) -> None:
        self._limit = limit_bytes
        self._reason = reason
        self.held_bytes = 0

    def take(self, count: int) -> None:
        """Reserve ``count`` bytes.

        Raises:
            RefusalError: the budget is used up, come again.
        """
        if self.held_bytes + count > self._limit:
            raise RefusalError(self._reason, retry_after_s=_RETRY_S)
        self.held_bytes += count

    def give_back(self, count: int) -> None:
        """Return ``count`` reserved bytes."""
        self.held_bytes -= count


class BodyBuffer:
    """One body, written from the front; at most ``limit`` bytes.

    Long parts are kept as they come and put together once; short ones are gathered, so that a body sent in many little
    pieces takes no more memory than its bytes.

    Args:
        limit: the most bytes this body may have (for a known length: that length).
        budget: where its memory is reserved.
    """

    __slots__ = ("_budget", "_gathered", "_limit", "_parts", "_reserved", "length")

    def __init__(self, limit: int, budget: MemoryBudget) -> None:
        self._limit = limit
        self._budget = budget
        self._parts: list[bytes] = []
        self._gathered = bytearray()
        self._reserved = 0
        self.length = 0

    def write(self, part: memoryview | bytes | bytearray) -> None:
        """Append a part.

        Raises:
            RefusalError: BODY_TOO_LARGE past the limit; BODY_MEMORY when the process holds too much.
        """
        end = self.length + len(part)
        if end > self._limit:
            raise RefusalError(Reason.BODY_TOO_LARGE)
        if end > self._reserved:
            self._reserve(end)
        if isinstance(part, bytes) and len(part) >= _LONG_PART:
            self._close_gathered()
            self._parts.append(part)
        else:
            self._gathered += part
        self.length = end

    def take(self) -> bytes:
        """Give the whole body; its memory counts until ``release``, since the request now holds it."""
        self._close_gathered()
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def release(self) -> None:
        """Return the memory; the buffer is empty afterwards."""
        self._budget.give_back(self._reserved)
        self._reserved = 0
        self._parts = []
        self._gathered = bytearray()
        self.length = 0

    def _close_gathered(self) -> None:
        if self._gathered:
            self._parts.append(bytes(self._gathered))
            self._gathered = bytearray()

    def _reserve(self, least: int) -> None:
        size = min(self._limit, max(least, _FIRST_BYTES, 2 * self._reserved))
        self._budget.take(size - self._reserved)
        self._reserved = size
