"""When a child that ended is started again: at once the first time, later and later if it keeps failing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wire_formats.instants import SECOND_MS

_FIRST_MS: Final = SECOND_MS // 4
_MOST_MS: Final = 30 * SECOND_MS
#: A child that lived this long is well; its next end counts as the first again.
_WELL_MS: Final = 60 * SECOND_MS


@dataclass(slots=True)
class RestartPolicy:
    """The back-off of one place (child number)."""

    failures: int = 0
    started_ms: int = 0

    def started(self, now_ms: int) -> None:
        """A child was started in this place."""
        self.started_ms = now_ms

    def ended(self, now_ms: int) -> int:
        """The child ended without being asked.

        Returns:
            The instant from which the next one may be started, in milliseconds since 1970.
        """
        if now_ms - self.started_ms >= _WELL_MS:
            self.failures = 0
        delay = min(_MOST_MS, _FIRST_MS << self.failures)
        self.failures = min(self.failures + 1, 8)
        return now_ms + delay
