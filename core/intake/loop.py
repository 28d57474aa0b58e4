"""The intake thread: one turn after the other, interactive before bulk, everything blocking happens here.

    turn   finished password work → interactive requests (one commit for many) → ONE bulk request

Within a lane units take turns (`core.intake.backlog`). So a single request never waits behind more than one chunk of a
batch, nor behind all that another unit has sent, and the bulk lane still moves under load.
The reactor only wakes this thread and reads its health; it never waits for the database.
Source: DESIGN "lanes"; research domain.md section 4 ("latency and fairness").
"""

from __future__ import annotations

import enum
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine
from twisted.logger import Logger

from core.db.engine import reading, writing
from core.intake.backlog import Backlog
from core.intake.dedupe import purge_applied, unsent
from core.intake.inbox import Inbox
from core.intake.publisher import Publisher
from core.intake.revocations import Revocations
from core.intake.runner import MUST_WAIT, Runner
from core.intake.slow_work import Done, SlowWorkers
from core.intake.work import Work
from core.metrics import CoreMetrics
from wire_formats.collaborators import Clock
from wire_formats.instants import HOUR_MS, SECOND_MS
from wire_formats.request import LANES

IDLE_S: Final = 0.5
"""Longest sleep without a wake: file-system notices get lost."""
PAUSE_S: Final = 1.0
"""Pause after a turn that failed (database or disk away)."""
HEALTHY_MS: Final = 15_000
RESEND_AT_ONCE: Final = 1_000
BACKLOG_EVERY_MS: Final = 500
REVOCATIONS_EVERY_MS: Final = 500


@dataclass(frozen=True, slots=True)
class LoopParts:
    """What the intake thread is made of."""

    engine: Engine
    inbox: Inbox
    backlog: Backlog
    runner: Runner
    publisher: Publisher
    revocations: Revocations
    slow: SlowWorkers
    clock: Clock
    metrics: CoreMetrics
    items_per_commit: int
    outbox_files: int
    applied_keep_ms: int


class Rest(enum.Enum):
    """What the intake thread does between two beats."""

    NONE = "none"
    UNTIL_WOKEN = "until woken"
    """Idle: it sleeps until there is news, at most `IDLE_S`."""
    PAUSE = "pause"
    """Something failed: it waits for `PAUSE_S`."""


class IntakeLoop:
    """The life of the intake thread; `run` is its body, `wake` is set by whoever has news."""

    _log = Logger()

    def __init__(self, parts: LoopParts, wake: threading.Event) -> None:
        self._parts = parts
        self._wake = wake
        self._stopping = threading.Event()
        self._interactive: list[Work] = []
        self._bulk: deque[Work] = deque()
        self._done: deque[Done] = deque()
        self._backlog_at = 0
        self._revoked_at = 0
        self._blocked = False
        self._busy = False
        self._resent = False
        self._purged_at = 0
        self.last_turn_ms = 0

    def run(self) -> None:
        """Work until told to stop; the top of this thread: nothing ends it but `stop`."""
        while not self._stopping.is_set():
            self._wake.clear()
            rest = self.beat()
            if rest is Rest.UNTIL_WOKEN:
                self._wake.wait(IDLE_S)
            elif rest is Rest.PAUSE:
                self._stopping.wait(PAUSE_S)
        self._succeeds(self._settle)
        self._parts.slow.close()

    def beat(self) -> Rest:
        """Do the next thing: first what a crash left unsent, then one turn after the other; never raises."""
        if not self._resent:
            self._resent = self._succeeds(self.resend)
            return Rest.NONE if self._resent else Rest.PAUSE
        if not self._succeeds(self.turn):
            return Rest.PAUSE
        return Rest.NONE if self._busy else Rest.UNTIL_WOKEN

    def stop(self) -> None:
        """Ask the thread to end after its turn."""
        self._stopping.set()
        self._wake.set()

    def is_healthy(self) -> bool:
        """Tell whether turns happen."""
        return self._parts.clock.now_ms() - self.last_turn_ms < HEALTHY_MS

    def resend(self) -> None:
        """Publish answers that were committed before a crash and may not have left.

        Raises:
            OperationalError: the database is away.
            Unavailable: the outbox cannot be written.
        """
        while True:
            with reading(self._parts.engine) as connection:
                answers = unsent(connection, most=RESEND_AT_ONCE)
            if not answers:
                return
            self._parts.publisher.publish(answers)
            self._parts.runner.note_sent(answer.header.request_id for answer in answers)
            self._parts.runner.idle()

    def turn(self) -> None:
        """Do one turn.

        Raises:
            OperationalError: the database is away.
            Unavailable: the outbox cannot be written.
        """
        parts, now_ms = self._parts, self._parts.clock.now_ms()
        self.last_turn_ms = now_ms
        parts.metrics.turn_at.set(now_ms // SECOND_MS)
        parts.publisher.flush()
        if not 0 <= now_ms - self._revoked_at < REVOCATIONS_EVERY_MS:  # a clock that was set back must not put it off
            self._revoked_at = now_ms
            parts.revocations.look()
        self._busy = self._finish_slow()
        if self._is_blocked(now_ms):
            return
        if not self._interactive:
            self._interactive = parts.backlog.take("interactive", most=parts.items_per_commit)
        if self._interactive:
            parts.runner.run(self._interactive)
            self._interactive, self._busy = [], True
        if not self._bulk:
            self._bulk.extend(parts.backlog.take("bulk", most=1))
        if self._bulk:
            parts.runner.run([self._bulk[0]])
            self._bulk.popleft()
            self._busy = True
        parts.metrics.slow_waiting.set(len(parts.slow))
        if not self._busy:
            self._settle()
            self._purge(now_ms)

    def _succeeds(self, step: Callable[[], None]) -> bool:
        """Do a step; on any failure log it and say so."""
        try:
            step()
        except MUST_WAIT as error:
            self._log.error("intake_waits", reason=type(error).__name__)
        except Exception:  # noqa: BLE001 - top of the thread
            self._log.failure("intake_turn_failed")
        else:
            return True
        self._parts.metrics.faults.inc()
        return False

    def _finish_slow(self) -> bool:
        self._done.extend(self._parts.slow.collect())
        worked = bool(self._done)
        while self._done:
            self._parts.runner.finish_slow(self._done[0])
            self._done.popleft()
        return worked

    def _is_blocked(self, now_ms: int) -> bool:
        """Tell whether the ferry is so far behind that new requests have to wait in the inbox."""
        if not 0 <= now_ms - self._backlog_at < BACKLOG_EVERY_MS:
            self._backlog_at = now_ms
            blocked = any(self._parts.publisher.backlog(lane) > self._parts.outbox_files for lane in LANES)
            if blocked and not self._blocked:
                self._log.error("outbox_full", limit=self._parts.outbox_files)
            self._blocked = blocked
        return self._blocked

    def _settle(self) -> None:
        self._parts.runner.idle()
        if not len(self._parts.slow):
            self._parts.inbox.clear_in_hand()

    def _purge(self, now_ms: int) -> None:
        if not 0 <= now_ms - self._purged_at < HOUR_MS:
            self._purged_at = now_ms
            with writing(self._parts.engine) as connection:
                purge_applied(connection, before_ms=now_ms - self._parts.applied_keep_ms)
