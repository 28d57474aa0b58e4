"""The four processes, each built from the product's own parts over a simulated reactor, clock and disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from twisted.internet.task import LoopingCall

from core.db.engine import open_engine as open_production
from core.intake.backlog import Backlog
from core.intake.grants import GrantChecker
from core.intake.inbox import Inbox
from core.intake.loop import IDLE_S, PAUSE_S, IntakeLoop, LoopParts, Rest
from core.intake.processor import Processor, ProcessorParts
from core.intake.publisher import Publisher, next_epoch
from core.intake.revocations import Revocations
from core.intake.runner import Runner
from core.intake.slow_work import SlowWorkers
from dmz.workers.assembly import Surroundings, Worker, build_worker
from dmz.workers.exchange_db import ExchangeStore
from dmz.workers.exchange_db import open_engine as open_exchange
from dmz.workers.request_building import SealKeys
from dmz.workers.settings import WorkerSettings
from dmz.workers.tools import WorkerTools
from ferry.high_half import HighHalf
from ferry.inspection import Inspector
from ferry.inspector.port import NearInspector
from ferry.journal import Journal
from ferry.lane.checks import Signers
from ferry.low_half import LowHalf
from ferry.media.register import MediaRegister
from ferry.metrics import FerryMetrics
from ferry.parts import HalfParts
from ferry.quarantine import Quarantine
from ferry.settings import FerryLimits, HighSettings, LowSettings
from ferry.transports.directory import DirectoryInlet, DirectoryOutlet
from ferry.transports.ends import Ends
from ferry.witness.station import CrossingLog
from ops.runtime.background import ReactorBackground
from tests.simulation import sqlite
from tests.simulation.cable import Cable
from tests.simulation.kit import CORE_KEY, SEAL_KEY, WORKER, Kit, Seeded
from tests.simulation.kit import handlers as make_handlers
from tests.simulation.media_lane import MediaBounds, media_ends
from tests.simulation.process_disk import ProcessDisk
from tests.simulation.scheduler import Process
from wire_formats.catalogue import SERVICES

ROOT: Final = Path("/proc/sim")
DMZ, CORE, GAP = ROOT / "dmz", ROOT / "core", ROOT / "gap"
JOURNALS: Final = {"low": DMZ / "low" / "journal.sqlite", "high": CORE / "high" / "journal.sqlite"}
EXCHANGE: Final = DMZ / "exchange" / "exchange.sqlite"
PRODUCTION: Final = CORE / "production" / "production.sqlite"
_UNUSED: Final = Path("/proc/sim/unused")
RESCAN_S: Final = 0.5


@dataclass
class Kinds:
    """Which classes and settings the processes are built from; broken variants change them."""

    journal: type[Journal] = Journal
    processor: type[Processor] = Processor
    low: type[LowHalf] = LowHalf
    high: type[HighHalf] = HighHalf
    inspector: Callable[[Process], Inspector] = lambda _process: Inspector(SERVICES, SEAL_KEY)
    #: Sees every wage that the core is about to book; a poisoned one ends the process.
    look: Callable[[Process, int], None] = lambda _process, _wage: None
    timers_follow_the_wall: bool = False
    #: Sees a worker before it starts.
    worker: Callable[[Worker], None] = lambda _worker: None
    connect: Callable[[ProcessDisk, Path], Any] = sqlite.Connection
    disk: type[ProcessDisk] = ProcessDisk
    #: The register of media as commands open it.
    register: type[MediaRegister] = MediaRegister


@dataclass
class Bounds:
    """The bounds a schedule runs under: small, so that they are met."""

    ferry: FerryLimits = field(default_factory=FerryLimits)
    core_outbox_files: int = 2_000
    worker: dict[str, Any] = field(default_factory=dict)


@dataclass
class Surrounding:
    """What a process is built with."""

    process: Process
    disk: ProcessDisk
    watch: Any
    kit: Kit
    kinds: Kinds
    bounds: Bounds
    key: int
    """which of its two keys the machine signs with"""
    gap: tuple[Path, Path]
    """roots of the gap as the low half and the high half see it"""
    seed: str
    cable: Cable | None = None
    """joins the halves in the place of the gap's folders"""
    media: MediaBounds | None = None
    """people carry what crosses"""


class Watch:
    """Wakes readers of folders, now and then too late, and at least every 500 ms (a ``DirectoryWatch``)."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.listeners: dict[str, list[Callable[[], None]]] = {}
        self._rescan = LoopingCall(self.wake_all)
        self._rescan.clock = process.reactor
        self._rescan.start(RESCAN_S, now=False)

    def watch(self, path: Path, on_change: Callable[[], None]) -> Callable[[], None]:
        self.listeners.setdefault(str(path), []).append(on_change)
        return lambda: self.listeners[str(path)].remove(on_change)

    def wake_all(self) -> None:
        for listeners in list(self.listeners.values()):
            for listener in list(listeners):
                listener()


class Thread:
    """The one thread of the exchange store: its work runs a little later, between the reactor's calls."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def callInThread(self, work: Callable[[], object]) -> None:  # noqa: N802
        self._process.reactor.callLater(20e-6, work)


class Alone:
    """No other process of this worker's name lives."""

    def alone(self) -> bool:
        return True


def start_low(around: Surrounding) -> LowHalf:
    """The low half."""
    kit, gap = around.kit, around.gap[0]
    parts = _half_parts(around, "low", "ferry_low", kit.low_metrics, DMZ / "low")
    settings = LowSettings(
        **_half_paths(DMZ / "low"), gap_inbound=gap / "inbound", gap_outbound=gap / "outbound",
        dmz_outbox=DMZ / "outbox", dmz_inbox=DMZ / "inbox", dmz_notices=DMZ / "notices", limits=parts.limits,
    )  # fmt: skip
    disk = around.disk
    ends = Ends(
        DirectoryInlet(settings.gap_outbound, around.watch, disk=disk),
        DirectoryOutlet(settings.gap_inbound, disk=disk),
    )
    if around.cable is not None:
        ends = around.cable.ends(around.process, "inbound", "outbound", around.seed)
    if around.media is not None:
        ends = media_ends("low", around.watch, disk, around.kinds.connect, around.media)
    half = around.kinds.low(parts, settings, around.process.reactor, *ends, around.watch)
    half.start()
    return half


def start_high(around: Surrounding) -> HighHalf:
    """The high half."""
    kit, gap = around.kit, around.gap[1]
    parts = _half_parts(around, "high", "ferry_high", kit.high_metrics, CORE / "high")
    settings = HighSettings(
        **_half_paths(CORE / "high"), gap_inbound=gap / "inbound", gap_outbound=gap / "outbound",
        inspector=_UNUSED, core_inbox=CORE / "inbox", core_outbox=CORE / "outbox", limits=parts.limits,
    )  # fmt: skip
    disk = around.disk
    ends = Ends(
        DirectoryInlet(settings.gap_inbound, around.watch, disk=disk),
        DirectoryOutlet(settings.gap_outbound, disk=disk),
    )
    if around.cable is not None:
        ends = around.cable.ends(around.process, "outbound", "inbound", around.seed)
    if around.media is not None:
        ends = media_ends("high", around.watch, disk, around.kinds.connect, around.media)
    inspector = around.kinds.inspector(around.process)
    half = around.kinds.high(parts, settings, around.process.reactor, ends, around.watch, NearInspector(inspector))
    half.start()
    return half


@dataclass
class RunningWorker:
    """A worker that was started."""

    intake: Any
    store: ExchangeStore
    engine: Any


def start_worker(around: Surrounding) -> RunningWorker:
    """A worker: its pages apart, everything that a transaction passes through."""
    process, kit = around.process, around.kit
    engine = open_exchange("sqlite:////exchange", connect=_connector(around, EXCHANGE))
    reactor: Any = process.reactor
    store = ExchangeStore(engine, Thread(process), reactor)
    background = ReactorBackground(process.reactor)
    randomness = Seeded(f"{around.seed} worker {process.scheduler.now}")
    tools = WorkerTools(process, randomness, background, process.reactor, kit.worker_metrics, around.disk)
    keys = SealKeys(SEAL_KEY.public, CORE_KEY.public)
    pool: Any = None
    given = Surroundings(store, kit.keys["worker"][around.key], keys, kit.trust, pool, tools, Alone())
    settings = WorkerSettings(
        name=WORKER, socket=_UNUSED, exchange_url="", outbox=DMZ / "outbox", inbox=DMZ / "inbox",
        signing_key=_UNUSED, signing_certificate=_UNUSED, trust_issuers=_UNUSED, trust_certificates=_UNUSED,
        high_half_key=_UNUSED, core_key=_UNUSED, quarantine=DMZ / "worker" / "quarantine", **around.bounds.worker,
    )  # fmt: skip
    worker = build_worker(settings, given)
    around.kinds.worker(worker)
    worker.start(around.watch)
    return RunningWorker(worker.sessions._parts.intake, store, engine)


@dataclass
class RunningCore:
    """A core that was started."""

    loop: IntakeLoop
    engine: Any


def start_core(around: Surrounding) -> RunningCore:
    """The core: everything but its staff window and its slow password work."""
    process, kit, disk = around.process, around.kit, around.disk
    engine = open_production("sqlite:////production", connect=_connector(around, PRODUCTION))
    key = kit.keys["core"][around.key]
    slow = SlowWorkers(1, 1, lambda: None)
    handlers = make_handlers(lambda wage: around.kinds.look(process, wage))
    tools = replace(kit.tools, signing_key=key, randomness=Seeded(f"{around.seed} core {process.scheduler.now}"))
    checker = GrantChecker(kit.trust)
    parts = ProcessorParts(engine, checker, handlers, tools, slow, process, kit.core_metrics)
    shared: dict[str, Any] = {"clock": process, "metrics": kit.core_metrics, "disk": disk}
    inbox = Inbox(CORE / "inbox", CORE / "quarantine", trust=kit.trust, **shared)
    epoch = next_epoch(engine, now_ms=process.now_ms())
    publisher = Publisher(CORE / "outbox", key, epoch=epoch, **shared)
    loop = IntakeLoop(
        LoopParts(
            engine=engine,
            inbox=inbox,
            backlog=Backlog(inbox, checker.unit_of),
            runner=Runner(inbox, around.kinds.processor(parts), publisher, slow),
            publisher=publisher,
            revocations=Revocations(CORE / "deny", engine, trust=kit.trust, clock=process, disk=disk),
            slow=slow,
            clock=process,
            metrics=kit.core_metrics,
            items_per_commit=64,
            outbox_files=around.bounds.core_outbox_files,
            applied_keep_ms=90 * 86_400_000,
        ),
        threading.Event(),
    )
    _Beats(process, loop, around.watch)
    return RunningCore(loop, engine)


class _Beats:
    """What ``IntakeLoop.run`` does in its thread, on simulated time."""

    def __init__(self, process: Process, loop: IntakeLoop, watch: Watch) -> None:
        self._reactor = process.reactor
        self._loop = loop
        self._sleep: Any = None
        self._news = False
        for lane in ("interactive", "bulk"):
            watch.watch(CORE / "inbox" / lane, self.wake)
        self._reactor.callLater(0, self._beat)

    def wake(self) -> None:
        self._news = True
        if self._sleep is not None:
            self._sleep.cancel()
            self._sleep = None
            self._reactor.callLater(0, self._beat)

    def _beat(self) -> None:
        self._sleep, self._news = None, False
        rest = self._loop.beat()
        if rest is Rest.UNTIL_WOKEN and not self._news:
            self._sleep = self._reactor.callLater(IDLE_S, self._beat)
        else:
            self._reactor.callLater(PAUSE_S if rest is Rest.PAUSE else 0, self._beat)


def _connector(around: Surrounding, path: Path) -> Callable[[], Any]:
    return lambda: around.kinds.connect(around.disk, path)


def _half_parts(around: Surrounding, name: str, role: str, metrics: FerryMetrics, home: Path) -> HalfParts:
    process, disk, kit, limits = around.process, around.disk, around.kit, around.bounds.ferry
    disk.make_folder(home)
    connect: Any = lambda path: around.kinds.connect(disk, path)  # noqa: E731
    journal = around.kinds.journal(JOURNALS[name], keep_rows=limits.journal_rows, connect=connect)
    return HalfParts(
        name=name,
        key=kit.keys[role][around.key],
        signers=Signers(kit.trust, frozenset({WORKER})),
        journal=journal,
        quarantine=Quarantine(
            home / "quarantine",
            most_files=limits.quarantine_files,
            most_bytes=limits.quarantine_bytes,
            clock=process,
            metrics=metrics,
            disk=disk,
        ),  # fmt: skip
        metrics=metrics,
        clock=process,
        seconds=process.reactor.seconds,
        limits=limits,
        crossings=CrossingLog(journal, home / "crossings", headers=name == "high"),
        disk=disk,
    )


def _half_paths(home: Path) -> dict[str, Any]:
    return {
        "signing_key": _UNUSED, "signing_certificate": _UNUSED, "trust_issuers": _UNUSED, "trust_machines": _UNUSED,
        "journal": _UNUSED, "spool": home / "spool", "quarantine": home / "quarantine", "status": home / "status.json",
    }  # fmt: skip
