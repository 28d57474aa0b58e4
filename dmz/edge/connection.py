"""One client connection: let in, shaken hands with, identified; then a ``Conversation`` on a ``SocketWire``.

::

    accepted ──admission, handshake budget──▶ Handshake ──done──▶ SocketWire with a Conversation
                   └─ over a limit: closed      └─ failed: the alert is sent, SocketWire lingers

Source: edge research, sections 3 and 5.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any, Final

from OpenSSL import SSL
from twisted.logger import Logger

from dmz.edge.caller import Caller
from dmz.edge.client_identity import CertifiedClient, IdentityReader
from dmz.edge.conversation import Conversation
from dmz.edge.handshakes import Handshake, HandshakeQueue, session_maker
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.socket_wire import SocketWire
from dmz.edge.surroundings import Surroundings
from dmz.edge.tls_context import peer_certificate, session_resumed
from dmz.edge.tls_engine import SessionMaker, TlsSession
from dmz.messages import Window

#: How long a client may take to go after its handshake has failed.
_FAILED_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Entrance:
    """One listening port.

    Attributes:
        name: the window, "site" or "plain": in logs and metrics.
        window: what requests through it are for.
        context: TLS of the port; None in clear.
        identities: reads client certificates; None where none is asked for.
    """

    name: str
    window: Window
    context: SSL.Context | None
    identities: IdentityReader | None


@dataclass(frozen=True, slots=True)
class TlsParts:
    """What the TLS connections of a process share.

    Attributes:
        handshakes: gives turns, and bounds them.
        engine: makes sessions.
    """

    handshakes: HandshakeQueue
    engine: SessionMaker


class EdgeConnection:
    """A connection of an entrance.

    Args:
        owner: the entrance's connections.
        descriptor: the accepted socket, not blocking; owned from now on.
        address: the peer's IP address.
    """

    __slots__ = (
        "_address",
        "_client",
        "_conversation",
        "_deadline",
        "_descriptor",
        "_handshake",
        "_owner",
        "_wire",
    )

    def __init__(self, owner: EntranceConnections, descriptor: socket.socket, address: str) -> None:
        self._owner = owner
        self._address = address
        self._descriptor = descriptor
        self._conversation: Conversation | None = None
        self._client: CertifiedClient | None = None
        self._handshake: Handshake | None = None
        self._wire: SocketWire | None = None
        self._deadline = owner.around.seconds() + owner.around.pace.handshake_s

    def begin(self) -> None:
        """Begin; in clear the conversation starts at once, with TLS after the handshake."""
        owner = self._owner
        entrance, tls = owner.entrance, owner.tls
        if entrance.context is None:
            caller = Caller(entrance.window, entrance.name, self._address, secure=False)
            self._converse(caller, SocketWire(owner.reactor, self._descriptor, self))
            return
        self._handshake = Handshake(
            tls.handshakes,
            self._descriptor,
            session_maker(tls.engine, entrance.context, self._descriptor),
            self._address,
            self,
        )
        self._handshake.start()

    # --- dmz.edge.socket_wire.WireUser ------------------------------------------

    def received(self, data: bytes) -> None:
        """Pass decrypted bytes on."""
        if self._conversation is not None:
            self._conversation.received(data)

    def input_ended(self) -> None:
        """The client sends no more."""
        if self._conversation is not None:
            self._conversation.input_ended()

    def drained(self) -> None:
        """All that was written is passed on."""
        if self._conversation is not None:
            self._conversation.drained()

    def lost(self) -> None:
        """Give back everything this connection counted for."""
        owner, around = self._owner, self._owner.around
        owner.live.discard(self)
        around.metrics.open_connections -= 1
        around.admission.close(self._address)
        if self._conversation is not None:
            self._conversation.lost()
        if self._client is not None:
            around.admission.drop_certificate(self._client.identity.fingerprint)
            around.deny.detach(self._client.identity.serial, self)

    # --- dmz.edge.handshakes.HandshakeUser ---------------------------------------

    def shaken(self, session: TlsSession) -> None:
        """The TLS handshake is done: read the certificate, and begin."""
        self._leave_handshake()
        around, entrance = self._owner.around, self._owner.entrance
        connection = session.connection
        resumed = session_resumed(connection)
        (around.metrics.resumed_handshakes if resumed else around.metrics.full_handshakes).inc()
        refusal: Reason | None = None
        try:
            self._client = self._identify(connection)
        except RefusalError as error:
            refusal = error.reason
        name = connection.get_servername()
        caller = Caller(
            entrance.window,
            entrance.name,
            self._address,
            secure=True,
            client=self._client,
            refusal=refusal,
            resumed=resumed,
            server_name=None if name is None else name.decode("ascii", "replace").lower(),
        )
        self._converse(caller, SocketWire(self._owner.reactor, self._descriptor, self, session))

    def unshaken(self) -> None:
        """No handshake: let the client read the alert, then close."""
        self._leave_handshake()
        around = self._owner.around
        around.metrics.failed_handshakes.inc()
        self._deadline = around.seconds() + _FAILED_S
        self._wire = SocketWire(self._owner.reactor, self._descriptor, self)
        self._wire.close()

    def dropped(self) -> None:
        """The handshake made room for another: the socket is closed at once."""
        self._leave_handshake()
        self._wire = SocketWire(self._owner.reactor, self._descriptor, self)
        self._wire.abort()

    # --- the listener's side ----------------------------------------------------

    def cut(self, reason: Reason) -> None:
        """End the connection at once: its certificate has been revoked."""
        if self._conversation is not None:
            self._conversation.cut(reason)

    def check(self, now_s: float) -> None:
        """Enforce deadlines."""
        if self._conversation is not None:
            self._conversation.check(now_s)
        elif now_s >= self._deadline:
            self.abort()

    def leave(self) -> None:
        """The process drains; a handshake under way may end, and one request follow it."""
        if self._conversation is not None:
            self._conversation.leave()

    def abort(self) -> None:
        """Close at once."""
        if self._handshake is not None:
            self._handshake.stop()
            self.unshaken()
        if self._wire is not None:
            self._wire.abort()

    # --- inside -----------------------------------------------------------------

    def _leave_handshake(self) -> None:
        self._handshake = None
        self._owner.tls.handshakes.leave(self._address)

    def _identify(self, connection: SSL.Connection) -> CertifiedClient | None:
        """Read who the client is, and count its connection.

        Raises:
            RefusalError: the certificate is refused; the first request will be answered with that.
        """
        identities = self._owner.entrance.identities
        certificate = None if identities is None else peer_certificate(connection)
        if identities is None or certificate is None:
            return None
        around = self._owner.around
        client = identities.read_der(certificate, window=self._owner.entrance.window, now_ms=around.clock.now_ms())
        if not around.admission.hold_certificate(client.identity.fingerprint):
            raise RefusalError(Reason.CERTIFICATE_CONNECTIONS)
        around.deny.attach(client.identity.serial, self)
        return client

    def _converse(self, caller: Caller, wire: SocketWire) -> None:
        self._wire = wire
        self._conversation = Conversation(wire, caller, self._owner.around)
        wire.start()


class EntranceConnections:
    """The connections of one entrance; turns away what is over a limit before any TLS work.

    Args:
        entrance: the port's meaning.
        around: shared by all entrances of the process.
        tls: shared by all entrances of the process.
        reactor: descriptors and ``callLater``.
    """

    _log = Logger()

    def __init__(self, entrance: Entrance, around: Surroundings, tls: TlsParts, reactor: Any) -> None:
        self.entrance = entrance
        self.around = around
        self.tls = tls
        self.reactor = reactor
        self.live: set[EdgeConnection] = set()

    def arrived(self, descriptor: socket.socket, address: str) -> None:
        """Let a connection in, or close it at once."""
        limit = self._let_in(address)
        if limit is not None:
            self.around.metrics.turned_away(limit)
            descriptor.close()
            return
        connection = EdgeConnection(self, descriptor, address)
        self.live.add(connection)
        self.around.metrics.open_connections += 1
        connection.begin()

    def sweep(self, now_s: float) -> None:
        """Enforce the deadlines of all connections."""
        for connection in tuple(self.live):
            try:
                connection.check(now_s)
            except Exception:  # noqa: BLE001 - left to the timer it would end everybody else's deadlines
                self._log.failure("edge_deadline_failed")
                connection.abort()

    def _let_in(self, address: str) -> str | None:
        around = self.around
        limit = around.admission.open(address, around.seconds())
        if limit is None and self.entrance.context is not None:
            limit = self.tls.handshakes.enter(address)
            if limit is not None:
                around.admission.close(address)
        return limit
