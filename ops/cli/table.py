"""Aligned columns for the terminal; full-width characters count as two.  Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def width(text: str) -> int:
    """Give how many columns a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def render(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align rows under a head.

    Args:
        head: titles of the columns.
        rows: as many cells each as the head has.
    """
    lines = [list(head), *[list(row) for row in rows]]
    widths = [max(width(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell + " " * (widths[column] - width(cell)) for column, cell in enumerate(line)).rstrip()
        for line in lines
    )


def duration(milliseconds: int) -> str:
    """Give a duration for people: 850 ms, 12 s, 3 min, 5 h, 2 d."""
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    seconds = milliseconds // 1_000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
