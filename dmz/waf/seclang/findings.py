"""What a test of a value gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Found(NamedTuple):
    """A test that came out.

    Attributes:
        piece: the piece of the value that it found; empty for a negated test.
        groups: what ``capture`` puts into TX.0, TX.1 …: the piece first, then the groups of a pattern.
    """

    piece: bytes
    groups: tuple[bytes, ...]


Check = Callable[[bytes], Found | None]


def whole(value: bytes) -> Found:
    """Say that the whole value was found."""
    return Found(value, (value,))
