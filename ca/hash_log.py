"""The authority's record: one row per act, each sealed to the one before.

    digest(n) = SHA-256("ferrygate ca log 1" ‖ CBOR [n, at_ms, act, details, digest(n-1)])

`details` is canonical JSON. Appending locks the head row, so rows of several processes stand
in one order, and whoever holds the lock sees every earlier row. No secret, name or identity
number is ever a detail: numbers of slips, serials, profiles, accounts and operators are.

Source: DESIGN invariant 10 ("audit of staff and operators is hash-chained"); E19.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update

from ca.ledger_tables import DIGEST_OCTETS, LOG, LOG_HEAD
from wire_formats import cbor
from wire_formats.canonical import Json, encode_json
from wire_formats.errors import Bug, Kind

_USE: Final = b"ferrygate ca log 1"
FIRST: Final = bytes(DIGEST_OCTETS)
VERIFY_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """Where the record ends."""

    position: int
    digest: bytes


def row_digest(position: int, at_ms: int, act: str, *, details: bytes, previous: bytes) -> bytes:
    """Return the digest that seals a row to its predecessor."""
    return hashlib.sha256(_USE + cbor.encode([position, at_ms, act, details, previous])).digest()


def lock_head(connection: Connection) -> Head:
    """Lock the end of the record until the transaction ends, and return it."""
    row = connection.execute(select(LOG_HEAD.c.position, LOG_HEAD.c.digest).with_for_update()).one()
    return Head(row.position, bytes(row.digest))


def append(connection: Connection, at_ms: int, act: str, **details: Json) -> Head:
    """Append one act within the caller's transaction.

    Args:
        connection: inside a write transaction.
        at_ms: the instant of the act.
        act: snake_case, at most 32 characters.
        details: what the act was about; nothing secret, nothing personal.
    """
    head = lock_head(connection)
    position = head.position + 1
    body = encode_json(details)
    digest = row_digest(position, at_ms, act, details=body, previous=head.digest)
    connection.execute(
        insert(LOG).values(position=position, at_ms=at_ms, act=act, details=body, previous=head.digest, digest=digest)
    )
    connection.execute(update(LOG_HEAD).values(position=position, digest=digest))
    return Head(position, digest)


def verify(connection: Connection) -> Head:
    """Recompute the whole chain.

    Returns:
        The end of the record, to be compared with one written down earlier.

    Raises:
        Bug: BUG, naming the first position that does not fit.
    """
    head = Head(0, FIRST)
    while True:
        page = connection.execute(
            select(LOG).where(LOG.c.position > head.position).order_by(LOG.c.position).limit(VERIFY_PAGE)
        ).all()
        for row in page:
            expected = row_digest(
                head.position + 1, row.at_ms, row.act, details=bytes(row.details), previous=head.digest
            )
            if row.position != head.position + 1 or bytes(row.previous) != head.digest or bytes(row.digest) != expected:
                raise Bug(Kind.BUG, f"the record is broken at position {head.position + 1}")
            head = Head(row.position, expected)
        if not page:
            break
    end = connection.execute(select(LOG_HEAD.c.position, LOG_HEAD.c.digest)).one()
    if Head(end.position, bytes(end.digest)) != head:
        raise Bug(Kind.BUG, f"the record was cut after position {head.position}")
    return head
