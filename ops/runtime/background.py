"""Named background work: counted, bounded, logged when it fails, cancelled at stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from wire_formats.errors import Kind, Unavailable

MOST_RUNNING: Final = 20_000


class ReactorBackground:
    """Starts coroutines on the reactor (implements ``collaborators.Background``).

    Args:
        reactor: for the deadline at stop.
        most_running: how many pieces of work may run at once.
    """

    log = Logger()

    def __init__(self, reactor: IReactorTime, *, most_running: int = MOST_RUNNING) -> None:
        self._reactor = reactor
        self._most_running = most_running
        self._running: dict[Deferred[None], str] = {}
        self._stopped = False

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work``; its failure is logged under ``name`` and never lost.

        Raises:
            Unavailable: BUSY when too much is running, or after ``stop``.
        """
        if self._stopped or len(self._running) >= self._most_running:
            work.close()
            raise Unavailable(Kind.BUSY, f"no room for background work {name}", retry_after_s=1)
        running = Deferred.fromCoroutine(work)
        self._running[running] = name
        running.addBoth(self._ended, running)

    def counts(self) -> dict[str, int]:
        """Give how many pieces of work run, by name."""
        return dict(Counter(self._running.values()))

    async def stop(self, *, deadline_s: float) -> None:
        """Cancel all work and wait until it has ended, at most ``deadline_s`` seconds."""
        self._stopped = True
        waiting: list[Deferred[None]] = []
        for running in list(self._running):
            ended: Deferred[None] = Deferred()
            running.addBoth(_tell, ended)
            waiting.append(ended)
        for running in list(self._running):
            running.cancel()
        if not waiting:
            return
        everything = DeferredList(waiting)
        everything.addTimeout(deadline_s, self._reactor, onTimeoutCancel=_give_up)
        await everything

    def _ended(self, result: object, running: Deferred[None]) -> None:
        name = self._running.pop(running, "")
        if isinstance(result, Failure) and result.check(CancelledError) is None:
            self.log.failure("background_failed", failure=result, holder=name)


def _tell(_result: object, ended: Deferred[None]) -> None:
    ended.callback(None)


def _give_up(_result: object, _timeout: float) -> None:
    """Work that ignores its cancellation is left behind; the process ends anyway."""
