"""One half: its lanes, its control lane, its ticks.  ``low_half`` and ``high_half`` fill it in.

Ticks: every 50 ms acknowledgements that are due; every 250 ms everything is woken and what is due is
sent again; every second heartbeats, the session's state and the measurements; every two the status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ferry.acts.station import ActStation
from ferry.control import CONTROL, CONTROL_EPOCH, ControlPost, ControlReader, is_manifest
from ferry.folders import count_entries
from ferry.intake import Over
from ferry.lane.checks import LaneId
from ferry.lane.session import LAGS_AFTER_S, LaneSession
from ferry.notices import NoticeReceiver, NoticeSender
from ferry.parts import HalfParts
from ferry.pump import Pump, Station
from ferry.receiving import ReceivingStation
from ferry.sending import SendingStation
from ferry.status import ONE_WAY, HalfStatus, LaneStatus, write_status
from ferry.transports.port import Inlet, Outlet
from ferry.witness.building import build_witness
from wire_formats.collaborators import DirectoryWatch
from wire_formats.deny_list import MAX_INCREMENT_BYTES
from wire_formats.errors import PeerError, Unavailable
from wire_formats.lane_control import Acknowledgement, Control, Heartbeat, Progress

LOG: Final = "log"
ACTS: Final = "acts"
TICK_S: Final = 0.05
RESEND_TICKS: Final = 5
SECOND_TICKS: Final = 20
STATUS_TICKS: Final = 40
_MOST_COUNTED: Final = 5_000
#: Control files read in one step.
_CONTROL_AT_ONCE: Final = 16


class OneWaySide(Protocol):
    """What one half does besides where there is no way back (``ferry.one_way``)."""

    def prepare(self) -> None:
        """Make folders ready."""

    def every_second(self, post: ControlPost) -> None:
        """Tell what was sent, or write what is missing."""

    def figures(self) -> dict[str, int | str]:
        """Give what the status tells of it."""


class ManifestReader(Protocol):
    """Takes manifests."""

    def read(self, data: bytes) -> None:
        """Take in a manifest.

        Raises:
            PeerError: it cannot be believed.
        """


class ControlStation:
    """Reads everything on the control lane of one direction.

    Args:
        inlet: the transport towards this half.
        reader: takes the other half's messages.
        notices: takes deny-list notices; None on the half that sends them.
        manifests: takes manifests, where there is no way back.
    """

    log = Logger()

    def __init__(
        self, inlet: Inlet, reader: ControlReader, notices: NoticeReceiver | None,
        manifests: ManifestReader | None = None,
    ) -> None:  # fmt: skip
        self._manifests = manifests
        self._inlet = inlet
        self._reader = reader
        self._notices = notices

    def step(self, over: Over) -> bool:
        """Read some control files; gives whether there were any."""
        try:
            found = self._inlet.waiting(CONTROL, most=_CONTROL_AT_ONCE)
        except Unavailable as error:
            self.log.debug("control_not_read", reason=error.private)
            return False
        for strange in found.strange:
            self._inlet.remove(CONTROL, strange)
        read = 0
        for name in found.names:
            try:
                data = self._inlet.read(CONTROL, name, limit=MAX_INCREMENT_BYTES)
                if is_manifest(name):
                    if self._manifests is not None:
                        self._manifests.read(data)
                elif name.epoch == CONTROL_EPOCH:
                    self._reader.read(data)
                elif self._notices is not None:
                    self._notices.read(data)
            except FileNotFoundError:
                continue
            except PeerError as error:
                self._reader.refuse(error)
            except Unavailable as error:
                self.log.debug("notice_delayed", reason=error.private)
                continue
            self._inlet.remove(CONTROL, name)
            read += 1
        return read > 0 and not over()

    def abandon(self) -> None:
        """Nothing is held between steps."""


class Half:
    """Drives the lanes of one side.

    Args:
        parts: the half's collaborators.
        reactor: time.
        inlet: the transport towards this half.
        outlet: the transport away from it.
        watch: wakes readers of this side's folders.
        status: the status file.
    """

    log = Logger()

    def __init__(
        self, parts: HalfParts, reactor: IReactorTime, inlet: Inlet, outlet: Outlet, watch: DirectoryWatch, status: Path
    ) -> None:  # fmt: skip
        self.parts = parts
        self._reactor = reactor
        self._inlet = inlet
        self._outlet = outlet
        self._watch = watch
        self._status = status
        self._post = ControlPost(parts, outlet)
        self.witness = build_witness(parts, self._post.send)
        self._senders: dict[LaneId, SendingStation] = {}
        self._receivers: dict[LaneId, ReceivingStation] = {}
        self._sessions: dict[LaneId, LaneSession] = {}
        self._notices: NoticeSender | None = None
        self._one_way: OneWaySide | None = None
        self._acts: ActStation | None = None
        self._pump: Pump | None = None
        self._stops: list[Callable[[], None]] = []
        self._tick_count = 0
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = reactor

    def obey(self, acts: ActStation | None) -> None:
        """Put in what does what operators say; before ``fill``."""
        self._acts = acts

    def fill(
        self,
        senders: Sequence[SendingStation],
        receivers: Sequence[ReceivingStation],
        control: ControlStation,
        notices: NoticeSender | None = None,
        one_way: OneWaySide | None = None,
        others: Mapping[str, Station] = MappingProxyType({}),
    ) -> None:
        """Put the lanes in; called once by the half's builder.

        Args:
            senders: of the lanes this half sends on.
            receivers: of the lanes it receives on.
            control: reads the control lane.
            notices: sends notices, on the half that does.
            one_way: this half's part where there is no way back.
            others: further stations, by name.
        """
        self._senders = {station.sender.lane: station for station in senders}
        self._receivers = {station.lane: station for station in receivers}
        self._notices = notices
        lanes = [*self._senders, *self._receivers]
        self._sessions = {lane: LaneSession(self._teller(lane)) for lane in lanes}
        stations: dict[str, Station] = {lane.word: station for lane, station in self._senders.items()}
        stations |= {lane.word: station for lane, station in self._receivers.items()}
        stations |= {CONTROL: control, LOG: self.witness, **others}
        self._one_way = one_way
        if self._acts is not None:
            stations[ACTS] = self._acts
        if notices is not None:
            stations["notices"] = notices
        self._pump = Pump(self._reactor, stations, self._weights(stations), self.parts.metrics)

    def start(self) -> None:
        """Make folders ready, begin new epochs, and run.

        Raises:
            Unavailable: a folder or the journal cannot be used.
        """
        assert self._pump is not None
        self.parts.quarantine.prepare()
        if self._acts is not None:
            self._acts.start()
        self.witness.start()
        self._outlet.prepare()
        self._inlet.prepare()
        if self._one_way is not None:
            self._one_way.prepare()
        for sender in self._senders.values():
            sender.start()
        for receiver in self._receivers.values():
            receiver.start()
        if self._notices is not None:
            self._notices.start()
        self._begin_watching(self._pump)
        self._pump.start()
        self._ticker.start(TICK_S, now=True)
        self.log.info("ferry_half_started", holder=self.parts.name)

    async def stop(self) -> None:
        """Stop after the present step, and close the journal; the spool keeps what is not acknowledged."""
        if self._ticker.running:
            self._ticker.stop()
        for stop in self._stops:
            stop()
        self._stops.clear()
        if self._pump is not None:
            self._pump.stop()
        for sender in self._senders.values():
            sender.abandon()
        for receiver in self._receivers.values():
            receiver.abandon()
        await self.witness.stop()
        self._write_status()
        if self._acts is not None:
            self._acts.stop()
        self._outlet.close()
        self._inlet.close()
        self.parts.journal.close()

    def take_control(self, message: Control) -> None:
        """Take in a message of the other half whose signature held."""
        if isinstance(message, Acknowledgement):
            sender = self._senders.get(LaneId(message.direction, message.lane))
            if sender is not None:
                sender.sender.acknowledge(message)
                self._wake(sender.sender.lane.word)
        elif isinstance(message, Heartbeat):
            receiver = self._receivers.get(LaneId(message.direction, message.lane))
            if receiver is not None:
                receiver.heartbeat(message)
        elif not isinstance(message, Progress):
            self.witness.take(message)

    def status(self) -> HalfStatus:
        """Give the half's present status."""
        quarantine = self.parts.quarantine
        lanes = [self._sender_status(s) for s in self._senders.values()]
        lanes += [self._receiver_status(r) for r in self._receivers.values()]
        return HalfStatus(
            self.parts.name,
            self.parts.clock.now_ms(),
            quarantine.count(held=False),
            quarantine.count(held=True),
            lanes,
            {"out": self._outlet.report(), "in": self._inlet.report()},
            self.witness.status(),
            self._one_way.figures() if self._one_way is not None else {},
        )

    @property
    def healthy(self) -> bool:
        """Whether the other half is heard on every lane, nothing is blocked, and both logs are one history."""
        return self.status().well

    def acknowledge_now(self) -> None:
        """Send the acknowledgements that are due, where there is a way for them."""
        if self._one_way is not None:
            return
        for station in self._receivers.values():
            if station.acknowledgement_due and (message := station.acknowledgement()) is not None:
                self._post.send(message)

    def _begin_watching(self, pump: Pump) -> None:
        def waker(name: str) -> Callable[[], None]:
            return lambda: pump.wake(name)

        for lane, sender in self._senders.items():
            for source in sender.sources:
                self._stops.append(self._watch.watch(source.folder, waker(lane.word)))
        for lane in self._receivers:
            self._stops.append(self._inlet.watch(lane.lane, waker(lane.word)))
        self._stops.append(self._inlet.watch(CONTROL, waker(CONTROL)))
        if self._acts is not None:
            self._stops.append(self._watch.watch(self._acts.port.folder, waker(ACTS)))
        if self._notices is not None:
            self._stops.append(self._watch.watch(self._notices.source.folder, waker("notices")))

    def _weights(self, names: Mapping[str, Station]) -> dict[str, int]:
        limits = self.parts.limits
        bulk = {name for name in names if name.endswith("bulk")}
        return {name: limits.bulk_share if name in bulk else limits.interactive_share for name in names}

    def waker(self, lane: LaneId) -> Callable[[], None]:
        """Give what lets a lane look for work again."""
        return lambda: self._wake(lane.word)

    def _wake(self, name: str) -> None:
        if self._pump is not None:
            self._pump.wake(name)

    def _tick(self) -> None:
        self._tick_count += 1
        try:
            self.acknowledge_now()
            if self._tick_count % RESEND_TICKS == 0:
                self._resend()
                self.parts.journal.prune()
            if self._tick_count % SECOND_TICKS == 0:
                self._every_second()
            if self._tick_count % STATUS_TICKS == 0:
                self._write_status()
        except Unavailable as error:
            self.log.debug("tick_delayed", reason=error.private)

    def _resend(self) -> None:
        for sender in self._senders.values():
            sender.tick()
        if self._notices is not None:
            self._notices.tick()
        if self._pump is not None:
            self._pump.wake_all()

    def _every_second(self) -> None:
        self.witness.second()
        self._wake(LOG)
        for sender in self._senders.values():
            self._post.send(sender.sender.heartbeat())
        if self._one_way is not None:
            self._one_way.every_second(self._post)
        for lane in self.status().lanes:
            key = LaneId(lane.way, lane.lane)
            metrics = self.parts.metrics.lane(key)
            metrics.heartbeat_age.set(lane.heard_s)
            metrics.depth.set(lane.waiting)
            behind = lane.gaps > 0 or lane.oldest_s > LAGS_AFTER_S
            self._sessions[key].observe(heard_s=lane.heard_s, ever=self._ever_heard(key), behind=behind)

    def _ever_heard(self, lane: LaneId) -> bool:
        sender = self._senders.get(lane)
        return (self._receivers[lane] if sender is None else sender.sender).heard.ever

    def _teller(self, lane: LaneId) -> Callable[[str], None]:
        def tell(state: str) -> None:
            self.log.info("lane_state", lane=lane.lane, way=lane.direction, state=state)

        return tell

    def _write_status(self) -> None:
        if not write_status(self._status, self.status(), disk=self.parts.disk):
            self.log.debug("status_not_written")

    def _sender_status(self, station: SendingStation) -> LaneStatus:
        sender, now = station.sender, self.parts.seconds()
        outbox, lane = sender.outbox, sender.lane
        disk = self.parts.disk
        waiting = sum(count_entries(source.folder, most=_MOST_COUNTED, disk=disk) for source in station.sources)
        blocked = station.blocked or ("credits used up" if sender.full else "")
        oldest, heard = outbox.oldest_s(now), max(0.0, now - sender.heard.at_s)
        return LaneStatus(
            *lane, "sender", outbox.epoch, outbox.mark, outbox.acknowledged, outbox.missing(), waiting, len(outbox),
            round(oldest, 3), round(heard, 3), ONE_WAY if self._one_way else self._sessions[lane].state, blocked,
            self.parts.pauses.holds(lane), self.parts.limits.credits, sender.credits_used,
        )  # fmt: skip

    def _receiver_status(self, station: ReceivingStation) -> LaneStatus:
        inbox, lane = station.inbox, station.lane
        waiting = self._inlet.depth(lane.lane)
        heard = round(max(0.0, self.parts.seconds() - station.heard.at_s), 3)
        return LaneStatus(
            *lane, "receiver", inbox.epoch, inbox.mark, inbox.cumulative, inbox.missing(), waiting, 0,
            0.0, heard, self._sessions[lane].state, station.blocked, station.paused,
        )  # fmt: skip
