"""A file of C2SP notes, one after the other: checkpoints as they were cosigned.

A note that a crash left unfinished at the end is cut off.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from pathlib import Path
from typing import Final

from wire_formats.collaborators import Disk
from wire_formats.drop import read_all, write_all
from wire_formats.errors import Kind, PeerError, Unavailable
from wire_formats.tlog.note import Note, format_note, parse_note

#: Longer than two of our checkpoints with both signatures.
_TAIL_BYTES: Final = 4096
_RETRY_S: Final = 1


class NotesFile:
    """Notes of one origin.

    Args:
        path: the file; its folder must exist.
        origin: first line of every note in it.
        disk: where it lies.

    Attributes:
        last: the last note.
    """

    def __init__(self, path: Path, origin: str, disk: Disk) -> None:
        self._path = path
        self._origin = origin.encode()
        self._disk = disk
        self._handle: int | None = None
        self._size = 0
        self.last: Note | None = None

    def open(self) -> None:
        """Open the file, made if missing.

        Raises:
            Unavailable: the disk refuses.
        """
        try:
            self._handle = self._disk.create(self._path, keep=True)
            self._size = self._disk.facts_of(self._handle).size
            self._disk.sync_folder(self._path.parent)
            start = max(0, self._size - _TAIL_BYTES)
            notes, rest = split_notes(_read(self._disk, self._path, self._size - start, start), self._origin)
            if rest:
                self._size -= rest
                self._disk.truncate(self._handle, self._size)
        except OSError as error:
            raise unavailable(error) from None
        self.last = notes[-1] if notes else None

    def add(self, note: Note) -> None:
        """Add a note; not on the disk until ``sync``.

        Raises:
            Unavailable: the disk refuses; the next note is written over what was begun.
        """
        assert self._handle is not None, "open the file first"
        data = format_note(note)
        try:
            write_all(self._disk, self._handle, data, self._size)
        except OSError as error:
            raise unavailable(error) from None
        self._size += len(data)
        self.last = note

    def sync(self) -> None:
        """Wait, on any thread, until every note is on the disk.

        Raises:
            Unavailable: the disk refuses.
        """
        assert self._handle is not None, "open the file first"
        try:
            self._disk.sync(self._handle)
        except OSError as error:
            raise unavailable(error) from None

    def close(self) -> None:
        """Close the file."""
        if self._handle is not None:
            with suppress(OSError):
                self._disk.close(self._handle)
            self._handle = None


def split_notes(data: bytes, origin: bytes) -> tuple[list[Note], int]:
    """Take notes apart that lie one after the other; the first may be cut at its head.

    A note may be followed by zeros: a power cut can take what came behind it and leave what came later.

    Returns:
        The notes, and how many bytes at the end are no whole note.
    """
    mark = origin + b"\n"
    starts, at = [], next_mark(data, mark, 0)
    while at < len(data):
        starts.append(at)
        at = next_mark(data, mark, at + 1)
    if not starts:
        return [], len(data)
    notes = []
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        try:
            notes.append(parse_note(data[start:end].rstrip(b"\0")))
        except PeerError:
            return notes, len(data) - start
    return notes, len(data) - len(data.rstrip(b"\0"))


def next_mark(data: bytes | mmap.mmap, mark: bytes, at: int) -> int:
    """Give where a first line stands next, at or after a place: at the beginning, behind a line or behind zeros.

    Args:
        data: notes.
        mark: the first line, with its newline.
        at: the place.

    Returns:
        The place; the length of the data when there is none.
    """
    found = data.find(mark, at)
    while found > 0 and data[found - 1 : found] not in (b"\n", b"\0"):
        found = data.find(mark, found + 1)
    return len(data) if found < 0 else found


def unavailable(error: OSError) -> Unavailable:
    """Say that the disk refuses."""
    return Unavailable(Kind.STORAGE_FULL, f"the log of crossings: {error.strerror}", _RETRY_S)


def _read(disk: Disk, path: Path, count: int, at: int) -> bytes:
    handle = disk.open(path)
    try:
        return read_all(disk, handle, count, at)
    finally:
        disk.close(handle)
