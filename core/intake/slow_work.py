"""Runs password checks and questions to the certificate desk beside the intake thread.

Bounded: so many threads, so many jobs waiting; past that the user is told to try again. One key may have as many parked
as there are places free, so that whoever floods one account keeps no other from signing in. Jobs of one key run one
after the other, and each is prepared anew after the one before was counted, so that guesses cannot run side by side.
argon2 gives up the interpreter lock while it works; 45 ms each.
Source: research pki.md section 5 ("verify in the core, behind a bounded queue").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from core.intake.work import Work
from core.services.handler import SlowWork
from wire_formats.errors import Kind, Unavailable

RETRY_S: Final = 5


class Done(NamedTuple):
    """A finished job; `failure` is set when it ended in an unexpected way."""

    key: str
    work: Work
    outcome: Any
    failure: BaseException | None


class SlowWorkers:
    """A few threads with a bounded queue; submit, collect and release are called by the intake thread only.

    Args:
        threads: how many jobs run at once.
        most_waiting: how many jobs are taken on at most.
        wake: called from a worker thread when a job is done.
    """

    def __init__(self, threads: int, most_waiting: int, wake: Callable[[], None]) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="core-slow")
        self._most = most_waiting
        self._wake = wake
        self._running: dict[str, Work] = {}
        self._parked: dict[str, deque[Work]] = {}
        self._ids: dict[bytes, Work] = {}
        self._done: deque[Done] = deque()  # appended by worker threads, taken by the intake thread

    def __len__(self) -> int:
        """Jobs under way or parked."""
        return len(self._ids)

    def under_way(self, request_id: bytes) -> Work | None:
        """Return the work with this request id that is under way, or None; a double of it needs no second run."""
        return self._ids.get(request_id)

    def submit(self, work: Work, job: SlowWork) -> None:
        """Run a job, or park it behind another of its key.

        Raises:
            Unavailable: BUSY: the queue is full, or too much of this key waits.
        """
        if len(self._parked.get(job.key, ())) >= self._most - len(self._ids):
            raise Unavailable(Kind.BUSY, "too much password work waiting", RETRY_S)
        self._ids[work.request.header.id] = work
        if job.key in self._running:
            self._parked.setdefault(job.key, deque()).append(work)
            return
        self._running[job.key] = work
        future = self._pool.submit(job.work)
        future.add_done_callback(lambda ended: self._note(job.key, work, ended))

    def collect(self) -> list[Done]:
        """Return the finished jobs."""
        done = []
        while self._done:
            done.append(self._done.popleft())
        return done

    def release(self, done: Done) -> list[Work]:
        """Forget a job whose outcome was dealt with; return all works parked behind it, to be prepared anew.

        All, not one: the next may be refused when it is prepared (locked out), and then nobody would release the rest.
        """
        del self._running[done.key]
        self._ids.pop(done.work.request.header.id, None)
        parked = list(self._parked.pop(done.key, ()))
        for work in parked:
            self._ids.pop(work.request.header.id, None)
        return parked

    def close(self) -> None:
        """Stop; what was not finished is done after the next start, since its bundle stays in the inbox."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _note(self, key: str, work: Work, ended: Future[Any]) -> None:
        if ended.cancelled():
            return
        failure = ended.exception()
        self._done.append(Done(key, work, None if failure else ended.result(), failure))
        self._wake()
