"""The journal's rows of held crossings: found, released, rejected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ferry.journal import Entry, Journal, entry_of
from ferry.lane.checks import LaneId
from ferry.lane.crossing import State, check_move

#: Looks counted at a released bundle: its first look is met as one after a crash, and does not count.
_UNCOUNTED: Final = -1


def find_by_file(journal: Journal, way: str, lane: LaneId, digest: bytes) -> Entry | None:
    """Find the crossing whose file had this digest when it was received."""
    with journal.reading() as database:
        row = database.execute(
            "SELECT id, state, attempts, root FROM crossings WHERE way = ? AND direction = ? AND lane = ?"
            " AND file_digest = ?",
            (way, *lane, digest),
        ).fetchone()
    return entry_of(row) if row else None


def release_row(journal: Journal, entry: Entry, digest: bytes, leaves: Iterable[bytes], *, now_ms: int) -> None:
    """Make a held crossing one that was just received, and commit; its author's number is free until it passes.

    Looks counted at its items are forgotten in the same commit.

    Args:
        journal: the half's journal.
        entry: the held crossing.
        digest: SHA-256 of the file that will come.
        leaves: of its items.
        now_ms: the instant now.
    """
    check_move(entry.state, State.RECEIVED)
    for leaf in leaves:
        journal.forget_break(leaf)
    with journal.writing() as database:
        database.execute(
            "UPDATE crossings SET state = 'received', reason = '', attempts = ?, file_digest = ?, author = NULL,"
            " author_epoch = NULL, author_sequence = NULL, root = NULL, changed_ms = ? WHERE id = ?",
            (_UNCOUNTED, digest, now_ms, entry.id),
        )
    journal.commit()


def reject_row(journal: Journal, entry: Entry, *, now_ms: int) -> None:
    """Note that two operators rejected a held crossing for good, and commit; the reason stays."""
    check_move(entry.state, State.REJECTED)
    with journal.writing() as database:
        database.execute("UPDATE crossings SET state = 'rejected', changed_ms = ? WHERE id = ?", (now_ms, entry.id))
    journal.commit()
