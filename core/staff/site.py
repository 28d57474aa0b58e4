"""The window's requests: certificate, session cookie, language. Everything else happens in threads.

the server (ops) ─▶ StaffSite.serve ─▶ Pool ─▶ StaffApp.answer
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from twisted.logger import Logger
from twisted.python.failure import Failure

from core.staff.client_certificates import Client, read_client
from core.staff.metrics import StaffMetrics
from core.staff.renderer import STYLE, STYLE_PATH, Renderer
from core.staff.sessions import Sessions
from core.staff.visit import LANGUAGE_COOKIE, MOST_FIELDS, Visit
from core.staff.visit import Reply as StaffReply
from wire_formats.collaborators import Clock, Pool
from wire_formats.errors import Bug, HallError, Kind
from wire_formats.inner_web.language import choose
from wire_formats.inner_web.replies import KEEP, Pair, Reply
from wire_formats.inner_web.requests import (
    WebRequest,
    check_made_here,
    cookie_text,
    form_fields,
    header_text,
    is_lines,
    method_of,
    parse_fields,
    shown_certificate,
    target_of,
)
from wire_formats.inner_web.revocation import RevocationList

COOKIE: Final = "__Host-staff"
MOST_TARGET: Final = 2_048
NOBODY: Final = Client(bytes(32), 0, "")


@dataclass(frozen=True)
class SiteParts:
    """What the site works with.

    Attributes:
        answer: the pages; called in a thread.
    """

    answer: Callable[[Visit], StaffReply]
    renderer: Renderer
    sessions: Sessions
    revoked: RevocationList
    pool: Pool
    clock: Clock
    metrics: StaffMetrics
    seconds: Callable[[], float]


class StaffSite:
    """Everything below `/`: an `InnerSite`."""

    also_shown = ""
    _log = Logger()

    def __init__(self, parts: SiteParts) -> None:
        self._parts = parts
        parts.metrics.sessions.set_function(lambda: len(parts.sessions))

    def begun(self) -> Callable[[Reply], None]:
        """Measure a request."""
        parts, started = self._parts, self._parts.seconds()

        def heard(reply: Reply) -> None:
            parts.metrics.requests[f"{reply.status // 100}xx"].inc()
            parts.metrics.seconds.observe(parts.seconds() - started)

        return heard

    async def serve(self, request: WebRequest) -> Reply:
        """Answer a request."""
        parts = self._parts
        if request.path == STYLE_PATH.encode() and request.method in ("GET", "HEAD"):
            return Reply(200, STYLE, (("Content-Type", "text/css; charset=utf-8"), KEEP))
        visit = self._stranger(request)
        try:
            visit = self._visit(request, visit)
        except HallError as error:
            return self._refuse(visit, error)
        reply = await parts.pool.run(parts.answer, visit)
        return self._keep_session(reply, visit, request)

    def failed(self, error: Exception, request: WebRequest) -> Reply:
        """Turn what escaped into a page: a full queue, or our own fault."""
        if isinstance(error, HallError):
            return self._refuse(self._stranger(request), error)
        self._log.failure("staff_page_failed", failure=Failure(error))
        return self._parts.renderer.error(self._stranger(request), Bug(Kind.BUG, "page failed"))

    def unwritten(self, error: Exception) -> None:
        """Tell that a reply could not be written."""
        self._log.failure("staff_reply_failed", failure=Failure(error))

    def _refuse(self, visit: Visit, error: HallError) -> Reply:
        self._log.info("staff_refused", code=error.code, reason=error.private)
        return self._parts.renderer.error(visit, error)

    def _stranger(self, request: WebRequest) -> Visit:
        language = choose(cookie_text(request, LANGUAGE_COOKIE), header_text(request, b"accept-language"))
        return Visit("GET", "/", language, NOBODY, self._parts.clock.now_ms())

    def _visit(self, request: WebRequest, empty: Visit) -> Visit:
        """Read and check everything about a request that needs no database.

        Raises:
            HallError: what is wrong with it.
        """
        parts = self._parts
        client = read_client(shown_certificate(request), now_ms=empty.now_ms)
        parts.revoked.check(client.serial)
        method = method_of(request)
        path, query = target_of(request, most=MOST_TARGET)
        token = cookie_text(request, COOKIE)
        session = parts.sessions.find(token, client.fingerprint, empty.now_ms) if token else None
        form: dict[str, str] = {}
        if method == "POST":
            check_made_here(request)
            form = form_fields(request, most=MOST_FIELDS, is_text=is_lines)
        return replace(
            empty,
            client=client,
            method=method,
            path=path,
            query=parse_fields(query, most=MOST_FIELDS, is_text=is_lines),
            form=form,
            session=session,
        )

    def _keep_session(self, reply: StaffReply, visit: Visit, request: WebRequest) -> Reply:
        sessions = self._parts.sessions
        token = cookie_text(request, COOKIE)
        if reply.end_session or reply.begin_for is not None:
            sessions.end(token)
        if reply.begin_for is not None:
            fresh = sessions.begin(reply.begin_for, visit.client.fingerprint, visit.now_ms)
            return replace(reply, headers=(*reply.headers, _cookie(fresh)))
        if reply.end_session:
            return replace(reply, headers=(*reply.headers, _cookie("", "; Max-Age=0")))
        return reply


def _cookie(value: str, more: str = "") -> Pair:
    return ("Set-Cookie", f"{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{more}")
