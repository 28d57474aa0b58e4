"""The server's end of one connection on a reactor of its own, and a client's end that a test drives step by step."""

from __future__ import annotations

import contextlib
import socket
import time
from types import SimpleNamespace
from typing import Any

from OpenSSL import SSL

from dmz.edge.handshakes import Handshake, HandshakeLimits, HandshakeQueue
from dmz.edge.socket_wire import SocketWire
from dmz.edge.tls_context import ServerCredentials, TlsPolicy, site_context
from dmz.edge.tls_engine import DirectSession
from ops.runtime.lean_reactor import LeanReactor
from tests.support.test_ca import HallAuthority

_SERVER = HallAuthority().server()
RESET = "reset"


def server_context(**policy) -> SSL.Context:
    """A fresh context of the site."""
    return site_context(ServerCredentials(_SERVER.key_pem, _SERVER.chain_pem), TlsPolicy(**policy))


class Recorder:
    """A wire's user that writes down what it is told; with ``echo`` it sends everything back."""

    def __init__(self, *, echo: bool = False):
        self.wire: Any = None
        self.received: Any = self.take
        self.data = bytearray()
        self.events: list[str] = []
        self.largest = 0
        self._echo = echo
        self.inside = False

    def take(self, data):
        """What the wire has read."""
        self.inside = True
        assert self.events[-1:] != ["lost"]
        self.data += data
        self.largest = max(self.largest, len(data))
        if self._echo:
            self.wire.write([data[:1], data[1:]])
            if self.wire.congested:
                self.wire.pause()
        self.inside = False

    def input_ended(self):
        self.events.append("ended")

    def drained(self):
        self.events.append("drained")
        if self._echo:
            self.wire.resume()

    def lost(self):
        assert not self.inside
        self.events.append("lost")


class Pair:
    """A connection over a socket pair.

    Args:
        secure: TLS or in clear.
        engine: of the server's session.
        most: bytes of the server's reads.
        buffer: bytes of the sockets' buffers; 0: the system's.
        echo: whether the server sends back what it gets.

    Attributes:
        keys: lines of the client's key log.
    """

    def __init__(self, *, secure=True, engine=DirectSession, most=16_384, buffer=0, echo=False, tls12=False):
        self.reactor = LeanReactor()
        ours, self.peer = socket.socketpair()
        for end in (ours, self.peer):
            end.setblocking(False)
            if buffer:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        self.user = Recorder(echo=echo)
        self.keys: list[bytes] = []
        self.client: SSL.Connection | socket.socket = self.peer
        if secure:
            context = client_context(tls12=tls12)
            context.set_keylog_callback(lambda _, line: self.keys.append(line))
            self.client = SSL.Connection(context, self.peer)
            self.client.set_connect_state()
            self._shake(ours, engine, most)
        else:
            self._start(SocketWire(self.reactor, ours, self.user))
        self.wire = self.user.wire

    def _shake(self, ours, engine, most):
        context = server_context()
        queue = HandshakeQueue(self.reactor, HandshakeLimits())
        done: list[SocketWire] = []
        user = SimpleNamespace(
            shaken=lambda session: done.append(SocketWire(self.reactor, ours, self.user, session)),
            unshaken=lambda: self.user.events.append("failed"),
        )
        handshake = Handshake(queue, ours, lambda: engine(context, ours, most), "192.0.2.1", user)
        handshake.start()
        while not done:
            with contextlib.suppress(SSL.WantReadError):
                self.client.do_handshake()
            self.turn()
        with contextlib.suppress(SSL.WantReadError):
            self.client.do_handshake()
        self._start(done[0])

    def _start(self, wire):
        self.user.wire = wire
        wire.start()

    def turn(self, times=1):
        """Let the server's reactor go round."""
        for _ in range(times):
            self.reactor.iterate(0)

    def until(self, condition, seconds=10.0):
        """Let the server go round until something holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.user.events, len(self.user.data))
            self.turn()

    def send(self, data: bytes) -> int:
        """Send what goes now; gives how much went."""
        with contextlib.suppress(SSL.WantWriteError, SSL.WantReadError, BlockingIOError):
            return self.client.send(data)
        return 0

    def take(self, most=65_536) -> Any:
        """What the client gets now: bytes, b"" at the end, RESET, or None when nothing is there."""
        try:
            return self.client.recv(most)
        except (SSL.WantReadError, BlockingIOError):
            return None
        except SSL.ZeroReturnError:
            return b""
        except (SSL.SysCallError, ConnectionResetError):
            return RESET

    def close(self):
        """Leave nothing open."""
        self.wire.abort()
        self.turn(2)
        self.peer.close()
        for reader in self.reactor.removeAll():
            reader.connectionLost(None)


def client_context(*, tls12: bool = False) -> SSL.Context:
    """A client that trusts everybody."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    if tls12:
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
    return context
