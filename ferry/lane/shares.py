"""Fair shares of the loop between lanes: weighted, and nobody starves (stride scheduling).

Each party has a clock of its own that runs the slower the larger its weight; whoever is furthest
behind goes next.  A party that slept does not save up time: it wakes at the clock of the others.

Source: Waldspurger and Weihl, "Stride Scheduling", 1995.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping


class Shares:
    """Chooses who goes next.

    Args:
        weights: party -> weight; all positive.
    """

    def __init__(self, weights: Mapping[str, int]) -> None:
        if any(weight <= 0 for weight in weights.values()):
            raise ValueError("weights are positive")
        self._weights = dict(weights)
        self._passed = dict.fromkeys(weights, 0.0)
        self._now = 0.0

    def woken(self, party: str) -> None:
        """Let a party that slept join at the clock of the others."""
        self._passed[party] = max(self._passed[party], self._now)

    def choose(self, ready: Collection[str]) -> str | None:
        """Give who goes next among those with work, or None."""
        if not ready:
            return None
        if len(ready) == 1:
            [chosen] = ready
        else:
            chosen = min(ready, key=lambda party: (self._passed[party], -self._weights[party], party))
        self._now = max(self._now, self._passed[chosen])
        return chosen

    def charge(self, party: str, cost: float) -> None:
        """Note what a turn cost, in any one unit."""
        self._passed[party] += max(cost, 0.0) / self._weights[party]
