"""Whether a signed message of the other half is newer than all before: an old one proves nothing about now.

Somebody on the gap without any key can record messages and play them again; that must not make a dead half look alive.
Whoever set his clock back by minutes is silent by this rule until it has caught up, or until a new epoch begins.

Source: RFC 9334, section 10 (freshness).
"""

from __future__ import annotations

from wire_formats.bundle import CLOCK_SLACK_MS


class Freshness:
    """The newest message of one kind and lane: by the epoch it speaks of, then by when it was made.

    Args:
        newest: of an earlier run.
    """

    def __init__(self, newest: tuple[int, int] = (0, 0)) -> None:
        self.newest = newest

    def renews(self, epoch: int, made_ms: int, *, now_ms: int) -> bool:
        """Note a message; gives whether it is newer than all before.

        Args:
            epoch: which it speaks of.
            made_ms: when it was made, by its maker's clock.
            now_ms: the instant now, by our own clock.
        """
        if self.newest[1] > now_ms + CLOCK_SLACK_MS:
            self.newest = (0, 0)  # our clock was wrong when we believed it
        if (epoch, made_ms) <= self.newest:
            return False
        self.newest = (epoch, made_ms)
        return True
