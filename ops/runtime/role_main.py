"""The life of one role's process: settings, limits, log, start, serve, stop, exit code.

Exit codes: 0 stopped as asked, 1 failed while running, 2 cannot start as configured (one clear
line on stderr names the file, key or port and the remedy).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import ILogObserver, Logger, globalLogBeginner
from twisted.python.failure import Failure
from zope.interface import implementer

from ops.metrics import OpsMetrics
from ops.runtime import lean_reactor, stopping
from ops.runtime.background import ReactorBackground
from ops.runtime.clock import SystemClock, SystemRandomness
from ops.runtime.directory_watch import ReactorDirectoryWatch
from ops.runtime.hand_over import HandOver
from ops.runtime.limits import die_with_parent, harden, kill_after
from ops.runtime.log_output import JsonLines, LineWriter, RotatingFile, StreamWriter, describe_failure
from ops.runtime.metrics_page import Health, MetricsPage
from ops.runtime.readiness import supervisor_pid, tell_service_manager
from ops.runtime.role_settings import RoleSettings
from ops.walls.walls import WALLS_VARIABLE, Mason, Walls
from wire_formats.collaborators import Clock
from wire_formats.errors import HallError
from wire_formats.settings_reader import SettingsError

EXIT_STOPPED: Final = 0
EXIT_FAILED: Final = 1
EXIT_CANNOT_START: Final = 2
#: Beyond the clean stop's deadline, the kernel ends the process.
_GRACE_S: Final = 3
#: Nearly all objects of a request die with it. Python looks for cycles after every seven hundred, mostly at those of
#: requests under way (7 % of an edge's time); ten thousand are a few MiB at most.
_COLLECT_AFTER: Final = (10_000, 10, 10)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a role is composed with.

    Attributes:
        reactor: the process's reactor.
        clock: wall-clock time.
        randomness: unpredictable bytes.
        registry: the process's measurements.
        watch: wakes readers of directories.
        background: starts named work.
        role: the ``[role]`` table.
        hand_over: sockets of an older process of this name, and for the next one.
        log: writes the lines of the process's log.
    """

    reactor: Any
    clock: Clock
    randomness: SystemRandomness
    registry: CollectorRegistry
    watch: ReactorDirectoryWatch
    background: ReactorBackground
    role: RoleSettings
    hand_over: HandOver
    log: LineWriter


@dataclass(frozen=True, slots=True)
class Running:
    """A composed zone: how to start it, stop it, and ask for its health."""

    start: Callable[[], Coroutine[Any, Any, None]]
    stop: Callable[[], Coroutine[Any, Any, None]]
    health: Callable[[], Health]


Compose = Callable[[Surroundings], Running]


class RoleProcess:
    """Drives one role from start to exit code.

    Args:
        surroundings: made by ``run_role``.
        compose: puts the zone together; called once, before the reactor runs.
        mason: has put up the first walls, and puts up the others once the role serves.
    """

    log = Logger()

    def __init__(self, surroundings: Surroundings, compose: Compose, mason: Mason) -> None:
        self._around = surroundings
        self._mason = mason
        self._running = compose(surroundings)
        self._metrics = OpsMetrics(surroundings.registry)
        self._metrics.background.set_function(lambda: sum(surroundings.background.counts().values()))
        self._metrics.log_lost.set_function(_target.lost)
        self._page = MetricsPage(surroundings.registry, self.health, role=surroundings.role.name)
        self._state = "starting"
        self.exit_code = EXIT_STOPPED

    def health(self) -> Health:
        """Ask the zone, unless the process is starting or stopping."""
        if self._state != "serving":
            return Health(ready=False, reasons=(self._state,))
        try:
            health = self._running.health()
        except Exception as error:  # noqa: BLE001 - the top of a role
            self.log.failure("health_failed", failure=Failure(error), role=self._around.role.name)
            return Health(ready=False, reasons=("health cannot be told",))
        self._metrics.ready.set(int(health.ready))
        return health

    async def start(self) -> None:
        """Open the metrics page, start the zone; on failure set the exit code and stop."""
        role, reactor, hand_over = self._around.role, self._around.reactor, self._around.hand_over
        try:
            if hand_over.is_successor:
                self._page.succeed(reactor, role.metrics_port, hand_over.health_fd)
            else:
                self._page.listen(reactor, role.metrics_port)
            await self._running.start()
            hand_over.watch(reactor)
            self._mason.once_serving()
        except CannotListenError as error:
            self._fail(EXIT_CANNOT_START, port_taken(role.name, error))
        except SettingsError as error:
            self._fail(EXIT_CANNOT_START, str(error))
        except Exception as error:  # noqa: BLE001 - the top of a role
            self.log.failure("role_start_failed", failure=Failure(error), role=role.name)
            self._fail(EXIT_FAILED, f"{role.name}: did not start: {one_line(error)}")
        else:
            gc.collect()
            gc.freeze()  # what is there now stays for good: no collection need look at it again
            gc.set_threshold(*_COLLECT_AFTER)
            self._state = "serving"
            tell_service_manager("READY=1", os.environ)
            self.log.info("role_started", role=role.name, pid=os.getpid())

    async def stop(self) -> None:
        """Stop the zone, the page and all background work, within the deadline."""
        role, reactor = self._around.role, self._around.reactor
        self._state = "stopping"
        kill_after(role.stop_deadline_s + _GRACE_S)
        tell_service_manager("STOPPING=1", os.environ)
        self.log.info("role_stopping", role=role.name, pid=os.getpid())
        stopping = Deferred.fromCoroutine(self._stop_parts())
        stopping.addTimeout(role.stop_deadline_s, reactor)
        try:
            await stopping
        except Exception as error:  # noqa: BLE001 - the top of a role
            self.exit_code = self.exit_code or EXIT_FAILED
            self.log.failure("role_stop_failed", failure=Failure(error), role=role.name)

    async def _stop_parts(self) -> None:
        await self._running.stop()
        await self._around.background.stop(deadline_s=2.0)
        self._around.watch.stop()
        await self._page.stop()

    def _fail(self, exit_code: int, line: str) -> None:
        self.exit_code = exit_code
        say(line)
        self._around.reactor.callWhenRunning(stopping.stop, self._around.reactor)


def run_role(
    role: RoleSettings, compose: Compose, *, forked: HandOver | None = None, walls: Walls | None = None
) -> int:
    """Run one role until it is told to stop.

    Args:
        role: the ``[role]`` table.
        compose: puts the zone together.
        forked: the process was forked by a master, which watches over it and has begun a log; its part in a succession.
        walls: what it keeps of the machine besides its log and its metrics port; everything when None.

    Returns:
        The exit code.
    """
    parent = supervisor_pid(os.environ)
    if forked is None and parent is not None and not die_with_parent(parent):
        return EXIT_FAILED
    harden(open_files=role.open_files)
    clock = SystemClock()
    try:
        begin_log(role, clock)
        hand_over = HandOver.from_environment(os.environ) if forked is None else forked
        mason = mason_of(role, walls)
        mason.before_threads()
        process = _compose(role, clock, compose, hand_over, mason)
    except SettingsError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{role.name}: {error.filename}: {error.strerror}; `ferrygate doctor` tells what is missing")
    except (HallError, ValueError) as error:
        return _refuse(f"{role.name}: {error}; `ferrygate doctor` tells what is missing")
    reactor = process._around.reactor
    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(process.start()))
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(process.stop()))
    stopping.run(reactor)
    _target.writer.flush()
    return process.exit_code


def mason_of(role: RoleSettings, walls: Walls | None) -> Mason:
    """Give the one who puts up a role's walls, with room for its log and its metrics page."""
    if walls is not None:
        log = (role.log_file.parent,) if role.log_file is not None else ()
        walls = replace(walls, write=(*walls.write, *log), ports=walls.ports | {role.metrics_port})
    return Mason(walls, os.environ.get(WALLS_VARIABLE, role.walls))


def _compose(role: RoleSettings, clock: Clock, compose: Compose, hand_over: HandOver, mason: Mason) -> RoleProcess:
    lean_reactor.install()
    from twisted.internet import reactor  # noqa: TID251 - installed here, once

    surroundings = Surroundings(
        reactor=reactor,
        clock=clock,
        randomness=SystemRandomness(),
        registry=CollectorRegistry(),
        watch=ReactorDirectoryWatch(reactor),
        background=ReactorBackground(reactor),
        role=role,
        hand_over=hand_over,
        log=_target.writer,
    )
    return RoleProcess(surroundings, compose, mason)


@implementer(ILogObserver)
class _LogTarget:
    """The observer all log events go to; a forked child lets it write to its own file."""

    observer: JsonLines | None = None
    writer: LineWriter = StreamWriter(sys.stdout)

    def lost(self) -> int:
        """Give how many lines could not be written."""
        return self.writer.lost

    def __call__(self, event: dict[str, Any]) -> None:
        """Pass an event on."""
        if self.observer is not None:
            self.observer(event)


_target: Final = _LogTarget()


def begin_log(role: RoleSettings, clock: Clock) -> None:
    """Send all log events of this process to the role's file, from now on."""
    first = _target.observer is None
    if role.log_file is None:
        write: LineWriter = StreamWriter(sys.stdout)
    else:
        role.log_file.parent.mkdir(parents=True, exist_ok=True)
        write = RotatingFile(role.log_file, most_bytes=role.log_most_bytes, keep=role.log_keep)
    _target.writer = write
    _target.observer = JsonLines(write, clock=clock, role=role.name)
    if first:
        globalLogBeginner.beginLoggingTo([_target], redirectStandardIO=False, discardBuffer=True)


def port_taken(name: str, error: CannotListenError) -> str:
    """Say in one line that a port cannot be used, and the remedy."""
    return (
        f"{name}: port {error.port} on {error.interface or '*'} cannot be used ({error.socketError}); "
        "stop what uses it, or choose other ports with FERRYGATE_PORT_BASE"
    )


def one_line(error: BaseException) -> str:
    """Describe an unexpected exception in one line without quoting foreign text."""
    if isinstance(error, HallError):
        return str(error)
    told = describe_failure(error)
    where = told["places"][-1] if told["places"] else ""
    return f"{told['type']} {told.get('reason', '')} at {where}"


def say(line: str) -> None:
    """Write one line for the person or supervisor that started this process."""
    sys.stderr.write(f"ferrygate: {line}\n")
    sys.stderr.flush()


def _refuse(line: str) -> int:
    say(line)
    return EXIT_CANNOT_START
