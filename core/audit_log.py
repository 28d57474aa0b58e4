"""Hash-chained audit of accounts, staff and intake, kept in the production database.

    entry_hash(n) = SHA-256(entry_hash(n-1) || entry(n)),   entry = canonical JSON of the event

An entry is written in the transaction of what it tells about. A changed, removed or inserted row breaks the chain at
that place; the table is insert-only besides.
Source: catalogue E19, F11; DESIGN invariant 10.
"""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy import Connection, func, insert, select

from core.db.tables import audit_entry
from wire_formats.canonical import Json, encode_json
from wire_formats.errors import Kind, PeerError

FIRST: Final = bytes(32)
CHAINS: Final = ("accounts", "staff", "intake")
_PAGE: Final = 1_000


def append(connection: Connection, chain: str, event: str, fields: dict[str, Json], *, now_ms: int) -> None:
    """Append one event to a chain.

    Args:
        connection: inside the write transaction of the event.
        chain: one of CHAINS.
        event: snake_case name.
        fields: what happened; account and operator ids, never names, ID numbers or passwords.
        now_ms: the instant.

    Raises:
        ValueError: an unknown chain.
    """
    if chain not in CHAINS:
        raise ValueError("unknown audit chain")
    if connection.dialect.name == "postgresql":
        # Writers of one chain queue here; on SQLite the one write lock does the same.
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"audit {chain}"))))
    newest = connection.execute(
        select(audit_entry.c.entry_no, audit_entry.c.entry_hash)
        .where(audit_entry.c.chain == chain)
        .order_by(audit_entry.c.entry_no.desc())
        .limit(1)
    ).first()
    number, previous = (newest.entry_no + 1, newest.entry_hash) if newest else (1, FIRST)
    entry = encode_json({"at": now_ms, "chain": chain, "event": event, "fields": fields, "no": number})
    connection.execute(
        insert(audit_entry).values(
            chain=chain,
            entry_no=number,
            previous=previous,
            entry=entry,
            entry_hash=hashlib.sha256(previous + entry).digest(),
            at=now_ms,
        )
    )


def verify_chain(connection: Connection, chain: str) -> int:
    """Check a whole chain and return its number of entries.

    Raises:
        PeerError: DIGEST_MISMATCH, naming the first entry that does not fit.
    """
    expected, previous = 1, FIRST
    while True:
        rows = connection.execute(
            select(audit_entry)
            .where(audit_entry.c.chain == chain, audit_entry.c.entry_no >= expected)
            .order_by(audit_entry.c.entry_no)
            .limit(_PAGE)
        ).all()
        for row in rows:
            fits = row.entry_no == expected and row.previous == previous
            if not fits or hashlib.sha256(previous + row.entry).digest() != row.entry_hash:
                raise PeerError(Kind.DIGEST_MISMATCH, f"audit chain {chain} breaks at entry {expected}")
            expected, previous = expected + 1, row.entry_hash
        if len(rows) < _PAGE:
            return expected - 1
