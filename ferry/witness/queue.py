"""Leaves on their way to the log, in the journal's own transactions.

A crossing's leaf is written into the same group as its state and committed with it; later it is moved into
the log's files and removed here.  So a crash at any place leaves either both or neither, and what was not
moved is moved at the next start.

    leaves         one row per leaf that is not known to be on the disk in the log's files
    log_position   which log is being written, how far its files are known to reach

Material is what proof of single requests needs beside the entry, see ``material``.

Source: DESIGN invariant 10.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from ferry.journal import Journal
from wire_formats.collaborators import Disk
from wire_formats.errors import Kind, Unavailable

#: Leaves that may wait; then the lanes wait, too. They wait for a full disk only.
MOST_WAITING: Final = 65_536
#: Leaves of groups that were rolled back, held in memory until the journal has room again.
MOST_LOST: Final = 2048
_RETRY_S: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS leaves (id INTEGER PRIMARY KEY AUTOINCREMENT, entry BLOB NOT NULL, material BLOB NOT NULL,
    headers BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS log_position (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL, base BLOB NOT NULL,
    written INTEGER NOT NULL, material_bytes INTEGER NOT NULL, headers_bytes INTEGER NOT NULL
) STRICT;
"""


class Leaf(NamedTuple):
    """One crossing as the log keeps it: entry, material, and headers (empty where they are not kept)."""

    entry: bytes
    material: bytes
    headers: bytes


class Position(NamedTuple):
    """How far the files are known to reach.

    Attributes:
        number: of the log.
        base: what it stands on.
        written: leaves on the disk.
        material_bytes: bytes of material on the disk.
        headers_bytes: bytes of headers on the disk.
    """

    number: int
    base: bytes
    written: int
    material_bytes: int
    headers_bytes: int


class LeafQueue:
    """The queue of one half.

    Args:
        journal: the half's journal.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        with journal.reading() as database:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                database.execute(statement)
            self._waiting, self._committed = database.execute(
                "SELECT count(*), coalesce(max(id), 0) FROM leaves"
            ).fetchone()
        self._newest = self._committed
        self._group: list[Leaf] = []
        self._lost: list[Leaf] = []
        journal.accompany(self)

    def __len__(self) -> int:
        return int(self._waiting)

    def add(self, leaf: Leaf) -> None:
        """Put a leaf into the journal's open group.

        Raises:
            Unavailable: STORAGE_FULL: too many wait, or the journal has no room.
        """
        self.check_room()
        self._restore()
        self._insert(leaf)
        self._waiting += 1

    def check_room(self) -> None:
        """Check that a leaf may be added.

        Raises:
            Unavailable: STORAGE_FULL.
        """
        if self._waiting >= MOST_WAITING or len(self._lost) >= MOST_LOST:
            raise Unavailable(Kind.STORAGE_FULL, "the log of crossings cannot be written", _RETRY_S)

    def settle(self) -> bool:
        """Commit leaves of the open group and of groups that were rolled back; gives whether there were any.

        Raises:
            Unavailable: the journal still has no room.
        """
        if not self._group and not self._lost:
            return False
        self._restore()
        self._journal.commit()
        return True

    def _restore(self) -> None:
        """Put leaves of groups that were rolled back into the open one: their bundles may be on the transport."""
        while self._lost:
            self._insert(self._lost[0])
            del self._lost[0]

    def committed(self) -> None:
        """Let the group's leaves go on (``journal.Companion``)."""
        self._group.clear()
        self._committed = self._newest

    def rolled_back(self) -> None:
        """Keep the group's leaves for the next one (``journal.Companion``)."""
        self._lost = self._group + self._lost
        self._group = []
        self._newest = self._committed

    def next(self, after: int, most: int) -> list[tuple[int, Leaf]]:
        """Give committed leaves in order, from the first one after an id."""
        with self._journal.reading() as database:
            rows = database.execute(
                "SELECT id, entry, material, headers FROM leaves WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
                (after, self._committed, most),
            )
            return [(number, Leaf(*blobs)) for number, *blobs in rows]

    def position(self) -> Position | None:
        """Give how far the files are known to reach; None when the journal knows of no log."""
        with self._journal.reading() as database:
            row = database.execute(
                "SELECT number, base, written, material_bytes, headers_bytes FROM log_position"
            ).fetchone()
        return Position(*row) if row else None

    def moved(self, last: int, position: Position) -> None:
        """Note that everything up to an id is on the disk in the files, and commit.

        A power cut may undo this: the leaves are then found to be written at the next start.

        Raises:
            Unavailable: the journal has no room; the same.
        """
        with self._journal.writing() as database:
            removed = database.execute("DELETE FROM leaves WHERE id <= ?", (last,)).rowcount
            database.execute("INSERT OR REPLACE INTO log_position VALUES (1, ?, ?, ?, ?, ?)", position)
        self._journal.commit()
        self._waiting -= removed

    def barrier(self, disk: Disk) -> Callable[[], None]:
        """Commit the open group; give what waits, on any thread, until all that was committed is on the disk.

        Raises:
            Unavailable: the journal refuses.
        """
        self._journal.commit()
        log = self._journal.path.with_name(f"{self._journal.path.name}-wal")

        def wait() -> None:
            # What was folded into the database since then was on the disk before.
            with suppress(FileNotFoundError):
                handle = disk.open(log)
                try:
                    disk.sync(handle)
                finally:
                    disk.close(handle)

        return wait

    def _insert(self, leaf: Leaf) -> None:
        with self._journal.writing() as database:
            row = database.execute("INSERT INTO leaves (entry, material, headers) VALUES (?, ?, ?)", leaf).lastrowid
        self._newest = row or self._newest
        self._group.append(leaf)
