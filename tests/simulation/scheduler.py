"""Simulated time: one queue of calls for all processes, run one after the other in an order that a seed decides.

A process is what ``kill -9`` ends: its reactor's calls, its open files, everything it remembers.  It runs on a machine,
which has a wall clock of its own and can lose its power.  A call takes simulated time: each disk operation has its
price, and while one call of a process runs no other of the same process does.

Source: FoundationDB's simulation ("Testing Distributed Systems w/ Deterministic Simulation", Will Wilson, 2014), idea.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from tests.simulation.trace import Killed, Trace

#: 2026-01-15T08:00:00Z
EPOCH_MS = 1_768_464_000_000
#: Simulated seconds since the start of the machine at which every schedule begins.
START_S = 10_000.0
CALL_COST_S = 60e-6


class Scheduler:
    """The queue."""

    def __init__(self, seed: int, trace: Trace) -> None:
        self.now = START_S
        self.trace = trace
        self._chance = random.Random(f"{seed} scheduler")
        self._queue: list[tuple[float, float, int, Process | None, Callable[[], object]]] = []
        self._count = 0
        self.calls = 0

    def at(self, when: float, call: Callable[[], object], process: Process | None = None) -> None:
        """Run a call of a process, or of the world around them, at an instant; equal instants in any order."""
        self._count += 1
        heapq.heappush(self._queue, (max(when, self.now), self._chance.random(), self._count, process, call))

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        self.at(self.now + seconds, call)

    def run(self, until: float) -> None:
        """Run everything up to an instant."""
        while self._queue and self._queue[0][0] <= until:
            when, tie, number, process, call = heapq.heappop(self._queue)
            if process is not None:
                if not process.alive:
                    continue
                if process.busy_until > when:
                    heapq.heappush(self._queue, (process.busy_until, tie, number, process, call))
                    continue
            self.now = max(self.now, when)
            self.calls += 1
            if process is None:
                call()
            else:
                process.run(call)
        self.now = max(self.now, until)


class Machine:
    """What processes run on: a wall clock that may be wrong, and power that may fail.

    Args:
        name: of the machine.
        scheduler: true time.
    """

    def __init__(self, name: str, scheduler: Scheduler) -> None:
        self.name = name
        self.scheduler = scheduler
        self.offset_ms = 0
        self.processes: list[Process] = []

    def now_ms(self) -> int:
        """The machine's wall clock."""
        return EPOCH_MS + self.offset_ms + round((self.scheduler.now - START_S) * 1000)


class Process:
    """One life of one process.

    Args:
        name: of the role.
        machine: where it runs.
        scheduler: time.
        on_death: told once, with the reason and whether the whole machine lost its power.
    """

    def __init__(
        self, name: str, machine: Machine, scheduler: Scheduler, on_death: Callable[[Process, str, bool], None]
    ) -> None:
        self.name = name
        self.machine = machine
        self.scheduler = scheduler
        self.alive = True
        self.busy_until = 0.0
        self.spent = 0.0
        self.reactor = SimReactor(self)
        #: Which machine clock timers follow; only a broken variant lets them follow the wall clock.
        self.timers_follow_the_wall = False
        self._on_death = on_death
        machine.processes.append(self)

    def now_ms(self) -> int:
        """Wall-clock time as this process sees it (implements ``collaborators.Clock``)."""
        return self.machine.now_ms() + round(self.spent * 1000)

    def seconds(self) -> float:
        if self.timers_follow_the_wall:
            return self.scheduler.now + self.spent + self.machine.offset_ms / 1000
        return self.scheduler.now + self.spent

    def spend(self, seconds: float) -> None:
        self.spent += seconds

    def run(self, call: Callable[[], object]) -> None:
        """Run one call; the process may die in it."""
        self.spent = CALL_COST_S
        trace = self.scheduler.trace
        trace.process = self
        try:
            call()
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - a reactor logs what a call raises, and goes on
            if self.alive:
                trace.fault(f"{self.name}: a call of the reactor raised {error!r}")
        finally:
            trace.process = None
        self.busy_until = self.scheduler.now + self.spent
        self.spent = 0.0

    def die(self, why: str, *, power: bool = False) -> None:
        """End now; whatever is still on the stack can do nothing any more."""
        if self.alive:
            self.alive = False
            self.machine.processes.remove(self)
            self._on_death(self, why, power)


@implementer(IReactorTime)
class SimReactor:
    """A process's reactor: calls that are put off, and calls from its threads."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def seconds(self) -> float:
        return self._process.seconds()

    def callLater(self, delay: float, callable: Callable[..., Any], *args: object, **kw: object) -> DelayedCall:  # noqa: A002, N802
        call = DelayedCall(self.seconds() + delay, callable, args, kw, _ignore, self._push, self.seconds)
        self._push(call)
        return call

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kw: object) -> None:  # noqa: A002, N802
        self.callLater(0, callable, *args, **kw)

    def getDelayedCalls(self) -> list[DelayedCall]:  # noqa: N802
        return []

    def _push(self, call: DelayedCall) -> None:
        def run() -> None:
            if call.cancelled or call.called:
                return
            if call.getTime() > self.seconds() + 1e-9:  # put off meanwhile, or the clock was set back
                self._push(call)
                return
            call.called = 1
            call.func(*call.args, **call.kw)

        scheduler = self._process.scheduler
        scheduler.at(scheduler.now + call.getTime() - self.seconds() + self._process.spent, run, self._process)


def _ignore(_call: DelayedCall) -> None:
    """Nothing: a cancelled call is passed over when its time comes."""
