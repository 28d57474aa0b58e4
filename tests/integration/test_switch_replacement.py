"""Real worker processes are replaced and killed under load; nobody notices."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from dmz.messages import HallRequest, Upload
from dmz.switch.content_switch import ContentSwitch, build_switch
from dmz.switch.settings import SwitchSettings
from dmz.switch.worker_health import HealthState
from tests.support.authority import OsRandomness
from tests.support.real_reactor import reactor
from wire_formats.errors import HallError

ROOT = Path(__file__).parents[2]
WORKERS = 4
CLIENTS = 24
#: Until something must have happened, on a busy machine.
LIMIT_S = 90.0


class Farm:
    """Worker processes under a folder of sockets."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fg-switch-"))
        self.names = [f"worker-{i}" for i in range(1, WORKERS + 1)]
        self.sockets = {name: self.folder / f"{name}.sock" for name in self.names}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        if name in self.processes:
            self.processes[name].wait(LIMIT_S)
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", "tests.support.switch_worker", str(self.sockets[name]), name],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def send(self, name: str, number: int) -> None:
        os.kill(self.processes[name].pid, number)

    def end(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.folder)


class Load:
    """Clients that send one request after the other until they are told to stop."""

    def __init__(self, switch: ContentSwitch, posts: bool = True, token: bool = False) -> None:
        self.switch, self.posts, self.token = switch, posts, token
        self.answered = 0
        self.failures: list[str] = []
        self.running = True
        self.done = gatherResults([Deferred.fromCoroutine(self.client(number)) for number in range(CLIENTS)])

    async def client(self, number: int) -> None:
        turn = 0
        while self.running:
            turn += 1
            mark = f"{number}-{turn}"
            request = self.request(mark, turn)
            try:
                response = await self.switch(request)
            except HallError as error:
                self.failures.append(f"{request.method} {request.path} {error}")
                await deferLater(reactor, 0.05, lambda: None)
                continue
            if response.status == 200 and (request.method == "GET" or response.body.decode().endswith(mark)):
                self.answered += 1
            else:
                self.failures.append(f"{request.method} {request.path} {response.status}")

    def request(self, mark: str, turn: int) -> HallRequest:
        path = "/slow" if turn % 3 else "/"
        if not self.posts or turn % 2:
            return HallRequest("GET", "unit", path, (), (("mark", mark),))
        uploads = (Upload("file", "a.bin", "application/octet-stream", b"x" * 300_000),) if turn % 50 == 0 else ()
        # Without a form token a POST must not be repeated.
        token = (("form_token", mark),) if self.token else ()
        return HallRequest("POST", "unit", path, (), (*token, ("mark", mark)), uploads)


class ReplacementTests(TestCase):
    timeout = 170

    def setUp(self):
        self.farm = Farm()
        self.addCleanup(self.farm.end)
        for name in self.farm.names:
            self.farm.start(name)
        self.registry = CollectorRegistry()
        self.switch = build_switch(
            {"workers": self.farm.sockets},
            reactor=reactor,
            settings=SwitchSettings(),
            registry=self.registry,
            randomness=OsRandomness(),
        )
        self.switch.start()
        self.addCleanup(self.switch.stop)
        self.pool = self.switch._workers

    async def until(self, condition):
        end = reactor.seconds() + LIMIT_S
        while not condition():
            assert reactor.seconds() < end, f"waited too long; {self.pool.states()}"
            await deferLater(reactor, 0.02, lambda: None)

    def up(self, count: int) -> bool:
        return list(self.pool.states().values()).count(HealthState.UP) == count

    def test_every_worker_is_replaced_under_load(self):
        return Deferred.fromCoroutine(self.replace_all())

    async def replace_all(self):
        await self.until(lambda: self.up(WORKERS))
        load = Load(self.switch)
        for name in self.farm.names:
            await self.replace(name, load)
        load.running = False
        await load.done
        self.assertEqual(load.failures, [])
        self.assertGreaterEqual(load.answered, 2_000)

    async def replace(self, name, load):
        old, before = self.farm.processes[name], load.answered
        self.farm.send(name, signal.SIGTERM)
        await self.until(lambda: old.poll() is not None)
        self.assertEqual(old.returncode, 0)
        self.farm.start(name)
        await self.until(lambda: self.up(WORKERS))
        await self.until(lambda: load.answered > before + 500)

    def test_a_killed_worker_costs_no_get(self):
        return Deferred.fromCoroutine(self.kill_one(posts=False))

    def test_a_killed_worker_costs_no_post_with_a_form_token(self):
        return Deferred.fromCoroutine(self.kill_one(posts=True))

    async def kill_one(self, posts):
        await self.until(lambda: self.up(WORKERS))
        load = Load(self.switch, posts=posts, token=True)
        await self.until(lambda: load.answered > 300)
        self.farm.send("worker-2", signal.SIGKILL)
        await self.until(lambda: self.pool.states()["worker-2"] is HealthState.DOWN)
        reached = load.answered
        await self.until(lambda: load.answered > reached + 500)
        self.farm.start("worker-2")
        await self.until(lambda: self.up(WORKERS))
        load.running = False
        await load.done
        self.assertEqual(load.failures, [])
        again = self.registry.get_sample_value("dmz_switch_retries_total", {"pool": "workers", "why": "repeatable"})
        self.assertGreater(again or 0, 0, "the kill must have hit requests under way")
