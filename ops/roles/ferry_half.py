"""What both ferry halves have in common: start, stop, health with a glance at the lanes, and the walls they live in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from twisted.internet.interfaces import IReactorFromThreads

from ferry.half import Half
from ferry.high_half import HighHalf
from ferry.low_half import LowHalf
from ferry.settings import HalfSettings
from ops.runtime.metrics_page import Health
from ops.runtime.pools import OwnPool
from ops.runtime.role_main import Running
from ops.walls.walls import Walls

#: Pieces of waiting that may queue: a checkpoint of ours, and a few of the other half.
_MOST_WAITING: Final = 8


def disk_thread(reactor: IReactorFromThreads) -> OwnPool:
    """Give the thread on which a half's log waits for the disk."""
    return OwnPool(reactor, "log", threads=1, queue=_MOST_WAITING)


def running_half(half: LowHalf | HighHalf, aside: OwnPool) -> Running:
    """Give a built half as something that runs.

    Args:
        half: the half.
        aside: the thread it was built with; ended with it.
    """

    async def start() -> None:
        half.start()

    async def stop() -> None:
        await half.stop()
        aside.stop()

    def health() -> Health:
        found = half_health(half.half)
        trouble = half.inspector.trouble if isinstance(half, HighHalf) else ""
        return replace(found, ready=False, reasons=(*found.reasons, trouble)) if trouble else found

    return Running(start=start, stop=stop, health=health)


def half_health(half: Half) -> Health:
    """Tell the health of a half: every lane's other end is heard, nothing is blocked."""
    status = half.status()
    troubles = [f"{lane.way} {lane.lane} {lane.blocked or lane.link}" for lane in status.troubled()]
    troubles += status.log.troubles if status.log is not None else ()
    figures = {
        "waiting": sum(lane.waiting for lane in status.lanes),
        "unacknowledged": sum(lane.unacknowledged for lane in status.lanes),
        "gaps": sum(lane.gaps for lane in status.lanes),
        "quarantined": status.quarantined,
        "held": status.held,
        **{name: count for name, count in status.one_way.items() if isinstance(count, int)},
    }
    return Health(ready=not troubles, reasons=tuple(troubles), figures=figures)


def half_walls(settings: HalfSettings, *, read: tuple[Path, ...] = (), write: tuple[Path, ...] = ()) -> Walls:
    """Give what a half keeps of the machine: its keys and trust to read, its folders and the gap to work in.

    Args:
        settings: the half's settings.
        read: further files or folders it reads.
        write: the folders of its own side.
    """
    keys = {settings.signing_key.parent, settings.signing_certificate.parent}
    if settings.transport.diode is not None:
        keys.add(settings.transport.diode.key.parent)
    trust = {settings.trust_issuers.parent, settings.trust_machines.parent}
    media = {settings.media.folder} if settings.media is not None else set()
    own = media | {settings.journal.parent, settings.status.parent, settings.spool, settings.quarantine}
    own.add(settings.crossings_folder)
    if settings.acts is not None:
        own.add(settings.acts.folder)
        trust |= {settings.acts.operators.parent, settings.acts.operator_issuers.parent}
    gap = {settings.gap_inbound, settings.gap_outbound}
    return Walls(read=(*sorted(keys | trust), *read), write=(*sorted(own | gap), *write))
