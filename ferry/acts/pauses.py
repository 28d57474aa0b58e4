"""Which lanes are paused: a set that stations ask before they take anything more."""

from __future__ import annotations

from ferry.lane.checks import LaneId


class Pauses:
    """The paused lanes of one half."""

    def __init__(self) -> None:
        self._lanes: set[LaneId] = set()

    def holds(self, lane: LaneId) -> bool:
        """Tell whether a lane is paused."""
        return lane in self._lanes

    def set(self, lane: LaneId, *, paused: bool) -> None:
        """Pause or resume a lane."""
        (self._lanes.add if paused else self._lanes.discard)(lane)
