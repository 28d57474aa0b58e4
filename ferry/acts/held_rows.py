"""The journal's rows of held crossings: released, rejected."""

from __future__ import annotations

from typing import Final

from ferry.journal import Entry, Journal
from ferry.lane.crossing import State, check_move

#: Looks counted at a released bundle: its first look is met as one after a crash, and does not count.
_UNCOUNTED: Final = -1


def release_row(journal: Journal, entry: Entry, digest: bytes, *, now_ms: int) -> None:
    """Make a held crossing one that was just received, and commit; its author's number is free until it passes.

    Args:
        journal: the half's journal.
        entry: the held crossing.
        digest: SHA-256 of the file that will come.
        now_ms: the instant now.
    """
    check_move(entry.state, State.RECEIVED)
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
