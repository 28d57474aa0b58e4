"""The low half, on the DMZ's side.

    workers' outbox/<lane> ──▶ gap inbound          (seals every bundle with the crossing's number)
    gap outbound ──▶ inbox/<worker>                 (adds its seal, routes by the answers' worker)
    gap outbound control ──▶ notices                (deny list, for the edges)

Authors of tracked bundles are told when theirs is taken (safe here) and crossed (acknowledged).
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ferry.acts.building import build_acts
from ferry.control import ControlReader
from ferry.folders import CountedRoom
from ferry.half import ControlStation, Half
from ferry.intake import Pause
from ferry.lane.checks import HIGH_ROLE, INBOUND, OUTBOUND, Checked, Items, LaneId
from ferry.lane.crossing import State
from ferry.notices import NoticeReceiver
from ferry.one_way.keeper import LowSide
from ferry.own_seals import OwnSeals
from ferry.parts import HalfParts
from ferry.ports import FolderPort, InletPort
from ferry.receiving import ReceivingStation
from ferry.sender import Sender, Tracked
from ferry.sending import SendingStation
from ferry.settings import LowSettings
from ferry.spool import Spool
from ferry.transports.port import Inlet, Outlet
from wire_formats.collaborators import DirectoryWatch, Disk
from wire_formats.disk import DISK
from wire_formats.drop import DropName, prepare_drop, write_drop
from wire_formats.errors import Kind, Unavailable
from wire_formats.lane_control import Progress, sign_control
from wire_formats.request import LANES

LOW_LANES: Final = tuple(LaneId(direction, lane) for direction in (INBOUND, OUTBOUND) for lane in LANES)


class WorkerInboxes:
    """The workers' inboxes, with a bound for each.

    Args:
        folder: holds one drop per worker.
        workers: their names.
        most_files: how many files may wait in one inbox.
        disk: where they lie.
    """

    def __init__(self, folder: Path, workers: frozenset[str], most_files: int, *, disk: Disk = DISK) -> None:
        self._disk = disk
        self._inboxes = {worker: CountedRoom(folder / worker, most=most_files, disk=disk) for worker in workers}

    def prepare(self) -> None:
        """Make the drops."""
        for inbox in self._inboxes.values():
            prepare_drop(inbox.folder, disk=self._disk)

    def put(self, worker: str, name: DropName, data: bytes) -> None:
        """Put a file into a worker's inbox.

        Raises:
            Unavailable: the inbox or the disk is full.
        """
        inbox = self._inboxes[worker]
        if inbox.left() <= 0:
            raise Unavailable(Kind.STORAGE_FULL, "a worker's inbox is full")
        write_drop(inbox.folder, name, data, disk=self._disk)
        inbox.took()


class ProgressNotes:
    """Tells workers where their tracked bundles are.

    Args:
        parts: the half's collaborators.
        inboxes: where the notes go.
        epoch: of this run, for the names.
    """

    log = Logger()

    def __init__(self, parts: HalfParts, inboxes: WorkerInboxes) -> None:
        self._parts = parts
        self._inboxes = inboxes
        self._epoch = parts.clock.now_ms()
        self._sequence = 0

    def taken(self, tracked: Tracked) -> None:
        """The bundle is in the spool and on the transport."""
        self._tell(tracked, "taken")

    def crossed(self, tracked: Tracked) -> None:
        """The high half has acknowledged the bundle."""
        self._tell(tracked, "crossed")

    def _tell(self, tracked: Tracked, state: str) -> None:
        self._sequence += 1
        name = DropName(self._epoch, self._sequence, self._parts.name, "notice")
        message = sign_control(Progress(tracked.root, state, self._parts.clock.now_ms()), self._parts.key)
        try:
            self._inboxes.put(tracked.worker, name, message)
        except Unavailable as error:
            # A note only improves a page; the answer itself does not depend on it.
            self.log.debug("progress_not_told", worker=tracked.worker, reason=error.private)


class AnswerDelivery:
    """Puts answers into the inbox of the worker they are for (implements ``receiving.Deliver``).

    Args:
        parts: the half's collaborators.
        lane: the lane.
        inboxes: the workers' inboxes.
    """

    looks_more = 0

    def __init__(self, parts: HalfParts, lane: LaneId, inboxes: WorkerInboxes) -> None:
        self._parts = parts
        self._inboxes = inboxes
        self._seals = OwnSeals(parts, lane)

    def room(self) -> int:
        """Each worker's inbox has a bound of its own, so the lane as a whole is always open."""
        return self._parts.limits.credits

    def deliver(self, checked: Checked, items: Items, *, careful: bool) -> Generator[Pause, None, State]:
        """Add this half's seal and route the bundle.

        Raises:
            Unavailable: the worker's inbox or the disk is full.
        """
        del careful  # nothing is opened here

        def write(name: DropName, data: bytes) -> None:
            self._inboxes.put(items.reply_to, name, data)

        self._seals.put(checked.bundle, write, tracked=checked.author.statement.tracked)
        yield Pause.BREATH
        return State.SENT


class LowHalf:
    """The low half; start, serve, stop.

    Args:
        parts: the half's collaborators.
        settings: paths and limits.
        reactor: time.
        inlet: outbound transport.
        outlet: inbound transport.
        watch: wakes readers.
    """

    def __init__(
        self, parts: HalfParts, settings: LowSettings, reactor: IReactorTime, inlet: Inlet, outlet: Outlet,
        watch: DirectoryWatch,
    ) -> None:  # fmt: skip
        self.half = Half(parts, reactor, inlet, outlet, watch, settings.status)
        self.inboxes = WorkerInboxes(
            settings.dmz_inbox, frozenset(parts.signers.workers), parts.limits.worker_inbox_files, disk=parts.disk
        )
        self._notices = NoticeReceiver(parts, settings.dmz_notices)
        notes = ProgressNotes(parts, self.inboxes)
        one_way = settings.transport.one_way
        acts = build_acts(parts, settings.acts, LOW_LANES, lambda lane: self.half.waker(lane)())
        self.half.obey(acts.station)
        senders, receivers = [], []
        for lane in LANES:
            inbound, outbound = LaneId(INBOUND, lane), LaneId(OUTBOUND, lane)
            spool = Spool(settings.spool / f"inbound-{lane}", disk=parts.disk)
            source = FolderPort(settings.dmz_outbox / lane, disk=parts.disk)
            sender = Sender(parts, inbound, outlet, spool, notes, one_way=one_way)
            released = {way: acts.released(way) for way in (inbound, outbound)}
            senders.append(SendingStation(sender, [source], on_taken=notes.taken, released=released[inbound]))
            if one_way:
                continue
            delivery = AnswerDelivery(parts, outbound, self.inboxes)
            port = InletPort(inlet, lane)
            receivers.append(
                ReceivingStation(
                    parts, outbound, port, delivery, self.half.acknowledge_now, released=released[outbound]
                )
            )
        reader = ControlReader(parts, HIGH_ROLE, self.half.take_control)
        side = LowSide(parts, [station.sender for station in senders], settings.status.parent) if one_way else None
        control = ControlStation(inlet, reader, self._notices)
        self.half.fill(senders, receivers, control, one_way=side)

    def start(self) -> None:
        """Make folders ready and run.

        Raises:
            Unavailable: a folder or the journal cannot be used.
        """
        self.inboxes.prepare()
        self._notices.start()
        self.half.start()

    async def stop(self) -> None:
        """Stop after the present step."""
        await self.half.stop()
