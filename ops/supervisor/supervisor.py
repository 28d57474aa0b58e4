"""Keeps the processes of one host alive.

Stages start one after the other; processes of one stage start together.  Each process is asked
for its health; when it ends, the restart policy decides.  Stop runs the stages backwards: every
process gets SIGTERM, and its whole group SIGKILL after its deadline.

Replacing one that hands over: the new process starts beside the old one, takes its listening sockets, and only when
it is healthy is the old one told to leave. One that fails is ended, and the old one has noticed nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ops.runtime.metrics_page import LOOPBACK
from ops.supervisor.child import Child, Succession
from ops.supervisor.probe import probe
from ops.supervisor.process_table import RUNNING, ProcessEntry, ProcessState, ProcessTable
from ops.supervisor.restart_policy import Death, RestartLimits, Verdict, decide
from wire_formats.collaborators import Clock
from wire_formats.errors import Kind, Refused, Unavailable

STARTING_POLL_S: Final = 0.15
HEALTHY_POLL_S: Final = 2.0
#: A process that answers no probe for so long is ended and restarted.
HUNG_MS: Final = 30_000
#: The same for a process that has not answered yet: a busy machine starts slowly.
START_HUNG_MS: Final = 120_000
Told = Callable[[ProcessEntry], None]
T = TypeVar("T")


class Supervisor:
    """Starts, watches, restarts, replaces and stops processes.

    Args:
        reactor: time, descriptors, connections.
        clock: wall-clock time.
        table: the processes.
        environment: given to every child, with its own additions.
        limits: numbers of the restart policy.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        clock: Clock,
        table: ProcessTable,
        *,
        environment: Mapping[str, str],
        limits: RestartLimits | None = None,
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self.table = table
        self._environment = dict(environment)
        self._limits = limits or RestartLimits()
        self._children: dict[str, Child] = {}
        self._keepers: dict[str, Deferred[None]] = {}
        self._replacing: set[str] = set()
        self._successions: dict[str, Deferred[None]] = {}
        self._others: set[Child] = set()
        self._stopping = False
        self._listeners: list[Told] = []

    def on_change(self, listener: Told) -> None:
        """Call ``listener`` with an entry after each change of its state."""
        self._listeners.append(listener)

    async def start(self, *, deadline_s: float) -> None:
        """Start all stages in order, each when the one before is healthy.

        Args:
            deadline_s: longest wait for one stage.

        Raises:
            Unavailable: TIMED_OUT, with the process that did not become healthy and its last words.
        """
        for stage in self.table.stages():
            for entry in stage:
                self._keep_alive(entry)
            until_ms = self._clock.now_ms() + round(deadline_s * 1000)
            for entry in stage:
                await self._wait_healthy(entry, until_ms)

    async def stop(self) -> None:
        """Stop all stages, last first; returns when no child is left."""
        self._stopping = True
        for other in self._others:
            other.terminate()
        for stage in reversed(self.table.stages()):
            await DeferredList([Deferred.fromCoroutine(self._stop_one(entry)) for entry in stage])
        await DeferredList([Deferred.fromCoroutine(_unshared(other.ended)) for other in self._others])

    async def replace(self, name: str, *, deadline_s: float) -> None:
        """Start a process anew; what the old one has begun, it finishes.

        One that hands over ends when the new one is healthy; any other one before the new one starts, and the other
        processes of its kind carry on meanwhile.

        Raises:
            Refused: NOT_FOUND, no such process; CONFLICT, it is being replaced or stopped.
            Unavailable: TIMED_OUT, the new process did not become healthy; an old one that hands over serves on.
        """
        if name not in self.table:
            raise Refused(Kind.NOT_FOUND, f"no process {name}")
        entry = self.table[name]
        if name in self._replacing or self._stopping:
            raise Refused(Kind.CONFLICT, f"{name} is being replaced or stopped")
        until_ms = self._clock.now_ms() + round(deadline_s * 1000)
        child = self._children.get(name)
        if child is not None and entry.state in RUNNING:
            self._replacing.add(name)
            try:
                if child.channel is not None:
                    await self._succeed(entry, child, until_ms)
                    return
                self._change(entry, ProcessState.STOPPING)
                await self._end(entry, child)
            finally:
                self._replacing.discard(name)
        if entry.state in (ProcessState.GIVEN_UP, ProcessState.STOPPED):
            self._keep_alive(entry)
        await self._wait_healthy(entry, until_ms)

    def told(self) -> list[dict[str, object]]:
        """Describe every process for `ferrygate status`."""
        now_ms = self._clock.now_ms()
        return [entry.told(now_ms) for entry in self.table.entries()]

    # a successor beside its predecessor

    async def _succeed(self, entry: ProcessEntry, old: Child, until_ms: int) -> None:
        """Start a successor; when it is healthy it takes the old one's place, and the old one leaves.

        Raises:
            Unavailable: TIMED_OUT, it did not become healthy and has been ended.
        """
        name = entry.spec.name
        over = self._successions[name] = Deferred()
        try:
            new = self._start_beside(entry, old)
            await self._wait_ready(new, until_ms)
            self._keepers[name].cancel()
            self._keep_alive(entry, new)
        finally:
            del self._successions[name]
            over.callback(None)
        self.log.info("process_succeeded", holder=name, pid=new.pid)
        self._others.add(old)
        try:
            old.leave_to_successor()
            await self._end(entry, old)
        finally:
            self._others.discard(old)
        new.health_port = entry.spec.metrics_port

    def _start_beside(self, entry: ProcessEntry, old: Child) -> Child:
        assert old.channel is not None
        with socket.create_server((LOOPBACK, 0)) as health:
            health.setblocking(False)
            child = self._start(entry, Succession(old.channel, health))
            child.health_port = health.getsockname()[1]
            return child

    async def _wait_ready(self, new: Child, until_ms: int) -> None:
        """Wait until a successor is healthy; one that is not in time is ended.

        Raises:
            Unavailable: TIMED_OUT.
        """
        self._others.add(new)
        reasons: tuple[str, ...] = ("no answer",)
        ready = False
        try:
            while not ready and self._may_still(new, until_ms):
                await self._sleep(STARTING_POLL_S)
                health = (await probe(self._reactor, new.health_port)).health
                ready, reasons = health.ready and self._may_still(new, until_ms), health.reasons
        finally:
            if not ready:
                new.kill()
                await _unshared(new.ended)
            self._others.discard(new)
        if ready:
            return
        why = new.last_words() or ", ".join(reasons)
        raise Unavailable(Kind.TIMED_OUT, f"the new process did not become healthy, the old one serves on: {why}")

    def _may_still(self, new: Child, until_ms: int) -> bool:
        """Whether a successor can still become healthy in time."""
        return new.exit_code is None and not self._stopping and self._clock.now_ms() < until_ms

    # one process

    def _keep_alive(self, entry: ProcessEntry, child: Child | None = None) -> None:
        keeper: Deferred[None] = Deferred.fromCoroutine(self._lives(entry, child))
        keeper.addErrback(lambda failure: failure.trap(CancelledError) and None)
        keeper.addErrback(lambda failure: self.log.failure("keeper_failed", failure=failure, holder=entry.spec.name))
        self._keepers[entry.spec.name] = keeper

    async def _lives(self, entry: ProcessEntry, successor: Child | None) -> None:
        """One life after the other, until stop or until the policy gives up; the first may have begun already."""
        while not self._stopping:
            death = await self._one_life(entry, successor)
            successor = None
            if self._stopping:
                return
            succession = self._successions.get(entry.spec.name)
            if succession is not None:  # it died while its successor starts; if that one serves, this is cancelled
                await _unshared(succession)
            if entry.spec.name in self._replacing:
                continue
            entry.restarts += 1
            decision = decide(entry.recent_deaths_ms, death, self._limits)
            entry.recent_deaths_ms = decision.recent_ms
            self.log.error("process_ended", holder=entry.spec.name, exit_code=death.exit_code,
                           verdict=decision.verdict.value, duration_ms=death.lived_ms)  # fmt: skip
            if decision.verdict is Verdict.GIVE_UP:
                self._change(entry, ProcessState.GIVEN_UP)
                return
            paused = decision.verdict is Verdict.PAUSE
            self._change(entry, ProcessState.PAUSED if paused else ProcessState.BACKOFF)
            await self._sleep(decision.delay_ms / 1000)

    def _start(self, entry: ProcessEntry, succession: Succession | None = None) -> Child:
        spec = entry.spec
        environment = {**self._environment, **spec.environment}
        child = Child(self._reactor, spec.command, environment, hands_over=spec.hands_over, succession=succession)
        child.health_port = spec.metrics_port
        return child

    async def _one_life(self, entry: ProcessEntry, successor: Child | None) -> Death:
        """Start the process, or take a healthy successor, and wait for its end, asking for its health meanwhile."""
        child = successor or self._start(entry)
        entry.started_ms = self._clock.now_ms()
        entry.was_healthy = successor is not None
        entry.last_words = ""
        entry.reasons = ()
        entry.pid = child.pid
        self._change(entry, ProcessState.STARTING if successor is None else ProcessState.HEALTHY)
        self._children[entry.spec.name] = child
        watching: Deferred[None] = Deferred.fromCoroutine(self._watch_health(entry, child))
        # The child may end while a probe is still connecting; that ends the probe with an error of its own.
        watching.addErrback(lambda failure: failure.trap(CancelledError, ConnectingCancelledError) and None)
        watching.addErrback(lambda failure: self.log.failure("probe_failed", failure=failure, holder=entry.spec.name))
        try:
            exit_code = await _unshared(child.ended)
        finally:
            watching.cancel()
        now_ms = self._clock.now_ms()
        entry.last_exit, entry.last_words = exit_code, child.last_words()
        entry.figures = {}
        return Death(now_ms, now_ms - entry.started_ms, exit_code, entry.was_healthy)

    async def _watch_health(self, entry: ProcessEntry, child: Child) -> None:
        answered_ms = self._clock.now_ms()
        while child.exit_code is None:
            if child.health_port == 0:
                self._change_if_running(entry, ready=True)
                return
            probed = await probe(self._reactor, child.health_port)
            if child.exit_code is not None:
                return
            now_ms = self._clock.now_ms()
            if probed.answered:
                answered_ms = now_ms
                entry.reasons, entry.figures = probed.health.reasons, probed.health.figures
                self._change_if_running(entry, ready=probed.health.ready)
            elif now_ms - answered_ms > (HUNG_MS if entry.was_healthy else START_HUNG_MS):
                self.log.error("process_hung", holder=entry.spec.name, pid=child.pid, age_ms=now_ms - answered_ms)
                child.kill()
                return
            settled = entry.state is ProcessState.HEALTHY
            await self._sleep(HEALTHY_POLL_S if settled else STARTING_POLL_S)

    def _change_if_running(self, entry: ProcessEntry, *, ready: bool) -> None:
        if entry.state in (ProcessState.HEALTHY, ProcessState.UNHEALTHY, ProcessState.STARTING):
            if ready:
                self._change(entry, ProcessState.HEALTHY)
            elif entry.state is ProcessState.HEALTHY:
                self._change(entry, ProcessState.UNHEALTHY)

    def _change(self, entry: ProcessEntry, state: ProcessState) -> None:
        if entry.state is state:
            return
        entry.become(state)
        self.log.info("process_state", holder=entry.spec.name, state=state.value, pid=entry.pid)
        for listener in self._listeners:
            listener(entry)

    async def _wait_healthy(self, entry: ProcessEntry, until_ms: int) -> None:
        while entry.state is not ProcessState.HEALTHY:
            given_up = entry.state in (ProcessState.GIVEN_UP, ProcessState.PAUSED)
            if given_up or self._stopping or self._clock.now_ms() >= until_ms:
                why = entry.last_words or ", ".join(entry.reasons) or "no answer"
                raise Unavailable(Kind.TIMED_OUT, f"{entry.spec.name} is {entry.state.value}: {why}")
            await self._sleep(0.05)

    async def _stop_one(self, entry: ProcessEntry) -> None:
        child = self._children.get(entry.spec.name)
        if child is None or child.exit_code is not None:
            keeper = self._keepers.get(entry.spec.name)
            if keeper is not None:
                keeper.cancel()
            if entry.state in RUNNING:  # it ended by itself while the others were being stopped
                self._change(entry, ProcessState.STOPPING)
        else:
            if entry.state is not ProcessState.STOPPING:
                self._change(entry, ProcessState.STOPPING)
            await self._end(entry, child)
        self._change(entry, ProcessState.STOPPED)

    async def _end(self, entry: ProcessEntry, child: Child) -> None:
        """SIGTERM, and SIGKILL to the group after the deadline; returns when the child has ended."""
        child.terminate()
        killer = self._reactor.callLater(entry.spec.stop_deadline_s, self._kill_late, entry, child)
        try:
            await _unshared(child.ended)
        finally:
            if killer.active():
                killer.cancel()

    def _kill_late(self, entry: ProcessEntry, child: Child) -> None:
        self.log.error("process_killed", holder=entry.spec.name, pid=child.pid, limit=entry.spec.stop_deadline_s)
        child.kill()

    async def _sleep(self, seconds: float) -> None:
        await deferLater(self._reactor, seconds)


async def _unshared(shared: Deferred[T]) -> T:
    """Wait for a Deferred that others wait for too."""
    mine: Deferred[T] = Deferred()

    def tell(value: T) -> T:
        if not mine.called:
            mine.callback(value)
        return value

    shared.addCallback(tell)
    return await mine
