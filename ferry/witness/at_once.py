"""A pool without threads: work is done when it is asked for.

For tests and for whatever drives a half step by step; a running half is given a thread (``HalfParts.aside``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class AtOnce:
    """Runs functions where they are asked for (implements ``collaborators.Pool``)."""

    @property
    def inside(self) -> int:
        """Nothing ever waits."""
        return 0

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it now."""
        return function(*args, **kwargs)

    def stop(self) -> None:
        """Nothing runs."""


AT_ONCE: Final = AtOnce()
