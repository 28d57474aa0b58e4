"""Brakes on guessing: failed logins per certificate, failed certificate downloads per address and number.

The core locks accounts; this keeps a guesser from reaching it at all. Subjects are stored as digests.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from dmz.workers.tables import login_throttle
from wire_formats.errors import Kind, Refused


@dataclass(frozen=True)
class ThrottleBounds:
    """How many failures in how long, and the pause that follows.

    Attributes:
        failures: Allowed within the window.
        window_ms: The window, from the first failure.
        pause_ms: How long the subject then waits.
    """

    failures: int
    window_ms: int
    pause_ms: int


def subject(kind: str, value: bytes) -> bytes:
    """The stored form of what is counted."""
    return hashlib.sha256(b"ferrygate throttle " + kind.encode() + b"\0" + value).digest()


def check(connection: Connection, who: bytes, now_ms: int) -> None:
    """Let pass or refuse.

    Raises:
        Refused: LOCKED_OUT with the time to wait.
    """
    until = connection.execute(
        select(login_throttle.c.locked_until).where(login_throttle.c.subject == who)
    ).scalar_one_or_none()
    if until is not None and until > now_ms:
        raise Refused(Kind.LOCKED_OUT, "throttled here", -(-(until - now_ms) // 1000))


def failed(connection: Connection, who: bytes, now_ms: int, bounds: ThrottleBounds) -> None:
    """Count a failure; the one too many begins the pause."""
    row = connection.execute(select(login_throttle).where(login_throttle.c.subject == who)).first()
    if row is None:
        connection.execute(insert(login_throttle).values(subject=who, failures=1, first_at=now_ms, locked_until=0))
        return
    fresh = row.first_at + bounds.window_ms <= now_ms
    failures = 1 if fresh else row.failures + 1
    values = {"failures": failures, "first_at": now_ms if fresh else row.first_at}
    if failures >= bounds.failures:
        values = {"failures": 0, "first_at": now_ms, "locked_until": now_ms + bounds.pause_ms}
    connection.execute(update(login_throttle).where(login_throttle.c.subject == who).values(**values))


def succeeded(connection: Connection, who: bytes) -> None:
    """Forget the failures."""
    connection.execute(delete(login_throttle).where(login_throttle.c.subject == who))
