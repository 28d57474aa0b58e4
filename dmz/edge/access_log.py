"""The access log: one line for every request that was answered or given up.

What writes the lines is passed in. ``EventLog`` hands each to the process's log as an event; an edge under load is
given one that writes the same line itself (``ops.runtime.access_lines``), since an event's way costs more than the
line.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from twisted.logger import Logger

from wire_formats.instants import SECOND_MS

#: The part whose requests these are, and what the event is called.
PART: Final = "dmz.edge.conversation.Conversation"
EVENT: Final = "request_answered"


class AccessLine(NamedTuple):
    """One request.

    Attributes:
        request_id: the edge's name of the exchange, hex digits.
        window: the entrance.
        method: of the request; "" before it is known.
        status: of the answer.
        reason: why it is this answer, in a fixed word.
        took_s: from the last byte of the request to its answer.
        size: bytes of the answer.
        address: the peer's IP address.
        resumed: whether the TLS session was resumed.
    """

    request_id: str
    window: str
    method: str
    status: int
    reason: str
    took_s: float
    size: int
    address: str
    resumed: bool


class AccessLog(Protocol):
    """Writes lines."""

    def note(self, line: AccessLine) -> None:
        """Write a line; it must not raise."""


class EventLog:
    """Writes each line as an event of the process's log.

    Args:
        log: whose events they are.
    """

    def __init__(self, log: Logger | None = None) -> None:
        self._log = log or Logger(PART)

    def note(self, line: AccessLine) -> None:
        """Write a line."""
        self._log.info(
            "request_answered",
            request_id=line.request_id,
            window=line.window,
            method=line.method,
            status=line.status,
            reason=line.reason,
            duration_ms=round(line.took_s * SECOND_MS),
            bytes=line.size,
            address=line.address,
            resumed=line.resumed,
        )
