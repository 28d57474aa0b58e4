"""The supervisor with real processes: restart, give up, replace, ordered stop, no orphans."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from ops.runtime.clock import SystemClock
from ops.supervisor.control import ControlServer, ask
from ops.supervisor.process_table import ProcessSpec, ProcessState, ProcessTable
from ops.supervisor.restart_policy import RestartLimits
from ops.supervisor.supervisor import Supervisor
from tests.support.ports import free_ports
from tests.support.real_reactor import reactor
from tests.support.whole_system import hear_ctrl_c
from wire_formats.errors import Refused, Unavailable

#: Until something must have happened, on a busy machine.
WITHIN_S = 60
QUICK = RestartLimits(first_delay_ms=20, most_delay_ms=100, loop_deaths=3, loop_pause_ms=60_000)


def _alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rsplit(")", 1)[1].split()[0] != "Z"


def _spec(
    name: str, mode: str = "ok", *more: str, stage: int = 0, deadline_s: int = 5, hands_over: bool = False
) -> ProcessSpec:
    (port,) = free_ports(1)
    command = (sys.executable, "-m", "tests.unit.ops.tiny_role", str(port), mode, *more)
    return ProcessSpec(
        name=name,
        command=command,
        metrics_port=port,
        stage=stage,
        stop_deadline_s=deadline_s,
        hands_over=hands_over,
    )


class SupervisorTests(TestCase):
    """Real children, real signals."""

    timeout = 170

    def _supervise(self, *specs: ProcessSpec) -> Supervisor:
        supervisor = Supervisor(reactor, SystemClock(), ProcessTable(specs), environment=os.environ, limits=QUICK)
        self.addCleanup(lambda: Deferred.fromCoroutine(supervisor.stop()))
        self.order: list[tuple[str, str]] = []
        supervisor.on_change(lambda entry: self.order.append((entry.spec.name, entry.state.value)))
        return supervisor

    def _folder(self) -> Path:
        folder = tempfile.TemporaryDirectory(prefix="fg")  # short, for a socket's path
        self.addCleanup(folder.cleanup)
        return Path(folder.name)

    async def _until(self, condition: object, seconds: float = WITHIN_S) -> None:
        assert callable(condition)
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "waited too long")
            await deferLater(reactor, 0.02)

    async def test_stages_start_in_order_and_stop_in_reverse(self) -> None:
        supervisor = self._supervise(_spec("edge", stage=2), _spec("core", stage=1))
        await supervisor.start(deadline_s=WITHIN_S)
        self.assertEqual({entry.state.value for entry in supervisor.table.entries()}, {"healthy"})
        started = [name for name, state in self.order if state == "starting"]
        self.assertEqual(started, ["core", "edge"])
        self.assertLess(self.order.index(("core", "healthy")), self.order.index(("edge", "starting")))
        pids = [entry.pid for entry in supervisor.table.entries()]
        await supervisor.stop()
        self.assertEqual([name for name, state in self.order if state == "stopped"], ["edge", "core"])
        self.assertFalse(any(_alive(pid) for pid in pids))

    async def test_a_killed_process_comes_back(self) -> None:
        supervisor = self._supervise(_spec("core"))
        await supervisor.start(deadline_s=WITHIN_S)
        entry = supervisor.table["core"]
        first = entry.pid
        os.kill(first, signal.SIGKILL)
        await self._until(lambda: entry.state is ProcessState.HEALTHY and entry.pid != first)
        self.assertEqual((entry.restarts, entry.last_exit), (1, -signal.SIGKILL))
        self.assertEqual(entry.figures, {"pid": entry.pid})

    async def test_what_a_killed_process_forked_is_ended(self) -> None:
        file = self._folder() / "pid"
        supervisor = self._supervise(_spec("edge", "fork", str(file)))
        await supervisor.start(deadline_s=WITHIN_S)
        grandchild = int(file.read_text())
        self.assertTrue(_alive(grandchild))
        os.kill(supervisor.table["edge"].pid, signal.SIGKILL)
        await self._until(lambda: not _alive(grandchild))

    async def test_wrong_settings_give_up_with_the_line(self) -> None:
        supervisor = self._supervise(_spec("core", "refuse"))
        with self.assertRaises(Unavailable) as caught:
            await supervisor.start(deadline_s=WITHIN_S)
        self.assertIn("tiny.toml: setting 'x' is missing", str(caught.exception))
        self.assertIs(supervisor.table["core"].state, ProcessState.GIVEN_UP)

    async def test_a_crash_loop_pauses(self) -> None:
        supervisor = self._supervise(_spec("core", "crash"))
        with self.assertRaises(Unavailable):
            await supervisor.start(deadline_s=WITHIN_S)
        entry = supervisor.table["core"]
        self.assertIs(entry.state, ProcessState.PAUSED)
        self.assertEqual(entry.restarts, QUICK.loop_deaths)
        self.assertEqual(entry.last_words, "KeyError: 'x'")

    async def test_a_stubborn_process_is_killed_after_its_deadline(self) -> None:
        supervisor = self._supervise(_spec("core", "stubborn", deadline_s=1))
        await supervisor.start(deadline_s=WITHIN_S)
        pid = supervisor.table["core"].pid
        await supervisor.stop()
        self.assertFalse(_alive(pid))

    async def test_one_that_ends_by_itself_during_the_stop_is_stopped_too(self) -> None:
        supervisor = self._supervise(_spec("edge", "stubborn", stage=2, deadline_s=1), _spec("core", stage=1))
        await supervisor.start(deadline_s=WITHIN_S)
        stopping = Deferred.fromCoroutine(supervisor.stop())
        os.kill(supervisor.table["core"].pid, signal.SIGKILL)
        await stopping
        self.assertEqual({entry.state for entry in supervisor.table.entries()}, {ProcessState.STOPPED})

    async def test_replace_waits_for_the_old_and_for_the_new(self) -> None:
        supervisor = self._supervise(_spec("worker-1", "slow"), _spec("worker-2"))
        await supervisor.start(deadline_s=WITHIN_S)
        old, other = supervisor.table["worker-1"].pid, supervisor.table["worker-2"].pid
        replacing = Deferred.fromCoroutine(supervisor.replace("worker-1", deadline_s=WITHIN_S))
        with self.assertRaises(Refused):
            await supervisor.replace("worker-1", deadline_s=WITHIN_S)
        await replacing
        entry = supervisor.table["worker-1"]
        self.assertIs(entry.state, ProcessState.HEALTHY)
        self.assertNotEqual(entry.pid, old)
        self.assertEqual((entry.last_exit, entry.restarts), (0, 0))
        self.assertEqual(supervisor.table["worker-2"].pid, other)
        with self.assertRaises(Refused):
            await supervisor.replace("worker-9", deadline_s=1)

    # a successor beside its predecessor

    async def _one_that_hands_over(self, mode: str = "ok") -> tuple[Supervisor, Path]:
        file = self._folder() / "mode"
        file.write_text(mode)
        supervisor = self._supervise(_spec("edge", "told", str(file), hands_over=True))
        await supervisor.start(deadline_s=WITHIN_S)
        return supervisor, file

    def _served_by(self, file: Path) -> int:
        with socket.create_connection(("127.0.0.1", int(file.with_suffix(".port").read_text())), 30) as connection:
            return int(connection.recv(100))

    async def test_a_successor_serves_before_its_predecessor_leaves(self) -> None:
        supervisor, file = await self._one_that_hands_over("slow")
        entry = supervisor.table["edge"]
        old = entry.pid
        self.order.clear()
        answered: list[int] = []
        replacing = Deferred.fromCoroutine(supervisor.replace("edge", deadline_s=WITHIN_S))
        while not replacing.called:
            answered.append(await deferToThread(self._served_by, file))  # a refused connection fails the test
            await deferLater(reactor, 0.005)
        await replacing
        answered.append(await deferToThread(self._served_by, file))
        self.assertEqual(self.order, [], "its state never changed")
        self.assertFalse(_alive(old))
        self.assertEqual(set(answered), {old, entry.pid})
        self.assertEqual((entry.state, entry.restarts), (ProcessState.HEALTHY, 0))
        os.kill(entry.pid, signal.SIGKILL)  # the successor is kept alive like any other
        await self._until(lambda: entry.state is ProcessState.HEALTHY and entry.restarts == 1)

    async def test_a_successor_that_fails_leaves_the_old_one_serving(self) -> None:
        supervisor, file = await self._one_that_hands_over()
        entry = supervisor.table["edge"]
        old = entry.pid
        for mode, why, deadline_s in (
            ("crash", "KeyError: 'x'", WITHIN_S),
            ("refuse", "setting 'x' is missing", WITHIN_S),
            ("unready", "still waiting", 8),  # long enough to say so on a busy machine
        ):
            file.write_text(mode)
            with self.assertRaisesRegex(Unavailable, f"the old one serves on: .*{why}"):
                await supervisor.replace("edge", deadline_s=deadline_s)
            self.assertEqual((entry.pid, entry.state, entry.restarts), (old, ProcessState.HEALTHY, 0))
            self.assertEqual(await deferToThread(self._served_by, file), old)
        file.write_text("ok")
        await supervisor.replace("edge", deadline_s=WITHIN_S)
        self.assertEqual(await deferToThread(self._served_by, file), entry.pid)

    async def test_the_old_one_dies_while_its_successor_starts(self) -> None:
        supervisor, file = await self._one_that_hands_over()
        entry = supervisor.table["edge"]
        old = entry.pid
        replacing = Deferred.fromCoroutine(supervisor.replace("edge", deadline_s=WITHIN_S))
        os.kill(old, signal.SIGKILL)
        await replacing
        self.assertNotEqual(entry.pid, old)
        self.assertEqual((entry.state, entry.restarts), (ProcessState.HEALTHY, 0))
        self.assertEqual(await deferToThread(self._served_by, file), entry.pid)

    async def test_a_stop_ends_a_successor_that_starts(self) -> None:
        supervisor, file = await self._one_that_hands_over()
        old = supervisor.table["edge"].pid
        file.write_text("unready")
        replacing = Deferred.fromCoroutine(supervisor.replace("edge", deadline_s=WITHIN_S))
        await self._until(lambda: supervisor._others)
        (new,) = supervisor._others
        await supervisor.stop()
        with self.assertRaises(Unavailable):
            await replacing
        self.assertFalse(_alive(old) or _alive(new.pid))

    async def test_the_control_socket(self) -> None:
        supervisor = self._supervise(_spec("core"))
        await supervisor.start(deadline_s=WITHIN_S)
        stops: list[str] = []
        server = ControlServer(supervisor, lambda: stops.append("x"))
        path = self._folder() / "control.sock"
        server.listen(reactor, path)
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        told = await deferToThread(ask, path, {"command": "status"})
        self.assertEqual([(p["name"], p["state"]) for p in told["processes"]], [("core", "healthy")])
        self.assertEqual(await deferToThread(ask, path, {"command": "replace", "name": "core"}), {"ok": True})
        self.assertFalse((await deferToThread(ask, path, {"command": "replace", "name": "x"}))["ok"])
        self.assertFalse((await deferToThread(ask, path, {"command": "dance"}))["ok"])
        self.assertFalse((await deferToThread(ask, path, {}))["ok"])
        self.assertTrue((await deferToThread(ask, path, {"command": "stop"}))["ok"])
        self.assertEqual(stops, ["x"])


class NoOrphanTests(TestCase):
    """Whatever ends the supervisor, its children end too."""

    timeout = 170

    def _start(self) -> tuple[subprocess.Popen[str], list[int]]:
        command = [sys.executable, "-m", "tests.unit.ops.supervise", *map(str, free_ports(2))]
        supervisor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c)
        assert supervisor.stdout is not None
        self.addCleanup(supervisor.stdout.close)
        pids = [int(text) for text in supervisor.stdout.readline().split()]
        self.assertEqual(len(pids), 2)
        self.assertTrue(all(_alive(pid) for pid in pids))
        return supervisor, pids

    def _wait_gone(self, pids: list[int]) -> None:
        end = time.monotonic() + WITHIN_S
        while any(_alive(pid) for pid in pids):
            self.assertLess(time.monotonic(), end, "orphans")
            time.sleep(0.02)

    def test_killed(self) -> None:
        supervisor, pids = self._start()
        supervisor.kill()
        supervisor.wait()
        self._wait_gone(pids)

    def test_interrupted(self) -> None:
        supervisor, pids = self._start()
        supervisor.send_signal(signal.SIGINT)
        supervisor.wait(timeout=WITHIN_S)
        self.assertFalse(any(_alive(pid) for pid in pids))
