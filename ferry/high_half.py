"""The high half, on the core's side.

    gap inbound ──▶ inspection ──▶ core inbox/<lane>     (content opened, this half's seal added)
    core outbox/<lane>, own answers ──▶ gap outbound     (seals every bundle with the crossing's number)
    core outbox/control ──▶ gap outbound control         (deny-list notices)

What becomes of a request on its way to the core stands in ``request_delivery``.
"""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IReactorTime

from ferry.acts.building import build_acts
from ferry.control import CONTROL, ControlReader
from ferry.half import ControlStation, Half
from ferry.inspector.port import InspectionPort
from ferry.lane.checks import INBOUND, LOW_ROLE, OUTBOUND, LaneId
from ferry.notices import NoticeSender
from ferry.one_way.drain import Drain
from ferry.one_way.lists import RESEND_LIST, HighSide
from ferry.parts import HalfParts
from ferry.ports import FolderPort, InletPort
from ferry.receiving import ReceivingStation
from ferry.request_delivery import OwnAnswers, RequestDelivery
from ferry.sender import Sender
from ferry.sending import SendingStation
from ferry.settings import HighSettings
from ferry.spool import Spool
from ferry.transports.port import Inlet, Outlet
from wire_formats.collaborators import DirectoryWatch
from wire_formats.deny_list import MAX_INCREMENT_BYTES
from wire_formats.request import LANES

HIGH_LANES: Final = tuple(LaneId(direction, lane) for direction in (INBOUND, OUTBOUND) for lane in LANES)


class HighHalf:
    """The high half; start, serve, stop.

    Args:
        parts: the half's collaborators.
        settings: paths and limits.
        reactor: time.
        transport: receiving end of the inbound direction, sending end of the outbound one.
        watch: wakes readers.
        inspector: opens and checks requests.
    """

    def __init__(
        self, parts: HalfParts, settings: HighSettings, reactor: IReactorTime, transport: tuple[Inlet, Outlet],
        watch: DirectoryWatch, inspector: InspectionPort,
    ) -> None:  # fmt: skip
        inlet, outlet = transport
        disk = parts.disk
        self.half = Half(parts, reactor, inlet, outlet, watch, settings.status)
        self.inspector = inspector
        self._deliveries: list[RequestDelivery] = []
        self._answers: list[OwnAnswers] = []
        one_way = settings.transport.one_way
        acts = build_acts(parts, settings.acts, HIGH_LANES, lambda lane: self.half.waker(lane)(), one_way=one_way)
        self.half.obey(acts.station)
        drains: dict[str, Drain] = {}
        senders, receivers = [], []
        for lane in LANES:
            inbound, outbound = LaneId(INBOUND, lane), LaneId(OUTBOUND, lane)
            answers = OwnAnswers(parts, outbound, settings.spool / f"answers-{lane}")
            inbox, wake = settings.core_inbox / lane, self.half.waker(inbound)
            delivery = RequestDelivery(parts, inbound, inbox, inspector, answers, wake)
            port = InletPort(inlet, lane)
            receivers.append(
                ReceivingStation(
                    parts, inbound, port, delivery, self.half.acknowledge_now, released=acts.released(inbound)
                )
            )
            self._deliveries.append(delivery)
            self._answers.append(answers)
            sources = [FolderPort(folder, disk=disk) for folder in (settings.core_outbox / lane, answers.folder)]
            if one_way:
                drains |= {f"drain-{lane}-{number}": Drain(source) for number, source in enumerate(sources)}
                continue
            sender = Sender(parts, outbound, outlet, Spool(settings.spool / f"outbound-{lane}", disk=disk))
            senders.append(SendingStation(sender, sources, released=acts.released(outbound)))
        source = FolderPort(settings.core_outbox / CONTROL, limit=MAX_INCREMENT_BYTES, disk=disk)
        notices = NoticeSender(parts, source, outlet, Spool(settings.spool / "notices", disk=disk))
        reader = ControlReader(parts, LOW_ROLE, self.half.take_control)
        if one_way:
            side = HighSide(parts, receivers, settings.status.with_name(RESEND_LIST))
            control = ControlStation(inlet, reader, None, side)
            drains["drain-notices"] = Drain(source)
            self.half.fill(senders, receivers, control, one_way=side, others=drains)
        else:
            control = ControlStation(inlet, reader, None)
            self.half.fill(senders, receivers, control, notices)

    def start(self) -> None:
        """Make folders ready and run.

        Raises:
            Unavailable: a folder or the journal cannot be used.
        """
        for delivery in self._deliveries:
            delivery.prepare()
        for answers in self._answers:
            answers.prepare()
        self.half.start()
        self.inspector.start()

    async def stop(self) -> None:
        """Stop after the present step."""
        await self.half.stop()
        self.inspector.stop()
