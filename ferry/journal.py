"""The journal of one half: every crossing, its state, and the leaf digest that proves it.

SQLite in WAL mode, written in groups: nothing here is committed one by one.  A commit survives the
death of the process; it does not wait for the disk, since only the two ends of the road are durable
(a power failure may cost the last moments: the bundles come again, and duplicates are harmless).
Epochs are the exception: a new epoch waits for the disk, so that no number is ever used twice.

    crossings  one row per bundle and way ("sent", "received")
    epochs     the newest epoch begun, per direction and lane
    inboxes    how far a receiver has come, per direction and lane
    heard      the newest message that was heard of the other half, per direction and lane (``ferry.heard``)
    breaks     items during whose inspection something broke, by the leaf of their header

Before a bundle is looked at, its row exists and is committed.  A row that is still RECEIVED when its
file is met again was being looked at when something broke; from then on every look is counted and
committed first, so that a bundle that crashes the process is found out.

Source: DESIGN invariants 3, 4 and 10; research, sections 3 and 7.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from ferry.journal_schema import SCHEMA, SCHEMA_VERSION
from ferry.lane.checks import LaneId
from ferry.lane.crossing import Author, State, check_move
from ferry.lane.inbox import WINDOW, Inbox
from wire_formats.errors import Kind, Unavailable

SENT_WAY: Final = "sent"
RECEIVED_WAY: Final = "received"
#: Rows removed in one go at least; more when more came in since, so that no flood of files outruns the pruning.
_PRUNE_AT_ONCE: Final = 500
#: Pages in the write-ahead log before it is folded in, the one moment that waits for the disk.
_CHECKPOINT_PAGES: Final = 8_000
_RETRY_S: Final = 1


class Entry(NamedTuple):
    """A crossing's row, as far as decisions need it."""

    id: int
    state: State
    attempts: int
    root: bytes | None
    met_before: bool


class Numbered(NamedTuple):
    """What is learned when a bundle passes its checks.

    Attributes:
        author: who made it, under which number.
        root: Merkle root of its items.
        epoch: epoch of the crossing.
        sequence: number of the crossing.
        leaf: leaf digest of the crossing.
        items: how many requests or answers.
        size: bytes.
    """

    author: Author
    root: bytes
    epoch: int
    sequence: int
    leaf: bytes
    items: int
    size: int


class Companion(Protocol):
    """Writes into the journal's groups, too."""

    def committed(self) -> None:
        """The open group was committed."""

    def rolled_back(self) -> None:
        """The open group was rolled back."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open the file; made if missing."""
    return sqlite3.connect(path, isolation_level=None, timeout=5.0, cached_statements=256)


class Journal:
    """One half's journal.

    Args:
        path: the database file; its folder must exist.
        keep_rows: how many crossings are kept at least.
        connect: opens the database; statements begin no transactions of their own.
    """

    def __init__(
        self, path: Path, *, keep_rows: int, connect: Callable[[Path], sqlite3.Connection] = open_database
    ) -> None:
        self.path = path
        self._keep_rows = keep_rows
        self._entered = 0
        self._database = connect(path)
        self._open = False
        self._companions: list[Companion] = []
        self._before: list[Callable[[], None]] = []
        with self._guarded():
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute("PRAGMA busy_timeout = 2000")
            self._database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            self._database.executescript(SCHEMA)
            self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            #: Few: each of them has cost a death.
            self._breaks: dict[bytes, int] = dict(self._database.execute("SELECT leaf, looks FROM breaks").fetchall())

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        self._database.close()

    def commit(self) -> None:
        """Commit the open group.

        Raises:
            Unavailable: STORAGE_FULL; the group is rolled back, its bundles will be seen again.
        """
        if self._open:
            for write in self._before:
                write()
            with self._guarded():
                self._database.execute("COMMIT")
            self._open = False
            for companion in self._companions:
                companion.committed()

    def accompany(self, companion: Companion) -> None:
        """Tell somebody who writes into the groups what becomes of each."""
        self._companions.append(companion)

    def before_commit(self, write: Callable[[], None]) -> None:
        """Let somebody write what belongs to the open group before it is committed, whoever commits it, and when."""
        self._before.append(write)

    def begin_epoch(self, lane: LaneId, *, now_ms: int, above: int = 0) -> int:
        """Begin an epoch newer than any before, and wait until it is on the disk.

        Args:
            lane: the lane.
            now_ms: the instant now; the epoch unless that is not newer.
            above: an epoch the other side has seen.
        """
        self.commit()
        with self._guarded():
            self._database.execute("PRAGMA synchronous = FULL")
            row = self._database.execute("SELECT epoch FROM epochs WHERE direction = ? AND lane = ?", lane).fetchone()
            epoch = max(now_ms, above + 1, (row[0] if row else 0) + 1)
            self._database.execute("INSERT OR REPLACE INTO epochs VALUES (?, ?, ?)", (*lane, epoch))
            self._database.execute("PRAGMA synchronous = NORMAL")
        return epoch

    def receive(self, way: str, lane: LaneId, digests: Sequence[bytes], *, now_ms: int) -> list[Entry]:
        """Enter files before they are looked at, and commit; one entry per digest, in order."""
        with self._writing():
            entries = [self._enter(way, lane, digest, now_ms) for digest in digests]
        self.commit()
        return entries

    def _enter(self, way: str, lane: LaneId, digest: bytes, now_ms: int) -> Entry:
        cursor = self._database.execute(
            "INSERT OR IGNORE INTO crossings (way, direction, lane, file_digest, state, received_ms, changed_ms)"
            " VALUES (?, ?, ?, ?, 'received', ?, ?)",
            (way, *lane, digest, now_ms, now_ms),
        )
        if cursor.rowcount == 1 and cursor.lastrowid is not None:
            self._entered += 1
            return Entry(cursor.lastrowid, State.RECEIVED, 0, None, met_before=False)
        row = self._database.execute(
            "SELECT id, state, attempts, root FROM crossings WHERE way = ? AND direction = ? AND lane = ?"
            " AND file_digest = ?",
            (way, *lane, digest),
        ).fetchone()
        return entry_of(row)

    def suspect(self, entry: Entry) -> None:
        """Count one more look at a bundle that was being looked at when something broke; commits."""
        with self._writing():
            self._database.execute("UPDATE crossings SET attempts = attempts + 1 WHERE id = ?", (entry.id,))
        self.commit()

    def clear(self, entry: Entry) -> None:
        """Forget the counted looks: the last one ended without a crash and without a decision."""
        with self._writing():
            self._database.execute("UPDATE crossings SET attempts = 0 WHERE id = ?", (entry.id,))

    def breaks(self, leaf: bytes) -> int:
        """Give during how many counted looks at this item something broke."""
        return self._breaks.get(leaf, 0)

    def count_break(self, leaf: bytes) -> None:
        """Count a look at an item before it is taken; commits."""
        with self._writing():
            self._database.execute(
                "INSERT INTO breaks VALUES (?, 1) ON CONFLICT (leaf) DO UPDATE SET looks = looks + 1", (leaf,)
            )
        self.commit()
        self._breaks[leaf] = self._breaks.get(leaf, 0) + 1

    def take_back_break(self, leaf: bytes) -> None:
        """Count one look at an item less: nobody looked; what broke during earlier ones is not forgotten."""
        looks = self._breaks.get(leaf, 0) - 1
        if looks <= 0:
            self.forget_break(leaf)
            return
        with self._writing():
            self._database.execute("UPDATE breaks SET looks = ? WHERE leaf = ?", (looks, leaf))
        self._breaks[leaf] = looks

    def forget_break(self, leaf: bytes) -> None:
        """Forget the counted looks at an item: the last one ended well."""
        with self._writing():
            self._database.execute("DELETE FROM breaks WHERE leaf = ?", (leaf,))
        self._breaks.pop(leaf, None)

    def by_author(self, way: str, lane: LaneId, author: Author) -> Entry | None:
        """Find the crossing that has this author and number."""
        with self._guarded():
            row = self._database.execute(
                "SELECT id, state, attempts, root FROM crossings WHERE way = ?"
                " AND direction = ? AND lane = ? AND author = ? AND author_epoch = ? AND author_sequence = ?",
                (way, *lane, *author),
            ).fetchone()
        return entry_of(row) if row else None

    def passed(self, entry: Entry, what: Numbered, state: State, *, now_ms: int) -> None:
        """Note that a bundle passed and reached ``state`` (SENT, or REJECTED as a whole)."""
        check_move(entry.state, State.INSPECTED)
        check_move(State.INSPECTED, state)
        with self._writing():
            self._database.execute(
                "UPDATE crossings SET state = ?, reason = '', author = ?, author_epoch = ?, author_sequence = ?,"
                " root = ?, epoch = ?, sequence = ?, leaf = ?, items = ?, bytes = ?, changed_ms = ? WHERE id = ?",
                (
                    state.value, *what.author, what.root, what.epoch, what.sequence, what.leaf,
                    what.items, what.size, now_ms, entry.id,
                ),
            )  # fmt: skip

    def renumber(self, entry: Entry, epoch: int, sequence: int, leaf: bytes, *, now_ms: int) -> None:
        """Note the new number of a crossing that is sent again under a new epoch."""
        with self._writing():
            self._database.execute(
                "UPDATE crossings SET epoch = ?, sequence = ?, leaf = ?, changed_ms = ? WHERE id = ?",
                (epoch, sequence, leaf, now_ms, entry.id),
            )

    def set_aside(self, entry: Entry, state: State, reason: str, *, now_ms: int) -> None:
        """Note that a bundle was quarantined or held; a repeated arrival changes nothing."""
        if entry.state is state:
            return
        check_move(entry.state, state)
        with self._writing():
            self._database.execute(
                "UPDATE crossings SET state = ?, reason = ?, changed_ms = ? WHERE id = ?",
                (state.value, reason, now_ms, entry.id),
            )

    def finish(self, lane: LaneId, epoch: int, sequences: Sequence[int], state: State, *, now_ms: int) -> None:
        """Note that sent crossings were acknowledged, or given up."""
        check_move(State.SENT, state)
        with self._writing():
            self._database.executemany(
                "UPDATE crossings SET state = ?, changed_ms = ? WHERE way = 'sent' AND direction = ? AND lane = ?"
                " AND epoch = ? AND sequence = ? AND state = 'sent'",
                [(state.value, now_ms, *lane, epoch, sequence) for sequence in sequences],
            )

    def forget(self, entry: Entry) -> None:
        """Remove the row of a file that was recognised as a duplicate by its author and number."""
        with self._writing():
            self._database.execute("DELETE FROM crossings WHERE id = ? AND state = 'received'", (entry.id,))

    def load_inbox(self, lane: LaneId) -> Inbox:
        """Give a receiver's memory as it was at the last commit."""
        with self._guarded():
            row = self._database.execute(
                "SELECT epoch, cumulative FROM inboxes WHERE direction = ? AND lane = ?", lane
            ).fetchone()
            beyond = self._database.execute(
                "SELECT sequence, digest FROM beyond WHERE direction = ? AND lane = ? LIMIT ?", (*lane, WINDOW)
            ).fetchall()
        epoch, cumulative = row or (0, 0)
        return Inbox(epoch=epoch, cumulative=cumulative, beyond=dict(beyond))

    def save_inbox(self, lane: LaneId, inbox: Inbox) -> None:
        """Note how far a receiver has come, in the open group."""
        with self._writing():
            self._database.execute(
                "INSERT OR REPLACE INTO inboxes VALUES (?, ?, ?, ?)", (*lane, inbox.epoch, inbox.cumulative)
            )
            self._database.execute("DELETE FROM beyond WHERE direction = ? AND lane = ?", lane)
            self._database.executemany(
                "INSERT INTO beyond VALUES (?, ?, ?, ?)", [(*lane, n, digest) for n, digest in inbox.beyond()]
            )

    def counts(self) -> dict[str, int]:
        """Give how many crossings are in each state, as ``way.state``."""
        with self._guarded():
            rows = self._database.execute("SELECT way, state, count(*) FROM crossings GROUP BY way, state").fetchall()
        return {f"{way}.{state}": count for way, state, count in rows}

    def knows(self, lane: LaneId, epoch: int, sequence: int) -> bool:
        """Tell whether a crossing of ours with this number was committed."""
        with self._guarded():
            row = self._database.execute(
                "SELECT 1 FROM crossings WHERE way = 'sent' AND direction = ? AND lane = ? AND epoch = ?"
                " AND sequence = ?",
                (*lane, epoch, sequence),
            ).fetchone()
        return row is not None

    def prune(self) -> int:
        """Remove a few of the oldest finished rows beyond ``keep_rows``; gives how many.

        Does nothing when nothing came in since.  Called often enough, it removes faster than any peer can make rows:
        rubbish does not make the journal grow.
        """
        if self._entered == 0:
            return 0
        with self._guarded():
            newest = self._database.execute("SELECT coalesce(max(id), 0) FROM crossings").fetchone()[0]
        limit = newest - self._keep_rows
        if limit <= 0:
            return 0
        most = max(_PRUNE_AT_ONCE, 2 * self._entered)
        with self._writing():
            removed = self._database.execute(
                "DELETE FROM crossings WHERE id IN (SELECT id FROM crossings WHERE id <= ?"
                " AND NOT (way = 'sent' AND state = 'sent') AND state != 'held' ORDER BY id LIMIT ?)",
                (limit, most),
            ).rowcount
            self._entered = 0
        self.commit()
        return int(removed)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the database for statements that change no group."""
        with self._guarded():
            yield self._database

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the database for statements of the open group."""
        with self._writing():
            yield self._database

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._guarded():
            if not self._open:
                self._database.execute("BEGIN IMMEDIATE")
                self._open = True
            yield

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            if self._open:
                for companion in self._companions:
                    companion.rolled_back()
            self._open = False
            raise Unavailable(Kind.STORAGE_FULL, f"journal: {error}", _RETRY_S) from None


def entry_of(row: tuple[int, str, int, bytes | None]) -> Entry:
    """Read a row of id, state, attempts, root."""
    number, state, attempts, root = row
    return Entry(number, State(state), attempts, root, met_before=True)
