"""What a part asks of its surroundings, as Protocols; ops passes the real ones in.

Nothing below ops reads the clock, draws random numbers or starts work on its own, so that a test
can hold all of it still.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Clock(Protocol):
    """Wall-clock time."""

    def now_ms(self) -> int:
        """Give the instant now, in milliseconds since 1970 UTC."""


class Randomness(Protocol):
    """Unpredictable bytes (the operating system's generator, or a seeded one in tests)."""

    def bytes(self, count: int, /) -> bytes:
        """Give ``count`` bytes."""


class DirectoryWatch(Protocol):
    """Wakes a reader when a directory may hold something new."""

    def watch(self, path: Path, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call ``on_change`` soon after a file appears in ``path``, and at least every 500 ms.

        The periodic call is part of the contract: inotify loses events silently.  Calls are
        coalesced and may come without a change.  Returns a function that stops the watch.
        """


class Background(Protocol):
    """Starts named work that is counted and cancelled at stop."""

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work``; its failure is logged under ``name`` and never lost."""


class Pool(Protocol):
    """Runs blocking functions on threads of its own, with a bounded queue in front: the reactor never waits."""

    @property
    def inside(self) -> int:
        """How many calls are running or waiting."""

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``function`` in a thread and give its result.

        Raises:
            Unavailable: BUSY when the queue is full.
        """
        ...

    def stop(self) -> None:
        """Wait for the running calls, then end the threads."""
