"""HTTP in and out: limits, certificate, session cookie, security headers. Everything else happens in threads.

twisted.web ─▶ StaffRequest (size of head and body) ─▶ StaffSite.serve ─▶ Pool ─▶ StaffApp.answer
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from core.staff.client_certificates import Client, RevocationList, read_client
from core.staff.language import COOKIE as LANGUAGE_COOKIE
from core.staff.language import choose
from core.staff.metrics import StaffMetrics
from core.staff.renderer import STYLE, STYLE_PATH, Renderer
from core.staff.sessions import Sessions
from core.staff.visit import Pair, Reply, Visit, parse_fields
from wire_formats.bilingual import Language
from wire_formats.collaborators import Clock, Pool
from wire_formats.errors import Bug, HallError, Kind, PeerError, Refused

COOKIE: Final = "__Host-staff"
MOST_TARGET: Final = 2_048
IDLE_S: Final = 60
FORM: Final = "application/x-www-form-urlencoded"
NOBODY: Final = Client(bytes(32), 0, "")
SECURITY_HEADERS: Final[tuple[Pair, ...]] = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("X-Robots-Tag", "noindex"),
    ("Server", "Ferrygate"),
)


@dataclass(frozen=True)
class SiteParts:
    """What the site works with.

    Attributes:
        answer: the pages; called in a thread.
        body_bytes: largest form.
    """

    answer: Callable[[Visit], Reply]
    renderer: Renderer
    sessions: Sessions
    revoked: RevocationList
    pool: Pool
    clock: Clock
    metrics: StaffMetrics
    seconds: Callable[[], float]
    body_bytes: int


class StaffRequest(Request):
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


class StaffFactory(Site):
    """Speaks HTTP/1.1 (twisted bounds the head: 16 KiB, 500 fields); writes no access log."""

    displayTracebacks = False  # noqa: N815
    noisy = False

    def __init__(self, root: Resource, *, body_bytes: int, reactor: Any) -> None:
        super().__init__(root, requestFactory=StaffRequest, timeout=IDLE_S, reactor=reactor)
        self.body_bytes = body_bytes

    def log(self, request: Any) -> None:
        """Write nothing: addresses name cases; metrics count, the audit log tells who did what."""


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


class StaffSite(Resource):
    """Everything below `/`."""

    isLeaf = True
    _log = Logger()

    def __init__(self, parts: SiteParts) -> None:
        super().__init__()
        self._parts = parts
        parts.metrics.sessions.set_function(lambda: len(parts.sessions))

    def render(self, request: Request) -> int:
        """Take a request; the reply comes later."""
        started = self._parts.seconds()
        gone = _Gone()
        request.notifyFinish().addErrback(gone.note)
        served = Deferred.fromCoroutine(self._serve(request))
        served.addErrback(self._failed, request)
        served.addCallback(self._finish, request, gone, started)
        served.addErrback(self._abandon, request)
        return NOT_DONE_YET

    async def _serve(self, request: Request) -> Reply:
        parts = self._parts
        if request.path.decode("latin-1") == STYLE_PATH and request.method in (b"GET", b"HEAD"):
            return Reply(200, STYLE, (("Content-Type", "text/css; charset=utf-8"), _KEEP))
        visit = Visit("GET", "/", _language(request), NOBODY, parts.clock.now_ms())
        try:
            visit = self._visit(request, visit)
        except HallError as error:
            self._log.info("staff_refused", code=error.code, reason=error.private)
            return parts.renderer.error(visit, error)
        reply = await parts.pool.run(parts.answer, visit)
        return self._keep_session(reply, visit, request)

    def _visit(self, request: Request, empty: Visit) -> Visit:
        """Read and check everything about a request that needs no database.

        Raises:
            HallError: what is wrong with it.
        """
        parts = self._parts
        visit = replace(empty, client=self._client(request, empty.now_ms))
        method = request.method.decode("latin-1")
        if method not in ("GET", "POST"):
            raise Refused(Kind.METHOD_NOT_ALLOWED, "only GET and POST")
        if len(request.uri) > MOST_TARGET:
            raise PeerError(Kind.BAD_HTTP, "target too long")
        path, _, query = request.uri.partition(b"?")
        if not path.startswith(b"/") or not path.isascii() or b"%" in path:
            raise PeerError(Kind.BAD_HTTP, "no address of this window needs escapes")
        token = request.getCookie(COOKIE.encode("ascii"))
        session = None
        if token is not None:
            session = parts.sessions.find(token.decode("latin-1"), visit.client.fingerprint, visit.now_ms)
        form: dict[str, str] = {}
        if method == "POST":
            _check_origin(request)
            form = _form(request)
        return replace(
            visit,
            method=method,
            path=path.decode("ascii"),
            query=parse_fields(query),
            form=form,
            session=session,
        )

    def _client(self, request: Request, now_ms: int) -> Client:
        transport: Any = request.transport
        shown = transport.getPeerCertificate()
        if shown is None:
            raise Refused(Kind.CERTIFICATE_REQUIRED, "no client certificate")
        client = read_client(shown.to_cryptography(), now_ms=now_ms)
        self._parts.revoked.check(client.serial)
        return client

    def _keep_session(self, reply: Reply, visit: Visit, request: Request) -> Reply:
        sessions = self._parts.sessions
        token = (request.getCookie(COOKIE.encode("ascii")) or b"").decode("latin-1")
        if reply.end_session or reply.begin_for is not None:
            sessions.end(token)
        if reply.begin_for is not None:
            fresh = sessions.begin(reply.begin_for, visit.client.fingerprint, visit.now_ms)
            return replace(reply, headers=(*reply.headers, _cookie(fresh)))
        if reply.end_session:
            return replace(reply, headers=(*reply.headers, _cookie("", "; Max-Age=0")))
        return reply

    def _failed(self, failure: Failure, request: Request) -> Reply:
        """Turn what escaped into a page: a full queue, or our own fault."""
        visit = Visit("GET", "/", _language(request), NOBODY, self._parts.clock.now_ms())
        error = failure.value
        if isinstance(error, HallError):
            self._log.info("staff_refused", code=error.code, reason=error.private)
            return self._parts.renderer.error(visit, error)
        self._log.failure("staff_page_failed", failure=failure)
        return self._parts.renderer.error(visit, Bug(Kind.BUG, "page failed"))

    def _abandon(self, failure: Failure, request: Request) -> None:
        """Cut a connection whose reply could not be written."""
        self._log.failure("staff_reply_failed", failure=failure)
        channel: Any = request.channel
        if channel is not None:
            channel.abortConnection()

    def _finish(self, reply: Reply, request: Request, gone: _Gone, started: float) -> None:
        parts = self._parts
        parts.metrics.requests[f"{reply.status // 100}xx"].inc()
        parts.metrics.seconds.observe(parts.seconds() - started)
        if gone.gone:
            return
        request.setResponseCode(reply.status)
        headers = (*SECURITY_HEADERS, *reply.headers)
        if not any(name == "Cache-Control" for name, _ in headers):
            headers = (*headers, ("Cache-Control", "no-store"))
        for name in {name for name, _ in headers}:
            values = [value.encode("latin-1") for key, value in headers if key == name]
            request.responseHeaders.setRawHeaders(name.encode("ascii"), values)
        request.setHeader(b"content-length", str(len(reply.body)).encode("ascii"))
        request.write(b"" if request.method == b"HEAD" else reply.body)
        request.finish()


_TOO_LARGE: Final = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_KEEP: Final[Pair] = ("Cache-Control", "public, max-age=31536000, immutable")


class _Gone:
    """Whether the browser went away before its reply."""

    def __init__(self) -> None:
        self.gone = False

    def note(self, _failure: Failure) -> None:
        self.gone = True


def _cookie(value: str, more: str = "") -> Pair:
    return ("Set-Cookie", f"{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{more}")


def _language(request: Request) -> Language:
    cookie = request.getCookie(LANGUAGE_COOKIE.encode("ascii"))
    accept = request.getHeader(b"accept-language")
    return choose(
        cookie.decode("latin-1") if cookie is not None else None,
        accept.decode("latin-1") if accept is not None else None,
    )


def _check_origin(request: Request) -> None:
    """Refuse a POST that another site has made (Fetch Metadata; RFC 6454 section 7).

    Raises:
        Refused: CSRF_MISMATCH.
    """
    made_by = request.getHeader(b"sec-fetch-site")
    if made_by is not None and made_by not in (b"same-origin", b"none"):
        raise Refused(Kind.CSRF_MISMATCH, "made by another site")
    origin = request.getHeader(b"origin")
    if origin is not None and origin != b"https://" + (request.getHeader(b"host") or b""):
        raise Refused(Kind.CSRF_MISMATCH, "origin is not this window")


def _form(request: Request) -> dict[str, str]:
    kind = (request.getHeader(b"content-type") or b"").decode("latin-1").partition(";")[0].strip().lower()
    if kind != FORM:
        raise PeerError(Kind.BAD_HTTP, "not a form")
    content = request.content
    if content is None:
        raise PeerError(Kind.BAD_HTTP, "no body")
    content.seek(0)
    return parse_fields(content.read())
