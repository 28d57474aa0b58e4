"""One thread pool per purpose, with a bounded queue in front.

Twisted's shared pool is not used: a slow database must not hold up password hashing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from wire_formats.errors import Kind, Unavailable

P = ParamSpec("P")
R = TypeVar("R")


class OwnPool:
    """Runs blocking functions in threads of its own.

    Args:
        reactor: gets the results.
        name: seen in thread names.
        threads: how many run at once.
        queue: how many may wait; one more is refused.
    """

    def __init__(self, reactor: IReactorFromThreads, name: str, *, threads: int, queue: int) -> None:
        self._reactor = reactor
        self._name = name
        self._most = threads + queue
        self._inside = 0
        self._pool = ThreadPool(minthreads=0, maxthreads=threads, name=name)
        self._pool.start()

    @property
    def inside(self) -> int:
        """How many calls are running or waiting."""
        return self._inside

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``function`` in a thread and give its result.

        Raises:
            Unavailable: BUSY when the queue is full.
        """
        if self._inside >= self._most:
            raise Unavailable(Kind.BUSY, f"pool {self._name} is full", retry_after_s=1)
        self._inside += 1
        try:
            result: R = await deferToThreadPool(self._reactor, self._pool, function, *args, **kwargs)
        finally:
            self._inside -= 1
        return result

    def stop(self) -> None:
        """Wait for the running calls, then end the threads."""
        self._pool.stop()
