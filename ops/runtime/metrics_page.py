"""/metrics and /healthz of one role on 127.0.0.1, for Prometheus and `ferrygate status`.

Only loopback is served, connections and times are bounded, and nothing personal is on these pages:
metrics have bounded labels, health reasons are our own fixed words.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IDelayedCall, IListeningPort, IReactorTCP
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.http import NOT_ALLOWED
from twisted.web.pages import errorPage, notFound
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

LOOPBACK: Final = "127.0.0.1"
MOST_CONNECTIONS: Final = 16
IDLE_S: Final = 15
_TRY_AGAIN_S: Final = 0.1
_ASKING: Final = (b"GET", b"HEAD")


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a role can do its work now.

    Attributes:
        ready: whether it can.
        reasons: why not, in fixed words.
        figures: numbers worth a glance (queue lengths, ages), by name.
    """

    ready: bool
    reasons: tuple[str, ...] = ()
    figures: Mapping[str, int] = field(default_factory=dict)


class MetricsPage:
    """The page's server.

    Args:
        registry: what /metrics shows.
        health: asked at every /healthz.
        role: name shown beside the health.
    """

    def __init__(self, registry: CollectorRegistry, health: Callable[[], Health], *, role: str) -> None:
        root = _Known()
        root.putChild(b"metrics", _Metrics(registry))
        root.putChild(b"healthz", _Healthz(health, role))
        self._site = Site(root, timeout=IDLE_S)
        self._site.displayTracebacks = False
        self._site.noisy = False
        self._port: IListeningPort | None = None
        self._meanwhile: IListeningPort | None = None
        self._trying: IDelayedCall | None = None

    def listen(self, reactor: IReactorTCP, port: int) -> int:
        """Start to serve; gives the port (useful when 0 was asked).

        Raises:
            CannotListenError: the port is taken.
        """
        bounded = _Bounded(self._site)
        self._port = reactor.listenTCP(port, bounded, interface=LOOPBACK)  # type: ignore[arg-type]
        address = self._port.getHost()
        assert isinstance(address, IPv4Address)
        return int(address.port)

    def succeed(self, reactor: Any, port: int, health_fd: int) -> None:
        """Serve on a socket that is given, and on the port as soon as the older process has left it.

        Args:
            reactor: sockets and time.
            port: the role's own.
            health_fd: a listening loopback socket, closed when the port is ours; -1: none.
        """
        if health_fd >= 0:
            self._meanwhile = reactor.adoptStreamPort(health_fd, socket.AF_INET, _Bounded(self._site))
            os.close(health_fd)  # the reactor has a copy of its own
        self._try(reactor, port)

    def _try(self, reactor: Any, port: int) -> None:
        try:
            self.listen(reactor, port)
        except CannotListenError:
            self._trying = reactor.callLater(_TRY_AGAIN_S, self._try, reactor, port)
            return
        self._trying = None
        if self._meanwhile is not None:
            self._meanwhile.stopListening()
            self._meanwhile = None

    async def stop(self) -> None:
        """Stop serving."""
        if self._trying is not None:
            self._trying.cancel()
        ports, self._port, self._meanwhile = (self._port, self._meanwhile), None, None
        for port in ports:
            stopped = port.stopListening() if port is not None else None
            if stopped is not None:
                await stopped


class _Bounded(WrappingFactory):
    """Refuses a connection when too many are open."""

    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> ProtocolWrapper | None:  # type: ignore[override]
        """Wrap one more connection, or close it at once."""
        if len(self.protocols) >= MOST_CONNECTIONS:
            return None
        wrapped: ProtocolWrapper | None = super().buildProtocol(addr)
        return wrapped


class _Known(Resource):
    """Has the children it was given and no others."""

    def getChild(self, path: bytes, request: Request) -> IResource:
        """Give the page for an unknown path."""
        return notFound()

    def render(self, request: Request) -> Any:
        """Answer who only asks; any other method is refused here, since Twisted's own page for that is deprecated."""
        if request.method in _ASKING:
            return super().render(request)
        request.setHeader(b"allow", b", ".join(_ASKING))
        refusal: Any = errorPage(NOT_ALLOWED, "No Such Method", "This page can only be read.")
        return refusal.render(request)


class _Metrics(_Known):
    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry

    def render_GET(self, request: Request) -> bytes:
        """Give all measurements in Prometheus' text format."""
        request.setHeader(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
        return generate_latest(self._registry)


class _Healthz(_Known):
    def __init__(self, health: Callable[[], Health], role: str) -> None:
        super().__init__()
        self._health = health
        self._role = role

    def render_GET(self, request: Request) -> bytes:
        """Give 200 when ready and 503 when not, with the reasons as JSON."""
        health = self._health()
        request.setResponseCode(200 if health.ready else 503)
        request.setHeader(b"content-type", b"application/json")
        told = {
            "role": self._role,
            "ready": health.ready,
            "reasons": list(health.reasons),
            "figures": dict(health.figures),
        }
        return json.dumps(told, sort_keys=True).encode() + b"\n"
