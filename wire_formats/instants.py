"""Instants: integer milliseconds since 1970-01-01T00:00:00Z, and months as ``YYYY-MM``.

No module here reads a clock; see ``collaborators.Clock``.
"""

from __future__ import annotations

import datetime
import functools
from typing import Final

from wire_formats.errors import Kind, PeerError

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

#: China Standard Time, the legal time of the hall; it has no daylight saving since 1991.
CHINA_TIME: Final = datetime.timezone(datetime.timedelta(hours=8), "CST")

#: 9999-12-31; larger instants are refused so that every instant can be printed.
LATEST_MS: Final = 253_402_214_400_000


_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MILLISECOND: Final = datetime.timedelta(milliseconds=1)


def _moment(instant_ms: int, zone: datetime.tzinfo) -> datetime.datetime:
    """Integer arithmetic throughout: a float loses milliseconds some centuries from now."""
    return (_EPOCH + datetime.timedelta(milliseconds=instant_ms)).astimezone(zone)


def iso(instant_ms: int) -> str:
    """Give an instant as ISO 8601 in UTC with milliseconds, for logs and audit."""
    second, millisecond = divmod(instant_ms, SECOND_MS)
    return f"{_iso_second(second)}.{millisecond:03d}Z"


@functools.lru_cache(maxsize=16)
def _iso_second(second: int) -> str:
    """A log writes many lines in one second."""
    return _moment(second * SECOND_MS, datetime.UTC).replace(tzinfo=None).isoformat()


def from_iso(text: str) -> int:
    """Parse what ``iso`` gives.

    Raises:
        PeerError: any other text.
    """
    try:
        parsed = datetime.datetime.fromisoformat(text)
        instant = (parsed - _EPOCH) // _MILLISECOND
    except (ValueError, TypeError, OverflowError):
        raise PeerError(Kind.MALFORMED, "not an instant") from None
    if not 0 <= instant <= LATEST_MS or iso(instant) != text:
        raise PeerError(Kind.MALFORMED, "not a canonical instant")
    return instant


def local_minute(instant_ms: int) -> str:
    """Give an instant for people: ``2012-03-05 14:07`` in China Standard Time."""
    return _moment(instant_ms, CHINA_TIME).strftime("%Y-%m-%d %H:%M")


def local_second(instant_ms: int) -> str:
    """Give an instant for people with seconds: ``2012-03-05 14:07:09``."""
    return _moment(instant_ms, CHINA_TIME).strftime("%Y-%m-%d %H:%M:%S")


def local_day(instant_ms: int) -> str:
    """Give the calendar day in China Standard Time, ``YYYY-MM-DD``."""
    return _moment(instant_ms, CHINA_TIME).strftime("%Y-%m-%d")
