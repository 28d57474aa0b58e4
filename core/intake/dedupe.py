"""Exactly once: what was applied is remembered in the transaction of its effect, with the answer that was given.

    same id, same header digest   → the stored answer is sent again
    same id, other digest         → held, alarm; no answer, since one of the two asked honestly
Source: DESIGN invariant 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select

from core import audit_log
from core.db.states import HeldState
from core.db.tables import answer_outbox, applied, held_request
from core.intake.verify import Incoming
from wire_formats.answer import Answer, AnswerHeader, parse_answer_header
from wire_formats.collaborators import Randomness

POISON: Final = "poison"
MOST_HELD: Final = 2_000
"""Requests held at once; what comes beyond is counted and told, not kept: the oldest evidence is worth the most."""
_FIND: Final = select(
    applied.c.request_id, applied.c.header_digest, applied.c.answer_header, applied.c.answer_content
).where(applied.c.request_id.in_(bindparam("ids", expanding=True)))
_APPLY: Final = insert(applied)
_QUEUE: Final = insert(answer_outbox)
_HELD: Final = held_request.c.state == HeldState.HELD.value
_IS_HELD: Final = select(
    exists().where(
        _HELD,
        held_request.c.request_id == bindparam("request_id"),
        held_request.c.header_digest == bindparam("header_digest"),
    )
)
_POISON: Final = select(held_request.c.request_id, held_request.c.header_digest).where(
    _HELD, held_request.c.reason == POISON
)
_COUNT_HELD: Final = select(func.count()).select_from(held_request).where(_HELD)
_SENT: Final = delete(answer_outbox).where(answer_outbox.c.request_id.in_(bindparam("ids", expanding=True)))


class Applied(NamedTuple):
    """A transaction that was carried out or refused before."""

    digest: bytes
    answer: Answer


class Record(NamedTuple):
    """A transaction to be remembered."""

    district: str
    request: Incoming
    answer: Answer


def find_applied(connection: Connection, request_ids: Iterable[bytes]) -> dict[bytes, Applied]:
    """Return what was applied before, by request id, in one query."""
    ids = list(request_ids)
    if not ids:
        return {}
    rows = connection.execute(_FIND, {"ids": ids})
    return {
        bytes(row.request_id): Applied(
            bytes(row.header_digest), _answer(bytes(row.answer_header), bytes(row.answer_content))
        )
        for row in rows
    }


def remember(connection: Connection, records: list[Record], *, now_ms: int) -> None:
    """Remember transactions and queue their answers, in the transaction of their effects."""
    if not records:
        return
    rows: list[dict[str, Any]] = [
        {
            "district": record.district,
            "request_id": record.request.header.id,
            "header_digest": record.request.digest,
            "service": record.request.header.service,
            "status": record.answer.header.status.value,
            "answer_header": record.answer.header_bytes,
            "answer_content": record.answer.content,
            "reply_to": record.answer.header.reply_to,
            "lane": record.answer.header.lane,
            "applied_at": now_ms,
        }
        for record in records
    ]
    connection.execute(_APPLY, rows)
    connection.execute(_QUEUE, [{"request_id": row["request_id"], "queued_at": now_ms} for row in rows])


def unsent(connection: Connection, *, most: int) -> list[Answer]:
    """Return answers that were committed but perhaps never left (after a crash), oldest first."""
    rows = connection.execute(
        select(applied.c.answer_header, applied.c.answer_content)
        .join(answer_outbox, answer_outbox.c.request_id == applied.c.request_id)
        .order_by(answer_outbox.c.queued_at)
        .limit(most)
    )
    return [_answer(bytes(row.answer_header), bytes(row.answer_content)) for row in rows]


def mark_sent(connection: Connection, request_ids: Iterable[bytes]) -> None:
    """Take answers out of the queue: they lie in the outbox."""
    ids = list(request_ids)
    if ids:
        connection.execute(_SENT, {"ids": ids})


def hold(
    connection: Connection, request: Incoming, *, bundle: str, reason: str, randomness: Randomness, now_ms: int
) -> None:
    """Hold a request for a person to look at, with an audit entry; the same one once, and at most MOST_HELD."""
    which = {"request_id": request.header.id, "header_digest": request.digest}
    if connection.execute(_IS_HELD, which).scalar_one() or connection.execute(_COUNT_HELD).scalar_one() >= MOST_HELD:
        return
    connection.execute(
        insert(held_request).values(
            held_id=randomness.bytes(16).hex(),
            **which,
            bundle=bundle,
            reason=reason,
            state=HeldState.HELD.value,
            held_at=now_ms,
        )
    )
    fields = {"request": request.header.id.hex(), "reason": reason}
    audit_log.append(connection, "intake", "request_held", dict(fields), now_ms=now_ms)


def find_poison(connection: Connection) -> frozenset[tuple[bytes, bytes]]:
    """Return id and header digest of the requests that are held because they ended the process; at most MOST_HELD."""
    rows = connection.execute(_POISON.limit(MOST_HELD))
    return frozenset((bytes(row.request_id), bytes(row.header_digest)) for row in rows)


def purge_applied(connection: Connection, *, before_ms: int) -> int:
    """Clear answers older than any request may live; returns how many."""
    return connection.execute(delete(applied).where(applied.c.applied_at < before_ms)).rowcount


def _answer(header_bytes: bytes, content: bytes) -> Answer:
    header: AnswerHeader = parse_answer_header(header_bytes)
    return Answer(header, header_bytes, content)
