"""Telling of what strangers can cause as often as they like: at most once a second, with how often it was meanwhile.

A log that turns over because somebody floods it has lost what he did before; the measurements count every time.
"""

from __future__ import annotations

from typing import Final

from wire_formats.collaborators import Clock

EVERY_MS: Final = 1000


class Seldom:
    """Paces one kind of line.

    Args:
        clock: the instant.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told_ms = -EVERY_MS
        self._since = 0

    def count(self) -> int:
        """Note that it happened; gives how often since the last line, or 0 when it is too soon for another."""
        self._since += 1
        now_ms = self._clock.now_ms()
        if 0 <= now_ms - self._told_ms < EVERY_MS:
            return 0
        self._told_ms, since, self._since = now_ms, self._since, 0
        return since
