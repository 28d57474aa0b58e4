"""One forked edge process: listeners adopted from the master, everything wired, drained at the end.

The reactor is passed in by ops, which imports it after the fork. A stop first drains: no new connections, running
requests finish, idle connections close, and after ``drain_s`` the rest is cut.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from dmz.answering import Answerer
from dmz.edge.acceptor import Acceptor
from dmz.edge.access_log import AccessLog, EventLog
from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.client_identity import IdentityReader
from dmz.edge.connection import EdgeConnection, Entrance, EntranceConnections, TlsParts
from dmz.edge.connection_limits import Admission
from dmz.edge.deny_set import DenyPlaces, DenySet
from dmz.edge.handshakes import HandshakeQueue
from dmz.edge.http_response import ResponseWriter
from dmz.edge.master import EdgeChild
from dmz.edge.metrics import EdgeMetrics
from dmz.edge.plain_site import PlainSite
from dmz.edge.refusals import Reason
from dmz.edge.request_ids import RequestIds
from dmz.edge.surroundings import DrainState, Surroundings, TakesFiles
from dmz.edge.tls_engine import DirectSession
from dmz.edge.tls_self_test import choose_session
from dmz.edge.watch_port import EdgeWatch, Unwatched
from dmz.messages import Handler, Window
from wire_formats.collaborators import Clock, DirectoryWatch, Randomness
from wire_formats.trust import TrustStore

_SWEEP_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What ops passes to a child.

    Attributes:
        reactor: installed after the fork.
        clock: wall clock.
        randomness: for request numbers.
        watch: wakes the deny set.
        registry: of this process's metrics.
        pipeline: firewall and content switch.
        intrusion: tells offenders from others.
        takes_files: whether a form at this window and path has a place for a file; elsewhere bodies are short.
        access_log: writes a line for every request.
    """

    reactor: Any
    clock: Clock
    randomness: Randomness
    watch: DirectoryWatch
    registry: CollectorRegistry
    pipeline: Handler | Answerer
    intrusion: EdgeWatch = field(default_factory=Unwatched)
    takes_files: TakesFiles = lambda _window, _path: True
    access_log: AccessLog = field(default_factory=EventLog)


class EdgeService:
    """Serves the entrances of one child.

    Args:
        child: sockets, contexts and settings from the master.
        given: collaborators from ops.
    """

    _log = Logger()

    def __init__(self, child: EdgeChild, given: Collaborators) -> None:
        self._child = child
        self._given = given
        self._drain = DrainState()
        self.metrics = EdgeMetrics(given.registry)
        self.deny = self._deny_set()
        self._budget = MemoryBudget(child.settings.body_memory_bytes)
        self._answers = MemoryBudget(child.settings.answer_memory_bytes, Reason.ANSWER_MEMORY)
        self._around = self._surroundings()
        self._entrances: list[EntranceConnections] = []
        self._acceptors: list[Acceptor] = []
        self._sweep = LoopingCall(self._check_all)
        self._sweep.clock = given.reactor
        self._gone: Deferred[None] | None = None

    async def start(self) -> None:
        """Begin to serve."""
        reactor = self._given.reactor
        self.deny.start(self._given.watch)
        identities = IdentityReader(self._child.contexts.client_issuers)
        self._child.contexts.staple.refresh(self._given.clock.now_ms())
        tls = self._tls_parts()
        for name, listener in self._child.listeners.items():
            self._serve(name, listener, identities, tls)
        self._sweep.start(_SWEEP_S, now=False)
        if self._child.lifeline >= 0:
            reactor.addReader(_MasterWatch(self._child.lifeline, self._master_gone))
        self._child.tidings.serves(self._child.number)
        self._log.info("edge_serving", child=self._child.number, pid=os.getpid())

    async def stop(self) -> None:
        """Drain; to be awaited before the reactor ends."""
        await self.drain()

    def troubles(self) -> tuple[str, ...]:
        """Give what keeps this child from being ready, in words of the log; empty when it is ready."""
        if self._drain.draining:
            return ("draining",)
        return ("not_listening",) if not self._acceptors else ()

    def ports(self) -> dict[str, int]:
        """Give the ports this child serves, by entrance."""
        return {name: listener.getsockname()[1] for name, listener in self._child.listeners.items()}

    def drain(self) -> Deferred[None]:
        """Stop accepting, let running requests finish; fires when the last connection is gone."""
        if self._gone is not None:
            return self._gone
        gone: Deferred[None] = Deferred()
        self._gone = gone
        self._drain.draining = True
        if self._child.tidings.succeeded:
            # Whom a successor serves anyhow need not hurry: the last idle connection closes just before the limit.
            self._drain.linger_s = max(self._drain.linger_s, self._child.settings.drain_s - 2 * _SWEEP_S)
        self.deny.stop()
        for acceptor in self._acceptors:
            acceptor.stop()
        for connection in self._connections():
            connection.leave()
        limit = self._given.reactor.callLater(self._child.settings.drain_s, self._cut_all)
        gone.addCallback(lambda _: limit.cancel() if limit.active() else None)
        self._check_all()
        return gone

    def _tls_parts(self) -> TlsParts:
        engine = choose_session(self._child.contexts.by_entrance["site"])
        if engine is not DirectSession:
            self._log.warn("edge_tls_by_public_names", child=self._child.number)
        limits, dropped = self._child.settings.handshake_limits(), self.metrics.dropped_handshakes.inc
        return TlsParts(HandshakeQueue(self._given.reactor, limits, dropped), engine)

    def _serve(self, name: str, listener: socket.socket, identities: IdentityReader, tls: TlsParts) -> None:
        context = self._child.contexts.by_entrance.get(name)
        window = cast("Window", "site" if name == "plain" else name)
        entrance = Entrance(name, window, context, None if window == "site" else identities)
        around = self._around if name != "plain" else replace(self._around, pipeline=self._plain_handler())
        connections = EntranceConnections(entrance, around, tls, self._given.reactor)
        acceptor = Acceptor(self._given.reactor, listener, connections.arrived)
        self._entrances.append(connections)
        self._acceptors.append(acceptor)
        acceptor.start()

    def _plain_handler(self) -> Handler:
        return PlainSite(self._public_site_port()).handle

    def _public_site_port(self) -> int:
        return self._child.settings.public_site_port or self._child.listeners["site"].getsockname()[1]

    def _deny_set(self) -> DenySet:
        settings = self._child.settings
        trust = TrustStore.from_pem([settings.deny_issuers.read_bytes()], [settings.deny_signers.read_bytes()])
        places = DenyPlaces(settings.notices, settings.snapshots, keeper=self._child.number == 0)
        return DenySet(places, trust, clock=self._given.clock, metrics=self.metrics, limit_ms=settings.deny_limit_ms)

    def _surroundings(self) -> Surroundings:
        settings, given = self._child.settings, self._given
        return Surroundings(
            pipeline=given.pipeline,
            body_limit=settings.body_limit(given.takes_files),
            admission=Admission(settings.admission_limits(), given.intrusion),
            deny=self.deny,
            metrics=self.metrics,
            clock=given.clock,
            seconds=given.reactor.seconds,
            request_ids=RequestIds(given.randomness),
            writer=ResponseWriter(given.clock),
            budget=self._budget,
            answers=self._answers,
            pace=settings.pace(),
            grammar=settings.grammar_limits(),
            forms=settings.form_limits(),
            host_names=frozenset(settings.host_names),
            login_paths=frozenset(settings.login_paths),
            site_port=self._public_site_port(),
            drain=self._drain,
            watch=given.intrusion,
            access_log=given.access_log,
        )

    def _connections(self) -> list[EdgeConnection]:
        return [connection for entrance in self._entrances for connection in tuple(entrance.live)]

    def _check_all(self) -> None:
        now_s, now_ms = self._given.reactor.seconds(), self._given.clock.now_ms()
        staple = self._child.contexts.staple
        staple.refresh(now_ms)
        self.metrics.staple_seconds.set(staple.left_s(now_ms))
        for entrance in self._entrances:
            entrance.sweep(now_s)
        self.metrics.body_bytes.set(self._budget.held_bytes)
        self.metrics.answer_bytes.set(self._answers.held_bytes)
        if self._gone is not None and not self._gone.called and not self._connections():
            if self._sweep.running:
                self._sweep.stop()
            self._log.info("edge_drained", child=self._child.number, pid=os.getpid())
            self._gone.callback(None)

    def _cut_all(self) -> None:
        for connection in self._connections():
            connection.abort()

    def _master_gone(self) -> None:
        if not self._drain.draining:
            self._log.warn("edge_master_gone", child=self._child.number, pid=os.getpid())
            with contextlib.suppress(ReactorNotRunning):  # told to stop in this very turn
                self._given.reactor.stop()


@implementer(IReadDescriptor)
class _MasterWatch:
    """Notices that the master is gone: the pipe whose other end it held reads end-of-file."""

    def __init__(self, descriptor: int, on_gone: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_gone = on_gone

    def fileno(self) -> int:
        """The read end of the pipe."""
        return self._descriptor

    def doRead(self) -> Failure | None:
        """End-of-file; nothing is ever written to the pipe."""
        return Failure(EOFError("the master is gone"))

    def connectionLost(self, reason: Failure) -> None:
        """Called after ``doRead``, or instead of it when the reactor sees the hang-up first."""
        self._on_gone()

    def logPrefix(self) -> str:
        """Name in Twisted's own log lines."""
        return "master watch"
