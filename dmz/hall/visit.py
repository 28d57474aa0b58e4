"""One page request as the pages see it: who, which window, which language, which session, which inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dmz.hall import language as languages
from dmz.hall.backend_port import Client, Session
from dmz.messages import SESSION_COOKIE_PREFIX, HallRequest, Upload
from wire_formats.bilingual import Language
from wire_formats.errors import Kind, Refused

FIRST_PAGE: Final = 1
LAST_PAGE: Final = 9_999


def session_cookie_name(window: str) -> str:
    """Give the name of a window's session cookie: cookies do not know ports, so each window has its own."""
    return SESSION_COOKIE_PREFIX + window


@dataclass(frozen=True)
class Visit:
    """One page request.

    Attributes:
        request: as the edge parsed it.
        client: the same, as the back end wants it.
        language: chosen for this page.
        cookie: value of the window's session cookie, "" if none was sent.
        session: the live session, if any.
        now_ms: when the visit began.
        places: the values of the route's `{…}` places.
    """

    request: HallRequest
    client: Client
    language: Language
    cookie: str
    session: Session | None
    now_ms: int
    places: Mapping[str, str]

    @property
    def window(self) -> str:
        """The window it came through."""
        return self.request.window

    @property
    def signed_in(self) -> Session:
        """The session.

        Raises:
            Refused: there is none.
        """
        if self.session is None:
            raise Refused(Kind.SESSION_EXPIRED, "no live session")
        return self.session

    def field(self, name: str) -> str:
        """Give a form field's text, "" if it was not sent; the first one if it was sent twice."""
        return next((value for key, value in self.request.form if key == name), "")

    def asked(self, name: str) -> str:
        """Give a query parameter's text, "" if it was not sent."""
        return next((value for key, value in self.request.query if key == name), "")

    def upload(self, name: str) -> Upload | None:
        """Give an uploaded file; None if none was chosen (browsers then send an empty one without a name)."""
        found = next((upload for upload in self.request.uploads if upload.name == name), None)
        return found if found is not None and (found.filename or found.data) else None

    def page_number(self) -> int:
        """Give the page of a list that is asked for, 1 if none or nonsense is."""
        text = self.asked("page") or self.field("page")
        if not (text.isascii() and text.isdigit()) or len(text) > 4:
            return FIRST_PAGE
        return min(max(int(text), FIRST_PAGE), LAST_PAGE)


def cookie_of(request: HallRequest, name: str) -> str:
    """Give a cookie's value, "" if it was not sent."""
    return next((value for key, value in request.cookies if key == name), "")


def language_of(request: HallRequest) -> Language:
    """Choose the language of a page."""
    return languages.choose(cookie_of(request, languages.COOKIE), request.headers.get("accept-language"))


def client_of(request: HallRequest, language: Language) -> Client:
    """Give the client as the back end wants it."""
    identity = request.client
    return Client(
        window=request.window,
        certificate=identity.fingerprint if identity else b"",
        account=identity.account if identity else "",
        account_uri=identity.account_uri if identity else "",
        serial=identity.serial if identity else 0,
        address=request.address,
        language=language,
        request_id=request.request_id,
    )
