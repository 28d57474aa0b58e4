"""TLS clients on one epoll loop: connections that never block, and what drives them.

Python's own ``ssl`` is used, with X25519 for every candidate; what a client costs is spent on the core of the load and
stands in no figure.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from perf.edge_bench.pki import HOST

_READ_BYTES: Final = 65_536
_CONNECT_S: Final = 5.0
#: An epoll wait is no finer; what is due sooner is waited for by looking again and again.
_FINEST_S: Final = 0.001
_LONGEST_S: Final = 0.05
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


def client_context(authority: Path, certificate: Path | None) -> ssl.SSLContext:
    """Make the TLS settings of a client; with a certificate unless it is None."""
    context = ssl.create_default_context(cafile=str(authority))
    if certificate is not None:
        context.load_cert_chain(str(certificate))
    context.set_ecdh_curve("X25519")
    return context


class Owner(Protocol):
    """Who a connection tells."""

    def secured(self, connection: Connection) -> None:
        """The handshake is done, the server's ticket has come; the connection may send."""

    def answered(self, connection: Connection, status: int, *, closing: bool) -> None:
        """An answer is complete; ``closing``: no further request may follow."""

    def lost(self, connection: Connection) -> None:
        """The connection is gone; ``connection.waiting`` tells whether an answer was due."""


class Loop:
    """The one loop: sockets, and things that are due."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        #: Called in every turn with the time; gives when it wants to be called next.
        self.ticks: list[Callable[[float], float]] = []

    def add(self, connection: Connection, number: int) -> None:
        """Watch a connection; the first thing it does is to write."""
        self._connections[number] = connection
        self._epoll.register(number, select.EPOLLOUT)

    def wants(self, number: int, *, writing: bool) -> None:
        """Watch for room to write instead of bytes to read, or back."""
        self._epoll.modify(number, select.EPOLLOUT if writing else select.EPOLLIN)

    def remove(self, number: int) -> None:
        """Watch a connection no longer."""
        if self._connections.pop(number, None) is not None:
            self._epoll.unregister(number)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> float:
        """Run for so long, or until something holds; gives the seconds it took."""
        began = now = time.perf_counter()
        end = began + seconds
        while now < end and not until():
            due = min((tick(now) for tick in self.ticks), default=end)
            wait = min(due, end) - now
            for number, _ in self._epoll.poll(0 if wait < _FINEST_S else min(wait, _LONGEST_S)):
                connection = self._connections.get(number)
                if connection is not None:
                    connection.ready()
            now = time.perf_counter()
        return now - began

    def close(self) -> None:
        """Drop every connection."""
        for connection in list(self._connections.values()):
            connection.close()
        self._epoll.close()


class Connection:
    """One client connection.

    Args:
        loop: watches it.
        owner: is told.
        port: of a server on 127.0.0.1.
        context: of this client.
        session: to resume, or None.
    """

    def __init__(
        self, loop: Loop, owner: Owner, port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None
    ) -> None:
        self._loop = loop
        self._owner = owner
        raw = socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setblocking(False)
        self.socket = context.wrap_socket(raw, server_hostname=HOST, do_handshake_on_connect=False, session=session)
        self._number = self.socket.fileno()
        self._shaken = False
        self._secured = False
        self._unsent = memoryview(b"")
        self._writing = True
        self._closed = False
        self._answer = b""
        self._whole = 0
        self.waiting = False
        self.sent_at = 0.0
        loop.add(self, self._number)

    def send(self, request: bytes) -> None:
        """Send a request; its answer is told to the owner."""
        self.waiting = True
        self._unsent = memoryview(request)
        self._send()

    def ready(self) -> None:
        """Bytes, or room for bytes."""
        try:
            if not self._shaken:
                self.socket.do_handshake()
                self._shaken = True
            if self._unsent:
                self._send()
            self._receive()
        except ssl.SSLWantReadError:
            if not self._closed:
                self._watch(writing=bool(self._unsent))
        except ssl.SSLWantWriteError:
            self._watch(writing=True)
        except OSError:
            self.close()
            self._owner.lost(self)

    def close(self) -> None:
        """Close without a word."""
        self._closed = True
        self._loop.remove(self._number)
        with contextlib.suppress(OSError):
            self.socket.close()

    def _watch(self, *, writing: bool) -> None:
        if writing is not self._writing:
            self._writing = writing
            self._loop.wants(self._number, writing=writing)

    def _send(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except ssl.SSLWantWriteError:
            pass
        except OSError:
            self._unsent = memoryview(b"")  # what the server said before it left, or that it left, is read next
        self._watch(writing=bool(self._unsent))

    def _receive(self) -> None:
        try:
            data = self.socket.recv(_READ_BYTES)  # one record; what is left keeps the socket readable
        except ssl.SSLWantReadError:
            if not self._secured:
                self._look_for_ticket()
            raise
        if not data:
            raise ConnectionResetError
        self._take(data)

    def _look_for_ticket(self) -> None:
        session = self.socket.session
        if session is not None and (session.has_ticket or self.socket.version() != "TLSv1.3"):
            self._secured = True
            self._owner.secured(self)

    def _take(self, data: bytes) -> None:
        self._answer = answer = self._answer + data if self._answer else data
        if not self._whole:
            end = answer.find(b"\r\n\r\n")
            if end < 0:
                return
            match = _LENGTH.search(answer, 0, end)
            self._whole = end + 4 + (int(match[1]) if match else 0)
        if len(answer) < self._whole:
            return
        status, closing = int(answer[9:12]), _CLOSE.search(answer, 0, self._whole) is not None
        self._answer, self._whole, self.waiting = b"", 0, False
        self._unsent = memoryview(b"")
        self._owner.answered(self, status, closing=closing)


class ClosedLoop:
    """So many connections, each of which sends its next request when the last is answered.

    Args:
        loop: runs it.
        port: of the server.
        contexts: of the clients, in turn.
        requests: sent in turn.
        connections: how many.
    """

    def __init__(
        self, loop: Loop, port: int, contexts: list[ssl.SSLContext], requests: list[bytes], connections: int
    ) -> None:
        self._loop, self._port = loop, port
        self._contexts, self._requests = contexts, requests
        self._turn = 0
        self.statuses: dict[int, int] = {}
        self.failed = 0
        self.going = True
        for number in range(connections):
            self._open(number)

    @property
    def count(self) -> int:
        """Answers so far."""
        return sum(self.statuses.values())

    def secured(self, connection: Connection) -> None:
        """Send the first request."""
        self._next(connection)

    def answered(self, connection: Connection, status: int, *, closing: bool) -> None:
        """Count, and send the next."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if closing:
            connection.close()
            self._open(self._turn)
        else:
            self._next(connection)

    def lost(self, connection: Connection) -> None:
        """A connection that went while an answer was due has failed its request; another takes its place."""
        self.failed += connection.waiting
        if self.going:
            self._open(self._turn)

    def _next(self, connection: Connection) -> None:
        if self.going:
            self._turn += 1
            connection.send(self._requests[self._turn % len(self._requests)])

    def _open(self, number: int) -> None:
        try:
            Connection(self._loop, self, self._port, self._contexts[number % len(self._contexts)])
        except OSError:
            self.failed += 1


class OpenLoop:
    """Requests at a fixed rate, whatever the answers do; an answer's time counts from when its request was due.

    Args:
        loop: runs it.
        port: of the server.
        contexts: of the clients, in turn.
        requests: sent in turn.
        connections: kept open; when all wait for an answer, requests queue.
    """

    def __init__(
        self, loop: Loop, port: int, contexts: list[ssl.SSLContext], requests: list[bytes], connections: int
    ) -> None:
        self._loop, self._port = loop, port
        self._contexts, self._requests = contexts, requests
        self._idle: list[Connection] = []
        self._step = 0.0
        self._due = 0.0
        self._turn = 0
        self.taken: list[float] = []
        self.failed = 0
        self.refused = 0
        for number in range(connections):
            Connection(loop, self, port, contexts[number % len(contexts)])
        loop.run(20.0, until=lambda: len(self._idle) >= connections)

    def start(self, rate: float) -> None:
        """Begin to send so many requests a second."""
        self._step = 1 / rate
        self._due = time.perf_counter()
        self._loop.ticks.append(self._tick)

    def secured(self, connection: Connection) -> None:
        """One more connection to send on."""
        self._idle.append(connection)

    def answered(self, connection: Connection, status: int, *, closing: bool) -> None:
        """Note how long it took."""
        self.taken.append(time.perf_counter() - connection.sent_at)
        self.refused += status != 200
        if closing:
            connection.close()
            self._again()
        else:
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """A request that got no answer has failed."""
        self.failed += connection.waiting
        if connection in self._idle:
            self._idle.remove(connection)
        self._again()

    def _again(self) -> None:
        self._turn += 1
        try:
            Connection(self._loop, self, self._port, self._contexts[self._turn % len(self._contexts)])
        except OSError:
            self.failed += 1

    def _tick(self, now: float) -> float:
        while self._due <= now and self._idle:
            connection = self._idle.pop(0)
            connection.sent_at = self._due
            self._turn += 1
            self._due += self._step
            connection.send(self._requests[self._turn % len(self._requests)])
        return max(self._due, now + _FINEST_S) if not self._idle else self._due


Client = tuple[ssl.SSLContext, ssl.SSLSession | None]


class Handshakes:
    """Connections that are made, secured and dropped, so many at a time.

    Args:
        loop: runs it.
        port: of the server.
        clients: TLS settings and the session to resume (None: a full handshake), in turn.
        width: under way at once.
    """

    def __init__(self, loop: Loop, port: int, clients: list[Client], *, width: int) -> None:
        self._loop, self._port, self._clients = loop, port, clients
        self._turn = 0
        self.count = 0
        self.reused = 0
        self.failed = 0
        self.going = True
        #: Sessions of the first handshakes, one for each client.
        self.taken: list[Client] = []
        for _ in range(width):
            self._open()

    def secured(self, connection: Connection) -> None:
        """Count it, drop it, make the next."""
        self.count += 1
        self.reused += bool(connection.socket.session_reused)
        if len(self.taken) < len(self._clients):
            self.taken.append((connection.socket.context, connection.socket.session))
        connection.close()
        self._open()

    def answered(self, connection: Connection, status: int, *, closing: bool) -> None:
        """Nothing is asked."""

    def lost(self, _connection: Connection) -> None:
        """The server hung up during the handshake."""
        self.failed += 1
        self._open()

    def _open(self) -> None:
        if not self.going:
            return
        self._turn += 1
        context, session = self._clients[self._turn % len(self._clients)]
        try:
            Connection(self._loop, self, self._port, context, session)
        except OSError:
            self.failed += 1
