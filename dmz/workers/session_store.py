"""Rows of sessions: store functions, each run inside one transaction of the exchange store."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from dmz.workers.session import Life
from dmz.workers.tables import session


class SessionRow(NamedTuple):
    """One row as it lies there."""

    secret_hash: bytes
    life: Life
    private: bytes


def add_session(
    connection: Connection, identity: bytes, row: SessionRow, *, most: int, replaces: bytes | None = None
) -> None:
    """Store a new session; beyond ``most`` of the account, those not seen for longest are cut.

    Args:
        connection: Inside a writing transaction.
        identity: The new session's id.
        row: What to store.
        most: Live sessions one account may have.
        replaces: The id of the session this one takes the place of (rotation), if any.
    """
    if replaces is not None:
        cut_session(connection, replaces)
    life = row.life
    mine = (session.c.account == life.account) & (session.c.window == life.window)
    kept = select(session.c.id).where(mine).order_by(session.c.seen_at.desc()).limit(max(most - 1, 0))
    connection.execute(delete(session).where(mine, session.c.id.not_in([item.id for item in connection.execute(kept)])))
    connection.execute(
        insert(session).values(id=identity, secret_hash=row.secret_hash, private=row.private, **life._asdict())
    )


def find_session(connection: Connection, identity: bytes) -> SessionRow | None:
    """The row of this id, or None."""
    found = connection.execute(select(session).where(session.c.id == identity)).first()
    if found is None:
        return None
    life = Life(found.account, found.window, found.certificate, found.created_at, found.seen_at, found.ends_at)
    return SessionRow(found.secret_hash, life, found.private)


def touch_session(connection: Connection, identity: bytes, now_ms: int) -> None:
    """Write down activity; never backwards."""
    connection.execute(
        update(session).where(session.c.id == identity, session.c.seen_at < now_ms).values(seen_at=now_ms)
    )


def cut_session(connection: Connection, identity: bytes) -> None:
    """End one session."""
    connection.execute(delete(session).where(session.c.id == identity))
