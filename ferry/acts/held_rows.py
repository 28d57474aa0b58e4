"""The journal's rows of held crossings: given up, found, released, rejected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ferry.journal import Entry, Journal, entry_of
from ferry.lane.checks import LaneId
from ferry.lane.crossing import State, check_move
from ferry.lane.reasons import Reason

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


def give_up_row(journal: Journal, lane: LaneId, number: tuple[int, int], digest: bytes | None, *, now_ms: int) -> None:
    """Note that a sent crossing was given up, in the open group; what lies on the shelf is found by its digest.

    The file that came from the author is gone, and recognised by its author's number should it come again.

    Args:
        journal: the half's journal.
        lane: the lane.
        number: epoch and sequence of the crossing.
        digest: SHA-256 of the held file, which has this half's seal besides; None if nothing is held.
        now_ms: the instant now.
    """
    check_move(State.SENT, State.HELD)
    with journal.writing() as database:
        database.execute(
            "UPDATE crossings SET state = 'held', reason = ?, file_digest = coalesce(?, file_digest), changed_ms = ?"
            " WHERE way = 'sent' AND direction = ? AND lane = ? AND epoch = ? AND sequence = ? AND state = 'sent'",
            (Reason.GIVEN_UP.value, digest, now_ms, *lane, *number),
        )


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
