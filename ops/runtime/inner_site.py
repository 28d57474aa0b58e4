"""HTTP in and out: bounded bodies and connections, security headers, and the life of one request.

twisted.web ─▶ BoundedRequest (size of the body) ─▶ SiteResource ─▶ the zone's InnerSite.serve ─▶ reply
"""

from __future__ import annotations

from typing import Any, Final

from cryptography import x509
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from wire_formats.inner_web.replies import Pair, Reply
from wire_formats.inner_web.requests import WebRequest
from wire_formats.inner_web.site import InnerSite

IDLE_S: Final = 60
_POLICY: Final = "default-src 'none'; style-src 'self'; {}form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_HEADERS: Final[tuple[Pair, ...]] = (
    ("Strict-Transport-Security", "max-age=31536000"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("X-Robots-Tag", "noindex"),
    ("Server", "Ferrygate"),
    ("Cache-Control", "no-store"),
)
_TOO_LARGE: Final = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedRequest(Request):
    """One request whose body cannot grow beyond the limit: such a connection is answered and closed."""

    _refused = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """Refuse a body of unknown or too great length before any of it is read."""
        channel: Any = self.channel
        if length is None or length > channel.site.body_bytes:
            self._refused = True
            channel.transport.write(_TOO_LARGE)
            channel.loseConnection()
            length = 0
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Keep a piece of the body, unless it was refused."""
        if not self._refused:
            super().handleContentChunk(data)

    def process(self) -> None:
        """Go on to the page, unless the answer was given already."""
        if not self._refused:
            super().process()


class InnerFactory(Site):
    """Speaks HTTP/1.1 (twisted bounds the head: 16 KiB, 500 fields); writes no access log.

    Addresses name cases, requests and media; who did what stands in an audit log or ledger.

    Args:
        root: everything below ``/``.
        body_bytes: largest body.
        reactor: time.
    """

    displayTracebacks = False  # noqa: N815
    noisy = False

    def __init__(self, root: Resource, *, body_bytes: int, reactor: Any) -> None:
        super().__init__(root, requestFactory=BoundedRequest, timeout=IDLE_S, reactor=reactor)
        self.body_bytes = body_bytes

    def log(self, request: Any) -> None:
        """Write nothing."""


class BoundedFactory(WrappingFactory):
    """Refuses a connection when too many are open.

    Args:
        wrapped: speaks on each connection.
        most: how many at once.
    """

    noisy = False

    def __init__(self, wrapped: Site, *, most: int) -> None:
        super().__init__(wrapped)
        self._most = most

    def buildProtocol(self, addr: IAddress | None) -> ProtocolWrapper | None:  # type: ignore[override]
        """Wrap one more connection, or close it at once."""
        if len(self.protocols) >= self._most:
            return None
        wrapped: ProtocolWrapper | None = super().buildProtocol(addr)
        return wrapped


class SiteResource(Resource):
    """Everything below ``/``, as a zone's pages answer it.

    Args:
        site: the pages.
    """

    isLeaf = True

    def __init__(self, site: InnerSite) -> None:
        super().__init__()
        self._site = site

    def render(self, request: Request) -> int:
        """Take a request; the reply comes later."""
        gone: list[Failure] = []
        request.notifyFinish().addErrback(gone.append)
        Deferred.fromCoroutine(self._answer(request, gone))
        return NOT_DONE_YET

    async def _answer(self, request: Request, gone: list[Failure]) -> None:
        try:
            heard = self._site.begun()
            reply = await self._reply(read_request(request))
            heard(reply)
            if not gone:
                self._write(reply, request)
        except Exception as error:  # noqa: BLE001 - the top of a request
            self._site.unwritten(error)
            channel: Any = request.channel
            if channel is not None and channel.transport is not None:
                channel.transport.abortConnection()

    async def _reply(self, request: WebRequest) -> Reply:
        try:
            return await self._site.serve(request)
        except Exception as error:  # noqa: BLE001 - told of by the site
            return self._site.failed(error, request)

    def _write(self, reply: Reply, request: Request) -> None:
        request.setResponseCode(reply.status)
        own = {name for name, _ in reply.headers}
        policy = ("Content-Security-Policy", _POLICY.format(self._site.also_shown))
        headers = (*(pair for pair in (policy, *_HEADERS) if pair[0] not in own), *reply.headers)
        for name in dict.fromkeys(name for name, _ in headers):
            values = [value.encode("latin-1") for key, value in headers if key == name]
            request.responseHeaders.setRawHeaders(name.encode("ascii"), values)
        request.setHeader(b"content-length", str(len(reply.body)).encode("ascii"))
        request.write(b"" if request.method == b"HEAD" else reply.body)
        request.finish()


def read_request(request: Request) -> WebRequest:
    """Give a request as the value that pages read; its body was bounded while it came."""
    body = b""
    if request.content is not None:
        request.content.seek(0)
        body = request.content.read()
    return WebRequest(
        method=request.method.decode("latin-1"),
        target=request.uri,
        headers={name.lower(): values[-1] for name, values in request.requestHeaders.getAllRawHeaders()},
        cookies=request.received_cookies,
        body=body,
        parts=request.args or {},
        certificate=_shown_certificate(request),
    )


def _shown_certificate(request: Request) -> x509.Certificate | None:
    transport: Any = request.transport
    shown = transport.getPeerCertificate()
    try:
        return None if shown is None else shown.to_cryptography()
    except ValueError:
        return None  # OpenSSL has taken what cannot be read here: nobody we know
