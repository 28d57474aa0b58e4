"""Builds one worker out of its settings and collaborators: the list of parts, in order, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dmz.hall.backend_port import Backend
from dmz.workers.answer_watch import AnswerWatch, WatchPlaces
from dmz.workers.backend import Desks, HallBackend
from dmz.workers.batch_desk import BatchBounds, BatchDesk
from dmz.workers.batch_job import BatchParts
from dmz.workers.bundler import Bundler, BundlerBounds
from dmz.workers.companions import Companions, Presence
from dmz.workers.credits import CreditBounds, Credits
from dmz.workers.draft_desk import DraftDesk, DraftParts
from dmz.workers.drafts import DraftBounds
from dmz.workers.exchange_db import ExchangeStore
from dmz.workers.housekeeping import Housekeeping, HousekeepingBounds
from dmz.workers.request_building import SealKeys
from dmz.workers.request_desk import RequestDesk, RequestParts
from dmz.workers.request_intake import IntakeBounds, IntakeParts, RequestIntake
from dmz.workers.request_store import RoomLimits
from dmz.workers.session_desk import SessionBounds, SessionDesk, SessionParts
from dmz.workers.settings import WorkerSettings
from dmz.workers.throttle import ThrottleBounds
from dmz.workers.tools import WorkerTools
from dmz.workers.workbook.reader_process import WorkbookReader
from wire_formats.collaborators import DirectoryWatch, Pool
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

HOUSEKEEPING_S = 1.0


@dataclass(frozen=True)
class Surroundings:
    """What a worker is given.

    Attributes:
        store: The exchange store (migrated).
        key: Signing key of this worker.
        keys: Public seal keys of the high half and the core.
        trust: Certificates of core and ferry halves.
        pool: Threads for slow pure work (workbooks).
        tools: Clock, randomness, reactor, background work, counters.
        companions: Other processes of this name; found by a lock file beside the socket unless given.
    """

    store: ExchangeStore
    key: SigningKey
    keys: SealKeys
    trust: TrustStore
    pool: Pool
    tools: WorkerTools
    companions: Presence | None = None


@dataclass(frozen=True)
class Worker:
    """A worker that is ready to start."""

    backend: Backend
    sessions: SessionDesk
    bundler: Bundler
    answers: AnswerWatch
    housekeeping: Housekeeping

    def start(self, watch: DirectoryWatch) -> Callable[[], None]:
        """Begin to read answers and to resend; returns what stops it again."""
        stop_watch = self.answers.start(watch)
        self.housekeeping.start()

        def stop() -> None:
            self.housekeeping.stop()
            stop_watch()
            self.bundler.stop()

        return stop


def build_worker(settings: WorkerSettings, given: Surroundings) -> Worker:
    """Put a worker together; folders are made, nothing is started."""
    bundler = Bundler(
        name=settings.name,
        outbox=settings.outbox,
        key=given.key,
        tools=given.tools,
        bounds=BundlerBounds(wait_s=settings.bundle_wait_us / 1_000_000, outbox_files=settings.outbox_files),
    )
    answers = AnswerWatch(
        places=WatchPlaces(
            worker=settings.name,
            inbox=settings.inbox / settings.name,
            quarantine=settings.quarantine,
            keep_ms=settings.result_keep_s * 1000,
            companions=given.companions or Companions(settings.socket.with_suffix(".lock")),
        ),
        trust=given.trust,
        store=given.store,
        tools=given.tools,
        requests_of=bundler.requests_of,
        answered=bundler.answered,
    )
    intake = _intake(settings, given, bundler, answers)
    housekeeping = _housekeeping(settings, given, bundler, intake)
    sessions = SessionDesk(
        SessionParts(given.store, intake, given.trust, given.tools),
        SessionBounds(
            idle_ms=settings.session_idle_s * 1000,
            absolute_ms=settings.session_absolute_s * 1000,
            per_account=settings.sessions_per_account,
            throttle=_throttle(settings),
        ),
    )
    backend = HallBackend(_desks(settings, given, intake, sessions))
    return Worker(backend, sessions, bundler, answers, housekeeping)


def _intake(settings: WorkerSettings, given: Surroundings, bundler: Bundler, answers: AnswerWatch) -> RequestIntake:
    bounds = IntakeBounds(
        worker=settings.name,
        answer_wait_ms=settings.answer_wait_ms,
        query_life_ms=settings.query_life_s * 1000,
        transaction_life_ms=settings.transaction_life_s * 1000,
        first_pause_ms=settings.resend_first_ms,
        room=RoomLimits(settings.per_account, settings.per_unit),
        backlog=settings.per_worker,
    )
    under_way = Credits(
        CreditBounds(settings.per_session, settings.per_account, settings.per_unit, settings.per_worker)
    )
    parts = IntakeParts(
        store=given.store,
        bundler=bundler,
        answers=answers,
        credits=under_way,
        keys=given.keys,
        tools=given.tools,
    )
    return RequestIntake(parts, bounds)


def _housekeeping(
    settings: WorkerSettings, given: Surroundings, bundler: Bundler, intake: RequestIntake
) -> Housekeeping:
    return Housekeeping(
        store=given.store,
        bundler=bundler,
        tools=given.tools,
        bounds=HousekeepingBounds(
            worker=settings.name,
            pauses=(settings.resend_first_ms, settings.resend_most_ms),
            every_s=HOUSEKEEPING_S,
            sweep_s=settings.sweep_s,
            keep_ms=settings.result_keep_s * 1000,
            throttle_ms=settings.login_window_s * 1000,
            idle_ms=settings.session_idle_s * 1000,
            draft=_draft_bounds(settings),
        ),
        on_backlog=intake.set_backlog,
    )


def _desks(settings: WorkerSettings, given: Surroundings, intake: RequestIntake, sessions: SessionDesk) -> Desks:
    batch = BatchParts(
        store=given.store,
        intake=intake,
        reader=WorkbookReader(given.tools.reactor),
        pool=given.pool,
        tools=given.tools,
    )
    return Desks(
        sessions=sessions,
        requests=RequestDesk(RequestParts(given.store, intake, given.tools, _throttle(settings))),
        drafts=DraftDesk(DraftParts(given.store, given.tools, _draft_bounds(settings))),
        batches=BatchDesk(
            batch, BatchBounds(settings.batch_keep_s * 1000, settings.batch_same_s * 1000, settings.uploads_under_way)
        ),
    )


def _throttle(settings: WorkerSettings) -> ThrottleBounds:
    return ThrottleBounds(settings.login_failures, settings.login_window_s * 1000, settings.login_pause_s * 1000)


def _draft_bounds(settings: WorkerSettings) -> DraftBounds:
    return DraftBounds(
        count=settings.drafts_per_account,
        sealed_bytes=settings.draft_bytes,
        keep_ms=settings.draft_keep_s * 1000,
        undo_ms=settings.draft_undo_s * 1000,
    )
