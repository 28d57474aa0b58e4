"""Reads and writes the counters of failed logins, per account and per certificate.

Source: core.rules.lockout; research pki.md section 5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, update

from core.db.tables import login_guard
from core.rules.lockout import Guard, after_failure, wait_ms
from wire_formats.instants import SECOND_MS


def subjects_of(*, account_id: str | None, window: str, user_name: str, certificate: bytes) -> tuple[str, ...]:
    """Return whose counters an attempt touches; an unknown name is kept as a digest."""
    digest = hashlib.sha256(f"{window} {user_name}".encode()).hexdigest()[:32]
    return (f"account:{account_id}" if account_id else f"name:{digest}", f"certificate:{certificate.hex()}")


def seconds_to_wait(connection: Connection, subjects: Iterable[str], now_ms: int) -> int:
    """Return how many seconds an attempt has to wait; 0 = it may be looked at."""
    waits = [wait_ms(guard, now_ms) for guard in _guards(connection, subjects).values()]
    return -(-max(waits, default=0) // SECOND_MS)


def note_failure(connection: Connection, subjects: Iterable[str], now_ms: int) -> None:
    """Count a failed attempt."""
    known = _guards(connection, subjects)
    for subject in subjects:
        guard = after_failure(known.get(subject, Guard()), now_ms)
        values = {
            "failures": guard.failures,
            "last_failed_at": guard.last_failed_ms,
            "not_before": guard.not_before_ms,
        }
        if subject in known:
            connection.execute(update(login_guard).where(login_guard.c.subject == subject).values(**values))
        else:
            connection.execute(insert(login_guard).values(subject=subject, **values))


def clear(connection: Connection, subjects: Iterable[str]) -> None:
    """Forget the failures after a success."""
    connection.execute(delete(login_guard).where(login_guard.c.subject.in_(list(subjects))))


def _guards(connection: Connection, subjects: Iterable[str]) -> dict[str, Guard]:
    rows = connection.execute(select(login_guard).where(login_guard.c.subject.in_(list(subjects))))
    return {row.subject: Guard(row.failures, row.last_failed_at, row.not_before) for row in rows}
