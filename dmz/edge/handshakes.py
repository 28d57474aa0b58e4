"""TLS handshakes under way: each waits for its turn, so that a storm of them does not hold up those who are in.

A step of a handshake costs half a millisecond to two; a request costs a hundredth of that. So a turn of the reactor
takes at most one step, and between two steps every established connection that has work is served. How many
handshakes may be under way is bounded for the process and for one address: each holds memory before anybody knows
who it is. The deadline of a handshake is its connection's.

Source: edge research, section 1 (p99 of requests in a storm of 128: 5.6 ms, against 85 without) and 5.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IReadWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from dmz.edge.addresses import address_subject
from dmz.edge.connection_limits import CountTable
from dmz.edge.tls_engine import SessionMaker, Stop, TlsSession


@dataclass(frozen=True, slots=True)
class HandshakeLimits:
    """How many handshakes may be under way in one process, and for one address."""

    total: int = 512
    per_address: int = 64


class HandshakeQueue:
    """Whose turn it is.

    Args:
        reactor: descriptors and ``callLater``.
        limits: of this process.
    """

    def __init__(self, reactor: Any, limits: HandshakeLimits) -> None:
        self.reactor = reactor
        self.open = 0
        self._limits = limits
        self._by_address: CountTable[str] = CountTable(limits.per_address)
        self._ready: deque[Handshake] = deque()
        self._taken = False

    def enter(self, address: str) -> str | None:
        """Count a handshake that begins.

        Returns:
            None when it may (then ``leave`` must follow once), else the word for what is used up.
        """
        if self.open >= self._limits.total:
            return "handshakes"
        if not self._by_address.enter(address_subject(address)):
            return "address_handshakes"
        self.open += 1
        return None

    def leave(self, address: str) -> None:
        """A handshake is over, one way or the other."""
        self.open -= 1
        self._by_address.leave(address_subject(address))

    def take_turn(self, handshake: Handshake) -> bool:
        """Tell whether a handshake may take its step now; if not, its turn will come."""
        if self._taken:
            self._ready.append(handshake)
            return False
        self._taken = True
        self.reactor.callLater(0, self._next)
        return True

    def _next(self) -> None:
        """Once a turn of the reactor: let the next one go that still is there."""
        while self._ready:
            handshake = self._ready.popleft()
            if handshake.fileno() >= 0:
                self.reactor.callLater(0, self._next)  # first of all: a step that fails must not hold up the others
                handshake.step()
                return
        self._taken = False


@implementer(IReadWriteDescriptor)
class Handshake:
    """One connection's handshake.

    Args:
        queue: gives turns.
        descriptor: the accepted socket, not blocking; whoever gets ``on_done`` or ``on_failed`` owns it.
        make_session: makes the TLS session, when the client's first bytes are there.
        on_done: called with the session.
        on_failed: called when the peer is gone or there is no agreement; the alert has been sent.
    """

    __slots__ = (
        "_descriptor",
        "_fileno",
        "_on_done",
        "_on_failed",
        "_queue",
        "_session",
        "make_session",
    )

    def __init__(
        self,
        queue: HandshakeQueue,
        descriptor: socket.socket,
        make_session: Callable[[], TlsSession],
        *,
        on_done: Callable[[TlsSession], None],
        on_failed: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._descriptor = descriptor
        self._fileno = descriptor.fileno()
        self._session: TlsSession | None = None
        self._on_done = on_done
        self._on_failed = on_failed
        self.make_session = make_session

    def start(self) -> None:
        """Wait for the client's first bytes."""
        self._queue.reactor.addReader(self)

    def stop(self) -> None:
        """Forget the handshake; neither callback follows."""
        if self._fileno >= 0:
            self._unwatch()
            self._fileno = -1

    # --- the reactor's side ------------------------------------------------------

    def fileno(self) -> int:
        """The socket's number; -1 when this is over."""
        return self._fileno

    def logPrefix(self) -> str:
        """Name in Twisted's own log lines."""
        return "edge handshake"

    def doRead(self) -> None:
        """The socket is readable."""
        self._ready()

    def doWrite(self) -> None:
        """The socket has room."""
        self._ready()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor saw a hang-up, or ends."""
        self._fail()

    def _ready(self) -> None:
        if self._queue.take_turn(self):
            self.step()
        else:
            self._unwatch()  # it would be told of the same bytes in every turn

    def _unwatch(self) -> None:
        self._queue.reactor.removeReader(self)
        self._queue.reactor.removeWriter(self)

    def step(self) -> None:
        """Go on; the queue has given a turn."""
        session = self._session
        if session is None:
            session = self._session = self.make_session()
        result = session.handshake()
        reactor = self._queue.reactor
        if result is Stop.WANT_READ:
            reactor.removeWriter(self)
            reactor.addReader(self)
        elif result is Stop.WANT_WRITE:
            reactor.removeReader(self)
            reactor.addWriter(self)
        elif result is None:
            self.stop()
            self._on_done(session)
        else:
            self._fail()

    def _fail(self) -> None:
        if self._fileno >= 0:
            self.stop()
            self._on_failed()


def session_maker(engine: SessionMaker, context: SSL.Context, descriptor: socket.socket) -> Callable[[], TlsSession]:
    """Give what makes the session of one connection."""
    return lambda: engine(context, descriptor)
