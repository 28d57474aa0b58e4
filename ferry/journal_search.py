"""Looks into a half's journal from outside, while the half runs: by state, digest, time, or request.

Reads only; never makes or changes the file.  A request's id is not in the journal (no personal data is): the half's
own log of crossings names the crossings it went by, and those are looked up.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from ferry.lane.crossing import State
from ferry.looking import open_to_look
from ferry.witness.reading import LogReader, logs_in
from wire_formats.errors import Kind, PeerError, Unavailable
from wire_formats.tlog.crossing import parse_entry

MOST_ROWS: Final = 200
_RETRY_S: Final = 1
#: Of one request that are looked up: each time it is sent again is one.
_MOST_CROSSINGS: Final = 20
_COLUMNS: Final = (
    "id, way, direction, lane, state, reason, epoch, sequence, items, bytes, received_ms, changed_ms,"
    " lower(hex(file_digest)), lower(coalesce(hex(root), ''))"
)


class Sought(NamedTuple):
    """What is looked for; what is left empty does not matter.

    Attributes:
        state: a state of ``lane.crossing.State``.
        digest: beginning of the SHA-256 of the file, of the bundle's Merkle root or of its leaf, hex.
        since_ms: changed not before this instant.
        until_ms: changed not after this instant.
        request: 16 bytes: id of a request.
    """

    state: str = ""
    digest: str = ""
    since_ms: int = 0
    until_ms: int = 0
    request: bytes = b""


class CrossingRow(NamedTuple):
    """One crossing as the journal has it."""

    id: int
    way: str
    direction: str
    lane: str
    state: str
    reason: str
    epoch: int | None
    sequence: int | None
    items: int
    size: int
    received_ms: int
    changed_ms: int
    digest: str
    root: str


def search_journal(journal: Path, logs: Path, sought: Sought, *, most: int = MOST_ROWS) -> list[CrossingRow]:
    """Give what fits, newest first.

    Args:
        journal: the half's journal.
        logs: the half's folder of logs, for requests.
        sought: what is looked for.
        most: how many rows at most.

    Raises:
        PeerError: MALFORMED: no such state, or the digest is not hexadecimal.
        Unavailable: the journal cannot be read now; the half may never have run, or not be running.
    """
    where, values = _conditions(sought)
    if sought.request:
        numbers = _crossings_of(logs, sought.request)
        if not numbers:
            return []
        where.append(
            "(" + " OR ".join(["(direction = ? AND lane = ? AND epoch = ? AND sequence = ?)"] * len(numbers)) + ")"
        )
        values += [value for number in numbers for value in number]
    text = f"SELECT {_COLUMNS} FROM crossings"  # noqa: S608 - fixed words; every value is bound
    text += f" WHERE {' AND '.join(where)}" if where else ""
    try:
        with contextlib.closing(open_to_look(journal)) as database:
            rows = database.execute(f"{text} ORDER BY changed_ms DESC, id DESC LIMIT ?", (*values, most)).fetchall()
    except sqlite3.OperationalError as error:
        raise Unavailable(Kind.BUSY, f"the journal cannot be read now: {error}", _RETRY_S) from None
    return [CrossingRow(*row) for row in rows]


def _conditions(sought: Sought) -> tuple[list[str], list[str | int]]:
    where: list[str] = []
    values: list[str | int] = []
    if sought.state:
        if sought.state not in {state.value for state in State}:
            raise PeerError(Kind.MALFORMED, "no such state")
        where.append("state = ?")
        values.append(sought.state)
    if sought.digest:
        digest = sought.digest.upper()
        if len(digest) > 64 or set(digest) - set("0123456789ABCDEF"):
            raise PeerError(Kind.MALFORMED, "a digest has hexadecimal digits")
        where.append("? IN (substr(hex(file_digest), 1, ?), substr(hex(root), 1, ?), substr(hex(leaf), 1, ?))")
        values += [digest, len(digest), len(digest), len(digest)]
    if sought.since_ms:
        where.append("changed_ms >= ?")
        values.append(sought.since_ms)
    if sought.until_ms:
        where.append("changed_ms <= ?")
        values.append(sought.until_ms)
    return where, values


def _crossings_of(logs: Path, request_id: bytes) -> list[tuple[str | int, ...]]:
    found: list[tuple[str | int, ...]] = []
    for path in logs_in(logs):
        with LogReader(path) as log:
            for one in log.find(request_id):
                said = parse_entry(log.entries(one.entry, one.entry + 1)).statement
                found.append((said.direction, said.lane, said.epoch, said.sequence))
                if len(found) >= _MOST_CROSSINGS:
                    return found
    return found
