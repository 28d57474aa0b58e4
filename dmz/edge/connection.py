"""One client connection on Twisted's transports: TLS handshake, identity, then a ``Conversation``.

The transport here is Twisted's TLS over memory BIOs; ``wire.Wire`` is the seam at which a leaner one can replace it.

Source: edge research, sections 3 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from OpenSSL import SSL
from twisted.internet.interfaces import (
    IAddress,
    IHandshakeListener,
    IOpenSSLServerConnectionCreator,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from dmz.edge.admittance import Caller
from dmz.edge.client_identity import CertifiedClient, IdentityReader
from dmz.edge.conversation import Conversation
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.surroundings import Surroundings
from dmz.edge.tls_context import peer_certificate, session_resumed
from dmz.messages import Window


@dataclass(frozen=True, slots=True)
class Entrance:
    """One listening port.

    Attributes:
        name: the window, "site" or "plain": in logs and metrics.
        window: what requests through it are for.
        secure: whether it speaks TLS.
        identities: reads client certificates; None where none is asked for.
    """

    name: str
    window: Window
    secure: bool
    identities: IdentityReader | None


@implementer(IHandshakeListener, IPushProducer)
class EdgeProtocol(Protocol):
    """A connection of an entrance.

    Args:
        factory: of this entrance.
        address: the peer's IP address.
    """

    def __init__(self, factory: EdgeFactory, address: str) -> None:
        self._owner = factory
        self._address = address
        self._conversation: Conversation | None = None
        self._client: CertifiedClient | None = None
        self._below: Any = None  # the transport; Twisted's interfaces do not name all of its verbs together
        self._congested = False
        self._deadline = 0.0

    # --- Twisted's side ---

    def connectionMade(self) -> None:
        """Begin; on a plain port the conversation starts at once, on TLS after the handshake."""
        around = self._owner.around
        self._below = self.transport
        self._deadline = around.seconds() + around.pace.handshake_s
        self._owner.live.add(self)
        around.metrics.connections.inc()
        self._below.registerProducer(self, True)
        if not self._owner.entrance.secure:
            self._begin(Caller(self._owner.entrance.window, self._owner.entrance.name, self._address, secure=False))

    def handshakeCompleted(self) -> None:  # noqa: N802
        """The TLS handshake is done: read the certificate, and begin."""
        handle = cast("SSL.Connection", self._below.getHandle())
        resumed = session_resumed(handle)
        around = self._owner.around
        (around.metrics.resumed_handshakes if resumed else around.metrics.full_handshakes).inc()
        refusal: Reason | None = None
        try:
            self._client = self._identify(handle)
        except RefusalError as error:
            refusal = error.reason
        name = handle.get_servername()
        self._begin(
            Caller(
                self._owner.entrance.window,
                self._owner.entrance.name,
                self._address,
                secure=True,
                client=self._client,
                refusal=refusal,
                resumed=resumed,
                server_name=None if name is None else name.decode("ascii", "replace").lower(),
            )
        )

    def dataReceived(self, data: bytes) -> None:
        """Pass decrypted bytes on."""
        if self._conversation is not None:
            self._conversation.received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give back everything this connection counted for."""
        owner, around = self._owner, self._owner.around
        owner.live.discard(self)
        around.metrics.connections.dec()
        around.admission.close(self._address)
        if self._conversation is None:
            around.metrics.failed_handshakes.inc()
        else:
            self._conversation.lost()
        if self._client is not None:
            around.admission.drop_certificate(self._client.identity.fingerprint)
            around.deny.detach(self._client.identity.serial, self)

    def pauseProducing(self) -> None:
        """The transport holds enough unsent bytes."""
        self._congested = True

    def resumeProducing(self) -> None:
        """The transport has passed everything on."""
        self._congested = False
        if self._conversation is not None:
            self._conversation.drained()

    def stopProducing(self) -> None:
        """The transport takes no more; ``connectionLost`` follows."""

    # --- dmz.edge.wire.Wire, for the conversation ---

    @property
    def congested(self) -> bool:
        """Whether unsent bytes wait in the transport."""
        return self._congested

    def write(self, parts: list[bytes]) -> None:
        """Send bytes."""
        self._below.writeSequence(parts)

    def pause(self) -> None:
        """Read no more for now."""
        self._below.pauseProducing()

    def resume(self) -> None:
        """Read again."""
        self._below.resumeProducing()

    def close(self) -> None:
        """Close when everything written has been passed on."""
        self._below.unregisterProducer()
        self._below.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        self._below.abortConnection()

    # --- the listener's side ---

    def cut(self, reason: Reason) -> None:
        """End the connection at once: its certificate has been revoked."""
        if self._conversation is not None:
            self._conversation.cut(reason)

    def check(self, now_s: float) -> None:
        """Enforce deadlines."""
        if self._conversation is not None:
            self._conversation.check(now_s)
        elif now_s >= self._deadline:
            self._below.abortConnection()

    def leave(self) -> None:
        """The process drains; a handshake under way may end, and one request follow it."""
        if self._conversation is not None:
            self._conversation.leave()

    def _identify(self, handle: SSL.Connection) -> CertifiedClient | None:
        """Read who the client is, and count its connection.

        Raises:
            RefusalError: the certificate is refused; the first request will be answered with that.
        """
        identities = self._owner.entrance.identities
        certificate = None if identities is None else peer_certificate(handle)
        if identities is None or certificate is None:
            return None
        around = self._owner.around
        client = identities.read(certificate, window=self._owner.entrance.window, now_ms=around.clock.now_ms())
        if not around.admission.hold_certificate(client.identity.fingerprint):
            raise RefusalError(Reason.CERTIFICATE_CONNECTIONS)
        around.deny.attach(client.identity.serial, self)
        return client

    def _begin(self, caller: Caller) -> None:
        self._conversation = Conversation(self, caller, self._owner.around)


class EdgeFactory(Factory):
    """Makes the connections of one entrance; turns away what is over a limit before any TLS work.

    Args:
        entrance: the port's meaning.
        around: shared by all entrances of the process.
    """

    noisy = False

    def __init__(self, entrance: Entrance, around: Surroundings) -> None:
        self.entrance = entrance
        self.around = around
        self.live: set[EdgeProtocol] = set()

    def buildProtocol(self, addr: IAddress | None) -> EdgeProtocol | None:
        """Let a connection in, or close it at once."""
        address = str(getattr(addr, "host", ""))
        limit = self.around.admission.open(address, self.around.seconds())
        if limit is not None:
            self.around.metrics.turned_away(limit)
            return None
        return EdgeProtocol(self, address)

    def sweep(self, now_s: float) -> None:
        """Enforce the deadlines of all connections."""
        for connection in tuple(self.live):
            connection.check(now_s)


@implementer(IOpenSSLServerConnectionCreator)
class _ServerSide:
    """Makes the server side of each new TLS connection."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: N802
        """Make a connection over memory BIOs."""
        return SSL.Connection(self._context, None)


class EdgeTlsFactory(TLSMemoryBIOFactory):
    """TLS over the connections of an ``EdgeFactory``; answers go out in one piece, so nothing is aggregated.

    Args:
        context: of this kind of port.
        inner: the entrance's factory.
        reactor: for Twisted's clock.
    """

    protocol = TLSMemoryBIOProtocol

    def __init__(self, context: SSL.Context, inner: EdgeFactory, reactor: IReactorTime) -> None:
        super().__init__(_ServerSide(context), False, inner, reactor)
        self._inner = inner

    def buildProtocol(self, addr: IAddress | None) -> TLSMemoryBIOProtocol | None:  # type: ignore[override]
        """Wrap a connection that is let in."""
        inner = self._inner.buildProtocol(addr)
        return None if inner is None else self.protocol(self, inner)
