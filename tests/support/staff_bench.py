"""A whole staff window on 127.0.0.1: real TLS, real database, operators with certificates, and a small browser."""

from __future__ import annotations

import datetime
import http.client
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.hashes import SHA256
from prometheus_client import CollectorRegistry
from sqlalchemy import update
from twisted.internet import threads
from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor

from core.db.states import OperatorLevel
from core.db.tables import staff_operator
from core.rules.case_states import TaskRole
from core.staff.operators import NewOperator, bind_operator_certificate, create_operator
from core.staff.service import StaffService, build_staff
from core.staff.settings import StaffSettings
from ops.runtime.inner_server import serve_with
from ops.runtime.pools import OwnPool
from tests.support.core_world import DISTRICT, PEPPER, World
from tests.support.page_reader import PageReader
from tests.support.test_ca import Credentials, HallAuthority

PASSWORD = "granite-lantern-58"
WIDE = datetime.timedelta(days=900)
BOTH = (TaskRole.REVIEW, TaskRole.RECHECK)


@dataclass
class Staffer:
    """An operator: id, first password, certificate files."""

    operator_id: str
    user_name: str
    password: str
    fingerprint: bytes
    pem: Path
    serial: int


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    text: str

    @property
    def page(self) -> PageReader:
        return PageReader(self.text)


@dataclass
class Browser:
    """Keeps cookies, follows nothing by itself, shows one certificate."""

    port: int
    tls: ssl.SSLContext
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=60)
        try:
            sent = {"Accept-Language": self.language, **(headers or {})}
            if self.cookies:
                sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
            cookies = answer.headers.get_all("Set-Cookie") or []
            for cookie in cookies:
                name, _, rest = cookie.partition("=")
                value = rest.partition(";")[0]
                self.cookies[name] = value
                if "Max-Age=0" in cookie:
                    del self.cookies[name]
            return Answer(answer.status, dict(answer.headers.items()), cookies, text)
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self.send("POST", path, urlencode(fields).encode(), sent)

    def token(self) -> str:
        """The form token of this session."""
        page = self.get("/password").page
        return page.all("input", name="csrf")[0].attributes["value"]

    def act(self, path: str, **fields: str) -> Answer:
        """Post a form of the session."""
        return self.post(path, {"csrf": self.token(), **fields})

    def sign_in(self, staffer: Staffer, password: str | None = None) -> Answer:
        return self.post("/login", {"user_name": staffer.user_name, "password": password or staffer.password})

    def sign_in_fully(self, staffer: Staffer) -> None:
        """Sign in and leave the temporary password behind."""
        assert self.sign_in(staffer).status == 303
        fields = {"old_password": staffer.password, "new_password": PASSWORD, "new_again": PASSWORD}
        answer = self.act("/password", **fields)
        assert answer.headers["Location"] == "/?done=changed", answer.text
        staffer.password = PASSWORD


class StaffBench:
    """A staff window over a world of the core.

    Args:
        world: its database, clock and randomness are used.
        folder: for keys and settings.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.authority = HallAuthority()
        self.registry = CollectorRegistry()
        server = self.authority.server()
        self._write("server.key.pem", server.key_pem)
        self._write("server.pem", server.chain_pem)
        self._write("client_issuers.pem", self.authority.issuers_pem)
        self._write("pepper.key", PEPPER)
        self.service: StaffService | None = None

    def settings(self, **changes: Any) -> StaffSettings:
        values: dict[str, Any] = {
            "database_url": self.world.engine.url.render_as_string(hide_password=False),
            "server_key": self.folder / "server.key.pem",
            "server_chain": self.folder / "server.pem",
            "client_issuers": self.folder / "client_issuers.pem",
            "pepper": self.folder / "pepper.key",
            "port": 0,
            "page_rows": 5,
            **changes,
        }
        return StaffSettings(**values)

    async def start(self, reactor: Any, **changes: Any) -> None:
        self.registry = CollectorRegistry()
        settings = self.settings(**changes)
        self.service = build_staff(
            settings,
            reactor=reactor,
            clock=self.world.clock,
            randomness=self.world.randomness,
            registry=self.registry,
            pool=OwnPool(reactor, "staff", threads=settings.threads, queue=settings.waiting),
            serve=serve_with(reactor),
        )
        await self.service.start()

    async def stop(self) -> None:
        if self.service is not None:
            await self.service.stop()

    def operator(
        self,
        user_name: str,
        *,
        district: str = DISTRICT,
        roles: tuple[TaskRole, ...] = BOTH,
        level: OperatorLevel = OperatorLevel.OPERATOR,
        changed: bool = False,
    ) -> Staffer:
        """Make an operator with a bound certificate; `changed`: the first password was changed already."""
        now = self.world.clock.now_ms()
        tools = self.world.tools
        new = NewOperator(user_name, f"经办{user_name}", district, level, roles, "registration", "027-12345678")
        with self.world.engine.begin() as connection:
            made = create_operator(connection, new, hashing=tools.hashing, randomness=self.world.randomness, now_ms=now)
            credentials = self.certificate(made.operator_id)
            fingerprint = credentials.certificate.fingerprint(_SHA256)
            bind_operator_certificate(connection, made.operator_id, fingerprint, now_ms=now)
            if changed:
                ours = staff_operator.c.operator_id == made.operator_id
                connection.execute(update(staff_operator).where(ours).values(must_change=False))
        pem = self._write(f"{user_name}.pem", credentials.key_pem + credentials.chain_pem)
        return Staffer(
            made.operator_id, user_name, made.password, fingerprint, pem, credentials.certificate.serial_number
        )

    def certificate(self, account: str, window: str = "staff", **changes: Any) -> Credentials:
        """Make a client certificate that is valid at the world's and at the machine's time."""
        return self.authority.client(window, account, **{"start": -WIDE, "end": WIDE, **changes})

    def browser(self, pem: Path | None, language: str = "en") -> Browser:
        tls = ssl.create_default_context(cadata=self.authority.issuers_pem.decode())
        if pem is not None:
            tls.load_cert_chain(pem)
        assert self.service is not None
        return Browser(self.service.port, tls, language)

    def browser_of(self, staffer: Staffer, language: str = "en") -> Browser:
        return self.browser(staffer.pem, language)

    def signed_in(self, staffer: Staffer, language: str = "en") -> Browser:
        browser = self.browser_of(staffer, language)
        answer = browser.sign_in(staffer)
        assert answer.status == 303, answer.text
        return browser

    def _write(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path


class ReactorThread:
    """A reactor of its own, not installed, running beside the test; blocking stories run in the test's thread."""

    def __init__(self) -> None:
        self.reactor = EPollReactor()
        self._thread = threading.Thread(target=self.reactor.run, kwargs={"installSignalHandlers": False}, daemon=True)
        self._thread.start()

    def run(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **changes: Any) -> Any:
        """Run a coroutine function in the reactor's thread and wait for it."""
        return threads.blockingCallFromThread(self.reactor, lambda: Deferred.fromCoroutine(function(*args, **changes)))

    def stop(self) -> None:
        self.reactor.callFromThread(self.reactor.stop)
        self._thread.join(60)


_SHA256 = SHA256()
