"""The access log: one line for every request that was answered or given up.

The event is handed to the observer as ``Logger.info`` would hand it over. What is left out, looking the level up among
all levels and making a logger for every conversation, costs as much as writing the line.
"""

from __future__ import annotations

from typing import Final

from twisted.logger import Logger, LogLevel

from dmz.edge.caller import Caller
from wire_formats.instants import SECOND_MS


class _DirectLogger(Logger):
    """A logger whose events are sound, so that nothing need be looked up."""

    def emit(self, level: LogLevel, format: str | None = None, **kwargs: object) -> None:  # noqa: A002 - its name
        kwargs["log_logger"] = self
        kwargs["log_level"] = level
        kwargs["log_namespace"] = self.namespace
        kwargs["log_format"] = format
        self.observer(kwargs)


#: The part whose requests these are.
_log: Final = _DirectLogger("dmz.edge.conversation.Conversation")


def note_request(  # noqa: PLR0913 - the fields of a line
    caller: Caller, *, request_id: str, method: str, status: int, reason: str, took_s: float, size: int
) -> None:
    """Write the line of one request.

    Args:
        caller: the other end of the connection.
        request_id: the edge's name of the exchange.
        method: of the request; "" before it is known.
        status: of the answer.
        reason: why it is this answer, in a fixed word.
        took_s: from the last byte of the request to its answer.
        size: bytes of the answer.
    """
    _log.emit(
        LogLevel.info,
        "request_answered",
        request_id=request_id,
        window=caller.entrance,
        method=method,
        status=status,
        reason=reason,
        duration_ms=round(took_s * SECOND_MS),
        bytes=size,
        address=caller.address,
        resumed=caller.resumed,
    )
