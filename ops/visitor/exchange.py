"""What a browser sends and remembers: bodies of forms, headers, cookies, redirects.  Pure."""

from __future__ import annotations

import http.cookies
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ops.visitor.pages import Page

MOST_REDIRECTS: Final = 5
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REFRESH: Final = re.compile(r'http-equiv="refresh"', re.IGNORECASE)
_REFERENCE: Final = re.compile(r'class="ref">([^<]+)<')
_CODE: Final = re.compile(r"FG-\d{4}", re.ASCII)
_BOUNDARY: Final = "ferrygate-7f3a1c90e2"
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) Ferrygate-visitor/1"


class PageError(Exception):
    """The hall answered with an error page, or otherwise than an honest user expects; the text is one line.

    Args:
        told: what happened, the same for every answer of this kind.
        detail: what the page says beyond it, its request number too.
    """

    def __init__(self, told: str, detail: str = "") -> None:
        super().__init__(f"{told}: {detail}" if detail else told)
        self.told = told


class NoAnswerError(PageError):
    """The connection was refused or ended before an answer came."""


class Body(NamedTuple):
    """The body of a form, and its media type."""

    media_type: str
    content: bytes


class File(NamedTuple):
    """A workbook to upload: the form's field, the file's name, its bytes."""

    field: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the hall.

    Attributes:
        status: the HTTP status.
        path: what was asked for, after redirects.
        headers: names in lower case; of a repeated one the last.
        body: the bytes.
    """

    status: int
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def waits(self) -> bool:
        """Whether the page updates itself: something is still under way."""
        return _REFRESH.search(self.text) is not None

    @property
    def code(self) -> str:
        """The error code the page shows, or nothing."""
        found = _CODE.search(self.text)
        return found[0] if found else ""

    @property
    def reference(self) -> str:
        """The reference number of a receipt, or nothing."""
        found = _REFERENCE.search(self.text)
        return found[1] if found else ""

    @property
    def state(self) -> str:
        """The state that a receipt shows, or nothing."""
        return self.page().state()

    def page(self) -> Page:
        """Read the body as a page."""
        return Page(self.text)

    def good(self) -> Answer:
        """Give this answer when it is a page to go on from: no error, or a form with its faults marked (422).

        Raises:
            PageError: it is an error page.
        """
        if self.status >= 400 and self.status != 422:
            page = self.page()
            raise PageError(f"{self.path}: {self.status} {page.heading()}", page.problem())
        return self


@dataclass(slots=True)
class Memory:
    """What a browser keeps for one window.

    Attributes:
        origin: ``https://host:port`` of the window.
        language: what the browser prefers.
        cookies: by name.
    """

    origin: str
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)

    def headers(self, body: Body | None) -> dict[str, str]:
        """Give the headers of a request, the host's excepted; one with a body is a form's."""
        sent = {"Accept": "text/html,*/*", "Accept-Language": self.language, "User-Agent": _AGENT}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            sent |= {"Origin": self.origin, "Content-Type": body.media_type}
        return sent

    def keep(self, set_cookies: Iterable[str]) -> None:
        """Take over the ``Set-Cookie`` headers of an answer."""
        for header in set_cookies:
            for name, morsel in http.cookies.SimpleCookie(header).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value


def next_path(answer: Answer) -> str | None:
    """Give where an answer sends the browser, within the same window, or None."""
    location = answer.headers.get("location")
    if answer.status not in _REDIRECTS or not location:
        return None
    path = urllib.parse.urljoin(answer.path, location)
    if path.startswith("https://"):
        parts = urllib.parse.urlsplit(path)
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    return path


def typed(values: Mapping[str, str]) -> Body:
    """Give the body of a form without files."""
    return Body("application/x-www-form-urlencoded", urllib.parse.urlencode(values).encode())


def with_file(values: Mapping[str, str], file: File) -> Body:
    """Give the body of a form with one workbook."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in values.items()
    ]
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{file.field}"; filename="{file.name}"\r\n'
    parts += [f"{head}Content-Type: {XLSX}\r\n\r\n".encode(), file.content, f"\r\n--{_BOUNDARY}--\r\n".encode()]
    return Body(f"multipart/form-data; boundary={_BOUNDARY}", b"".join(parts))
