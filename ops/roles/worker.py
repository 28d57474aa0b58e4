"""One application worker: pages in front, exchange database and ferry drops behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.threadpool import ThreadPool

from dmz.edge.error_answers import error_answer, page_language
from dmz.edge.front_socket import FrontParts, FrontSettings, FrontSocket
from dmz.hall.hall_app import build_hall
from dmz.hall.hall_settings import HallSettings
from dmz.messages import HallRequest, HallResponse, Handler
from dmz.static.assets import load_assets
from dmz.switch.metrics import PortMetrics
from dmz.switch.settings import PortSettings
from dmz.switch.worker_port import WorkerPort
from dmz.waf.hall_routes import hall_route_table
from dmz.workers import exchange_db
from dmz.workers.assembly import Surroundings as WorkerSurroundings
from dmz.workers.assembly import Worker, build_worker
from dmz.workers.metrics import WorkerMetrics
from dmz.workers.request_building import SealKeys
from dmz.workers.settings import WorkerSettings
from dmz.workers.tools import WorkerTools
from ops.roles.exchange_revision import bring_up_to_date
from ops.roles.role_file import LoadedRole, reactor_role
from ops.runtime.metrics_page import Health
from ops.runtime.pools import OwnPool
from ops.runtime.role_main import Running, Surroundings
from ops.runtime.role_settings import RoleSettings
from ops.runtime.socket_path import check_socket_paths
from wire_formats.errors import HallError, Kind, Unavailable
from wire_formats.seal import SealPublicKey
from wire_formats.settings_reader import SettingsError, load_settings
from wire_formats.suites import load_signing_key
from wire_formats.trust import TrustStore

WORKBOOK_THREADS: Final = 2
WORKBOOK_QUEUE: Final = 32
_RETRY_S: Final = 5
WORKBOOK_POLL_S: Final = 0.05
#: Kept of the deadline of a stop, to close everything in.
CLOSING_S: Final = 3.0
#: Names of the sockets in a hand-over.
PORT: Final = "port"
FRONT: Final = "front"


@dataclass(frozen=True)
class WorkerFile:
    """``worker-<n>.toml``."""

    role: RoleSettings
    worker: WorkerSettings
    hall: HallSettings = field(default_factory=HallSettings)
    port: PortSettings = field(default_factory=PortSettings)
    front: FrontSettings | None = None


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be used.
    """
    file = load_settings(WorkerFile, settings)
    check_socket_paths(file.worker.socket)
    return reactor_role(file.role, lambda around: _WorkerRole(file, around).running())


class _WorkerRole:
    """The parts of one worker process and the order of their start and stop."""

    def __init__(self, file: WorkerFile, around: Surroundings) -> None:
        self._file = file
        self._around = around
        self._engine: Engine = exchange_db.open_engine(file.worker.exchange_url)
        self._store_thread = ThreadPool(minthreads=1, maxthreads=1, name="exchange")
        self._pool = OwnPool(around.reactor, "workbooks", threads=WORKBOOK_THREADS, queue=WORKBOOK_QUEUE)
        metrics = WorkerMetrics(around.registry)
        self._store = exchange_db.ExchangeStore(
            self._engine, self._store_thread, around.reactor, on_commit=metrics.commit_writes.observe
        )
        self._worker: Worker = build_worker(file.worker, self._given(metrics))
        handler: Handler = build_hall(
            self._worker.backend, load_assets().url, file.hall, clock=around.clock, randomness=around.randomness
        )
        self._port = WorkerPort(
            handler,
            render_error,
            settings=file.port,
            metrics=PortMetrics(around.registry),
            reactor=around.reactor,
        )
        self._front = None if file.front is None else FrontSocket(file.front, self._front_parts())
        self._stop_worker: Callable[[], None] | None = None

    def running(self) -> Running:
        """Give what role_main drives."""
        return Running(start=self.start, stop=self.stop, health=self.health)

    async def start(self) -> None:
        """Bring the database to the newest schema, read answers, open the socket."""
        self._store_thread.start()
        await self._pool.run(bring_up_to_date, self._engine)
        self._stop_worker = self._worker.start(self._around.watch)
        taken = self._around.hand_over.take()
        sockets = {PORT: self._port.listen(self._file.worker.socket, taken.get(PORT))}
        if self._front is not None:
            sockets[FRONT] = self._front.start(taken.get(FRONT))
        self._around.hand_over.offer(sockets)

    async def stop(self) -> None:
        """Finish what is under way (its answers still arrive), then close everything."""
        end_s = self._around.reactor.seconds() + self._file.role.stop_deadline_s - CLOSING_S
        succeeded = self._around.hand_over.succeeded()
        if self._front is not None:
            await self._front.stop(succeeded=succeeded)
        drained: Deferred[None] = self._port.drain(succeeded=succeeded)
        await drained
        # A workbook that was taken has shown its receipt; its rows are here and nowhere else until they are stored.
        while self._around.background.counts().get("workbook") and self._around.reactor.seconds() < end_s:
            await deferLater(self._around.reactor, WORKBOOK_POLL_S)
        if self._stop_worker is not None:
            self._stop_worker()
        self._pool.stop()
        self._store_thread.stop()
        self._engine.dispose()

    def health(self) -> Health:
        """Ready while the socket is open."""
        figures = {"in_flight": self._port.in_flight, "store_waiting": self._store.waiting}
        if self._port.draining:
            return Health(ready=False, reasons=("draining",), figures=figures)
        return Health(ready=True, figures=figures)

    async def _ask(self, request: HallRequest) -> HallResponse:
        """Have a front's request answered as an edge's."""
        answer = self._port.handle(request)
        if answer is None:
            raise Unavailable(Kind.BUSY, "the worker has no place", retry_after_s=_RETRY_S)
        return await answer

    def _front_parts(self) -> FrontParts:
        around = self._around
        return FrontParts(
            reactor=around.reactor,
            clock=around.clock,
            randomness=around.randomness,
            registry=around.registry,
            handler=self._ask,
            takes_files=hall_route_table().takes_files,
        )

    def _given(self, metrics: WorkerMetrics) -> WorkerSurroundings:
        file, around = self._file.worker, self._around
        try:
            key = load_signing_key(file.signing_key.read_bytes(), file.signing_certificate.read_bytes())
            keys = SealKeys(SealPublicKey(file.high_half_key.read_bytes()), SealPublicKey(file.core_key.read_bytes()))
        except ValueError as error:
            raise SettingsError(f"{file.signing_key.parent}: a key of {file.name} cannot be used: {error}") from None
        trust = TrustStore.from_pem([file.trust_issuers.read_bytes()], [file.trust_certificates.read_bytes()])
        return WorkerSurroundings(
            store=self._store,
            key=key,
            keys=keys,
            trust=trust,
            pool=self._pool,
            tools=WorkerTools(
                clock=around.clock,
                randomness=around.randomness,
                background=around.background,
                reactor=around.reactor,
                metrics=metrics,
            ),
        )


def render_error(request: HallRequest, error: HallError) -> HallResponse:
    """Make the page of an error that no page handler could show."""
    cookies = "; ".join(f"{name}={value}" for name, value in request.cookies)
    return error_answer(
        error,
        request_id=request.request_id,
        language=page_language(cookies, request.headers.get("accept-language")),
    )
