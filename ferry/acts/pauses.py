"""Which lanes are paused at this end: a set that stations ask before they take anything more.

at the sending end     nothing more is taken from the authors' folders; what was sent is sent again as ever
at the receiving end   nothing more is taken off the transport; acknowledgements go on and name nothing as missing,
                       so that the sender keeps what it sent and gives nothing up
"""

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
