"""Growing delay after failed log-ins; never a permanent lock, so that nobody can lock another out for good.

Kept per account and per certificate; the longer delay counts.
Source: research pki.md section 5 ("lockout per certificate and account with delay, not permanent").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FREE_FAILURES: Final = 3
"""Failures in a row without any delay: people mistype."""
FIRST_DELAY_MS: Final = 2_000
LONGEST_DELAY_MS: Final = 15 * 60_000
FORGET_AFTER_MS: Final = 24 * 3_600_000
"""Failures older than this count no more."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Counter of one account or certificate."""

    failures: int = 0
    last_failed_ms: int = 0
    not_before_ms: int = 0


def wait_ms(guard: Guard, now_ms: int) -> int:
    """Return how long until an attempt is looked at, 0 for at once."""
    return max(0, guard.not_before_ms - now_ms)


def after_failure(guard: Guard, now_ms: int) -> Guard:
    """Return the counter after a failed attempt: 2 s, 4 s, 8 s … up to 15 min."""
    remembered = guard.failures if now_ms - guard.last_failed_ms < FORGET_AFTER_MS else 0
    failures = remembered + 1
    return Guard(failures, now_ms, now_ms + delay_ms(failures))


def delay_ms(failures: int) -> int:
    """Return the delay after this many failures in a row."""
    beyond = failures - FREE_FAILURES
    if beyond <= 0:
        return 0
    # The shift is bounded first: 2 s doubled ten times is beyond the longest delay already.
    return min(FIRST_DELAY_MS << min(beyond - 1, 20), LONGEST_DELAY_MS)
