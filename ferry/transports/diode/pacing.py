"""The sender's rate: a bucket of bytes that fills at the configured rate.

In any time t at most ``rate * t + bucket`` bytes leave.  The bucket is what the rate gives in a few milliseconds, the
grain of the reactor's timers: it is not there to allow bursts.
"""

from __future__ import annotations

from typing import Final

#: Seconds of the rate that may leave at once.
BUCKET_S: Final = 0.005


class TokenBucket:
    """Grants bytes.

    Args:
        bytes_per_s: the rate.
        least: smallest bucket in bytes; two datagrams at least, so that any rate goes on.
    """

    def __init__(self, bytes_per_s: float, *, least: int) -> None:
        self._rate = bytes_per_s
        self.size = max(bytes_per_s * BUCKET_S, float(least))
        self._tokens = self.size
        self._at: float | None = None

    def granted(self, now_s: float) -> float:
        """Give how many bytes may leave now."""
        if self._at is not None and now_s > self._at:
            self._tokens = min(self.size, self._tokens + (now_s - self._at) * self._rate)
        # A clock that was set back grants nothing for the time it repeats.
        self._at = now_s
        return self._tokens

    def spend(self, count: int) -> None:
        """Note that bytes left."""
        self._tokens -= count

    def wait_s(self, count: int) -> float:
        """Give the seconds until ``count`` bytes may leave; a full bucket is the most that can be waited for."""
        return max(0.0, (min(float(count), self.size) - self._tokens) / self._rate)
