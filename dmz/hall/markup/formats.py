"""How values are written for people: money in yuan with fen, months, instants, counts. Pure."""

from __future__ import annotations

from typing import Final

from wire_formats.bilingual import Language
from wire_formats.instants import local_minute, local_second

_FEN_PER_YUAN: Final = 100
_MINUTE_MS: Final = 60_000


def yuan(fen: int) -> str:
    """Write integer fen as yuan with two decimals and grouped thousands: 123456789 -> `1,234,567.89`."""
    sign = "\u2212" if fen < 0 else ""
    return f"{sign}{abs(fen) // _FEN_PER_YUAN:,}.{abs(fen) % _FEN_PER_YUAN:02d}"


def count(number: int) -> str:
    """Write a count with grouped thousands."""
    return f"{number:,}"


def month(wire: str, language: Language) -> str:
    """Write a month: `2026-07` -> `2026年7月`, or unchanged in English."""
    year, _, number = wire.partition("-")
    if language == "zh-CN" and year.isdigit() and number.isdigit():
        return f"{year}年{int(number)}月"
    return wire


def minute(instant_ms: int) -> str:
    """Write an instant to the minute, Beijing time."""
    return local_minute(instant_ms)


def second(instant_ms: int) -> str:
    """Write an instant to the second, Beijing time."""
    return local_second(instant_ms)


def precise(instant_ms: int) -> str:
    """Write an instant to the millisecond, Beijing time."""
    return f"{local_second(instant_ms)}.{instant_ms % 1000:03d}"


def clock_time(instant_ms: int) -> str:
    """Write the time of day of an instant, Beijing time: `14:07`."""
    return local_minute(instant_ms)[-5:]


def minutes_of(seconds: int) -> int:
    """Give a wait in whole minutes, rounded up, at least 1."""
    return max(1, -(-seconds * 1000 // _MINUTE_MS))
