"""Threads for the database and for passwords, with a bounded queue: the reactor never waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from prometheus_client import Gauge
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from wire_formats.errors import Kind, Unavailable

P = ParamSpec("P")
R = TypeVar("R")
RETRY_S: Final = 2


class WorkThreads:
    """Runs blocking functions in a few threads.

    Args:
        reactor: gets the results.
        threads: how many run at once.
        waiting: how many may wait; one more is refused.
        gauge: shows how many are inside.
    """

    def __init__(self, reactor: Any, *, threads: int, waiting: int, gauge: Gauge) -> None:
        self._reactor = reactor
        self._most = threads + waiting
        self._inside = 0
        gauge.set_function(lambda: self._inside)
        self._pool = ThreadPool(minthreads=0, maxthreads=threads, name="staff")

    def start(self) -> None:
        """Take work from now on."""
        self._pool.start()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function in a thread and give its result.

        Raises:
            Unavailable: BUSY when the queue is full.
        """
        if self._inside >= self._most:
            raise Unavailable(Kind.BUSY, "all staff threads are busy", retry_after_s=RETRY_S)
        self._inside += 1
        try:
            result: R = await deferToThreadPool(self._reactor, self._pool, function, *args, **kwargs)
        finally:
            self._inside -= 1
        return result

    def stop(self) -> None:
        """Wait for what runs, then end the threads."""
        self._pool.stop()
