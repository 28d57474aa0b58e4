"""Runs the media clerk: a look at its orders each half second, in a thread of its own."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ferry.media.clerk import MediaClerk
from wire_formats.collaborators import Pool

EVERY_S: Final = 0.5


class ClerkService:
    """The running clerk; called in the reactor's thread.

    Args:
        clerk: does the work.
        pool: one thread, stopped with the service.
        reactor: the time.
    """

    _log = Logger()

    def __init__(self, clerk: MediaClerk, pool: Pool, reactor: Any) -> None:
        self._clerk = clerk
        self._pool = pool
        self._trouble = ""
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor

    async def start(self) -> None:
        """Begin."""
        self._looking.start(EVERY_S, now=True)
        self._log.info("media_clerk_started")

    async def stop(self) -> None:
        """Finish the order under way and take no more."""
        if self._looking.running:
            self._looking.stop()
        self._pool.stop()

    def health(self) -> tuple[bool, tuple[str, ...]]:
        """Tell whether it can work."""
        return (not self._trouble, (self._trouble,) if self._trouble else ())

    def _look(self) -> Deferred[None]:
        """Let the clerk step; the next look waits until this one is over."""
        return Deferred.fromCoroutine(self._step())

    async def _step(self) -> None:
        try:
            await self._pool.run(self._clerk.step)
            self._trouble = ""
        except Exception as error:  # noqa: BLE001 - the clerk must go on
            if not self._trouble:
                self._log.failure("media_clerk_failed", failure=Failure(error))
            self._trouble = "the last look at the orders failed"
