"""Months as integers YYYYMM (费款所属期, 业务期), in China Standard Time.

Source: catalogue D10 (月结); RULES, Period and base.
"""

from __future__ import annotations

from typing import Final

from wire_formats.instants import local_day

FIRST_MONTH: Final = 199001
LAST_MONTH: Final = 219912


def check_month(month: int) -> int:
    """Return the month if it is a YYYYMM between 1990-01 and 2199-12.

    Raises:
        ValueError: it is not.
    """
    if not FIRST_MONTH <= month <= LAST_MONTH or not 1 <= month % 100 <= 12:
        raise ValueError(f"not a month: {month}")
    return month


def month_of(instant_ms: int) -> int:
    """Return the calendar month of an instant in China Standard Time."""
    year, month, _ = local_day(instant_ms).split("-")
    return int(year) * 100 + int(month)


def shift(month: int, by: int) -> int:
    """Return the month `by` months later (earlier when negative)."""
    check_month(month)
    count = (month // 100) * 12 + (month % 100 - 1) + by
    return check_month((count // 12) * 100 + count % 12 + 1)


def to_text(month: int) -> str:
    """Return `YYYY-MM`, the wire form."""
    check_month(month)
    return f"{month // 100:04d}-{month % 100:02d}"


def from_text(text: str) -> int:
    """Read `YYYY-MM`.

    Raises:
        ValueError: another text.
    """
    if len(text) != 7 or text[4] != "-" or not (text[:4] + text[5:]).isascii() or not (text[:4] + text[5:]).isdigit():
        raise ValueError("not a month")
    return check_month(int(text[:4]) * 100 + int(text[5:]))
