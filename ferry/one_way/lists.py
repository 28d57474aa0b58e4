"""The receiving side of a direction without a way back: manifests in, a resend list out.

The list lies beside the status file, signed, replaced at once when what is missing changes, and now and then when more
has arrived, since it also confirms; `ferrygate ferry resend-list write` copies it to where a person takes it from.
What the sender does not keep any more is given up with an alarm, so that the lane goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ferry.control import ControlPost
from ferry.lane.checks import LOW_ROLE, LaneId
from ferry.parts import HalfParts
from ferry.receiving import ReceivingStation
from ferry.status import replace_file
from wire_formats.lane_manifest import (
    MAX_MISSING,
    LaneGaps,
    Manifest,
    ResendList,
    sign_resend_list,
    verify_manifest,
)

#: Missing for so long, a crossing is asked for: copies and the second sending have had their time.
ASK_AFTER_S: Final = 5.0
#: A list that only confirms more than the last one is written this often.
CONFIRM_EVERY_S: Final = 10.0
RESEND_LIST: Final = "resend-list.bin"


class HighSide:
    """The high half's part: takes manifests, writes what is missing (implements ``half.OneWaySide``).

    Args:
        parts: the half's collaborators.
        stations: the lanes' receiving ends.
        place: the list's file.
    """

    log = Logger()

    def __init__(self, parts: HalfParts, stations: Sequence[ReceivingStation], place: Path) -> None:
        self._parts = parts
        self._stations = {station.lane: station for station in stations}
        self._place = place
        self._since: dict[LaneId, dict[int, float]] = {station.lane: {} for station in stations}
        self._written: tuple[LaneGaps, ...] = ()
        self._written_s = 0.0
        #: Crossings that were given up since the start: the sender does not keep them any more.
        self.lost = 0

    def read(self, data: bytes) -> None:
        """Take in a manifest.

        Raises:
            PeerError: it cannot be believed.
        """
        manifest = verify_manifest(
            data, self._parts.signers.trust, role=LOW_ROLE, now_ms=self._parts.clock.now_ms()
        )  # fmt: skip
        station = self._stations.get(LaneId(manifest.direction, manifest.lane))
        if station is not None:
            self._take(station, manifest)

    def prepare(self) -> None:
        """The list lies beside the status file."""

    def figures(self) -> dict[str, int | str]:
        """Give how many crossings the list asks for, and how many were given up."""
        return {"asked": self.asked(), "lost": self.lost}

    def every_second(self, post: ControlPost) -> None:
        """Write the list when what has been missing for long has changed, or more has arrived."""
        del post  # nothing leaves this half
        now = self._parts.seconds()
        lanes = tuple(self._gaps(station, now) for station in self._stations.values() if station.inbox.epoch)
        asks_the_same = [gaps.missing for gaps in lanes] == [gaps.missing for gaps in self._written]
        if lanes == self._written or (asks_the_same and 0 <= now - self._written_s < CONFIRM_EVERY_S):
            return
        self._written, self._written_s = lanes, now
        direction = next(iter(self._stations)).direction
        found = ResendList(direction, lanes, self._parts.clock.now_ms())
        if not replace_file(self._place, sign_resend_list(found, self._parts.key), disk=self._parts.disk):
            self._written = ()  # tried again in a second
            self.log.warn("resend_list_not_written")
            return
        self._parts.metrics.resend_asked.set(found.missing)
        if found.missing:
            self.log.warn("resend_list_written", count=found.missing)

    def asked(self, lanes: Sequence[LaneGaps] | None = None) -> int:
        """Give how many crossings the list asks for."""
        return sum(len(gaps.missing) for gaps in (self._written if lanes is None else lanes))

    def _take(self, station: ReceivingStation, manifest: Manifest) -> None:
        inbox = station.inbox
        inbox.heard(manifest.epoch, manifest.mark)
        if manifest.epoch != inbox.epoch:
            return
        for number, digest in enumerate(manifest.digests, manifest.first):
            known = inbox.digest(number)
            if known is not None and known != digest:
                self.log.error("manifest_differs", lane=manifest.lane, sequence=number)
        lost = inbox.forgo(manifest.kept)
        if lost:
            self.lost += lost
            self._parts.metrics.lane(station.lane).lost.inc(lost)
            self.log.error("crossings_lost", lane=manifest.lane, count=lost, epoch=manifest.epoch)
            station.forgone()

    def _gaps(self, station: ReceivingStation, now: float) -> LaneGaps:
        since, inbox = self._since[station.lane], station.inbox
        missing = inbox.gaps(most=MAX_MISSING)
        self._since[station.lane] = since = {number: since.get(number, now) for number in missing}
        old = tuple(number for number in missing if now - since[number] >= ASK_AFTER_S or since[number] > now)
        return LaneGaps(station.lane.lane, inbox.epoch, inbox.cumulative, old)
