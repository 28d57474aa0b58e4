"""What a worker does by the clock: resend unanswered transactions, give up on expired ones, sweep old rows.

It works from the database only, so it goes on after a restart where it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import Connection, delete
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from dmz.workers import drafts, request_store
from dmz.workers.bundler import Bundler
from dmz.workers.drafts import DraftBounds
from dmz.workers.exchange_db import ExchangeStore
from dmz.workers.request_state import ASKED_AFTER_MS
from dmz.workers.tables import login_throttle, session, upload
from dmz.workers.tools import WorkerTools
from wire_formats.bundle import MAX_ITEMS
from wire_formats.errors import Unavailable
from wire_formats.request import LANES


@dataclass(frozen=True)
class HousekeepingBounds:
    """Whose rows are looked after, how often, and how long they are kept.

    Attributes:
        worker: This worker's name.
        pauses: First and longest pause between tries, milliseconds.
        every_s: Between looks for what is due.
        sweep_s: Between sweeps.
        keep_ms: How long ended transactions are kept.
        throttle_ms: How long failures are remembered.
        idle_ms: Idle life of a session.
        draft: Bounds of drafts.
    """

    worker: str
    pauses: tuple[int, int]
    every_s: float
    sweep_s: float
    keep_ms: int
    throttle_ms: int
    idle_ms: int
    draft: DraftBounds


class Housekeeping:
    """One per worker."""

    log = Logger()

    def __init__(
        self,
        *,
        store: ExchangeStore,
        bundler: Bundler,
        tools: WorkerTools,
        bounds: HousekeepingBounds,
        on_backlog: Callable[[int], None],
    ) -> None:
        """Take its collaborators.

        Args:
            store: The exchange store.
            bundler: Where resent requests go.
            tools: Clock, reactor, background work, counters.
            bounds: See HousekeepingBounds.
            on_backlog: Told how many transactions have no answer (``RequestIntake.set_backlog``).
        """
        self._store = store
        self._bundler = bundler
        self._clock = tools.clock
        self._time: IReactorTime = tools.reactor
        self._background = tools.background
        self._metrics = tools.metrics
        self._bounds = bounds
        self._on_backlog = on_backlog
        self._timer: IDelayedCall | None = None
        self._stopped = False
        self._next_sweep = 0.0

    def start(self) -> None:
        """Begin, with a first look at once: what a restart left is sent now."""
        self._stopped = False
        self._again()

    def stop(self) -> None:
        """End after the look that is under way."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    async def _turn(self) -> None:
        try:
            await self._try(self.resend)
            if self._time.seconds() >= self._next_sweep:
                self._next_sweep = self._time.seconds() + self._bounds.sweep_s
                await self._try(self.sweep)
        finally:
            if not self._stopped:
                self._timer = self._time.callLater(self._bounds.every_s, self._again)

    async def _try(self, work: Callable[[], Awaitable[object]]) -> None:
        """One kind of work that waits for the next turn when it cannot be done now; the others go on."""
        try:
            await work()
        except Unavailable as error:
            self.log.warn("housekeeping_postponed", reason=error.private)

    def _again(self) -> None:
        try:
            self._background.start("housekeeping", self._turn())
        except Unavailable as error:
            self.log.warn("housekeeping_postponed", reason=error.private)
            self._timer = self._time.callLater(self._bounds.every_s, self._again)

    async def resend(self) -> int:
        """Send again what is due; how many.

        Raises:
            Unavailable: the outbox or the database cannot take it now.
        """
        for lane in LANES:
            self._bundler.check_room(lane)
        now_ms = self._clock.now_ms()
        bounds = self._bounds

        def work(connection: Connection) -> tuple[list[request_store.Outgoing], int]:
            found = request_store.due(connection, bounds.worker, now_ms, bounds.pauses, MAX_ITEMS)
            request_store.expire(connection, bounds.worker, now_ms - ASKED_AFTER_MS)
            return found, request_store.count_under_way(connection, bounds.worker)

        found, backlog = await self._store.write(work)
        self._on_backlog(backlog)
        if not found:
            return 0
        sent_at = await self._bundler.send_all(found)
        ids = [outgoing.id for outgoing in found]
        await self._store.write(lambda db: request_store.mark_sent(db, ids, sent_at))
        self._metrics.resent.inc(len(found))
        self.log.info("transactions_resent", count=len(found), worker=bounds.worker)
        return len(found)

    async def sweep(self) -> None:
        """Remove what is past its time.

        Raises:
            Unavailable: the database cannot take it now.
        """
        now_ms = self._clock.now_ms()
        bounds = self._bounds

        def work(connection: Connection) -> int:
            gone = request_store.sweep(connection, now_ms, bounds.keep_ms)
            gone += drafts.sweep(connection, now_ms, bounds.draft)
            over = (session.c.ends_at <= now_ms) | (session.c.seen_at <= now_ms - bounds.idle_ms)
            gone += connection.execute(delete(session).where(over)).rowcount
            gone += connection.execute(delete(upload).where(upload.c.expires_at <= now_ms)).rowcount
            stale = (login_throttle.c.first_at <= now_ms - bounds.throttle_ms) & (
                login_throttle.c.locked_until <= now_ms
            )
            return gone + connection.execute(delete(login_throttle).where(stale)).rowcount

        gone = await self._store.write(work)
        if gone:
            self.log.info("exchange_rows_swept", count=gone)
