"""One request as pages see it, and what they answer.  Pure.

A page is a plain function of a visit; it runs in a thread and touches no socket and no session.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from core.staff.client_certificates import Client
from core.staff.sessions import Session
from wire_formats.bilingual import Language
from wire_formats.errors import Kind, Refused
from wire_formats.inner_web import replies
from wire_formats.inner_web.replies import Pair

LANGUAGE_COOKIE: Final = "__Host-staff-language"
MOST_FIELDS: Final = 30
MOST_BACK: Final = 300
_SEE_OTHER: Final = 303


@dataclass(frozen=True, slots=True)
class Visit:
    """One request.

    Attributes:
        method: GET or POST.
        path: decoded path, without parameters.
        query: parameters, each once.
        form: fields of a POST, each once.
        client: holder of the certificate of this connection.
        session: the live session, if there is one.
        now_ms: the instant.
    """

    method: str
    path: str
    language: Language
    client: Client
    now_ms: int
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    session: Session | None = None

    @property
    def own_address(self) -> str:
        """Path and parameters, for coming back after a change of language."""
        if self.method != "GET" or self.path.startswith("/language/"):
            return "/"
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Reply(replies.Reply):
    """What goes back, and what becomes of the session.

    Attributes:
        begin_for: operator for whom a session begins.
        end_session: whether the session of this visit ends.
    """

    begin_for: str | None = None
    end_session: bool = False


def redirect(address: str, *, headers: tuple[Pair, ...] = (), begin_for: str | None = None, end: bool = False) -> Reply:
    """Send the browser to another page of this window with GET."""
    return Reply(_SEE_OTHER, b"", (("Location", address), *headers), begin_for, end)


def check_token(visit: Visit) -> None:
    """Make sure that a form carries its session's token.

    Raises:
        Refused: CSRF_MISMATCH.
    """
    expected = visit.session.csrf if visit.session is not None else ""
    given = visit.form.get("csrf", "")
    if not expected or not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("ascii")):
        raise Refused(Kind.CSRF_MISMATCH, "form token is not this session's")


def local_address(text: str) -> str:
    """Give an address of this window, or the start page for anything else."""
    fits = text.startswith("/") and not text.startswith(("//", "/\\")) and len(text) <= MOST_BACK
    return text if fits and text.isascii() and text.isprintable() and "\\" not in text else "/"


def page_number(visit: Visit) -> int:
    """Give the wanted page, 1 when none is named."""
    text = visit.query.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 1
