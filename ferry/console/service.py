"""Puts the console together: TLS, threads, pages, a look at the status file every two seconds, and a bound port."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

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
from inner_web.site import BoundedFactory, InnerFactory
from inner_web.tls import ServerContext, load_certificates
from wire_formats.collaborators import Clock, Pool, Randomness
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

BACKLOG: Final = 32


class ConsoleService:
    """The running console; called in the reactor's thread.

    Args:
        settings: its table.
        context: TLS.
        factory: speaks HTTP.
        samples: the status file's memory.
        pool: threads, stopped with the service.
        reactor: serves the port.
    """

    _log = Logger()

    def __init__(
        self, settings: ConsoleSettings, context: ServerContext, factory: BoundedFactory, samples: Samples, pool: Pool,
        reactor: Any,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._context = context
        self._factory = factory
        self._pool = pool
        self._reactor = reactor
        self._port: Any = None
        self._looking = LoopingCall(samples.take)
        self._looking.clock = reactor

    @property
    def port(self) -> int:
        """The port that is served; useful when 0 was asked."""
        return int(self._port.getHost().port)

    async def start(self) -> None:
        """Serve.

        Raises:
            CannotListenError: the port is taken.
        """
        secured = TLSMemoryBIOFactory(self._context, False, self._factory, clock=self._reactor)
        self._port = self._reactor.listenTCP(
            self._settings.port, secured, interface=self._settings.listen, backlog=BACKLOG
        )
        self._looking.start(EVERY_S, now=True)
        self._log.info("console_started", port=self.port, holder=self._settings.half)

    async def stop(self) -> None:
        """Take no more visits and finish those under way."""
        if self._looking.running:
            self._looking.stop()
        if self._port is not None:
            await self._port.stopListening()
            self._port = None
        self._pool.stop()

    def health(self) -> tuple[bool, tuple[str, ...]]:
        """Tell whether it can work; the half's own troubles are the half's health, not the console's."""
        return (True, ()) if self._port is not None else (False, ("not listening",))


def build_console(
    settings: ConsoleSettings, *, reactor: Any, clock: Clock, randomness: Randomness, pool: Pool
) -> ConsoleService:
    """Build the console from its settings.

    Args:
        settings: its table.
        reactor: serves the port.
        clock: the time.
        randomness: for form tokens.
        pool: threads for files and databases; stopped with the service.

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
    context = ServerContext(settings.server_key, settings.server_chain, issuers)
    site = InnerFactory(ConsoleSite(parts), body_bytes=settings.body_bytes, reactor=reactor)
    factory = BoundedFactory(site, most=settings.connections)
    return ConsoleService(settings, context, factory, samples, pool, reactor)


def _machines(settings: ConsoleSettings) -> TrustStore:
    """Read the machines for one visit: a PeerError becomes a line on its page."""
    return TrustStore.from_pem([settings.trust_issuers.read_bytes()], [settings.trust_machines.read_bytes()])


def _own_key(settings: ConsoleSettings) -> SigningKey | None:
    if settings.signing_key is None or settings.signing_certificate is None:
        return None
    return signing_key(settings.signing_key, settings.signing_certificate, CONSOLE_ROLE)
