"""Work in steps: a generator that yields where the caller may do other work, and returns what it has found.

A value of LARGE bytes or more is worth a step of its own wherever something is done with it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, TypeVar

LARGE: Final = 4_096

Result = TypeVar("Result")


def finished(steps: Generator[None, None, Result]) -> Result:
    """Take all steps in one go; gives what they end in."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Result = done.value
            return result
