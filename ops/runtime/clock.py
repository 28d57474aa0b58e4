"""The machine's clock and random generator: the only module that reads them."""

from __future__ import annotations

import os
import time
from typing import Final

_NANOSECONDS_PER_MILLISECOND: Final = 1_000_000


class SystemClock:
    """Wall-clock time of this machine (implements ``collaborators.Clock``)."""

    def now_ms(self) -> int:
        """Give the instant now, in milliseconds since 1970 UTC."""
        return time.time_ns() // _NANOSECONDS_PER_MILLISECOND


def steady_s() -> float:
    """Give seconds that only ever go forward, whatever becomes of the wall clock."""
    return time.monotonic()


class SystemRandomness:
    """The operating system's generator (implements ``collaborators.Randomness``)."""

    def bytes(self, count: int, /) -> bytes:
        """Give ``count`` unpredictable bytes."""
        return os.urandom(count)
