"""Runs a group of requests together; when something unexpected happens, one by one.

One bad request (a bug it uncovers, a double that another core applied at the same moment) harms no other: the group is
rolled back and each request is run alone; the one that fails alone is answered with BUG and has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy.exc import IntegrityError, OperationalError
from twisted.logger import Logger

from core.intake.inbox import Inbox
from core.intake.processor import Processor
from core.intake.publisher import Publisher
from core.intake.slow_work import Done, SlowWorkers
from core.intake.work import Results, Work
from wire_formats.errors import Unavailable

MUST_WAIT = (OperationalError, Unavailable, OSError)
"""The database or the disk is away: nothing is wrong with the requests, they are run again later."""


class Runner:
    """Takes works through processor and publisher; used by the intake thread."""

    _log = Logger()

    def __init__(self, inbox: Inbox, processor: Processor, publisher: Publisher, slow: SlowWorkers) -> None:
        self._inbox, self._processor, self._publisher, self._slow = inbox, processor, publisher, slow

    def run(self, works: Sequence[Work]) -> None:
        """Run requests; afterwards each is answered, held, or with the slow workers.

        Raises:
            OperationalError: the database is away; run the same works again.
            Unavailable: the outbox cannot be written; run the same works again.
        """
        works = self._without_poison(works)
        together = [work for work in works if not self._inbox.is_suspect(work.bundle)]
        groups = [[work] for work in works if self._inbox.is_suspect(work.bundle)]
        for group in [*groups, together]:
            if group:
                self._run_group(group)

    def _run_group(self, works: Sequence[Work]) -> None:
        self._inbox.note_in_hand(works)
        try:
            self._together(works)
        except MUST_WAIT:
            raise
        except Exception:  # noqa: BLE001 - top of the role: whatever one request uncovers must not stop the lane
            self._log.failure("requests_failed_together", count=len(works))
            for work in works:
                self._alone(work)

    def finish_slow(self, done: Done) -> None:
        """Finish a request whose slow work came back, then take up those parked behind it.

        Raises:
            OperationalError: the database is away; finish the same again.
            Unavailable: the outbox cannot be written; finish the same again.
        """
        done.work.outcome, done.work.has_outcome = done.outcome, True
        if done.failure is not None:
            self._log.error("slow_work_failed", reason=type(done.failure).__name__)
            self._refuse_bug(done.work)
        else:
            self.run([done.work])
        # Parked works go on as works of the next turn would: together.
        self.run(self._slow.release(done))

    def note_sent(self, request_ids: Iterable[bytes]) -> None:
        """Note answers that lie in the outbox; the next write transaction takes them off their queue."""
        self._processor.sent.extend(request_ids)

    def idle(self) -> None:
        """Take answers that left off their queue when no other transaction does it.

        Raises:
            OperationalError: the database is away.
        """
        self._processor.run_writes([], Results())

    def _together(self, works: Sequence[Work]) -> None:
        waiting = [work for work in works if not work.answered]
        results = Results()
        writes = self._processor.run_reads(waiting, results)
        self._deliver(results)
        if writes:
            results = Results()
            self._processor.run_writes(writes, results)
            self._deliver(results)

    def _alone(self, work: Work) -> None:
        try:
            self._twice(work)
        except MUST_WAIT:
            raise
        except Exception:  # noqa: BLE001 - as above: this is the one request that fails
            self._log.failure("request_failed", request_id=work.request.header.id.hex())
            self._refuse_bug(work)

    def _twice(self, work: Work) -> None:
        """Run one request; when another core wrote the same at the same moment, the second look finds its answer."""
        try:
            self._together([work])
        except IntegrityError:
            self._together([work])

    def _refuse_bug(self, work: Work) -> None:
        self._apart(self._processor.refuse_bug, work)

    def _without_poison(self, works: Sequence[Work]) -> list[Work]:
        sound = []
        for work in works:
            if self._inbox.is_poison(work):
                self._apart(self._processor.hold_poison, work)
            elif not work.answered:
                sound.append(work)
        return sound

    def _apart(self, step: Callable[[Work, Results], None], work: Work) -> None:
        if work.answered:
            return
        results = Results()
        step(work, results)
        self._deliver(results)

    def _deliver(self, results: Results) -> None:
        """Publish answers and note their requests as answered; a full disk keeps them waiting in the publisher."""
        try:
            if results.answers:
                self._publisher.publish(results.answers)
        finally:
            self.note_sent({work.request.header.id for work in results.finished if work.request.is_transaction})
            for work in results.finished:
                if not work.answered:
                    work.answered = True
                    self._inbox.done(work)
