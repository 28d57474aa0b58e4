"""A browser as small as it can be: HTTPS with a client certificate, cookies, forms, redirects."""

from __future__ import annotations

import http.client
import http.cookies
import ssl
import urllib.parse
from dataclasses import dataclass
from typing import Final

from ops.demo.pages import Form, Page

DEADLINE_S: Final = 60
MOST_BYTES: Final = 32_000_000
_MOST_REDIRECTS: Final = 5
_BOUNDARY: Final = "ferrygate-7f3a1c90e2"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class PageError(Exception):
    """The hall answered with an error page, or not at all; the text is one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the hall."""

    status: int
    path: str
    media_type: str
    body: bytes

    def page(self) -> Page:
        """Read the body as a page."""
        return Page(self.body.decode("utf-8", "replace"))


class Browser:
    """One person's browser at one window.

    Args:
        host: name in the server's certificate.
        port: the window's port.
        context: TLS with the client certificate loaded.
        language: what the browser prefers.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext, *, language: str = "en") -> None:
        self._host = host
        self._port = port
        self._context = context
        self._language = language
        self._cookies: dict[str, str] = {}
        self._connection: http.client.HTTPSConnection | None = None

    def get(self, path: str) -> Answer:
        """Load a page, following redirects.

        Raises:
            PageError: an error page, or no answer.
        """
        return self._follow("GET", path, b"", {})

    def send(self, form: Form, changes: dict[str, str]) -> Answer:
        """Send a form with some fields filled in.

        Raises:
            PageError: an error page, or no answer.
        """
        body = urllib.parse.urlencode({**form.values, **changes}).encode()
        return self._follow("POST", form.action, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def upload(self, form: Form, changes: dict[str, str], *, name: str, file_name: str, content: bytes) -> Answer:
        """Send a form with one file.

        Raises:
            PageError: an error page, or no answer.
        """
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in {**form.values, **changes}.items()
        ]
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
        parts.append(f"{head}Content-Type: {XLSX}\r\n\r\n".encode() + content + b"\r\n")
        parts.append(f"--{_BOUNDARY}--\r\n".encode())
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        return self._follow("POST", form.action, b"".join(parts), headers)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _follow(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        for _ in range(_MOST_REDIRECTS):
            response, data = self._ask(method, path, body, headers)
            location = response.getheader("Location")
            if response.status in (301, 302, 303, 307, 308) and location:
                path = urllib.parse.urljoin(path, location)
                if path.startswith("https://"):
                    path = urllib.parse.urlsplit(path).path or "/"
                method, body, headers = "GET", b"", {}
                continue
            answer = Answer(response.status, path, response.getheader("Content-Type") or "", data)
            if response.status >= 400 and response.status != 422:
                page = answer.page()
                raise PageError(f"{method} {path}: {response.status} {page.heading()}: {page.problem()}")
            return answer
        raise PageError(f"{path}: too many redirects")

    def _ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        sent = {
            "Host": f"{self._host}:{self._port}",
            "Accept": "text/html,*/*",
            "Accept-Language": self._language,
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Ferrygate-demo/1",
            **headers,
        }
        if self._cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if method == "POST":
            sent["Origin"] = f"https://{self._host}:{self._port}"
        for last in (False, True):
            try:
                return self._once(method, path, body, sent)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.close()  # a kept connection that the server has closed meanwhile
                if last or method == "POST":
                    raise PageError(f"{method} {path}: the connection was closed") from None
            except (OSError, http.client.HTTPException) as error:
                self.close()
                raise PageError(f"{method} {path}: {type(error).__name__}: {error}") from None
        raise PageError(f"{method} {path}: no answer")

    def _once(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=DEADLINE_S, context=self._context
            )
        self._connection.request(method, path, body=body or None, headers=headers)
        response = self._connection.getresponse()
        data = response.read(MOST_BYTES)
        for value in response.headers.get_all("Set-Cookie") or ():
            for name, morsel in http.cookies.SimpleCookie(value).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self._cookies.pop(name, None)
                else:
                    self._cookies[name] = morsel.value
        if response.will_close:
            self.close()
        return response, data
