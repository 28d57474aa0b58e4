"""Both ends over real Unix sockets in one reactor: errors, limits, cancelling, draining, ejection."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError, Deferred, FirstError, gatherResults
from twisted.internet.error import CannotListenError
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from dmz.messages import HallRequest, HallResponse, Upload
from dmz.switch.content_switch import build_switch
from dmz.switch.metrics import PortMetrics
from dmz.switch.settings import PortSettings, SwitchSettings
from dmz.switch.worker_health import HealthState
from dmz.switch.worker_port import WorkerPort
from tests.support.authority import OsRandomness
from tests.support.real_reactor import reactor
from wire_formats.errors import Kind, Refused, Unavailable

GET = HallRequest("GET", "unit", "/")


def pause(seconds=0.02):
    return deferLater(reactor, seconds, lambda: None)


class Bench(TestCase):
    timeout = 170
    names: tuple[str, ...] = ("w1", "w2")
    port_settings = PortSettings()
    settings = SwitchSettings(reconnect_first_ms=10, probe_ms=20, ping_ms=50, bridge_ms=1_000)

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="fg-port-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.handlers = {}
        self.seen = []
        self.ports = {}
        self.sockets = {}
        for name in self.names:
            self.open(name)
        self.registry = CollectorRegistry()
        self.switch = build_switch(
            {"workers": {name: self.folder / name for name in self.names}, "static": {"s": self.folder / "s"}},
            reactor=reactor,
            settings=self.settings,
            registry=self.registry,
            randomness=OsRandomness(),
        )
        self.switch.start()
        self.addCleanup(self.close)
        return Deferred.fromCoroutine(self.all_up())

    def open(self, name, inherited=None):
        async def handle(request):
            self.seen.append(name)
            handler = self.handlers.get(name) or self.handlers.get("*")
            return await handler(request) if handler else HallResponse(200, (), name.encode())

        port = WorkerPort(
            handle,
            lambda request, error: HallResponse(500, (), error.code.encode()),
            settings=self.port_settings,
            metrics=PortMetrics(CollectorRegistry()),
            reactor=reactor,
        )
        self.sockets[name] = port.listen(self.folder / name, inherited)
        self.ports[name] = port

    async def all_up(self):
        while not all(state is HealthState.UP for state in self.pool.states().values()):
            await pause()

    @property
    def pool(self):
        return self.switch._workers

    def close(self):
        stopped = self.switch.stop()
        return stopped.addCallback(lambda _: gatherResults([port.drain() for port in self.ports.values()]))

    def ask(self, request=GET):
        return Deferred.fromCoroutine(self.switch(request))

    def sample(self, name, **labels):
        return self.registry.get_sample_value(name, {"pool": "workers", **labels})


class Answers(Bench):
    async def test_large_messages_both_ways(self):
        async def turn_round(request):
            return HallResponse(200, (("X-A", "b"),), request.uploads[0].data[::-1])

        self.handlers["*"] = turn_round
        data = bytes(range(256)) * 40_000
        request = HallRequest("POST", "unit", "/", uploads=(Upload("f", "a", "x/y", data),))
        responses = await gatherResults([self.ask(request) for _ in range(4)])
        assert all(response.body == data[::-1] for response in responses)

    async def test_a_failing_handler_gives_the_error_page_and_one_log_line(self):
        async def fail(request):
            raise ZeroDivisionError

        self.handlers["*"] = fail
        response = await self.ask()
        assert (response.status, response.body) == (500, b"FG-9001")
        assert len(self.flushLoggedErrors(ZeroDivisionError)) == 1

    async def test_a_refusal_is_rendered_and_is_no_failure(self):
        async def refuse(request):
            raise Refused(Kind.NO_RIGHT, "no")

        self.handlers["*"] = refuse
        assert (await self.ask()).body == b"FG-2007"

    async def test_an_answer_that_fits_no_frame(self):
        async def too_much(request):
            return HallResponse(200, (), b"x" * (17 * 1024 * 1024))

        self.handlers["*"] = too_much
        with self.assertRaises(Unavailable):
            await self.ask(HallRequest("POST", "unit", "/"))

    async def test_the_asker_goes_away(self):
        ended = []

        async def wait(request):
            try:
                await Deferred()
            except CancelledError:
                ended.append(request.method)
                raise

        self.handlers["*"] = wait
        asked = self.ask()
        while not self.seen:
            await pause()
        asked.cancel()
        with self.assertRaises(CancelledError):
            await asked
        while not ended:
            await pause()
        assert all(port.in_flight == 0 for port in self.ports.values())
        assert self.sample("dmz_switch_in_flight_total") == 0

    async def test_static_files_have_their_own_pool(self):
        with self.assertRaises(Unavailable) as caught:
            await self.ask(HallRequest("GET", "unit", "/static/hall.css"))
        assert caught.exception.kind is Kind.NO_WORKER
        assert self.switch.ready

    async def test_persons_stay_with_their_worker(self):
        cookie = (("__Host-fg-unit", "abc"),)
        bodies = {(await self.ask(HallRequest("GET", "unit", "/", cookies=cookie))).body for _ in range(20)}
        assert len(bodies) == 1


class Leaving(Bench):
    async def test_drain_finishes_what_is_under_way(self):
        let_go: Deferred[None] = Deferred()

        async def wait(request):
            await let_go
            return HallResponse(200, (), b"late")

        self.handlers["w1"] = self.handlers["w2"] = wait
        asked = [self.ask(HallRequest("POST", "unit", "/")) for _ in range(4)]
        while len(self.seen) < 4:
            await pause()
        drained = self.ports["w1"].drain()
        while (self.folder / "w1").exists():
            await pause()
        del self.handlers["w2"]
        others = await gatherResults([self.ask(HallRequest("POST", "unit", "/")) for _ in range(10)])
        assert {response.body for response in others} == {b"w2"}
        assert not drained.called
        self.open("w1")  # the next process takes the name at once
        let_go.callback(None)
        assert {response.body for response in await gatherResults(asked)} == {b"late"}
        await drained
        await self.all_up()

    async def test_a_moment_without_any_worker_is_bridged(self):
        await gatherResults([port.drain() for port in self.ports.values()])
        asked = [self.ask(), self.ask(HallRequest("POST", "unit", "/"))]
        await pause()
        assert not any(each.called for each in asked)
        self.open("w2")
        assert {response.body for response in await gatherResults(asked)} == {b"w2"}

    async def test_all_gone_is_said_soon_then_at_once(self):
        await gatherResults([port.drain() for port in self.ports.values()])
        with self.assertRaises(Unavailable) as caught:
            await self.ask()
        assert caught.exception.kind is Kind.NO_WORKER and caught.exception.retry_after_s
        assert not self.switch.ready
        at_once = self.ask()
        assert at_once.called
        with self.assertRaises(Unavailable):
            await at_once
        assert self.sample("dmz_switch_requests_total", outcome="no_worker") == 2

    async def test_a_dead_socket_file_is_taken_over_and_a_live_one_is_not(self):
        path = self.folder / "dead"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        self.open("dead")
        with self.assertRaises(CannotListenError):
            self.open("w1")


class Succession(Bench):
    names = ("w1",)

    async def test_a_successor_serves_while_its_predecessor_finishes(self):
        slow: Deferred[bytes] = Deferred()

        async def wait(request):
            return HallResponse(200, (), b"old " + await slow)

        self.handlers["w1"] = wait
        under_way = self.ask()
        while not self.seen:
            await pause(0.005)
        old, file = self.ports["w1"], self.folder / "w1"
        inode = file.stat().st_ino
        self.handlers.clear()
        self.open("w1", self.sockets["w1"].dup())
        drained = old.drain(succeeded=True)
        # It was the only worker: who asks now waits for the connection to the next one, and not for the answer above.
        answers = await gatherResults([self.ask() for _ in range(5)])
        assert [answer.body for answer in answers] == [b"w1"] * 5
        assert (drained.called, under_way.called, old.in_flight) == (False, False, 1)
        slow.callback(b"answer")
        assert (await under_way).body == b"old answer"
        await drained
        assert file.stat().st_ino == inode, "the socket is the successor's now"
        assert self.pool.states() == {"w1": HealthState.UP}
        assert self.sample("dmz_switch_requests_total", outcome="answered") == 6

    async def test_what_is_under_way_at_a_leaving_worker_fails_when_it_dies(self):
        async def never(request):
            await Deferred()

        self.handlers["w1"] = never
        under_way = self.ask(HallRequest("POST", "unit", "/"))
        while not self.seen:
            await pause(0.005)
        old = self.ports["w1"]
        self.handlers.clear()
        self.open("w1", self.sockets["w1"].dup())
        old.drain(succeeded=True)
        assert (await self.ask()).body == b"w1"
        old._hang_up(at_once=True)
        with self.assertRaises(Unavailable):
            await under_way
        assert self.pool.states() == {"w1": HealthState.UP}


class Limits(Bench):
    names = ("only",)
    settings = SwitchSettings(in_flight=2, queue=2, queue_ms=150, answer_ms=300, reconnect_first_ms=10, probe_ms=20)

    async def test_queue_full_queue_deadline_and_answer_deadline(self):
        async def stuck(request):
            await Deferred()

        self.handlers["only"] = stuck
        asked = [self.ask() for _ in range(6)]
        kinds = []
        for each in asked:
            try:
                await each
            except Unavailable as error:
                kinds.append(error.kind)
        assert kinds == [Kind.TIMED_OUT] * 4 + [Kind.BUSY] * 2
        for outcome in ("queue_full", "queue_deadline", "answer_deadline"):
            assert self.sample("dmz_switch_requests_total", outcome=outcome) == 2, outcome
        assert self.sample("dmz_switch_waiting_total") == 0


class Waiting(Bench):
    names = ("only",)
    settings = SwitchSettings(in_flight=2, queue=2, reconnect_first_ms=10, probe_ms=20)

    async def test_those_who_wait_are_served_when_a_place_is_free(self):
        async def slow(request):
            await pause(0.03)
            return HallResponse(200, (), request.method.encode())

        self.handlers["only"] = slow
        asked = [self.ask(HallRequest(method, "unit", "/")) for method in ("GET", "GET", "GET", "POST")]
        order = []
        for each in asked:
            each.addCallback(lambda response: order.append(response.body))
        await gatherResults(asked)
        assert order == [b"GET", b"GET", b"POST", b"GET"] or order[2:] == [b"POST", b"GET"]


class Overload(Bench):
    port_settings = PortSettings(in_flight=1)

    async def test_an_overloaded_worker_hands_on(self):
        async def slow(request):
            await pause(0.05)
            return HallResponse(200, (), b"ok")

        self.handlers["*"] = slow
        results = await gatherResults([self.ask() for _ in range(2)])
        assert [response.body for response in results] == [b"ok", b"ok"]
        with self.assertRaises(FirstError) as caught:
            await gatherResults([self.ask() for _ in range(8)], consumeErrors=True)
        caught.exception.subFailure.trap(Unavailable)
        await pause(0.1)


class Ejection(Bench):
    names = ("w1", "w2", "w3", "w4")

    async def test_a_worker_that_only_fails_is_ejected(self):
        async def broken(request):
            return HallResponse(500, (), b"")

        self.handlers["w1"] = broken
        for _ in range(60):
            await self.ask()
        assert self.pool.states()["w1"] is HealthState.EJECTED
        assert self.sample("dmz_switch_ejections_total") == 1
        self.seen.clear()
        for _ in range(20):
            await self.ask()
        assert "w1" not in self.seen

    async def test_failures_everywhere_eject_at_most_half(self):
        async def broken(request):
            return HallResponse(500, (), b"")

        self.handlers["*"] = broken
        for _ in range(100):
            await self.ask()
        assert list(self.pool.states().values()).count(HealthState.EJECTED) == 2
