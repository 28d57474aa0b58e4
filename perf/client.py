"""One browser: TLS with a client certificate, kept-alive connection, cookies, forms."""

from __future__ import annotations

import html
import re
import ssl
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from geventhttpclient import HTTPClient

TIMEOUT_S: Final = 60.0
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORM: Final = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
_ATTRIBUTE: Final = re.compile(r'([a-z-]+)="([^"]*)"')
_INPUT: Final = re.compile(r"<input\b[^>]*>")
_BOUNDARY: Final = "ferrygate-perf-boundary-1"


class HallError(Exception):
    """The hall answered otherwise than an honest user expects."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    path: str
    body: bytes

    @property
    def text(self) -> str:
        """The page."""
        return self.body.decode("utf-8", "replace")

    def form(self, action: str) -> dict[str, str]:
        """Give the hidden and preset values of the form with this action.

        Raises:
            HallError: the page has no such form.
        """
        for match in _FORM.finditer(self.text):
            whole = match.group()
            head = dict(_ATTRIBUTE.findall(whole[: whole.index(">")]))
            if head.get("action") == action:
                return _values(whole)
        raise HallError(f"{self.path}: no form for {action} (status {self.status}: {self.heading})")

    @property
    def heading(self) -> str:
        """The first heading, for messages."""
        match = re.search(r"<h1[^>]*>(.*?)</h1>", self.text, re.DOTALL)
        return html.unescape(re.sub(r"<[^>]+>", "", match[1])).strip() if match else ""


def _values(form: str) -> dict[str, str]:
    values = {}
    for match in _INPUT.finditer(form):
        attributes = dict(_ATTRIBUTE.findall(match.group()))
        if attributes.get("type") == "hidden" and "name" in attributes:
            values[attributes["name"]] = html.unescape(attributes.get("value", ""))
    return values


@dataclass(slots=True)
class Client:
    """A browser at one window.

    Args:
        host: name in the server's certificate.
        port: the window's port.
        certificate: PEM file with key and chain.
        authority: PEM file of the installation's root.
    """

    host: str
    port: int
    certificate: Path
    authority: Path
    cookies: dict[str, str] = field(default_factory=dict)
    _http: Any = None

    def get(self, path: str) -> Reply:
        """Load a page, following redirects."""
        return self._follow("GET", path, b"", {})

    def post(self, path: str, values: dict[str, str]) -> Reply:
        """Send a form, following the redirect."""
        body = urllib.parse.urlencode(values).encode()
        return self._follow("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def upload(self, path: str, values: dict[str, str], *, name: str, content: bytes) -> Reply:
        """Send a form with a workbook."""
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in values.items()
        ]
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="w.xlsx"\r\n'
        parts += [f"{head}Content-Type: {XLSX}\r\n\r\n".encode(), content, f"\r\n--{_BOUNDARY}--\r\n".encode()]
        kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        return self._follow("POST", path, b"".join(parts), kind)

    def sign_in(self, user_name: str, password: str) -> Reply:
        """Sign in.

        Raises:
            HallError: refused.
        """
        form = self.get("/login").form("/login")
        reply = self.post("/login", {**form, "user_name": user_name, "password": password})
        if reply.path.startswith("/login") or reply.status >= 400:
            raise HallError(f"signing in as {user_name}: {reply.status} {reply.heading}")
        return reply

    def close(self) -> None:
        """Close the connection."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _follow(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        for _ in range(5):
            response = self._ask(method, path, body, headers)
            data = bytes(response.read())
            for name, value in response.headers:
                if name.lower() == "set-cookie":
                    self._keep(value)
            status = int(response.status_code)
            location = response.get("location")
            if status in {301, 302, 303, 307} and location:
                path, method, body, headers = str(location), "GET", b"", {}
                continue
            return Reply(status, path, data)
        raise HallError(f"{path}: too many redirects")

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        sent = {"Accept": "text/html", "Accept-Language": "en", **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            sent["Origin"] = f"https://{self.host}:{self.port}"
        if self._http is None:
            self._http = HTTPClient(
                self.host,
                self.port,
                ssl=True,
                ssl_context_factory=self._context,
                connection_timeout=TIMEOUT_S,
                network_timeout=TIMEOUT_S,
                concurrency=1,
            )
        return self._http.request(method, path, body=body or b"", headers=sent)

    def _context(self, *_: object, **__: object) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority))
        context.load_cert_chain(str(self.certificate))
        return context

    def _keep(self, set_cookie: str) -> None:
        name, _, rest = set_cookie.partition("=")
        value = rest.partition(";")[0]
        if value and "max-age=0" not in set_cookie.lower():
            self.cookies[name.strip()] = value
        else:
            self.cookies.pop(name.strip(), None)
