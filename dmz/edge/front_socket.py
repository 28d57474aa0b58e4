"""A second way to a worker: plain HTTP/1.1 on a Unix socket, from a front such as nginx or HAProxy. Off by default.

The front has made the TLS connection, verified the client's certificate and its revocation, and says so in three fields
that it sets on every request, over whatever a client has sent under these names::

    X-Front-Window        unit, community, person or site
    X-Front-Address       the client's IP address
    X-Front-Certificate   the client's certificate: PEM percent-encoded (nginx) or DER in Base64 (HAProxy)

Who may open the socket is believed, so that is the front alone (``socket_mode`` and the group). Everything else is as
at an edge: the same grammar and limits, the same pages for refusals, the same ``HallRequest``; window, purpose and
validity of the certificate are checked again for every request. What the edge does besides (firewall, deny list,
intrusion watch, limits of addresses, choice among workers) is the front's business here.

Source: DESIGN, "The edge in one paragraph"; ngx_http_ssl_module ($ssl_client_escaped_cert), HAProxy (ssl_c_der).
"""

from __future__ import annotations

import binascii
import ipaddress
import socket
from base64 import b64decode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast, get_args
from urllib.parse import unquote

from cryptography import x509
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from zope.interface import implementer

from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.caller import Caller
from dmz.edge.client_identity import IdentityReader
from dmz.edge.connection_limits import Admission, AdmissionLimits, Rate
from dmz.edge.conversation import Conversation
from dmz.edge.deny_set import NoDenials
from dmz.edge.http_fields import RequestHead
from dmz.edge.http_response import ResponseWriter
from dmz.edge.metrics import EdgeMetrics
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.request_ids import RequestIds
from dmz.edge.surroundings import Surroundings, TakesFiles, body_limit
from dmz.messages import Handler, Window
from dmz.switch.unix_acceptor import UnixAcceptor, bind_unix
from wire_formats.collaborators import Clock, Randomness
from wire_formats.settings_reader import number

WINDOW_FIELD: Final = "x-front-window"
ADDRESS_FIELD: Final = "x-front-address"
CERTIFICATE_FIELD: Final = "x-front-certificate"

_WINDOWS: Final = frozenset(get_args(Window))
_PEM_BEGINS: Final = "-----BEGIN CERTIFICATE-----"
_SWEEP_S: Final = 0.25
_MIB: Final = 1024 * 1024
#: A front stands for everybody: its own limits hold.
_NO_RATE: Final = Rate(per_second=1e9, burst=1_000_000_000)


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """The ``[front]`` table of a worker; without it there is no such socket.

    Attributes:
        http_socket: the Unix socket; only the front may be able to open it.
        client_issuers: PEM root and issuing CAs of client certificates.
        socket_mode: permissions of the socket file.
        connections: open at once.
        memory_mib: bodies that come in, and again answers that go out, together.
    """

    http_socket: Path
    client_issuers: Path
    socket_mode: int = number(0o660, least=0, most=0o777)
    connections: int = number(256, least=1, most=4_096)
    memory_mib: int = number(64, least=16, most=1_024)


@dataclass(frozen=True, slots=True)
class FrontParts:
    """What a front socket works with.

    Attributes:
        reactor: for the socket and timers.
        clock: wall clock.
        randomness: for request numbers.
        registry: of this process's metrics.
        handler: the worker's own.
        takes_files: whether a form at this window and path has a place for a file.
    """

    reactor: Any
    clock: Clock
    randomness: Randomness
    registry: CollectorRegistry
    handler: Handler
    takes_files: TakesFiles


class FrontSocket:
    """Serves a handler to a front.

    Args:
        settings: of the socket.
        parts: collaborators.
    """

    def __init__(self, settings: FrontSettings, parts: FrontParts) -> None:
        self._settings = settings
        self._parts = parts
        issuers = x509.load_pem_x509_certificates(settings.client_issuers.read_bytes())
        self._factory = _FrontFactory(_surroundings(settings, parts, FrontIdentities(issuers, parts.clock)))
        self._sweep = LoopingCall(self._factory.sweep)
        self._sweep.clock = parts.reactor
        self._acceptor: UnixAcceptor | None = None

    def start(self, inherited: socket.socket | None = None) -> socket.socket:
        """Listen.

        Args:
            inherited: the listening socket of an older process that still serves.

        Returns:
            The listening socket, for the next process.

        Raises:
            CannotListenError: somebody listens there, or the path cannot be used.
        """
        path = self._settings.http_socket
        listener = inherited or bind_unix(path, self._settings.socket_mode)
        listener.setblocking(False)
        self._acceptor = UnixAcceptor(listener, path, self._factory, self._parts.reactor)
        self._sweep.start(_SWEEP_S, now=False)
        return listener

    def stop(self, *, succeeded: bool = False) -> Deferred[None]:
        """Take no more connections; those that are open end with the request they have.

        Args:
            succeeded: a successor accepts on the same socket: the file stays.
        """
        if self._acceptor is not None:
            self._acceptor.stop(remove=not succeeded)
            self._acceptor = None
        self._factory.leave()
        return self._factory.empty().addCallback(lambda _: self._rest())

    def _rest(self) -> None:
        if self._sweep.running:
            self._sweep.stop()


class FrontIdentities:
    """Reads who a request is from, from the front's fields.

    Args:
        issuers: the CAs whose client certificates are accepted.
        clock: wall clock.
    """

    def __init__(self, issuers: list[x509.Certificate], clock: Clock) -> None:
        self._reader = IdentityReader(issuers)
        self._clock = clock

    def identify(self, head: RequestHead, caller: Caller) -> Caller:
        """Give the caller of one request.

        Raises:
            RefusalError: FRONT_FIELDS when the front does not say who it is, else as an edge does for a certificate.
        """
        window = head.fields.get(WINDOW_FIELD, "")
        address = _address(head.fields.get(ADDRESS_FIELD, ""))
        if window not in _WINDOWS:
            raise RefusalError(Reason.FRONT_FIELDS, "window")
        client = None
        if window != "site":
            certificate = read_certificate(head.fields.get(CERTIFICATE_FIELD, ""))
            client = self._reader.read(certificate, window=window, now_ms=self._clock.now_ms())
        return replace(caller, window=cast("Window", window), entrance=window, address=address, client=client)


def read_certificate(value: str) -> x509.Certificate:
    """Read the certificate of a front's field.

    Raises:
        RefusalError: CERTIFICATE_MISSING or CERTIFICATE_UNREADABLE.
    """
    if not value:
        raise RefusalError(Reason.CERTIFICATE_MISSING)
    text = unquote(value)
    try:
        if text.startswith(_PEM_BEGINS):
            return x509.load_pem_x509_certificate(text.encode("ascii"))
        return x509.load_der_x509_certificate(b64decode(value, validate=True))
    except (ValueError, binascii.Error):
        raise RefusalError(Reason.CERTIFICATE_UNREADABLE) from None


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise RefusalError(Reason.FRONT_FIELDS, "address") from None


def _surroundings(settings: FrontSettings, parts: FrontParts, identities: FrontIdentities) -> Surroundings:
    memory = settings.memory_mib * _MIB
    limits = AdmissionLimits(
        connections=settings.connections,
        connections_per_address=settings.connections,
        new_connections=_NO_RATE,
        address_requests=_NO_RATE,
        certificate_requests=_NO_RATE,
    )
    return Surroundings(
        pipeline=parts.handler,
        body_limit=body_limit(parts.takes_files),
        admission=Admission(limits),
        deny=NoDenials(),
        metrics=EdgeMetrics(parts.registry),
        clock=parts.clock,
        seconds=parts.reactor.seconds,
        request_ids=RequestIds(parts.randomness),
        writer=ResponseWriter(parts.clock),
        budget=MemoryBudget(memory),
        answers=MemoryBudget(memory, Reason.ANSWER_MEMORY),
        identify=identities.identify,
    )


class _FrontFactory(Factory):
    noisy = False

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.live: set[_FrontConnection] = set()
        self._gone: Deferred[None] = Deferred()

    def buildProtocol(self, addr: IAddress | None) -> _FrontConnection | None:
        """Let a connection in while there is a place."""
        if self.around.drain.draining or self.around.admission.open("", self.around.seconds()) is not None:
            return None
        return _FrontConnection(self)

    def sweep(self) -> None:
        """Enforce deadlines."""
        now_s = self.around.seconds()
        for connection in tuple(self.live):
            connection.talk.check(now_s)

    def leave(self) -> None:
        """Finish what is under way."""
        self.around.drain.draining = True
        for connection in tuple(self.live):
            connection.talk.leave()

    def empty(self) -> Deferred[None]:
        """Give what fires when every connection has ended."""
        self.forgotten()
        return self._gone

    def forgotten(self) -> None:
        """A connection is gone."""
        if self.around.drain.draining and not self.live and not self._gone.called:
            self._gone.callback(None)


@implementer(IPushProducer)
class _FrontConnection(Protocol):
    """One connection of the front: a ``Wire`` for its conversation."""

    def __init__(self, owner: _FrontFactory) -> None:
        self._owner = owner
        self._below: Any = None
        self.congested = False
        self.talk = Conversation(self, Caller("site", "site", "", secure=True), owner.around)

    def connectionMade(self) -> None:
        self._below = self.transport
        self._below.registerProducer(self, True)
        self._owner.live.add(self)
        self._owner.around.metrics.open_connections += 1

    def dataReceived(self, data: bytes) -> None:
        self.talk.received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._owner.live.discard(self)
        self._owner.around.metrics.open_connections -= 1
        self._owner.around.admission.close("")
        self.talk.lost()
        self._owner.forgotten()

    def pauseProducing(self) -> None:
        self.congested = True

    def resumeProducing(self) -> None:
        self.congested = False
        self.talk.drained()

    def stopProducing(self) -> None:
        """The transport takes no more; ``connectionLost`` follows."""

    def write(self, parts: list[bytes]) -> None:
        self._below.writeSequence(parts)

    def pause(self) -> None:
        self._below.pauseProducing()

    def resume(self) -> None:
        self._below.resumeProducing()

    def close(self) -> None:
        self._below.unregisterProducer()
        self._below.loseConnection()

    def abort(self) -> None:
        self._below.abortConnection()
