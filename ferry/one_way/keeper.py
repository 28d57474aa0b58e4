"""The sending side of a lane without a way back.

    sent ──▶ kept (spool) ──▶ told in manifests, one portion a second ──▶ released
                    ▲                                                        │ confirmed by a resend list
                    └── sent again: once after a second, and what a list     │ or older than ``one_way_keep_s``
                        asks for                                             ▼
While the spool is full of what nobody confirmed, and nothing of it is old enough, the lane takes no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ferry.control import ControlPost
from ferry.lane.checks import HIGH_ROLE
from ferry.parts import HalfParts
from ferry.ports import FolderPort
from ferry.sender import Sender
from wire_formats.bundle import FIRST
from wire_formats.drop import DropName
from wire_formats.errors import PeerError, Unavailable
from wire_formats.lane_control import Acknowledgement
from wire_formats.lane_manifest import MAX_DIGESTS, MAX_LIST_BYTES, LaneGaps, Manifest, verify_resend_list

#: Folder beside the status file into which `ferrygate ferry resend-list apply` puts a list.
RESEND_LISTS: Final = "resend-lists"
#: Released in one step.
_AT_ONCE: Final = 64


class LaneKeeper:
    """Tells, keeps and releases what one lane's sender has sent.

    Args:
        sender: the lane's sending end.
    """

    log = Logger()

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self._next = 0
        self._epoch = 0

    def manifest(self) -> Manifest | None:
        """Give the next portion to tell, or None while nothing is kept.

        Every other one is the newest portion, so that a lost tail shows soon; the others go round.
        """
        outbox, digests = self.sender.outbox, self.sender.digests
        if self._epoch != outbox.epoch:
            self._epoch, self._next = outbox.epoch, 0
        kept = outbox.acknowledged + 1
        if kept > outbox.mark:
            return None
        newest = max(kept, outbox.mark - MAX_DIGESTS + 1)
        self._next = newest if self._next >= newest or self._next < kept else self._next
        first, last = self._next, min(self._next + MAX_DIGESTS - 1, outbox.mark)
        self._next = kept if first == newest else last + 1
        told = tuple(digests.get(number, FIRST) for number in range(first, last + 1))
        now_ms = self.sender.parts.clock.now_ms()
        return Manifest(*self.sender.lane, outbox.epoch, kept, first, told, outbox.mark, now_ms)

    def release_old(self) -> int:
        """Let go of what is older than it has to be kept; gives how many that were."""
        outbox, limits = self.sender.outbox, self.sender.parts.limits
        last = outbox.acknowledged
        before_s = self.sender.parts.seconds() - limits.one_way_keep_s
        for number in range(last + 1, min(outbox.mark, last + _AT_ONCE) + 1):
            if outbox.first_s(number) > before_s:
                break
            last = number
        count = last - outbox.acknowledged
        if count:
            self._confirm(last, (), arrived=False)
            self.log.warn("released_unconfirmed", lane=self.sender.lane.lane, count=count)
        return count

    def apply(self, gaps: LaneGaps) -> str:
        """Take in what a receiver has and misses of this lane; gives a word for the status."""
        outbox = self.sender.outbox
        if gaps.epoch != outbox.epoch:
            return "stale: everything kept was sent again under a newer epoch"
        if gaps.cumulative > outbox.mark:
            return "refused: it knows more than was sent"
        lost = sum(number <= outbox.acknowledged for number in gaps.missing)
        self._confirm(max(gaps.cumulative, outbox.acknowledged), gaps.missing)
        asked = len(gaps.missing) - lost
        return f"{asked} sent again" + (f", {lost} not kept any more" if lost else "")

    def _confirm(self, cumulative: int, missing: tuple[int, ...], *, arrived: bool = True) -> None:
        sender = self.sender
        now_ms = sender.parts.clock.now_ms()
        message = Acknowledgement(*sender.lane, sender.outbox.epoch, cumulative, missing, now_ms)
        sender.take(message, arrived=arrived)


class LowSide:
    """The low half's part where there is no way back (implements ``half.OneWaySide``).

    Args:
        parts: the half's collaborators.
        senders: its lanes' sending ends.
        folder: holds the folder into which a person puts resend lists.
    """

    def __init__(self, parts: HalfParts, senders: Sequence[Sender], folder: Path) -> None:
        self._keepers = [LaneKeeper(sender) for sender in senders]
        port = FolderPort(folder / RESEND_LISTS, limit=MAX_LIST_BYTES, disk=parts.disk)
        self._lists = ResendLists(parts, {keeper.sender.lane.lane: keeper for keeper in self._keepers}, port)

    def prepare(self) -> None:
        """Make the folder of resend lists."""
        self._lists.folder.prepare()

    def every_second(self, post: ControlPost) -> None:
        """Take resend lists, let go of what is old, tell what was sent."""
        self._lists.look()
        for keeper in self._keepers:
            keeper.release_old()
            if (manifest := keeper.manifest()) is not None:
                post.tell(manifest)

    def figures(self) -> dict[str, int | str]:
        """Give what became of the last list, and how much nobody confirmed."""
        return {"unconfirmed": sum(len(keeper.sender.outbox) for keeper in self._keepers), "list": self._lists.outcome}


class ResendLists:
    """Takes resend lists that a person put into a folder.

    Args:
        parts: the half's collaborators.
        keepers: of the lanes, by their names.
        folder: where lists are put.
    """

    log = Logger()

    def __init__(self, parts: HalfParts, keepers: dict[str, LaneKeeper], folder: FolderPort) -> None:
        self.folder = folder
        #: What became of the last list, for the status.
        self.outcome = ""
        self._parts = parts
        self._keepers = keepers
        self._newest_ms = 0

    def look(self) -> None:
        """Take in whatever lies there; every list is gone afterwards."""
        try:
            found = self.folder.waiting(most=4)
        except Unavailable as error:
            self.log.debug("resend_lists_not_read", reason=error.private)
            return
        names: list[DropName | str] = [*found.names, *found.strange]
        for name in names:
            try:
                data = self.folder.read(name)
            except FileNotFoundError:
                continue
            except (PeerError, Unavailable) as error:
                self.log.warn("resend_list_refused", reason=error.private)
            else:
                self._take(data)
            self.folder.remove(name)

    def _take(self, data: bytes) -> None:
        now_ms = self._parts.clock.now_ms()
        try:
            found = verify_resend_list(data, self._parts.signers.trust, role=HIGH_ROLE, now_ms=now_ms)
        except PeerError as error:
            self.outcome = f"refused: {error.private}"
            self.log.warn("resend_list_refused", reason=error.private, code=error.code)
            return
        if found.made_ms < self._newest_ms:
            self.outcome = "refused: older than one that was applied"
            self.log.warn("resend_list_refused", reason="older than one that was applied")
            return
        self._newest_ms = found.made_ms
        outcomes = []
        for gaps in found.lanes:
            keeper = self._keepers.get(gaps.lane)
            if keeper is not None and found.direction == keeper.sender.lane.direction:
                outcomes.append(f"{gaps.lane}: {keeper.apply(gaps)}")
        self.outcome = "; ".join(outcomes) or "refused: of another direction"
        self.log.info("resend_list_applied", count=found.missing)
