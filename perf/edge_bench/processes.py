"""Processes of one candidate: started on a core, stopped with all their children, their processor time and memory."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

SERVER_CORE: Final = 0
LOAD_CORE: Final = 1
_STOP_S: Final = 4.0
#: Compiling a core rule set takes its time.
_START_S: Final = 180.0
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PSS: Final = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


class StartError(Exception):
    """A process did not start; the text says what it wrote."""


class Group:
    """One started process and whatever it forks.

    Args:
        words: the command.
        log: where its output goes.
        core: the core it is pinned to.
        environment: added to our own.
    """

    def __init__(self, words: Sequence[str], log: Path, *, core: int, environment: Mapping[str, str]) -> None:
        self._log = log
        self._words = words
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(core % (os.cpu_count() or 1)), *words],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    def pids(self) -> list[int]:
        """Give this process and all its descendants."""
        return descendants(self.pid)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until it serves.

        Raises:
            StartError: it ended, or took too long.
        """
        end = time.monotonic() + _START_S
        while not ready():
            if self._process.poll() is not None or time.monotonic() > end:
                told = self._log.read_text(encoding="utf-8", errors="replace")[-1500:]
                raise StartError(f"{' '.join(self._words[:3])} does not serve:\n{told}")
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the first process."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """Stop, and kill what is still there."""
        everybody = self.pids()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in everybody:
            if pid != self.pid and _session(pid) == self.pid:
                os.kill(pid, signal.SIGKILL)


def program(name: str) -> str | None:
    """Find a program, also where servers are installed and plain users do not look; None: it is not there."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


def descendants(pid: int) -> list[int]:
    """Give a process and everything below it."""
    found, at = [pid], 0
    while at < len(found):
        path = Path(f"/proc/{found[at]}/task/{found[at]}/children")
        with contextlib.suppress(OSError):
            found += [int(word) for word in path.read_text(encoding="ascii").split()]
        at += 1
    return found


def processor_s(pids: Sequence[int]) -> float:
    """Give the seconds of processor time that processes have used, in nanosecond steps where the kernel counts so."""
    return sum(_process_s(pid) for pid in pids)


def memory_kib(pids: Sequence[int]) -> int:
    """Give the memory of processes, shared pages counted once in all (PSS)."""
    total = 0
    for pid in pids:
        try:
            match = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"))
        except OSError:
            continue
        total += int(match[1]) if match else 0
    return total


def listens(port: int) -> bool:
    """Tell whether somebody accepts connections on a port of ours."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listens_unix(path: Path) -> bool:
    """Tell whether somebody accepts connections on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        return path.exists() and probe.connect_ex(str(path)) == 0


def free_ports(count: int) -> list[int]:
    """Give ports that are free now; all are held until all are known."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _process_s(pid: int) -> float:
    nanoseconds = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            nanoseconds += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    except FileNotFoundError:
        return _ticks_s(pid)
    return nanoseconds / 1e9


def _ticks_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
