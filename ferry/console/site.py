"""The console's requests: the operator's certificate, form token, language.  Pages run in threads.

the server (ops) -> ConsoleSite.serve -> Pool -> ConsolePages.answer
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from twisted.logger import Logger
from twisted.python.failure import Failure

from ferry.console.door import operator_of
from ferry.console.renderer import STYLE, STYLE_PATH, Renderer
from ferry.console.visit import LANGUAGE_COOKIE, MOST_FIELDS, Visit, parts_to_fields, redirect
from wire_formats.bilingual import LANGUAGES
from wire_formats.collaborators import Clock, Pool
from wire_formats.errors import Bug, HallError, Kind, Refused
from wire_formats.inner_web.language import COOKIE_LIFE_S, choose
from wire_formats.inner_web.replies import KEEP, Reply
from wire_formats.inner_web.requests import (
    WebRequest,
    check_made_here,
    content_kind,
    cookie_text,
    form_fields,
    header_text,
    method_of,
    parse_fields,
    shown_certificate,
    target_of,
)
from wire_formats.trust import TrustStore

MOST_TARGET: Final = 1_024
TOKEN_BYTES: Final = 32
#: A form with a file; the body is bounded like any other's before it is taken apart.
FORM_WITH_FILE: Final = b"multipart/form-data"


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


class ConsoleSite:
    """Everything below ``/``: an ``InnerSite``.

    Args:
        parts: what it works with.
    """

    also_shown = "img-src data:; "
    _log = Logger()

    def __init__(self, parts: SiteParts) -> None:
        self._parts = parts

    async def serve(self, request: WebRequest) -> Reply:
        """Answer a request."""
        parts = self._parts
        if request.path == STYLE_PATH.encode() and request.method in ("GET", "HEAD"):
            return Reply(200, STYLE, (("Content-Type", "text/css; charset=utf-8"), KEEP))
        visit = self._stranger(request)
        try:
            visit = self._visit(request, visit)
            language = visit.path.removeprefix("/language/")
            if visit.method == "GET" and language in LANGUAGES:
                cookie = (
                    f"{LANGUAGE_COOKIE}={language}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={COOKIE_LIFE_S}"
                )
                return replace(redirect("/"), headers=(("Location", "/"), ("Set-Cookie", cookie)))
        except HallError as error:
            self._log.info("console_refused", code=error.code, reason=error.private)
            return parts.renderer.error(visit, error)
        return await parts.pool.run(parts.answer, visit)

    def failed(self, error: Exception, request: WebRequest) -> Reply:
        """Turn what escaped into a page: a full queue, or our own fault."""
        if not isinstance(error, HallError):
            self._log.failure("console_page_failed", failure=Failure(error))
            error = Bug(Kind.BUG, "page failed")
        return self._parts.renderer.error(self._stranger(request), error)

    def unwritten(self, error: Exception) -> None:
        """Tell that a reply could not be written."""
        self._log.failure("console_reply_failed", failure=Failure(error))

    def begun(self) -> Callable[[Reply], None]:
        """Note nothing: a few people a day are not measured."""
        return lambda _reply: None

    def _stranger(self, request: WebRequest) -> Visit:
        language = choose(cookie_text(request, LANGUAGE_COOKIE), header_text(request, b"accept-language"))
        return Visit("GET", "", language, None, 0, "", self._parts.clock.now_ms())

    def _visit(self, request: WebRequest, empty: Visit) -> Visit:
        """Read and check everything about a request that needs no file of the half.

        Raises:
            HallError: what is wrong with it.
        """
        certificate = shown_certificate(request)
        self._parts.revoked(certificate.serial_number)
        operator = operator_of(certificate, self._parts.operators(), now_ms=empty.now_ms)
        token = hmac.new(self._parts.secret, operator.kid, hashlib.sha256).hexdigest()
        method = method_of(request)
        path, query = target_of(request, most=MOST_TARGET)
        form, file = _form(request, token) if method == "POST" else ({}, None)
        return replace(
            empty, method=method, path=path, operator=operator, serial=certificate.serial_number, token=token,
            query=parse_fields(query, most=MOST_FIELDS), form=form, file=file,
        )  # fmt: skip


def _form(request: WebRequest, token: str) -> tuple[dict[str, str], bytes | None]:
    """Read a form that one of our pages made for this certificate.

    Raises:
        Refused: CSRF_MISMATCH: another site made it, or it lacks the token.
        PeerError: no form.
    """
    check_made_here(request)
    file = None
    if content_kind(request) == FORM_WITH_FILE and b"?" not in request.target:
        form, file = parts_to_fields(request.parts)
    else:
        form = form_fields(request, most=MOST_FIELDS)
    if not hmac.compare_digest(form.get("csrf", "").encode("utf-8", "replace"), token.encode("ascii")):
        raise Refused(Kind.CSRF_MISMATCH, "form token is not this certificate's")
    return form, file
