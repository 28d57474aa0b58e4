"""HTTP in and out: limits, the operator's certificate, form token, security headers.  Pages run in threads.

twisted.web -> ConsoleRequest (size of the body) -> ConsoleSite -> Pool -> ConsolePages.answer
"""

from __future__ import annotations

import hashlib
import hmac
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

from ferry.console.renderer import STYLE, STYLE_PATH, Renderer
from ferry.console.tls import operator_of
from ferry.console.visit import (
    LANGUAGE_COOKIE,
    Pair,
    Reply,
    Visit,
    choose_language,
    parse_fields,
    parts_to_fields,
    redirect,
)
from wire_formats.bilingual import LANGUAGES
from wire_formats.collaborators import Clock, Pool
from wire_formats.errors import Bug, HallError, Kind, PeerError, Refused
from wire_formats.trust import TrustStore

MOST_TARGET: Final = 1_024
IDLE_S: Final = 60
TOKEN_BYTES: Final = 32
FORM: Final = b"application/x-www-form-urlencoded"
#: A form with a file; the body is bounded like any other's before it is taken apart.
FORM_WITH_FILE: Final = b"multipart/form-data"
SECURITY_HEADERS: Final[tuple[Pair, ...]] = (
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
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
    ("Cache-Control", "no-store"),
)
_TOO_LARGE: Final = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_YEAR_S: Final = 365 * 24 * 3600


@dataclass(frozen=True)
class SiteParts:
    """What the site works with.

    Attributes:
        answer: the pages; called in a thread.
        renderer: writes pages of errors.
        operators: gives the operators known now.
        revoked: raises for the serial of a revoked certificate.
        secret: what form tokens are made from; drawn at the start, never stored.
        pool: the threads.
        clock: the instant.
    """

    answer: Callable[[Visit], Reply]
    renderer: Renderer
    operators: Callable[[], TrustStore]
    revoked: Callable[[int], None]
    secret: bytes
    pool: Pool
    clock: Clock


class ConsoleRequest(Request):
    """One request whose body cannot grow beyond the limit."""

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


class ConsoleFactory(Site):
    """Speaks HTTP/1.1; writes no access log: the ledger of acts tells who did what."""

    displayTracebacks = False  # noqa: N815
    noisy = False

    def __init__(self, root: Resource, *, body_bytes: int, reactor: Any) -> None:
        super().__init__(root, requestFactory=ConsoleRequest, timeout=IDLE_S, reactor=reactor)
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


class ConsoleSite(Resource):
    """Everything below ``/``.

    Args:
        parts: what it works with.
    """

    isLeaf = True
    _log = Logger()

    def __init__(self, parts: SiteParts) -> None:
        super().__init__()
        self._parts = parts

    def render(self, request: Request) -> int:
        """Take a request; the reply comes later."""
        gone: list[Failure] = []
        request.notifyFinish().addErrback(gone.append)
        served = Deferred.fromCoroutine(self._serve(request))
        served.addErrback(self._failed, request)
        served.addCallback(self._finish, request, gone)
        served.addErrback(self._abandon, request)
        return NOT_DONE_YET

    async def _serve(self, request: Request) -> Reply:
        parts = self._parts
        if request.path == STYLE_PATH.encode() and request.method in (b"GET", b"HEAD"):
            kept = ("Cache-Control", "public, max-age=31536000, immutable")
            return Reply(200, STYLE, (("Content-Type", "text/css; charset=utf-8"), kept))
        visit = self._stranger(request)
        try:
            visit = self._visit(request, visit)
            language = visit.path.removeprefix("/language/")
            if visit.method == "GET" and language in LANGUAGES:
                cookie = f"{LANGUAGE_COOKIE}={language}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={_YEAR_S}"
                return replace(redirect("/"), headers=(("Location", "/"), ("Set-Cookie", cookie)))
        except HallError as error:
            self._log.info("console_refused", code=error.code, reason=error.private)
            return parts.renderer.error(visit, error)
        return await parts.pool.run(parts.answer, visit)

    def _stranger(self, request: Request) -> Visit:
        cookie = (request.getCookie(LANGUAGE_COOKIE.encode()) or b"").decode("latin-1")
        accept = (request.getHeader(b"accept-language") or b"").decode("latin-1")
        return Visit("GET", "", choose_language(cookie, accept), None, 0, "", self._parts.clock.now_ms())

    def _visit(self, request: Request, empty: Visit) -> Visit:
        """Read and check everything about a request that needs no file of the half.

        Raises:
            HallError: what is wrong with it.
        """
        transport: Any = request.transport
        shown = transport.getPeerCertificate()
        if shown is None:
            raise Refused(Kind.CERTIFICATE_REQUIRED, "no client certificate")
        certificate = shown.to_cryptography()
        self._parts.revoked(certificate.serial_number)
        operator = operator_of(certificate, self._parts.operators(), now_ms=empty.now_ms)
        token = hmac.new(self._parts.secret, operator.kid, hashlib.sha256).hexdigest()
        method = request.method.decode("latin-1")
        if method not in ("GET", "POST"):
            raise Refused(Kind.METHOD_NOT_ALLOWED, "only GET and POST")
        path, _, query = request.uri.partition(b"?")
        if len(request.uri) > MOST_TARGET or not path.startswith(b"/") or not path.isascii() or b"%" in path:
            raise PeerError(Kind.BAD_HTTP, "no address of the console looks so")
        form, file = _form(request, token) if method == "POST" else ({}, None)
        return replace(
            empty, method=method, path=path.decode("ascii"), operator=operator, serial=certificate.serial_number,
            token=token, query=parse_fields(query), form=form, file=file,
        )  # fmt: skip

    def _failed(self, failure: Failure, request: Request) -> Reply:
        """Turn what escaped into a page: a full queue, or our own fault."""
        error = failure.value
        if not isinstance(error, HallError):
            self._log.failure("console_page_failed", failure=failure)
            error = Bug(Kind.BUG, "page failed")
        return self._parts.renderer.error(self._stranger(request), error)

    def _abandon(self, failure: Failure, request: Request) -> None:
        """Cut a connection whose reply could not be written."""
        self._log.failure("console_reply_failed", failure=failure)
        channel: Any = request.channel
        if channel is not None:
            channel.abortConnection()

    def _finish(self, reply: Reply, request: Request, gone: list[Failure]) -> None:
        if gone:
            return
        request.setResponseCode(reply.status)
        own = {name for name, _ in reply.headers}
        for name, value in (*(pair for pair in SECURITY_HEADERS if pair[0] not in own), *reply.headers):
            request.setHeader(name.encode("ascii"), value.encode("latin-1"))
        request.setHeader(b"content-length", str(len(reply.body)).encode("ascii"))
        request.write(b"" if request.method == b"HEAD" else reply.body)
        request.finish()


def _form(request: Request, token: str) -> tuple[dict[str, str], bytes | None]:
    """Read a form that one of our pages made for this certificate (Fetch Metadata; RFC 6454, section 7).

    Raises:
        Refused: CSRF_MISMATCH: another site made it, or it lacks the token.
        PeerError: no form.
    """
    made_by = request.getHeader(b"sec-fetch-site")
    origin = request.getHeader(b"origin")
    if made_by not in (None, b"same-origin") or origin not in (
        None, b"https://" + (request.getHeader(b"host") or b""),
    ):  # fmt: skip
        raise Refused(Kind.CSRF_MISMATCH, "made by another site")
    kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
    file = None
    if kind == FORM_WITH_FILE and b"?" not in request.uri:
        form, file = parts_to_fields(request.args)
    elif kind == FORM and request.content is not None:
        request.content.seek(0)
        form = parse_fields(request.content.read())
    else:
        raise PeerError(Kind.BAD_HTTP, "not a form")
    if not hmac.compare_digest(form.get("csrf", "").encode("utf-8", "replace"), token.encode("ascii")):
        raise Refused(Kind.CSRF_MISMATCH, "form token is not this certificate's")
    return form, file
