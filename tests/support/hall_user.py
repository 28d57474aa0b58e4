"""A person at one of the windows: TLS with a client certificate, cookies, forms, and patience.

Unlike a test client it does not give up: a refused or cut request is noted and made again, as people do.
"""

from __future__ import annotations

import http.client
import http.cookies
import json
import os
import re
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from ops.demo.pages import Form, Page
from tests.support.whole_system import WholeSystem

DEADLINE_S = 45.0
CODE = re.compile(r"FG-\d{4}")
REFERENCE = re.compile(r'class="ref">([^<]+)<')
_REFRESH = re.compile(r'http-equiv="refresh"', re.IGNORECASE)
_ACCOUNTS_LOCK = threading.Lock()


class Cut(Exception):
    """The connection was refused or ended before an answer came."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One page."""

    status: int
    path: str
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def page(self) -> Page:
        return Page(self.text)

    @property
    def code(self) -> str:
        """The error code the page shows, or nothing."""
        found = CODE.search(self.text)
        return found[0] if found else ""

    @property
    def reference(self) -> str:
        """The reference number of a receipt, or nothing."""
        found = REFERENCE.search(self.text)
        return found[1] if found else ""

    @property
    def waits(self) -> bool:
        """Whether the page updates itself."""
        return _REFRESH.search(self.text) is not None

    @property
    def state(self) -> str:
        """The state a receipt shows."""
        tags = (e for e in self.page.all("span") if "tag" in e.attributes.get("class", "").split())
        return next((" ".join(tag.text.split()) for tag in tags), "")


@dataclass(slots=True)
class HallUser:
    """One browser of one demo account."""

    system: WholeSystem
    label: str
    pem: Path | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    _connection: http.client.HTTPSConnection | None = None
    _account: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._account = account(self.system, self.label)

    @property
    def port(self) -> int:
        return int(getattr(self.system.found.ports, self._account["window"]))

    def tls(self) -> ssl.SSLContext:
        """TLS with this account's certificate."""
        demo = self.system.layout.demo
        context = ssl.create_default_context(cafile=str(demo / "root.pem"))
        context.load_cert_chain(str(self.pem or demo / f"{self.label}.pem"))
        return context

    def get(self, path: str) -> Seen:
        """Load a page, following redirects."""
        return self._follow("GET", path, b"")

    def send(self, form: Form, changes: dict[str, str]) -> Seen:
        """Send a form."""
        return self._follow("POST", form.action, urllib.parse.urlencode({**form.values, **changes}).encode())

    def sign_in(self) -> Seen:
        """Sign in; a first password is changed, and the changed one remembered for the other browsers."""
        with _ACCOUNTS_LOCK:
            self._account = account(self.system, self.label)
            form = self.get("/login").page.form("/login")
            given = {"user_name": self._account["user_name"], "password": self._account["password"]}
            seen = self.send(form, given)
            assert seen.status == 200 and not seen.path.startswith("/login"), f"{seen.status} {seen.page.problem()}"
            return self._change_password(seen) if seen.path.startswith("/password") else seen

    def patiently_get(self, path: str, *, within_s: float = 60) -> Seen:
        """Load a page, again and again while the hall is in trouble; what went wrong is noted."""
        return self._patiently("GET", path, b"", within_s)

    def patiently_send(self, form: Form, changes: dict[str, str], *, within_s: float = 60) -> Seen:
        """Send a form, the same one again while the hall is in trouble."""
        body = urllib.parse.urlencode({**form.values, **changes}).encode()
        return self._patiently("POST", form.action, body, within_s)

    def follow(self, path: str, *, within_s: float) -> Seen:
        """Look at a receipt until it no longer waits."""
        end = time.monotonic() + within_s
        while True:
            seen = self.patiently_get(f"{path}?auto=1")
            if not seen.waits or time.monotonic() > end:
                return seen
            time.sleep(0.5)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _patiently(self, method: str, path: str, body: bytes, within_s: float) -> Seen:
        end = time.monotonic() + within_s
        while True:
            try:
                seen = self._follow(method, path, body)
            except Cut as error:
                seen = None
                self.troubles.append(f"cut: {error}")
            else:
                if seen.status < 429:
                    return seen
                self.troubles.append(f"{seen.status} {seen.code or 'NO CODE'}")
            if time.monotonic() > end:
                if seen is None:
                    raise Cut(f"{method} {path}: no answer within {within_s} s: {self.troubles[-3:]}")
                return seen
            time.sleep(0.3)

    def _follow(self, method: str, path: str, body: bytes) -> Seen:
        for _ in range(5):
            seen = self._ask(method, path, body)
            location = seen.headers.get("location")
            if seen.status in (301, 302, 303, 307, 308) and location:
                path, method, body = urllib.parse.urljoin(path, location), "GET", b""
                continue
            return seen
        raise AssertionError(f"{path}: too many redirects")

    def _ask(self, method: str, path: str, body: bytes) -> Seen:
        headers = {"Accept": "text/html", "Accept-Language": "en", "User-Agent": "Mozilla/5.0 (fault test)"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST":
            headers["Origin"] = f"https://localhost:{self.port}"
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            return self._once(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            kept = self._connection is not None and getattr(self._connection, "served", 0) > 0
            self.close()
            if method == "GET" and kept:
                return self._again(path, headers)
            raise Cut(f"{method} {type(error).__name__}: {error}") from None

    def _again(self, path: str, headers: dict[str, str]) -> Seen:
        """A page on a kept connection that was closed meanwhile: every browser asks once more by itself."""
        try:
            return self._once("GET", path, b"", headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Cut(f"GET {type(error).__name__}: {error}") from None

    def _once(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Seen:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                "localhost", self.port, timeout=DEADLINE_S, context=self.tls()
            )
            self._connection.served = 0  # type: ignore[attr-defined]
        self._connection.request(method, path, body=body or None, headers=headers)
        response = self._connection.getresponse()
        data = response.read()
        self._connection.served += 1  # type: ignore[attr-defined]
        for value in response.headers.get_all("Set-Cookie") or ():
            for name, morsel in http.cookies.SimpleCookie(value).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        seen = Seen(response.status, path, data, {k.lower(): v for k, v in response.headers.items()})
        if response.will_close:
            self.close()
        return seen

    def _change_password(self, seen: Seen) -> Seen:
        new = f"fault-{os.urandom(9).hex()}"
        wanted = {"old_password": self._account["password"], "new_password": new, "new_password_again": new}
        changed = self.send(seen.page.form("/password"), wanted)
        assert not changed.path.startswith("/password"), changed.page.problem()
        self._account["password"] = new
        path = self.system.layout.demo / "accounts.json"
        listed = json.loads(path.read_text(encoding="utf-8"))
        listed = [self._account if one["label"] == self.label else one for one in listed]
        path.write_text(json.dumps(listed, ensure_ascii=False, indent=1), encoding="utf-8")
        return changed


def account(system: WholeSystem, label: str) -> dict[str, str]:
    """What set-up wrote about a demo account."""
    listed = json.loads((system.layout.demo / "accounts.json").read_text(encoding="utf-8"))
    return next(one for one in listed if one["label"] == label)
