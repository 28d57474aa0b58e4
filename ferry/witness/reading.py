"""A half's logs as an auditor reads them: a folder, perhaps a copy on another machine, perhaps hostile.

Nothing is written and nothing is believed: whoever asks for an entry gets bytes, and proves them by a checkpoint.
Files are mapped, not loaded; a log of a million crossings costs no memory but what is looked at.

Source: docs/witnessed-log.md.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from ferry.witness.files import CHECKPOINTS, ENTRIES, HEADERS, MATERIAL, NODES, folder_name, numbers_in, read_origin
from ferry.witness.material import HEAD_BYTES, Material, parse_headers, parse_material, read_head
from ferry.witness.notes_file import next_mark, split_notes
from wire_formats.disk import DISK
from wire_formats.errors import Kind, PeerError
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import MOST_LEAVES, Origin, parse_checkpoint
from wire_formats.tlog.crossing import ENTRY_BYTES
from wire_formats.tlog.note import Note
from wire_formats.tlog.tree import DIGEST_BYTES

#: Longer than any of our checkpoints with both signatures.
_NOTE_BYTES: Final = 2048


class Found(NamedTuple):
    """Where a request or answer lies: entry, place in the bundle, the crossing's material, header or nothing."""

    entry: int
    item: int
    material: Material
    header: bytes


class LogReader:
    """One log.

    Args:
        folder: of this log.

    Raises:
        PeerError: MALFORMED: there is no log, or not one of our form.
    """

    def __init__(self, folder: Path) -> None:
        origin = read_origin(folder, DISK)
        if origin is None:
            raise PeerError(Kind.MALFORMED, f"no log of crossings in {folder.name}")
        self.origin: Origin = origin
        self._files = ExitStack()
        names = (ENTRIES, NODES, MATERIAL, HEADERS, CHECKPOINTS)
        self._bytes = {name: self._map(folder / name) for name in names}
        self.size = len(self._bytes[ENTRIES]) // ENTRY_BYTES
        if self.size > MOST_LEAVES:
            self.close()
            raise PeerError(Kind.TOO_LARGE, f"{folder.name} has more entries than a log may have")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def entries(self, start: int, end: int) -> bytes:
        """Give encoded entries, one after the other."""
        return bytes(self._bytes[ENTRIES][start * ENTRY_BYTES : end * ENTRY_BYTES])

    def nodes(self, start: int, end: int) -> bytes:
        """Give stored nodes by their position, one after the other; fewer at the end of the file."""
        return bytes(self._bytes[NODES][start * DIGEST_BYTES : end * DIGEST_BYTES])

    def node(self, level: int, index: int) -> bytes:
        """Give one node (``tree.Nodes``).

        Raises:
            PeerError: DIGEST_MISMATCH: it is not there.
        """
        at = tree.node_position(level, index)
        found = self.nodes(at, at + 1)
        if len(found) != DIGEST_BYTES:
            raise PeerError(Kind.DIGEST_MISMATCH, "a node of the tree is missing")
        return found

    def checkpoints(self) -> Iterator[Note]:
        """Give the cosigned checkpoints, in order; what cannot be read is passed over."""
        return notes_in(self._bytes[CHECKPOINTS], str(self.origin))

    def first_covering(self, index: int) -> Note | None:
        """Give the earliest cosigned checkpoint whose tree holds an entry; None when none does yet."""
        data, mark = self._bytes[CHECKPOINTS], str(self.origin).encode()
        low, high = 0, len(data)
        found = None
        while low < high:
            middle = (low + high) // 2
            at, note = _readable(data, mark, middle, high)
            if note is None:
                high = middle
                continue
            if parse_checkpoint(note.text).size > index:
                found, high = note, middle
            else:
                low = at + 1
        return found

    def material(self, index: int) -> Material | None:
        """Give the material of one entry, by going through all before it; None when it is not there."""
        for found, start, end in self._blocks(MATERIAL):
            if found == index:
                return parse_material(bytes(self._bytes[MATERIAL][start + HEAD_BYTES : end]))
        return None

    def materials(self) -> Iterator[tuple[int, Material]]:
        """Give the material of every entry, in order.

        Raises:
            PeerError: MALFORMED: a block is not of its form.
        """
        for index, start, end in self._blocks(MATERIAL):
            yield index, parse_material(bytes(self._bytes[MATERIAL][start + HEAD_BYTES : end]))

    def find(self, request_id: bytes) -> Iterator[Found]:
        """Find the crossings of a request and of its answers.

        Raises:
            PeerError: MALFORMED: the material is not of its form.
        """
        data = self._bytes[MATERIAL]
        hits = _occurrences(data, request_id)
        at = next(hits, None)
        for index, start, end in self._blocks(MATERIAL):
            if at is None:
                return
            if at >= end:
                continue
            material = parse_material(bytes(data[start + HEAD_BYTES : end]))
            for item, (found_id, _) in enumerate(material.items):
                if found_id == request_id:
                    yield Found(index, item, material, self._header(index, item, len(material.items)))
            while at is not None and at < end:
                at = next(hits, None)

    def _header(self, index: int, item: int, count: int) -> bytes:
        for found, start, end in self._blocks(HEADERS):
            if found == index:
                return parse_headers(bytes(self._bytes[HEADERS][start + HEAD_BYTES : end]), count)[item]
            if found > index:
                break
        return b""

    def _blocks(self, name: str) -> Iterator[tuple[int, int, int]]:
        """Give index, start and end of every whole block."""
        data, at = self._bytes[name], 0
        while at + HEAD_BYTES <= len(data):
            length, index = read_head(bytes(data[at : at + HEAD_BYTES]))
            if at + length > len(data):
                return
            yield index, at, at + length
            at += length

    def _map(self, path: Path) -> bytes | mmap.mmap:
        with suppress(FileNotFoundError), path.open("rb") as file:
            if path.stat().st_size > 0:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self._files.callback(mapped.close)
                return mapped
        return b""


def logs_in(folder: Path) -> list[Path]:
    """Give the folders of the logs that lie in one half's folder, in order of number."""
    return [folder / folder_name(number) for number in numbers_in(folder, DISK)]


def notes_in(data: bytes | mmap.mmap, origin: str) -> Iterator[Note]:
    """Give the notes of one origin that lie one after the other; what cannot be read is passed over.

    A power cut may have taken a note between others, and every note is proved by itself.
    """
    mark = origin.encode()
    at, note = _readable(data, mark, 0, len(data))
    while note is not None:
        yield note
        at, note = _readable(data, mark, at + 1, len(data))


def _readable(data: bytes | mmap.mmap, mark: bytes, at: int, end: int) -> tuple[int, Note | None]:
    """Give place and text of the next note that can be read and begins before ``end``; None when none does."""
    at = next_mark(data, mark + b"\n", at)
    while at < end:
        if (note := _note_at(data, mark, at)) is not None:
            return at, note
        at = next_mark(data, mark + b"\n", at + 1)
    return end, None


def _note_at(data: bytes | mmap.mmap, mark: bytes, at: int) -> Note | None:
    if at >= len(data):
        return None
    notes, _ = split_notes(bytes(data[at : min(len(data), at + _NOTE_BYTES)]), mark)
    return notes[0] if notes else None


def _occurrences(data: bytes | mmap.mmap, wanted: bytes) -> Iterator[int]:
    at = data.find(wanted)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)
