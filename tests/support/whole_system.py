"""A whole installation with real processes: start, look, kill, stop; and what its databases hold."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from ops.cli import installation
from ops.layout import Installation, Layout
from ops.supervisor.control import ask
from perf.ports import free_base

START_S = 240
STOP_S = 90


def until(true: Callable[[], object], *, within_s: float, what: str, every_s: float = 0.2) -> None:
    """Wait until something is true."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        time.sleep(every_s)


def hear_ctrl_c() -> None:
    """For a child to be: a run in the background has Ctrl-C turned off, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class WholeSystem:
    """One installation under its own supervisor; started and ended by whoever made it."""

    def __init__(self, root: Path, *, workers: int = 2, units: int = 20, transport: str = "directory") -> None:
        self.root = root
        self.layout = Layout(root)
        self._log = root.parent / "up.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._open: list[Callable[[], None]] = []
        self._environment = {
            **os.environ,
            "FERRYGATE_PORT_BASE": str(free_base()),
            "CITY_UNITS": str(units),
            "FERRYGATE_WORKERS": str(workers),
            "FERRYGATE_TRANSPORT": transport,
        }

    def at_hang_up(self, close: Callable[[], None]) -> None:
        """Have a user's connection closed by ``hang_up``."""
        self._open.append(close)

    def hang_up(self) -> None:
        """Close the connections of all users of this test."""
        while self._open:
            self._open.pop()()

    def set_up(self) -> None:
        """Make the installation without starting it, so that a test can change its settings."""
        command = [sys.executable, "-m", "ops.provision", str(self.root)]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Set up if need be, start every role, and wait until all are healthy."""
        command = [sys.executable, "-m", "ops", "up", "--no-demo", "--root", str(self.root)]
        earlier = len(self.told())
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        end = time.monotonic() + START_S
        while "Ferrygate serves" not in self.told()[earlier:]:
            if self._process.poll() is not None or time.monotonic() > end:
                self.end()
                raise AssertionError(f"the installation did not start:\n{self.told()[-2000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop everything cleanly; nothing may be left."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=STOP_S)
        assert code == 0, self.told()[-2000:]
        # Whoever dies with his parent does so a moment after him.
        until(lambda: self.left_over() == [], within_s=30, what=f"left over: {self.left_over()}")

    def end(self) -> None:
        """Whatever happened, no process of ours stays."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def told(self) -> str:
        """What the supervisor printed."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    @property
    def found(self) -> Installation:
        """Ports and workers."""
        return installation.load(self.root)[1]

    # processes

    def processes(self) -> dict[str, dict[str, Any]]:
        """Every process as the supervisor sees it."""
        told = ask(self.layout.control, {"command": "status"})["processes"]
        return {process["name"]: process for process in told}

    def pid(self, name: str) -> int:
        """The process now serving a role; 0 when there is none."""
        return int(self.processes()[name]["pid"])

    def edge_children(self) -> list[int]:
        """The processes the edge's master has forked."""
        master = self.pid("edge")
        return [int(word) for word in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def kill(self, name: str) -> int:
        """End a role's process at once; ``edge-child`` is the edge's first child."""
        pid = self.edge_children()[0] if name == "edge-child" else self.pid(name)
        assert pid > 1
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """End these roles' processes at once, and let the supervisor sleep meanwhile, so that none is started anew.

        Afterwards it has been seen to miss them: before that it still tells that they are healthy.
        """
        assert self._process is not None
        pids = [self.pid(name) for name in names]
        assert min(pids) > 1
        self._process.send_signal(signal.SIGSTOP)
        try:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)
        # Until it sees their death it calls them healthy.
        until(
            lambda: all(self.pid(name) not in (0, old) for name, old in zip(names, pids, strict=True)),
            within_s=60,
            what="successors",
        )
        until(lambda: not {self.pid(name) for name in names} & set(pids), within_s=60, what=f"{names} missed")

    def all_healthy(self) -> bool:
        """Whether every role is healthy, the edge with all its children."""
        healthy = all(process["state"] == "healthy" for process in self.processes().values())
        return healthy and len(self.edge_children()) == self.found.edge_children

    def wait_healthy(self, *, within_s: float = 120) -> None:
        """Wait until every role is healthy."""
        try:
            until(self.all_healthy, within_s=within_s, what="every role healthy")
        except AssertionError:
            raise AssertionError(f"not healthy: {self.processes()}") from None

    def replace(self, name: str) -> dict[str, Any]:
        """`ferrygate replace`."""
        return ask(self.layout.control, {"command": "replace", "name": name})

    def left_over(self) -> list[str]:
        """Command lines of processes that still serve this installation."""
        found = []
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = place.read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if " run " in words and str(self.root) in words:
                found.append(words)
        return found

    # what is written

    @contextmanager
    def production(self) -> Iterator[sqlite3.Connection]:
        """The production database, read only."""
        with closing(_read_only(self.layout.core / "production.sqlite")) as connection:
            yield connection

    @contextmanager
    def exchange(self) -> Iterator[sqlite3.Connection]:
        """The exchange database, read only."""
        with closing(_read_only(self.layout.dmz / "exchange.sqlite")) as connection:
            yield connection

    def log_text(self, role: str) -> str:
        """Everything a role has logged, forked children and rotated files too."""
        path = self.layout.log(role)
        found = []
        for one in sorted(path.parent.glob(f"{path.stem}*")):
            with suppress(FileNotFoundError):  # rotated away since
                found.append(one.read_text(encoding="utf-8"))
        return "".join(found)


def _read_only(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
    connection.row_factory = sqlite3.Row
    return connection
