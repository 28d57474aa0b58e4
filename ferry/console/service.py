"""Puts the console together: threads, pages, a look at the status file every two seconds, and a server."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ferry.acts.act import CONSOLE_ROLE
from ferry.acts.building import known_operators
from ferry.acts.desk import ActDesk
from ferry.acts.settings import ActsSettings
from ferry.console.door import RevokedOperators
from ferry.console.pages import ConsolePages, ConsoleParts
from ferry.console.renderer import Renderer
from ferry.console.samples import EVERY_S, Samples
from ferry.console.settings import ConsoleSettings
from ferry.console.site import TOKEN_BYTES, ConsoleSite, SiteParts
from ferry.own_keys import signing_key
from wire_formats.collaborators import Clock, Pool, Randomness
from wire_formats.inner_web.revocation import load_certificates
from wire_formats.inner_web.site import InnerServer, Serve, ServerSettings
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

BACKLOG: Final = 32


class ConsoleService:
    """The running console; called in the reactor's thread.

    Args:
        settings: its table.
        server: of its pages.
        samples: the status file's memory.
        pool: threads, stopped with the service.
        reactor: time.
    """

    _log = Logger()

    def __init__(
        self, settings: ConsoleSettings, server: InnerServer, samples: Samples, pool: Pool, reactor: Any
    ) -> None:
        self._settings = settings
        self._server = server
        self._pool = pool
        self._looking = LoopingCall(samples.take)
        self._looking.clock = reactor

    @property
    def port(self) -> int:
        """The port that is served; useful when 0 was asked."""
        return self._server.port

    async def start(self) -> None:
        """Serve.

        Raises:
            CannotListenError: the port is taken.
        """
        self._server.start()
        self._looking.start(EVERY_S, now=True)
        self._log.info("console_started", port=self.port, holder=self._settings.half)

    async def stop(self) -> None:
        """Take no more visits and finish those under way."""
        if self._looking.running:
            self._looking.stop()
        await self._server.stop()
        self._pool.stop()

    def health(self) -> tuple[bool, tuple[str, ...]]:
        """Tell whether it can work; the half's own troubles are the half's health, not the console's."""
        return (True, ()) if self._server.serving else (False, ("not listening",))


def build_console(
    settings: ConsoleSettings, *, reactor: Any, clock: Clock, randomness: Randomness, pool: Pool, serve: Serve
) -> ConsoleService:
    """Build the console from its settings.

    Args:
        settings: its table.
        reactor: time, for the look at the status file.
        clock: the time.
        randomness: for form tokens.
        pool: threads for files and databases; stopped with the service.
        serve: makes the server of the pages.

    Raises:
        SettingsError: a key or certificate cannot be used.
    """
    acts = ActsSettings(folder=settings.acts, operators=settings.operators, operator_issuers=settings.operator_issuers)
    issuers = load_certificates(settings.operator_issuers)
    samples, renderer = Samples(settings.status), Renderer()
    pages = ConsolePages(
        ConsoleParts(
            settings=settings,
            samples=samples,
            desk=ActDesk(settings.half, settings.quarantine, acts),
            key=_own_key(settings),
            machines=lambda: _machines(settings),
            renderer=renderer,
        )
    )
    parts = SiteParts(
        answer=pages.answer,
        renderer=renderer,
        operators=lambda: known_operators(acts),
        revoked=RevokedOperators(settings.client_crl, issuers).check,
        secret=randomness.bytes(TOKEN_BYTES),
        pool=pool,
        clock=clock,
    )
    server = serve(
        ConsoleSite(parts),
        ServerSettings(
            listen=settings.listen,
            port=settings.port,
            key=settings.server_key,
            chain=settings.server_chain,
            issuers=issuers,
            body_bytes=settings.body_bytes,
            connections=settings.connections,
            backlog=BACKLOG,
        ),
    )
    return ConsoleService(settings, server, samples, pool, reactor)


def _machines(settings: ConsoleSettings) -> TrustStore:
    """Read the machines for one visit: a PeerError becomes a line on its page."""
    return TrustStore.from_pem([settings.trust_issuers.read_bytes()], [settings.trust_machines.read_bytes()])


def _own_key(settings: ConsoleSettings) -> SigningKey | None:
    if settings.signing_key is None or settings.signing_certificate is None:
        return None
    return signing_key(settings.signing_key, settings.signing_certificate, CONSOLE_ROLE)
