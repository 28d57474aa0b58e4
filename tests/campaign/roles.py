"""The five processes: each forked from the campaign, which has imported everything, and killed in the middle of anything.

The worker reads ``<first> <count>`` lines and stores that many transactions by the product's own store functions and
group commit; after the commit it writes ``told <first> <count>``.  The same numbers again are the same requests: a user
who was told nothing tries again.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, select
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import FileLogObserver, FilteringLogObserver, LogLevel, LogLevelFilterPredicate, globalLogBeginner
from twisted.logger import formatEventAsClassicLogText as as_text
from twisted.python.threadpool import ThreadPool

from core.db.engine import open_engine as open_production
from core.intake.backlog import Backlog
from core.intake.grants import GrantChecker
from core.intake.inbox import Inbox
from core.intake.loop import IntakeLoop, LoopParts
from core.intake.processor import Processor, ProcessorParts
from core.intake.publisher import Publisher, next_epoch
from core.intake.revocations import Revocations
from core.intake.runner import Runner
from core.intake.slow_work import SlowWorkers
from core.metrics import CoreMetrics
from core.service import CoreService
from dmz.workers import request_store
from dmz.workers.assembly import Surroundings, build_worker
from dmz.workers.exchange_db import ExchangeStore, open_engine
from dmz.workers.metrics import WorkerMetrics
from dmz.workers.request_building import Frame, SealKeys, build_request, wire_body
from dmz.workers.request_intake import RequestIntake, asker_of
from dmz.workers.request_store import Outgoing, Stored
from dmz.workers.settings import WorkerSettings
from dmz.workers.tables import request_out
from dmz.workers.tools import WorkerTools
from ferry.inspection import Inspector
from ferry.inspector.server import InspectorServer
from ferry.service import build_high, build_low
from ferry.settings import FerryLimits
from ops.runtime.background import ReactorBackground
from ops.runtime.clock import SystemClock, SystemRandomness
from ops.runtime.directory_watch import ReactorDirectoryWatch
from ops.runtime.limits import die_with_parent
from ops.runtime.pools import OwnPool
from tests.campaign.material import WORKER, Material
from tests.simulation.kit import body_of, handlers
from tests.simulation.users import FIRST_WAGE
from tests.support.core_world import CORE_SEAL
from tests.support.ferry_kit import high_settings, low_settings
from tests.support.wire_samples import HIGH_HALF
from wire_formats.catalogue import SERVICES
from wire_formats.errors import Unavailable
from wire_formats.request import Batch

ROLES = ("worker", "low", "high", "inspector", "core")
#: Unanswered transactions from which the worker takes no more for a moment.
MOST_UNANSWERED = 4_000
SERVICE = "wage.declare"


def run(role: str, material: Material, feed: int, told: int, parent: int) -> None:
    """Be one of the roles; returns only when told to stop."""
    die_with_parent(parent)
    log = open(material.root / f"{role}.log", "a", buffering=1)  # noqa: SIM115 - lives as long as the process
    observer = FilteringLogObserver(FileLogObserver(log, as_text), [LogLevelFilterPredicate(LogLevel.warn)])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
    if role == "inspector":
        settings = high_settings(material.root)
        settings.inspector.parent.mkdir(parents=True, exist_ok=True)
        server = InspectorServer(Inspector(SERVICES, HIGH_HALF), settings.inspector)
        server.listen()
        server.serve()
        return
    from ops.runtime import lean_reactor

    lean_reactor.install()
    from twisted.internet import reactor

    starts: dict[str, Callable[[Material, Any], None]] = {"low": _low, "high": _high, "core": _core}
    if role == "worker":
        _worker(material, reactor, feed, told)
    else:
        starts[role](material, reactor)
    reactor.run()


def _half(half: Any, aside: OwnPool, reactor: Any) -> None:
    reactor.callWhenRunning(half.start)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(half.stop()))
    reactor.addSystemEventTrigger("after", "shutdown", aside.stop)


def _around(reactor: Any) -> dict[str, Any]:
    return {
        "reactor": reactor, "clock": SystemClock(), "randomness": SystemRandomness(),
        "watch": ReactorDirectoryWatch(reactor), "registry": CollectorRegistry(),
    }  # fmt: skip


def _low(material: Material, reactor: Any) -> None:
    aside = OwnPool(reactor, "log", threads=1, queue=8)
    _half(build_low(low_settings(material.root, FerryLimits()), **_around(reactor), aside=aside), aside, reactor)


def _high(material: Material, reactor: Any) -> None:
    aside = OwnPool(reactor, "log", threads=1, queue=8)
    _half(build_high(high_settings(material.root, FerryLimits()), **_around(reactor), aside=aside), aside, reactor)


def _core(material: Material, reactor: Any) -> None:
    root, clock = material.root, SystemClock()
    metrics = CoreMetrics(CollectorRegistry(), tuple({entry.group for entry in SERVICES.values()}))
    engine = open_production(material.production_url)
    wake = threading.Event()
    slow = SlowWorkers(1, 1, wake.set)
    checker = GrantChecker(material.trust)
    parts = ProcessorParts(engine, checker, handlers(lambda _wage: None), material.tools, slow, clock, metrics)
    inbox = Inbox(root / "core/inbox", root / "core/quarantine", trust=material.trust, clock=clock, metrics=metrics)
    epoch = next_epoch(engine, now_ms=clock.now_ms())
    publisher = Publisher(root / "core/outbox", material.keys["core"], epoch=epoch, clock=clock, metrics=metrics)
    loop = IntakeLoop(
        LoopParts(
            engine=engine,
            inbox=inbox,
            backlog=Backlog(inbox, checker.unit_of),
            runner=Runner(inbox, Processor(parts), publisher, slow),
            publisher=publisher,
            revocations=Revocations(root / "core/deny", engine, trust=material.trust, clock=clock),
            slow=slow,
            clock=clock,
            metrics=metrics,
            items_per_commit=256,
            outbox_files=2_000,
            applied_keep_ms=90 * 86_400_000,
        ),
        wake,
    )
    watch = ReactorDirectoryWatch(reactor)
    service = CoreService(loop, wake, inbox=root / "core/inbox", watch=watch, reactor=reactor)
    reactor.callWhenRunning(service.start)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(service.stop()))


class _ById:
    """Random bytes for one request: its id first, so that the same number is the same request."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._count = 0

    def bytes(self, count: int, /) -> bytes:
        self._count += 1
        return hashlib.sha512(f"request {self._number} {self._count}".encode()).digest()[:count]


class _Feed:
    """Takes numbers from the campaign and makes transactions of them."""

    def __init__(self, material: Material, intake: RequestIntake, store: ExchangeStore, feed: int, told: int) -> None:
        self._material, self._intake, self._store = material, intake, store
        self._feed, self._told_to = feed, told
        self._asker = asker_of(material.session)
        self._keys = SealKeys(HIGH_HALF.public, CORE_SEAL.public)
        self._clock = SystemClock()
        self._rest = b""
        self._waiting: list[tuple[int, int]] = []
        self._busy = False
        os.set_blocking(feed, False)

    def turn(self) -> None:
        """Read orders; begin the next when there is room."""
        try:
            self._rest += os.read(self._feed, 65_536)
        except BlockingIOError:
            pass
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            first, count = line.split()
            self._waiting.append((int(first), int(count)))
        if self._waiting and not self._busy and self._intake._backlog < MOST_UNANSWERED:
            self._busy = True
            Deferred.fromCoroutine(self._store_block(*self._waiting.pop(0)))

    async def _store_block(self, first: int, count: int) -> None:
        try:
            made = [self._make(number) for number in range(first, first + count)]
            ids = [stored.outgoing.id for _, stored in made]

            def work(connection: Connection) -> set[bytes]:
                there = {
                    row.id for row in connection.execute(select(request_out.c.id).where(request_out.c.id.in_(ids)))
                }
                missing = [stored for _, stored in made if stored.outgoing.id not in there]
                if missing:
                    request_store.add_requests(connection, missing)
                return there

            there = await self._store.write(work)
            os.write(self._told_to, b"told %d %d\n" % (first, count))
            self._intake.send_stored([outgoing for outgoing, _ in made if outgoing.id not in there])
        except Unavailable:
            self._waiting.insert(0, (first, count))
        finally:
            self._busy = False

    def _make(self, number: int) -> tuple[Outgoing, Stored]:
        session, entry, keys = self._material.session, SERVICES[SERVICE], self._keys
        batch = Batch(hashlib.sha256(b"batch %d" % (number // 500)).digest()[:16], number % 500 + 1, 500)
        now_ms = self._clock.now_ms()
        frame = Frame(now_ms, now_ms + entry.life_ms, WORKER, keys, batch)
        wire = wire_body(entry, body_of(SERVICE, FIRST_WAGE + number), keys.core)
        # Every batch stands for a unit of its own, so that one unit's share of the bundler is not the campaign's limit.
        asker = replace(self._asker, unit=batch.batch_id)
        outgoing = build_request(entry, wire, asker, frame=frame, randomness=_ById(number))
        return outgoing, self._intake._stored(outgoing, session, entry, batch=batch)


def _worker(material: Material, reactor: Any, feed: int, told: int) -> None:
    root: Path = material.root
    engine = open_engine(material.exchange_url)
    threads = ThreadPool(1, 1, "exchange")
    threads.start()
    store = ExchangeStore(engine, threads, reactor)
    metrics = WorkerMetrics(CollectorRegistry())
    tools = WorkerTools(SystemClock(), SystemRandomness(), ReactorBackground(reactor), reactor, metrics)
    keys = SealKeys(HIGH_HALF.public, CORE_SEAL.public)
    pool: Any = None
    given = Surroundings(store, material.keys["worker"], keys, material.trust, pool, tools)
    unused = root / "unused"
    settings = WorkerSettings(
        name=WORKER, socket=root / "worker.sock", exchange_url="", outbox=root / "dmz/outbox", inbox=root / "dmz/inbox",
        signing_key=unused, signing_certificate=unused, trust_issuers=unused, trust_certificates=unused,
        high_half_key=unused, core_key=unused, quarantine=root / "dmz/quarantine", resend_first_ms=5_000,
        resend_most_ms=30_000, per_worker=1_000_000, per_account=100_000, per_session=10_000,
    )  # fmt: skip
    worker = build_worker(settings, given)
    feeder = _Feed(material, worker.sessions._parts.intake, store, feed, told)
    turning = LoopingCall(feeder.turn)
    reactor.callWhenRunning(lambda: worker.start(ReactorDirectoryWatch(reactor)))
    reactor.callWhenRunning(lambda: turning.start(0.005))
    reactor.addSystemEventTrigger("after", "shutdown", threads.stop)
