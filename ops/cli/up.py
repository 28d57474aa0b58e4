"""`ferrygate up`: make the installation if there is none, start every role, run the main job, serve.

Ctrl-C (or SIGTERM, or `ferrygate stop`) stops all roles in order.  Every problem is one line.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger, globalLogBeginner

from ops.cli import installation
from ops.cli.faults import CannotRunError
from ops.cli.ports_free import taken
from ops.cli.welcome import welcome
from ops.layout import Installation, Layout, Ports, hands_over, roles, stop_s
from ops.runtime import lean_reactor, stopping
from ops.runtime.clock import SystemClock
from ops.runtime.limits import PRIVATE_UMASK
from ops.runtime.log_output import JsonLines, RotatingFile
from ops.runtime.socket_path import too_long
from ops.supervisor.child import Child
from ops.supervisor.control import ControlServer
from ops.supervisor.process_table import ProcessEntry, ProcessSpec, ProcessState, ProcessTable
from ops.supervisor.supervisor import Supervisor
from wire_formats.errors import Unavailable

START_DEADLINE_S: Final = 150.0
KILL_GRACE_S: Final = 5
LOG_BYTES: Final = 5_000_000
_TROUBLED: Final = (ProcessState.BACKOFF, ProcessState.PAUSED, ProcessState.GIVEN_UP, ProcessState.UNHEALTHY)
_OTHER_PORTS: Final = "FERRYGATE_PORT_BASE=20000 make run"
_RUN: Final = (sys.executable, "-m", "ops", "run")


def up(root: Path, *, demo: bool, stay: bool, transport: str = "") -> int:
    """Start an installation and serve until told to stop.

    Args:
        root: the installation's folder; made when it does not exist.
        demo: send one real declaration through the front door first, and workbooks too unless the installation was
            there already and will serve: whoever starts it again wants to work in it.
        stay: serve until Ctrl-C; otherwise stop after the declaration.
        transport: what joins the two halves of the ferry in a new installation; "" leaves it to FERRYGATE_TRANSPORT.

    Returns:
        0 stopped as asked, 1 a role did not start or the declaration failed; what set-up says when it fails.

    Raises:
        CannotRunError: a port is taken, or the installation already runs.
    """
    os.umask(PRIVATE_UMASK)  # of its own log and of what the demonstration downloads, as of every role's files
    environment = {**os.environ, "FERRYGATE_TRANSPORT": transport} if transport else dict(os.environ)
    layout = Layout(root)
    if words := too_long(layout.longest_socket):
        raise CannotRunError(f"{words}; choose a folder with a shorter path (--root)")
    new = not layout.installation.exists()
    if new:
        _check_ports(_wanted(os.environ), f"choose others: {_OTHER_PORTS}")
        made = subprocess.run([sys.executable, "-m", "ops.provision", str(root)], env=environment, check=False)
        if made.returncode:
            return made.returncode
    layout, found = installation.load(root)
    lock = _lock(layout)
    try:
        _check_ports(found, f"choose others for a new installation: make clean, then {_OTHER_PORTS}")
        for line in () if new else too_late(found, environment):
            print(line, flush=True)
        lean_reactor.install()
        from twisted.internet import reactor  # noqa: TID251 - installed here, once

        job = _job(root, workbooks=new or not stay) if demo else ()
        return _Session(reactor, layout, found, job=job, stay=stay).run()
    finally:
        lock.close()


def _lock(layout: Layout) -> IO[str]:
    layout.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = layout.supervisor_lock.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid = lock.read(20).strip()
        lock.close()
        raise CannotRunError(
            f"{layout.root}: already running (pid {pid}); `ferrygate status` shows it, `ferrygate stop` ends it"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _wanted(environment: Mapping[str, str]) -> Installation:
    """The installation that will be made, as far as its ports are concerned."""
    try:
        return Installation(ports=Ports.from_environment(environment))
    except ValueError as error:
        raise CannotRunError(f"{error}; for example {_OTHER_PORTS}") from None


def too_late(found: Installation, environment: Mapping[str, str]) -> Iterator[str]:
    """Say which variables an installation that is there already does not follow."""
    for variable, kept in (
        ("FERRYGATE_PORT_BASE", found.ports.unit),
        ("CITY_UNITS", found.city_units),
        ("FERRYGATE_WORKERS", found.workers),
        ("FERRYGATE_EDGES", found.edge_children),
        ("FERRYGATE_HOSTS", " ".join(found.hosts)),
        ("FERRYGATE_TRANSPORT", found.transport),
    ):
        asked = environment.get(variable, "")
        if asked and asked != str(kept):
            yield f"{variable}={asked[:20]} is for a new installation; this one keeps {kept} (make clean begins anew)"


def _check_ports(found: Installation, remedy: str) -> None:
    wanted = [port for _, port in found.ports.listening()]
    wanted += [found.ports.metrics_of(role) for role, _ in roles(found)]
    for port, why in taken(wanted):
        raise CannotRunError(f"port {port} {why}; stop that program, or {remedy}")


def specs(layout: Layout, found: Installation) -> list[ProcessSpec]:
    """Give the processes of an installation."""
    return [
        ProcessSpec(
            name=role,
            command=(*_RUN, role.partition("-")[0], "--settings", str(layout.settings(role))),
            metrics_port=found.ports.metrics_of(role),
            stage=stage,
            stop_deadline_s=stop_s(role) + KILL_GRACE_S,
            hands_over=hands_over(role),
        )
        for role, stage in roles(found)
    ]


def _job(root: Path, *, workbooks: bool) -> tuple[str, ...]:
    return (sys.executable, "-m", "ops.main_job", str(root), *(() if workbooks else ("--no-workbooks",)))


def ended(exit_code: int | None) -> str:
    """Say how a process ended that said nothing itself; "" if it has not."""
    if exit_code is None:
        return ""
    return f"ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"


class _Session:
    """One `ferrygate up` from start to stop."""

    log = Logger()

    def __init__(self, reactor: Any, layout: Layout, found: Installation, *, job: tuple[str, ...], stay: bool) -> None:
        self._reactor = reactor
        self._layout = layout
        self._found = found
        self._main_job = job
        self._stay = stay
        clock = SystemClock()
        write = RotatingFile(layout.run / "supervisor.log", most_bytes=LOG_BYTES, keep=2)
        observer = JsonLines(write, clock=clock, role="supervisor")
        globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
        table = ProcessTable(specs(layout, found))
        self._supervisor = Supervisor(reactor, clock, table, environment=os.environ)
        self._supervisor.on_change(self._tell)
        self._control = ControlServer(self._supervisor, self._end)
        self._clock = clock
        self._started_ms = clock.now_ms()
        self._stopping = False
        self._job: Child | None = None
        self._exit_code = 0

    def run(self) -> int:
        """Run the reactor until everything has stopped."""
        self._reactor.callWhenRunning(lambda: Deferred.fromCoroutine(self._serve()))
        self._reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(self._stop()))
        stopping.run(self._reactor)
        return self._exit_code

    async def _serve(self) -> None:
        try:
            self._control.listen(self._reactor, self._layout.control)
            await self._supervisor.start(deadline_s=START_DEADLINE_S)
            print(f"all {len(self._supervisor.table.entries())} roles healthy after {self._elapsed()} s", flush=True)
            if self._main_job:
                await self._do(self._main_job)
        except Unavailable as error:
            if not self._stopping:
                self._fail(error.private)
            return
        if self._stopping:
            return
        if self._stay:
            print(welcome(self._layout, self._found), flush=True)
        else:
            self._end()

    async def _do(self, command: tuple[str, ...]) -> None:
        self._job = Child(self._reactor, command, os.environ, keep_output=False)
        exit_code = await self._job.ended
        if exit_code != 0 and not self._stopping:
            self._exit_code = 1
            print("ferrygate: the declaration did not go through (see above)", file=sys.stderr, flush=True)

    async def _stop(self) -> None:
        self._stopping = True
        print("stopping ...", flush=True)
        if self._job is not None:
            self._job.terminate()
        await self._control.stop()
        await self._supervisor.stop()
        print("all roles stopped", flush=True)

    def _tell(self, entry: ProcessEntry) -> None:
        # Where this is shown may be full or gone; the roles are kept alive all the same.
        with contextlib.suppress(OSError):
            if entry.state is ProcessState.HEALTHY:
                print(f"  {entry.spec.name:<12} healthy   pid {entry.pid}", flush=True)
            elif entry.state in _TROUBLED:
                why = entry.last_words or ", ".join(entry.reasons) or ended(entry.last_exit)
                print(f"  {entry.spec.name:<12} {entry.state.value}   {why}", flush=True)

    def _fail(self, why: str) -> None:
        self._exit_code = 1
        log = self._layout.root / "*" / "log"
        print(f"ferrygate: {why}; the logs are in {log}", file=sys.stderr, flush=True)
        self._end()

    def _end(self) -> None:
        self._reactor.callLater(0, stopping.stop, self._reactor)

    def _elapsed(self) -> float:
        return round((self._clock.now_ms() - self._started_ms) / 1000, 1)
