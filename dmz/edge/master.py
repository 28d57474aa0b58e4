"""The edge's master: plain Python without a reactor. It binds, makes TLS contexts, forks, restarts, drains.

::

    SIGTERM, SIGINT   children drain (they get SIGTERM), then the master ends
    a new master      asks for the listening sockets and serves on them, too; this one then ends in the same way
    SIGHUP            new certificates: new contexts, new children; the old ones drain when all the new ones serve
    ticket_keys_s     the same, for new keys of TLS tickets: an old ticket then leads to a full handshake
    a child ends      a new one in its place, later and later if it keeps failing

Contexts are made before the fork, so all children of a generation share the keys of TLS tickets; the listening
sockets are inherited, so that no connection is lost when a generation takes over. Children whose successors serve keep
idle connections until their next request, or nearly as long as they may drain: its answer says ``Connection: close``.
No child has imported a reactor when it is forked: ``run_child`` does, in the child.

Source: edge research, sections 1 (rolling restart) and 3.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from twisted.logger import Logger

from dmz.edge.listeners import Contexts, Succession, bind_listeners, load_contexts
from dmz.edge.restart_policy import RestartPolicy
from dmz.edge.settings import EdgeSettings
from dmz.edge.tidings import Tidings
from wire_formats.collaborators import Clock
from wire_formats.drop import prepare_drop
from wire_formats.instants import SECOND_MS
from wire_formats.settings_reader import SettingsError

_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})
_WAIT_S: Final = 0.5
_GRACE_S: Final = 5


@dataclass(frozen=True, slots=True)
class EdgeChild:
    """What a forked child gets.

    Attributes:
        number: its place, from 0; the child 0 keeps the deny list's snapshot.
        settings: of the edge.
        listeners: listening sockets by entrance.
        contexts: TLS contexts by entrance, and the clients' CAs.
        tidings: shared with the master.
        beside: whether children of an older generation serve on when this one starts.
        lifeline: descriptor that reads end-of-file when the master is gone; -1: none.
    """

    number: int
    settings: EdgeSettings
    listeners: dict[str, socket.socket]
    contexts: Contexts
    tidings: Tidings
    beside: bool = False
    lifeline: int = -1


RunChild = Callable[[EdgeChild], int]


@dataclass(slots=True)
class _Place:
    """One child's place in its generation."""

    number: int
    pid: int = 0
    policy: RestartPolicy = field(default_factory=RestartPolicy)
    not_before_ms: int = 0


class _Generation:
    """Children that share contexts."""

    def __init__(self, children: int, *, beside: bool) -> None:
        self.places = [_Place(number) for number in range(children)]
        self.tidings = Tidings(children)
        self.beside = beside


class EdgeMaster:
    """Keeps the children of one edge.

    Args:
        settings: of the edge.
        run_child: called in each forked child; builds the reactor and an ``EdgeService``, runs it, gives the exit code.
        clock: wall clock.
        succession: how listening sockets come from the older master and go to the next one.
    """

    _log = Logger()

    def __init__(self, settings: EdgeSettings, run_child: RunChild, clock: Clock, succession: Succession) -> None:
        self._settings = settings
        self._run_child = run_child
        self._clock = clock
        self._present = _Generation(settings.children, beside=False)
        #: Serves until all of the present one do; at most one.
        self._older: list[_Generation] = []
        self._leaving: dict[int, int] = {}
        self._stopping = False
        self._lifeline = (-1, -1)
        self._contexts = load_contexts(settings)
        self._renewal_ms = self._next_renewal_ms()
        self._succession = succession
        self._listeners = bind_listeners(settings, succession.take())
        succession.offer(self._listeners)

    def ports(self) -> dict[str, int]:
        """Give the ports that are bound, by entrance."""
        return {name: listener.getsockname()[1] for name, listener in self._listeners.items()}

    def run(self) -> int:
        """Serve until told to stop; gives the exit code.

        In a child this does not return: the child ends the process with its own exit code.
        """
        prepare_drop(self._settings.snapshots)
        self._lifeline = os.pipe2(os.O_CLOEXEC)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            while not self._done():
                self._start_missing(before)
                self._succession.look()
                self._handle(signal.sigtimedwait(_SIGNALS, _WAIT_S))
                self._reap()
                self._relieve()
                self._hurry()
                if self._clock.now_ms() >= self._renewal_ms and not self._stopping:
                    self._renew()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._close()
        return 0

    def _done(self) -> bool:
        return self._stopping and not self._leaving

    def _start_missing(self, mask: set[signal.Signals | int]) -> None:
        now_ms = self._clock.now_ms()
        for place in self._present.places:
            if not self._stopping and place.pid == 0 and now_ms >= place.not_before_ms:
                place.pid = self._fork(place.number, mask)
                place.policy.started(now_ms)
                self._log.info("edge_child_started", child=place.number, pid=place.pid)

    def _fork(self, number: int, mask: set[signal.Signals | int]) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 70
        try:
            os.close(self._lifeline[1])
            for signal_number in _SIGNALS:
                signal.signal(signal_number, signal.SIG_DFL)
            for signal_number in (signal.SIGHUP, signal.SIGINT):  # the master's business; it sends SIGTERM
                signal.signal(signal_number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            code = self._run_child(self._child(number))
        except Exception:
            self._log.failure("edge_child_failed", child=number)
            raise  # as far as the next line: nothing of the master's may run in a child
        finally:
            os._exit(code)

    def _child(self, number: int) -> EdgeChild:
        return EdgeChild(
            number=number,
            settings=self._settings,
            listeners=self._listeners,
            contexts=self._contexts,
            tidings=self._present.tidings,
            beside=self._present.beside,
            lifeline=self._lifeline[0],
        )

    def _handle(self, received: signal.struct_siginfo | None) -> None:
        number = None if received is None else received.si_signo
        if number in {signal.SIGTERM, signal.SIGINT} and not self._stopping:
            self._stopping = True
            self._log.info("edge_stopping", signal=number)
            succeeded = self._succession.succeeded()
            for generation in (self._present, *self._older):
                self._retire(generation, succeeded=succeeded)
        elif number == signal.SIGHUP and not self._stopping:
            self._renew()

    def _renew(self) -> None:
        """Take new certificates: the next generation starts beside the present one."""
        self._renewal_ms = self._next_renewal_ms()
        try:
            contexts = load_contexts(self._settings)
        except SettingsError as error:
            self._log.error("edge_certificates_kept", reason=str(error))
            return
        self._contexts = contexts
        self._log.info("edge_certificates_renewed")
        if self._older:  # the present one was about to relieve it, and is out of date before it could
            self._retire(self._present, succeeded=True)
        else:
            self._older.append(self._present)
        self._present = _Generation(self._settings.children, beside=True)

    def _next_renewal_ms(self) -> int:
        return self._clock.now_ms() + self._settings.ticket_keys_s * SECOND_MS

    def _relieve(self) -> None:
        """Let the older generation go once every child of the present one serves."""
        if self._older and self._present.tidings.all_serve:
            self._retire(self._older.pop(), succeeded=True)

    def _retire(self, generation: _Generation, *, succeeded: bool) -> None:
        """Let the children of a generation drain."""
        if succeeded:
            generation.tidings.succeed()
        limit_ms = self._clock.now_ms() + (self._settings.drain_s + _GRACE_S) * SECOND_MS
        for place in generation.places:
            if place.pid:
                self._leaving[place.pid] = limit_ms
                _send(place.pid, signal.SIGTERM)
                place.pid = 0

    def _reap(self) -> None:
        generations = (self._present, *self._older)
        places = {place.pid: (each, place) for each in generations for place in each.places if place.pid}
        for pid in (*self._leaving, *places):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == 0:
                continue
            exit_code = os.waitstatus_to_exitcode(status)
            if self._leaving.pop(pid, None) is not None:
                self._log.info("edge_child_drained", pid=pid, exit_code=exit_code)
                continue
            generation, place = places[pid]
            generation.tidings.ended(place.number)
            place.pid = 0
            place.not_before_ms = place.policy.ended(self._clock.now_ms())
            self._log.error("edge_child_ended", child=place.number, pid=pid, exit_code=exit_code)

    def _hurry(self) -> None:
        """End children that drain longer than they may."""
        now_ms = self._clock.now_ms()
        for pid, limit_ms in self._leaving.items():
            if now_ms > limit_ms:
                self._log.warn("edge_child_killed", pid=pid)
                _send(pid, signal.SIGKILL)

    def _close(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        for descriptor in self._lifeline:
            os.close(descriptor)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
