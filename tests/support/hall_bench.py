"""A hall on the memory back end, and a browser small enough to hold in one hand: cookies, forms, redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from dmz.hall.error_page import ErrorPages
from dmz.hall.hall import Hall
from dmz.hall.hall_app import HallApp
from dmz.hall.hall_settings import HallSettings
from dmz.hall.renderer import Renderer
from dmz.hall.router import Router
from dmz.messages import ClientIdentity, HallRequest, HallResponse, Method, Upload, Window
from tests.support.hall_backend import Account, CountedBytes, MemoryBackend, StillClock

SITE, UNIT, COMMUNITY, PERSON = "site", "unit", "community", "person"
PASSWORD = "a river under the bridge"
ACCOUNTS = {UNIT: "U0000042", COMMUNITY: "C0000007", PERSON: "P0001234"}
NAMES = {UNIT: "武汉江城机械有限公司", COMMUNITY: "水塔社区居民委员会", PERSON: "王小梅"}


def assets(name: str) -> str:
    """Addresses of static files as the worker would give them."""
    return f"/static/{name}"


def identity_of(window: str) -> ClientIdentity | None:
    """The holder of a client certificate for a window."""
    if window == SITE:
        return None
    account = ACCOUNTS[window]
    uri = f"urn:ferrygate:account:{window}:{account}"
    return ClientIdentity(account.encode().ljust(32, b"."), "Ferrygate users", 0x5A17C0FFEE, uri, window, account)


@cache
def _renderer() -> Renderer:
    return Renderer(assets, HallSettings())


class Bench:
    """A hall with one account per window."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.randomness = CountedBytes()
        self.seen: list[tuple[HallRequest, HallResponse]] = []
        self.backend = MemoryBackend(self.clock, self.randomness)
        self.backend.accounts = [
            Account(ACCOUNTS[window], window, "operator", PASSWORD, NAMES[window])
            for window in (UNIT, COMMUNITY, PERSON)
        ]
        self.handler = HallApp(self._hall()).handle

    def _hall(self) -> Hall:
        """As `build_hall` puts it together, but with templates compiled once for all tests."""
        settings, renderer = HallSettings(), _renderer()
        errors = ErrorPages(renderer, settings)
        return Hall(self.backend, renderer, errors, Router(), settings, self.clock, self.randomness)

    def browser(self, window: str, language: str = "en", *, signed_in: bool = False) -> Browser:
        """A browser at one window."""
        browser = Browser(self, window, language)
        if signed_in:
            answer = browser.post("/login", {"user_name": "operator", "password": PASSWORD})
            assert answer.status == 303, answer
        return browser


class Browser:
    """Sends requests, keeps cookies."""

    def __init__(self, bench: Bench, window: str, language: str) -> None:
        self.bench = bench
        self.window = window
        self.cookies: dict[str, str] = {}
        self.headers = {"accept-language": language, "host": "localhost:7002"}

    def get(self, address: str) -> HallResponse:
        parts = urlsplit(address)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        return self._send("GET", unquote(parts.path), query=query)

    def post(
        self, path: str, form: Mapping[str, str], uploads: tuple[Upload, ...] = (), **headers: str
    ) -> HallResponse:
        media = "multipart/form-data" if uploads else "application/x-www-form-urlencoded"
        extra = {"content-type": media, "origin": f"https://{self.headers['host']}", "sec-fetch-site": "same-origin"}
        extra.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self._send("POST", path, form=tuple(form.items()), uploads=uploads, headers=extra)

    def follow(self, answer: HallResponse) -> HallResponse:
        """Go where a redirect leads."""
        assert answer.status == 303, (answer.status, answer.body[:400])
        return self.get(header(answer, "Location"))

    @property
    def csrf(self) -> str:
        """The token of the session, as its forms carry it."""
        cookie = self.cookies[f"__Host-fg-{self.window}"]
        return self.bench.backend.sessions[cookie].csrf_token

    def _send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **parts: object
    ) -> HallResponse:
        request = HallRequest(
            method=cast(Method, method),
            window=cast(Window, self.window),
            path=path,
            cookies=tuple(self.cookies.items()),
            headers=MappingProxyType({**self.headers, **(headers or {})}),
            client=identity_of(self.window),
            address="192.0.2.7",
            request_id="00112233445566778899aabbccddeeff",
        )
        answer = asyncio.run(_await(self.bench, msgspec.structs.replace(request, **parts)))
        for name, value in answer.headers:
            if name == "Set-Cookie":
                pair = value.partition(";")[0]
                key, _, text = pair.partition("=")
                if "Max-Age=0" in value:
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = text
        return answer


async def _await(bench: Bench, request: HallRequest) -> HallResponse:
    answer = await bench.handler(request)
    bench.seen.append((request, answer))
    return answer


def header(answer: HallResponse, name: str) -> str:
    """The value of a header that must be there."""
    return next(value for key, value in answer.headers if key == name)


def text_of(answer: HallResponse) -> str:
    """The page as text."""
    return answer.body.decode("utf-8")
