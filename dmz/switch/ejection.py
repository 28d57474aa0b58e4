"""Which worker is left alone for a while, because its answers fail one after another (pure).

A worker is ejected after ERRORS failures in a row, for BASE_MS times the number of its ejections so far, and never so
that more than half of all workers are ejected: when everything fails, the cause is elsewhere. When the time is over it
is tried again, and the first failure ejects it anew; a worker that then stays well for FORGET_MS starts from one again.

Source: research "edge", section 4 (outlier ejection, after Envoy).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ERRORS: Final = 5
BASE_MS: Final = 10_000
MOST_TIMES: Final = 6
FORGET_MS: Final = 300_000


@dataclass(slots=True)
class _Record:
    errors: int = 0
    times: int = 0
    until_ms: int = 0
    on_trial: bool = False


class EjectionLedger:
    """Counts failures in a row of every worker of a pool."""

    def __init__(self, names: Iterable[str]) -> None:
        self._records = {name: _Record() for name in names}

    def is_ejected(self, name: str, now_ms: int) -> bool:
        """True while a worker's ejection lasts."""
        return now_ms < self._records[name].until_ms

    def succeeded(self, name: str) -> None:
        """Take note of an answer."""
        record = self._records[name]
        record.errors = 0
        record.on_trial = False

    def failed(self, name: str, now_ms: int) -> int:
        """Take note of a failure.

        Returns:
            For how many milliseconds the worker is ejected now; 0 if it is not.
        """
        record = self._records[name]
        record.errors += 1
        if record.errors < ERRORS and not record.on_trial:
            return 0
        ejected = sum(self.is_ejected(other, now_ms) for other in self._records)
        if self.is_ejected(name, now_ms) or 2 * (ejected + 1) > len(self._records):
            return 0
        if record.times and now_ms - record.until_ms > FORGET_MS:
            record.times = 0
        record.times = min(record.times + 1, MOST_TIMES)
        record.errors = 0
        record.on_trial = True
        record.until_ms = now_ms + BASE_MS * record.times
        return BASE_MS * record.times

    def replaced(self, name: str) -> None:
        """Forget a worker's past: another process answers under its name."""
        self._records[name] = _Record()
