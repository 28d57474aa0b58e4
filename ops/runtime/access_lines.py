"""Writes the access log's lines: the same JSON as ``log_output.JsonLines`` would, put together by one template.

The lines of one turn of the reactor go to the file in one write, after the turn's answers have been handed to the
kernel; a process that is killed in between loses the lines of that turn (decision 0015). Any other line of the log
takes those that wait along, so that the order stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from dmz.edge.access_log import EVENT, PART, AccessLine
from ops.runtime.log_output import LineWriter
from wire_formats.collaborators import Clock
from wire_formats.instants import SECOND_MS, iso

_text: Final = msgspec.json.Encoder().encode
#: More than this is not kept for the turn's end.
MOST_WAITING: Final = 1_024


class AccessLines:
    """Implements ``dmz.edge.access_log.AccessLog``.

    Args:
        writer: of the process's log.
        clock: for the time of a line.
        role: name of this process.
        at_turn_end: calls something when the reactor's turn ends.
    """

    def __init__(
        self, writer: LineWriter, *, clock: Clock, role: str, at_turn_end: Callable[[Callable[[], None]], None]
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._role = _text(role).decode()
        self._at_turn_end = at_turn_end

    def note(self, line: AccessLine) -> None:
        """Write a line, at the turn's end.

        Every text in it is the edge's own: hex digits, words of fixed sets, an address from the kernel or checked as
        such. So nothing needs to be escaped.
        """
        request_id, window, method, status, reason, took_s, size, address, resumed = line
        waiting = self._writer.add(
            f'{{"time":"{iso(self._clock.now_ms())}","role":{self._role},"level":"info","part":"{PART}",'
            f'"event":"{EVENT}","request_id":"{request_id}","window":"{window}","method":"{method}",'
            f'"status":{status},"reason":"{reason}","duration_ms":{round(took_s * SECOND_MS)},"bytes":{size},'
            f'"address":"{address}","resumed":{"true" if resumed else "false"}}}'
        )
        if waiting == 1:
            self._at_turn_end(self._writer.flush)
        elif waiting >= MOST_WAITING:
            self._writer.flush()
