"""HTTP in and out: bounded bodies and connections, security headers, and the life of one request.

twisted.web ─▶ BoundedRequest (size of the body) ─▶ InnerSite.serve ─▶ reply
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from inner_web.replies import Pair, Reply

IDLE_S: Final = 60
#: May be kept by the browser: its name changes with its content.
KEEP: Final[Pair] = ("Cache-Control", "public, max-age=31536000, immutable")
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


class InnerSite(Resource):
    """Everything below ``/``; whoever derives from it gives the replies and tells of failures under its own name."""

    isLeaf = True
    #: What the policy of contents allows besides the own style sheet and forms, such as "img-src data:; ".
    ALSO_SHOWN = ""

    def serve(self, request: Request) -> Coroutine[Any, Any, Reply]:
        """Answer a request."""
        raise NotImplementedError

    def failed(self, failure: Failure, request: Request) -> Reply:
        """Turn what escaped ``serve`` into a page: a full queue, or our own fault."""
        raise NotImplementedError

    def unwritten(self, failure: Failure) -> None:
        """Tell that a reply could not be written; its connection is cut."""
        raise NotImplementedError

    def begun(self) -> Callable[[Reply], None]:
        """Note that a request begins; gives what hears of its reply."""
        return lambda _reply: None

    def render(self, request: Request) -> int:
        """Take a request; the reply comes later."""
        heard, gone = self.begun(), list[Failure]()
        request.notifyFinish().addErrback(gone.append)
        served = Deferred.fromCoroutine(self.serve(request))
        served.addErrback(self.failed, request)
        served.addCallback(self._finish, request, gone, heard)
        served.addErrback(self._abandon, request)
        return NOT_DONE_YET

    def _finish(self, reply: Reply, request: Request, gone: list[Failure], heard: Callable[[Reply], None]) -> None:
        heard(reply)
        if gone:
            return
        request.setResponseCode(reply.status)
        own = {name for name, _ in reply.headers}
        policy = ("Content-Security-Policy", _POLICY.format(self.ALSO_SHOWN))
        headers = (*(pair for pair in (policy, *_HEADERS) if pair[0] not in own), *reply.headers)
        for name in dict.fromkeys(name for name, _ in headers):
            values = [value.encode("latin-1") for key, value in headers if key == name]
            request.responseHeaders.setRawHeaders(name.encode("ascii"), values)
        request.setHeader(b"content-length", str(len(reply.body)).encode("ascii"))
        request.write(b"" if request.method == b"HEAD" else reply.body)
        request.finish()

    def _abandon(self, failure: Failure, request: Request) -> None:
        self.unwritten(failure)
        channel: Any = request.channel
        if channel is not None and channel.transport is not None:
            channel.transport.abortConnection()
