"""One log on disk: files that only grow, and one that is written over.

    <folder>/log-000001/
        origin         the origin and a newline
        entries        240 bytes per crossing (wire_formats.tlog.crossing)
        nodes          32 bytes per complete node of the tree, in post-order (wire_formats.tlog.tree)
        material       seals and items' digests, one block per crossing (``material``)
        headers        items' headers, one block per crossing; empty where they are not kept
        head           the newest checkpoint signed, in two places of 1,024 bytes in turn: a torn one is not believed
        checkpoints    every checkpoint the other half has cosigned, as C2SP notes one after the other

A crossing costs 240 + 64 bytes here, its material about 510 + 48 for each item, and the headers.

Source: DESIGN invariant 10; docs/witnessed-log.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ferry.witness.material import HEAD_BYTES, block_of, read_head
from ferry.witness.notes_file import NotesFile, unavailable
from ferry.witness.queue import MOST_WAITING, Leaf, Position
from wire_formats.collaborators import Disk
from wire_formats.drop import read_all, write_all, write_whole
from wire_formats.errors import Kind, PeerError, Unavailable
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import Origin, parse_checkpoint, parse_origin
from wire_formats.tlog.crossing import ENTRY_BYTES, entry_leaf, parse_entry
from wire_formats.tlog.note import Note, format_note, parse_note
from wire_formats.tlog.tree import DIGEST_BYTES

ORIGIN, ENTRIES, NODES, MATERIAL = "origin", "entries", "nodes", "material"
HEADERS, HEAD, CHECKPOINTS = "headers", "head", "checkpoints"
_OPENED: Final = (ENTRIES, NODES, MATERIAL, HEADERS, HEAD)
_PLACE_BYTES: Final = 1024
_PLACES: Final = 2
#: Leaves whose entries are held against their nodes at start.
_LOOKED_AT: Final = 1024


def folder_name(number: int) -> str:
    """Give the name of a log's folder."""
    return f"log-{number:06d}"


def numbers_in(folder: Path, disk: Disk) -> list[int]:
    """Give the numbers of the logs in a folder, in order."""
    found = []
    with suppress(FileNotFoundError):
        for name in disk.names(folder):
            digits = name.removeprefix("log-")
            if name.startswith("log-") and len(digits) == 6 and digits.isdecimal() and digits.isascii():
                found.append(int(digits))
    return sorted(found)


class LogFiles:
    """The files of one log.

    Args:
        folder: holds the logs.
        origin: of this log.
        disk: where they lie.

    Attributes:
        frontier: the tree as far as it is written.
        checkpoints: what the other half has cosigned.
    """

    def __init__(self, folder: Path, origin: Origin, disk: Disk) -> None:
        self.origin = origin
        self.folder = folder / folder_name(origin.number)
        self.frontier = tree.Frontier()
        self.checkpoints = NotesFile(self.folder / CHECKPOINTS, str(origin), disk)
        self._disk = disk
        self._handles: dict[str, int] = {}
        self._readers: dict[str, int] = {}
        self._place = 0
        self._lengths = {MATERIAL: 0, HEADERS: 0}

    @property
    def size(self) -> int:
        """Leaves in the files."""
        return self.frontier.size

    @property
    def position(self) -> Position:
        """How far the files reach."""
        return Position(
            self.origin.number, self.origin.base, self.size, self._lengths[MATERIAL], self._lengths[HEADERS]
        )

    def open(self) -> None:
        """Open the files; made if missing, and then on the disk with their names.

        Raises:
            Unavailable: they cannot be opened, or belong to another log.
        """
        try:
            found = read_origin(self.folder, self._disk)
            if found is None:
                self._disk.make_folder(self.folder)
                write_whole(self.folder / ORIGIN, f"{self.origin}\n".encode(), durable=True, disk=self._disk)
            elif found != self.origin:
                raise damaged(f"{self.folder.name} belongs to another log")
            for name in _OPENED:
                self._handles[name] = self._disk.create(self.folder / name, keep=True)
                self._readers[name] = self._disk.open(self.folder / name)
            self.checkpoints.open()
            if found is None:
                self._disk.sync_folder(self.folder)
                self._disk.sync_folder(self.folder.parent)
        except OSError as error:
            self.close()
            raise unavailable(error) from None

    def close(self) -> None:
        """Close the files."""
        for handle in (*self._handles.values(), *self._readers.values()):
            with suppress(OSError):
                self._disk.close(handle)
        self._handles.clear()
        self._readers.clear()
        self.checkpoints.close()

    def take_up(self, position: Position) -> None:
        """Go on from here: what lies beyond is cut off, what should lie before must be there.

        Raises:
            Unavailable: the log is damaged.
        """
        size = position.written
        wanted = {ENTRIES: size * ENTRY_BYTES, NODES: tree.stored_nodes(size) * DIGEST_BYTES}
        wanted |= {MATERIAL: position.material_bytes, HEADERS: position.headers_bytes}
        try:
            for name, length in wanted.items():
                there = self._disk.facts_of(self._handles[name]).size
                if there < length and name != HEADERS:  # headers are kept for some logs only
                    raise damaged(f"{name} of {self.folder.name} ends too early")
                if there > length:
                    self._disk.truncate(self._handles[name], length)
        except OSError as error:
            raise unavailable(error) from None
        self.frontier = tree.Frontier.stored(size, self.node)
        self._lengths = {MATERIAL: position.material_bytes, HEADERS: position.headers_bytes}
        for index in range(max(0, size - _LOOKED_AT), size):
            if entry_leaf(self.entry(index)) != self.node(0, index):
                raise damaged(f"entry {index} of {self.folder.name} is not the one that was logged")

    def open_closed(self) -> None:
        """Open a log that is full: it ends where its entries end.

        Raises:
            Unavailable: it cannot be read.
        """
        self.open()
        try:
            size = self._disk.facts_of(self._handles[ENTRIES]).size // ENTRY_BYTES
        except OSError as error:
            raise unavailable(error) from None
        self.frontier = tree.Frontier.stored(size, self.node)

    def found_there(self, signed: int, start: Position) -> tuple[Position, list[Leaf]]:
        """Tell what the files hold when the journal does not know: where the signed tree ends, and leaves beyond it.

        Args:
            signed: leaves under the newest checkpoint signed.
            start: what the journal does know; the files are read from there.

        Raises:
            Unavailable: the log is damaged.
        """
        at = ends = {MATERIAL: start.material_bytes, HEADERS: start.headers_bytes}
        beyond: list[Leaf] = []
        index = start.written
        while len(beyond) < MOST_WAITING and (leaf := self._leaf(index, at)) is not None:
            lengths = {MATERIAL: len(leaf.material), HEADERS: len(leaf.headers)}
            at = {name: at[name] + (HEAD_BYTES + length if length else 0) for name, length in lengths.items()}
            index += 1
            if index <= signed:
                ends = at
            else:
                beyond.append(leaf)
        if index < signed:
            raise damaged(f"entry {index} of {self.folder.name} is not whole")
        return Position(self.origin.number, self.origin.base, signed, ends[MATERIAL], ends[HEADERS]), beyond

    def append(self, leaves: Sequence[Leaf]) -> None:
        """Write leaves behind the last one; not on the disk until ``sync``.

        Raises:
            Unavailable: STORAGE_FULL; the log is as it was, and the next attempt writes over what was begun.
        """
        grown = self.frontier.copy()
        nodes = [node for leaf in leaves for node in grown.append(entry_leaf(leaf.entry))]
        numbered = list(enumerate(leaves, self.size))
        blocks = {
            MATERIAL: b"".join(block_of(index, leaf.material) for index, leaf in numbered),
            HEADERS: b"".join(block_of(index, leaf.headers) for index, leaf in numbered if leaf.headers),
        }
        try:
            self._write(ENTRIES, b"".join(leaf.entry for leaf in leaves), self.size * ENTRY_BYTES)
            self._write(NODES, b"".join(nodes), tree.stored_nodes(self.size) * DIGEST_BYTES)
            for name, data in blocks.items():
                self._write(name, data, self._lengths[name])
        except OSError as error:
            raise unavailable(error) from None
        self.frontier = grown
        for name, data in blocks.items():
            self._lengths[name] += len(data)

    def sync(self) -> None:
        """Wait, on any thread, until everything that was appended is on the disk.

        Raises:
            Unavailable: the disk refuses.
        """
        try:
            for name in (ENTRIES, NODES, MATERIAL, HEADERS):
                if name != HEADERS or self._lengths[HEADERS]:
                    self._disk.sync(self._handles[name])
        except OSError as error:
            raise unavailable(error) from None

    def node(self, level: int, index: int) -> bytes:
        """Read one node of the tree (``tree.Nodes``).

        Raises:
            Unavailable: it is not there.
        """
        data = self._read(NODES, DIGEST_BYTES, tree.node_position(level, index) * DIGEST_BYTES)
        if len(data) != DIGEST_BYTES:
            raise damaged(f"nodes of {self.folder.name} end too early")
        return data

    def root_at(self, size: int) -> bytes:
        """Give the root the tree had at a size."""
        return tree.root_at(size, self.node)

    def entry(self, index: int) -> bytes:
        """Read one entry; fewer bytes when it is not there."""
        return self._read(ENTRIES, ENTRY_BYTES, index * ENTRY_BYTES)

    def keep_head(self, note: Note) -> None:
        """Keep a signed checkpoint.

        It tells a journal that was put back from a copy that the log is further.  A power cut may cost it: the journal
        itself was on the disk before.

        Raises:
            Unavailable: the disk refuses; the one before it is still there.
        """
        place = (self._place + 1) % _PLACES
        try:
            self._write(HEAD, format_note(note).ljust(_PLACE_BYTES, b"\n"), place * _PLACE_BYTES)
        except OSError as error:
            raise unavailable(error) from None
        self._place = place

    def heads(self) -> list[Note]:
        """Give the checkpoints in both places, as far as they can be read; the newest last."""
        found = []
        for place in range(_PLACES):
            with suppress(PeerError):
                note = parse_note(self._read(HEAD, _PLACE_BYTES, place * _PLACE_BYTES).rstrip(b"\n") + b"\n")
                found.append((parse_checkpoint(note.text).size, place, note))
        found.sort(key=lambda each: each[:2])
        self._place = found[-1][1] if found else 0
        return [note for _, _, note in found]

    def forget_headers(self) -> None:
        """Remove the headers of a log whose time is over."""
        with suppress(OSError):
            self._disk.unlink(self.folder / HEADERS)

    def _leaf(self, index: int, at: dict[str, int]) -> Leaf | None:
        """Read a whole leaf, if there is one."""
        entry, material = self.entry(index), self._block(MATERIAL, at[MATERIAL], index)
        if material is None or len(entry) != ENTRY_BYTES or not _is_entry(entry):
            return None
        headers = self._block(HEADERS, at[HEADERS], index) or b""
        return Leaf(entry, material[HEAD_BYTES:], headers[HEAD_BYTES:])

    def _block(self, name: str, at: int, index: int) -> bytes | None:
        """Read the block of an entry, if it is the one that begins here and is whole."""
        try:
            length, found = read_head(self._read(name, HEAD_BYTES, at))
        except PeerError:
            return None
        data = self._read(name, length, at) if found == index else b""
        return data if found == index and len(data) == length else None

    def _read(self, name: str, count: int, at: int) -> bytes:
        try:
            return read_all(self._disk, self._readers[name], count, at)
        except OSError as error:
            raise unavailable(error) from None

    def _write(self, name: str, data: bytes, at: int) -> None:
        write_all(self._disk, self._handles[name], data, at)


def read_origin(folder: Path, disk: Disk) -> Origin | None:
    """Give the origin of the log in a folder; None when there is none, or an unfinished one."""
    try:
        handle = disk.open(folder / ORIGIN)
    except FileNotFoundError:
        return None
    try:
        return parse_origin(disk.read(handle, _PLACE_BYTES, 0).decode("ascii", "replace").removesuffix("\n"))
    except PeerError:
        return None
    finally:
        disk.close(handle)


def damaged(what: str) -> Unavailable:
    """Say that the log's files are not as they were left."""
    return Unavailable(Kind.STORAGE_FULL, f"the log of crossings is damaged: {what}")


def _is_entry(data: bytes) -> bool:
    try:
        parse_entry(data)
    except PeerError:
        return False
    return True
