"""Background work, pools, metrics page, directory watch, on the real reactor."""

from __future__ import annotations

import http.client
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from ops.runtime.background import ReactorBackground
from ops.runtime.directory_watch import ReactorDirectoryWatch
from ops.runtime.metrics_page import MOST_CONNECTIONS, Health, MetricsPage
from ops.runtime.pools import OwnPool
from ops.supervisor.probe import SILENT, parse, probe
from tests.support.real_reactor import reactor
from wire_formats.errors import Unavailable


class BackgroundTests(TestCase):
    """Named work."""

    async def test_counts_and_cancels(self) -> None:
        clock = Clock()
        background = ReactorBackground(clock)
        ended: list[str] = []

        async def work() -> None:
            try:
                await Deferred()
            finally:
                ended.append("x")

        background.start("sender", work())
        background.start("sender", work())
        self.assertEqual(background.counts(), {"sender": 2})
        await background.stop(deadline_s=1)
        self.assertEqual(ended, ["x", "x"])
        self.assertEqual(background.counts(), {})

    async def test_a_failure_is_logged(self) -> None:
        background = ReactorBackground(Clock())

        async def work() -> None:
            raise KeyError("x")

        background.start("sender", work())
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    async def test_is_bounded_and_closed_after_stop(self) -> None:
        background = ReactorBackground(Clock(), most_running=1)

        async def work() -> None:
            await Deferred()

        background.start("a", work())
        with self.assertRaises(Unavailable):
            background.start("a", work())
        await background.stop(deadline_s=1)
        with self.assertRaises(Unavailable):
            background.start("a", work())


class PoolTests(TestCase):
    """A pool of one's own."""

    async def test_results_errors_and_a_full_queue(self) -> None:
        pool = OwnPool(reactor, "t", threads=1, queue=1)
        self.addCleanup(pool.stop)
        self.assertEqual(await pool.run(divmod, 7, 2), (3, 1))
        with self.assertRaises(ZeroDivisionError):
            await pool.run(divmod, 7, 0)
        gate = __import__("threading").Event()
        first = Deferred.fromCoroutine(pool.run(gate.wait))
        second = Deferred.fromCoroutine(pool.run(gate.wait))
        with self.assertRaises(Unavailable):
            await pool.run(divmod, 7, 2)
        gate.set()
        self.assertTrue(await first)
        self.assertTrue(await second)
        self.assertEqual(pool.inside, 0)


class MetricsPageTests(TestCase):
    """The page of one role."""

    def setUp(self) -> None:
        registry = CollectorRegistry()
        Counter("core_cases", "cases", registry=registry).inc(4)
        self.health = Health(ready=True, figures={"inbox": 3})
        self.page = MetricsPage(registry, lambda: self.health, role="core")
        self.port = self.page.listen(reactor, 0)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.page.stop()))

    def _get(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    async def test_metrics(self) -> None:
        status, body = await deferToThread(self._get, "/metrics")
        self.assertEqual(status, 200)
        self.assertIn(b"core_cases_total 4.0", body)

    async def test_health_and_probe(self) -> None:
        self.assertEqual((await deferToThread(self._get, "/healthz"))[0], 200)
        found = await probe(reactor, self.port)
        self.assertTrue(found.answered)
        self.assertEqual(found.health, Health(ready=True, figures={"inbox": 3}))
        self.health = Health(ready=False, reasons=("database locked",))
        self.assertEqual((await deferToThread(self._get, "/healthz"))[0], 503)
        self.assertEqual((await probe(reactor, self.port)).health.reasons, ("database locked",))

    async def test_other_paths_and_methods_are_refused(self) -> None:
        for path in ("/", "/metrics/x", "/healthz/x", "/x"):
            self.assertEqual((await deferToThread(self._get, path))[0], 404)
        self.assertEqual((await deferToThread(self._get, "/metrics", "POST"))[0], 405)

    async def test_connections_are_bounded(self) -> None:
        socket = __import__("socket")
        held = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(MOST_CONNECTIONS)]
        await deferLater(reactor, 0.05)
        try:
            self.assertEqual(await probe(reactor, self.port), SILENT)
        finally:
            for connection in held:
                connection.close()
        end = reactor.seconds() + 60
        while not (await probe(reactor, self.port)).answered:  # until it has seen them go
            self.assertLess(reactor.seconds(), end)

    async def test_nobody_listens(self) -> None:
        await self.page.stop()
        self.assertEqual(await probe(reactor, self.port), SILENT)

    def test_odd_answers_are_silence(self) -> None:
        for data in (b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n[]", b"\r\n\r\n{}", b"x" * 100):
            self.assertEqual(parse(data), SILENT)


class DirectoryWatchTests(TestCase):
    """Wakes by inotify, and by rescan alone."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=self.mktemp_parent()))
        self.calls: list[None] = []

    async def _until(self, condition: Callable[[], bool]) -> None:
        end = reactor.seconds() + 60
        while not condition():
            self.assertLess(reactor.seconds(), end)
            await deferLater(reactor, 0.01)

    def mktemp_parent(self) -> str:
        parent = tempfile.TemporaryDirectory()
        self.addCleanup(parent.cleanup)
        return parent.name

    async def test_a_new_file_wakes_at_once_and_calls_are_coalesced(self) -> None:
        watch = ReactorDirectoryWatch(reactor, rescan_s=60)
        self.addCleanup(watch.stop)
        watch.watch(self.folder, lambda: self.calls.append(None))
        for number in range(50):
            (self.folder / f".t{number}").write_bytes(b"x")
            (self.folder / f".t{number}").rename(self.folder / f"{number}")
        await self._until(lambda: bool(self.calls))
        await deferLater(reactor, 0.1)
        self.assertLess(len(self.calls), 10)

    async def test_a_stopped_watch_is_silent(self) -> None:
        watch = ReactorDirectoryWatch(reactor, rescan_s=0.02)
        self.addCleanup(watch.stop)
        stop = watch.watch(self.folder, lambda: self.calls.append(None))
        stop()
        stop()
        (self.folder / "a").write_bytes(b"x")
        await deferLater(reactor, 0.1)
        self.assertEqual(self.calls, [])

    async def test_a_directory_that_comes_later_and_is_replaced(self) -> None:
        late = self.folder / "late"
        watch = ReactorDirectoryWatch(reactor, rescan_s=0.05)
        self.addCleanup(watch.stop)
        seen: set[str] = set()
        watch.watch(late, lambda: seen.update(p.name for p in late.glob("*")))
        late.mkdir()
        (late / "one").write_bytes(b"")
        await self._until(lambda: "one" in seen)
        (late / "one").unlink()
        late.rmdir()
        late.mkdir()
        await deferLater(reactor, 0.2)
        (late / "two").write_bytes(b"")
        await self._until(lambda: "two" in seen)
        self.assertEqual(seen, {"one", "two"})

    async def test_a_burst_of_20000_files_while_the_reactor_is_busy(self) -> None:
        """More events than the kernel keeps for us: the rescan finds what inotify lost."""
        watch = ReactorDirectoryWatch(reactor, rescan_s=0.05)
        self.addCleanup(watch.stop)
        seen: set[str] = set()
        watch.watch(self.folder, lambda: seen.update(os.listdir(self.folder)))
        (self.folder / ".new").write_bytes(b"x")
        for number in range(20_000):  # the reactor does not run meanwhile
            os.link(self.folder / ".new", self.folder / f"{number}")
            if number == 100:
                await deferLater(reactor, 0.01)
        await self._until(lambda: len(seen) >= 20_001)
        self.assertEqual(len(seen), 20_001)
        (self.folder / "afterwards").write_bytes(b"x")
        await self._until(lambda: "afterwards" in seen)

    async def test_two_listeners_of_one_directory(self) -> None:
        watch = ReactorDirectoryWatch(reactor, rescan_s=60)
        self.addCleanup(watch.stop)
        other: list[None] = []
        stop = watch.watch(self.folder, lambda: self.calls.append(None))
        watch.watch(self.folder, lambda: other.append(None))
        stop()
        (self.folder / "a").write_bytes(b"x")
        await self._until(lambda: bool(other))
        self.assertEqual(self.calls, [])
