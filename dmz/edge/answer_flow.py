"""One answer on its way to the client: slice by slice, no faster than it is taken, with its memory accounted.

An answer is whole before it leaves: the firewall has looked at all of it, and a worker that dies while it writes costs
nobody half a page. What it may cost is memory while a slow client takes it. So an answer beyond SMALL_BYTES reserves
its size from one budget of the process, and is passed on in slices: the transport and the TLS layer never hold more
than about one slice of it beside the answer itself. Small answers need no reservation; they are bounded by the number
of connections. A page that acknowledges a declaration is small, so it never meets a full budget.

Source: invariant 9; research "edge", section 3 (bounded memory per connection).
"""

from __future__ import annotations

from typing import Final

from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.wire import Wire

SMALL_BYTES: Final = 64 * 1024
SLICE_BYTES: Final = 128 * 1024
_NOTHING: Final = memoryview(b"")


class AnswerFlow:
    """Sends the answers of one connection, one after another.

    Args:
        wire: the connection.
        budget: where the memory of large answers is reserved.
    """

    __slots__ = ("_budget", "_reserved", "_unsent", "_wire")

    def __init__(self, wire: Wire, budget: MemoryBudget) -> None:
        self._wire = wire
        self._budget = budget
        self._unsent = _NOTHING
        self._reserved = 0

    def reserve(self, size: int) -> None:
        """Make sure that there is memory for an answer of ``size`` bytes until it is sent.

        Raises:
            RefusalError: ANSWER_MEMORY; too many large answers are under way.
        """
        if size > SMALL_BYTES:
            self._budget.take(size)
            self._reserved = size

    def begin(self, head: bytes, body: bytes) -> bool:
        """Send an answer; True when the wire has taken all of it, else ``proceed`` is to be called when it drains."""
        if len(body) > SLICE_BYTES:
            self._unsent = memoryview(body)[SLICE_BYTES:]
            body = body[:SLICE_BYTES]
        self._wire.write([head, body] if body else [head])
        return self.proceed()

    def proceed(self) -> bool:
        """Send on; True when the wire has taken everything."""
        while self._unsent and not self._wire.congested:
            part, self._unsent = self._unsent[:SLICE_BYTES], self._unsent[SLICE_BYTES:]
            self._wire.write([bytes(part)])
        if self._unsent or self._wire.congested:
            return False
        self.release()
        return True

    def release(self) -> None:
        """Give the memory back: everything is sent, or nobody wants it any more."""
        self._unsent = _NOTHING
        if self._reserved:
            self._budget.give_back(self._reserved)
            self._reserved = 0
