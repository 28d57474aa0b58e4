"""One real worker on the real reactor, with a temporary exchange database and the played far side."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.process import reapProcessHandlers
from twisted.python.threadpool import ThreadPool

from dmz.hall.backend_port import Client
from dmz.workers.assembly import Surroundings, Worker, build_worker
from dmz.workers.exchange_db import ExchangeStore, open_engine
from dmz.workers.metrics import WorkerMetrics
from dmz.workers.migrate import upgrade
from dmz.workers.request_building import SealKeys
from dmz.workers.settings import WorkerSettings
from dmz.workers.tools import WorkerTools
from ops.runtime.background import ReactorBackground
from ops.runtime.directory_watch import ReactorDirectoryWatch
from ops.runtime.pools import OwnPool
from tests.support.far_side import FarSide
from tests.support.machines import NOW_MS, MachineAuthority

T = TypeVar("T")
CERTIFICATE = b"c" * 32


class SetClock:
    """A wall clock that tests move by hand."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.value = now_ms

    def now_ms(self) -> int:
        return self.value

    def advance(self, *, ms: int = 0, s: int = 0) -> None:
        self.value += ms + s * 1000


class SystemRandomness:
    """The operating system's generator."""

    def bytes(self, count: int, /) -> bytes:
        return os.urandom(count)


def client(**changes: Any) -> Client:
    """A unit's client."""
    values: dict[str, Any] = {
        "window": "unit",
        "certificate": CERTIFICATE,
        "account": "u-1001",
        "account_uri": "urn:ferrygate:account:unit:u-1001",
        "serial": 77,
        "address": "127.0.0.1",
        "language": "zh-CN",
        "request_id": "0" * 32,
        **changes,
    }
    return Client(**values)


class WorkerRig:
    """Call ``await stop()`` at the end of the test."""

    def __init__(self, reactor: Any, folder: Path, **settings: Any) -> None:
        self.reactor = reactor
        self.folder = folder
        self.clock = SetClock()
        self.url = f"sqlite:///{folder}/exchange.sqlite"
        self.authority = MachineAuthority()
        self.far = FarSide(folder, self.clock.now_ms, self.authority)
        self.key = self.authority.machine("worker", "worker-1")
        self.far.know_worker(self.key)
        self.settings = self._settings(settings)
        self._watch = ReactorDirectoryWatch(reactor, rescan_s=0.05)
        self.worker: Worker
        self.start()

    def start(self) -> None:
        """Start a worker; after ``kill`` it is another process with the same files."""
        engine = open_engine(self.url)
        upgrade(engine)
        self.engine = engine
        self.threads = ThreadPool(1, 1, "exchange")
        self.threads.start()
        self.pool = OwnPool(self.reactor, "slow", threads=1, queue=20)
        self.background = ReactorBackground(self.reactor)
        self.metrics = WorkerMetrics(CollectorRegistry())
        self.commits: list[int] = []
        self.store = ExchangeStore(engine, self.threads, self.reactor, on_commit=self.commits.append)
        tools = WorkerTools(self.clock, SystemRandomness(), self.background, self.reactor, self.metrics)
        keys = SealKeys(self.far.high_seal.public, self.far.core_seal.public)
        given = Surroundings(self.store, self.key, keys, self.far.trust_of_worker, self.pool, tools)
        self.worker = build_worker(self.settings, given)
        self._stop_worker: Callable[[], None] = self.worker.start(self._watch)

    @property
    def backend(self) -> Any:
        return self.worker.backend

    async def kill(self) -> None:
        """End the worker without a farewell: nothing in memory survives."""
        self._stop_worker()
        await self.background.stop(deadline_s=2)
        end = self.reactor.seconds() + 60
        while reapProcessHandlers and self.reactor.seconds() < end:  # a reader child that was killed is reaped
            await self.sleep(0.01)
        await self.sleep(0.05)  # and the ends of its pipes are read
        self.threads.stop()
        self.pool.stop()
        self.engine.dispose()

    async def stop(self) -> None:
        await self.kill()
        self._watch.stop()

    async def sleep(self, seconds: float) -> None:
        done: Deferred[None] = Deferred()
        self.reactor.callLater(seconds, done.callback, None)
        await done

    async def during(self, work: Awaitable[T]) -> T:
        """Await ``work`` while the far side keeps moving bundles."""
        result = Deferred.fromCoroutine(_as_coroutine(work))
        for _ in range(10_000):
            self.far.step()
            if result.called:
                break
            await self.sleep(0.005)
        return await result

    async def until(self, check: Callable[[], Awaitable[Any]], *, tries: int = 6_000) -> Any:
        """Move bundles until ``check`` gives something true."""
        for _ in range(tries):
            self.far.step()
            value = await check()
            if value:
                return value
            await self.sleep(0.01)
        raise AssertionError("did not happen in time")

    async def login(self, **changes: Any) -> Any:
        from tests.support.far_side import PASSWORD

        return await self.during(self.backend.login(client(**changes), "zhangsan-unit", PASSWORD))

    def _settings(self, changes: dict[str, Any]) -> WorkerSettings:
        folder = self.folder
        values: dict[str, Any] = {
            "name": "worker-1",
            "socket": folder / "worker.sock",
            "exchange_url": self.url,
            "outbox": folder / "outbox",
            "inbox": folder / "inbox",
            "signing_key": folder / "key.pem",
            "signing_certificate": folder / "certificate.pem",
            "trust_issuers": folder / "issuers.pem",
            "trust_certificates": folder / "certificates.pem",
            "high_half_key": folder / "high.key",
            "core_key": folder / "core.key",
            "quarantine": folder / "quarantine",
            "answer_wait_ms": 3000,
            **changes,
        }
        return WorkerSettings(**values)


async def _as_coroutine(work: Awaitable[T]) -> T:
    return await work
