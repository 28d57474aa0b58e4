"""Puts the staff window together: database, threads, pages, and the server it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from core.db.engine import open_engine
from core.db.migrate import check_revision
from core.password_hashing import PEPPER_BYTES, PasswordHashing
from core.rules.passwords import load_common
from core.service import COMMON_PASSWORDS
from core.staff.account_pages import AccountPages
from core.staff.app import StaffApp
from core.staff.case_desk import CaseDesk
from core.staff.case_file import CaseReader
from core.staff.case_pages import CasePages
from core.staff.login_desk import LoginDesk
from core.staff.metrics import StaffMetrics
from core.staff.renderer import Renderer
from core.staff.routes import Routes
from core.staff.sessions import Sessions
from core.staff.settings import StaffSettings
from core.staff.site import SiteParts, StaffSite
from core.staff.work_pages import WorkPages
from wire_formats.collaborators import Clock, Pool, Randomness
from wire_formats.errors import HallError
from wire_formats.inner_web.revocation import RevocationList, load_certificates
from wire_formats.inner_web.site import InnerServer, Serve, ServerSettings

CRL_EVERY_S: Final = 20
BACKLOG: Final = 128


@dataclass(frozen=True)
class _Parts:
    server: InnerServer
    pool: Pool
    revoked: RevocationList
    reactor: Any


class StaffService:
    """The running staff window; called in the reactor's thread."""

    _log = Logger()

    def __init__(self, parts: _Parts, dispose: Any) -> None:
        self._parts, self._dispose = parts, dispose
        self._crl_trouble = False
        self._looking = LoopingCall(self._look_at_crl)
        self._looking.clock = parts.reactor

    @property
    def port(self) -> int:
        """The port that is served; useful when 0 was asked."""
        return self._parts.server.port

    async def start(self) -> None:
        """Read the revocation list and serve.

        Raises:
            CannotListenError: the port is taken.
        """
        self._parts.server.start()
        self._looking.start(CRL_EVERY_S, now=True)
        self._log.info("staff_started", port=self.port)

    async def stop(self) -> None:
        """Take no more visits, finish those under way, close the database."""
        if self._looking.running:
            self._looking.stop()
        if self._parts.server.serving:
            await self._parts.server.stop()
            self._parts.pool.stop()
        self._dispose()
        self._log.info("staff_stopped")

    def health(self) -> tuple[bool, tuple[str, ...]]:
        """Tell whether the window can work, and if not, why."""
        reasons = []
        if not self._parts.server.serving:
            reasons.append("not listening")
        if self._crl_trouble:
            reasons.append("revocation list cannot be used")
        return not reasons, tuple(reasons)

    def _look_at_crl(self) -> Deferred[None]:
        looked = Deferred.fromCoroutine(self._parts.pool.run(self._parts.revoked.refresh))
        looked.addCallbacks(self._crl_good, self._crl_bad)
        return looked

    def _crl_good(self, _nothing: None) -> None:
        self._crl_trouble = False

    def _crl_bad(self, failure: Failure) -> None:
        error = failure.check(HallError)
        if error is None:
            self._log.failure("staff_crl_failed", failure=failure)
        else:
            self._log.warn("staff_crl_refused", reason=str(failure.value))
        self._crl_trouble = True


def build_staff(  # noqa: PLR0913 - collaborators, each by name
    settings: StaffSettings,
    *,
    reactor: Any,
    clock: Clock,
    randomness: Randomness,
    registry: CollectorRegistry,
    pool: Pool,
    serve: Serve,
) -> StaffService:
    """Build the staff window from its settings; reads keys and certificates, checks the database's revision.

    Args:
        settings: its table.
        reactor: time, for the look at the revocation list and the length of a visit.
        clock: the time.
        randomness: for sessions.
        registry: for metrics.
        pool: threads for the database and for passwords; stopped with the service.
        serve: makes the server of the pages.

    Raises:
        Bug: the database's revision does not fit this code.
        SettingsError: a key or certificate cannot be used.
        ValueError: the pepper has a wrong form.
        OSError: a file is missing.
    """
    engine = open_engine(settings.database_url)
    check_revision(engine)
    metrics = StaffMetrics(registry)
    issuers = load_certificates(settings.client_issuers)
    renderer = Renderer()
    app = StaffApp(engine, _routes(settings, engine, renderer, metrics, randomness), renderer)
    metrics.work.set_function(lambda: pool.inside)
    revoked = RevocationList(settings.client_crl, issuers)
    sessions = Sessions(randomness, idle_ms=settings.idle_ms, life_ms=settings.session_ms, most=settings.sessions)
    parts = SiteParts(
        answer=app.answer,
        renderer=renderer,
        sessions=sessions,
        revoked=revoked,
        pool=pool,
        clock=clock,
        metrics=metrics,
        seconds=reactor.seconds,
    )
    server = serve(
        StaffSite(parts),
        ServerSettings(
            listen=settings.listen,
            port=settings.port,
            key=settings.server_key,
            chain=settings.server_chain,
            issuers=issuers,
            tls12=settings.tls12,
            body_bytes=settings.body_bytes,
            connections=settings.connections,
            backlog=BACKLOG,
        ),
    )
    return StaffService(_Parts(server, pool, revoked, reactor), engine.dispose)


def _routes(
    settings: StaffSettings, engine: Any, renderer: Renderer, metrics: StaffMetrics, randomness: Randomness
) -> Routes:
    pepper = settings.pepper.read_bytes()
    if len(pepper) != PEPPER_BYTES:
        raise ValueError(f"{settings.pepper.name}: a key file of {PEPPER_BYTES} bytes is needed")
    desk = LoginDesk(engine, PasswordHashing(pepper), load_common(COMMON_PASSWORDS))
    reader = CaseReader(engine, randomness, metrics, settings.page_rows)
    return Routes(
        AccountPages(renderer, desk, metrics),
        WorkPages(renderer, engine, settings.page_rows),
        CasePages(renderer, reader, CaseDesk(engine, randomness, metrics)),
    )
