"""A drop: a directory into which files are renamed whole, and how to read one safely.

A file appears under its final name at once or not at all:

    write to <drop>/.tmp/<random>, check the size, (fsync), rename into <drop>, (fsync the directory)

Names are made by us and tell order: ``<epoch 16 hex>-<sequence 12 hex>-<sender>.<kind>``, so that
sorting names sorts one sender's files.  ``kind`` is ``bundle`` or ``notice``.

Readers take only regular files with one link, opened without following links, of at most the
given size; names outside the grammar are reported apart, for quarantine.

Why the size check: on a full file system a write may come back short without an error, and the
rename would publish a torn file (measured; see the ferry research).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wire_formats.collaborators import Disk, FilePath
from wire_formats.disk import DISK
from wire_formats.errors import Kind, PeerError, Unavailable

TEMPORARY: Final = ".tmp"
_NAME: Final = re.compile(r"([0-9a-f]{16})-([0-9a-f]{12})-([a-z][a-z0-9_-]{0,31})\.(bundle|notice)", re.ASCII)
_RETRY_S: Final = 5
#: Why a file cannot be opened that say nothing about the file.
_OURS: Final = frozenset({errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


@dataclass(frozen=True, slots=True, order=True)
class DropName:
    """The parts of a file name in a drop; orders by epoch, sequence, sender."""

    epoch: int
    sequence: int
    sender: str
    kind: str = "bundle"

    def __str__(self) -> str:
        return f"{self.epoch:016x}-{self.sequence:012x}-{self.sender}.{self.kind}"


def parse_name(text: str) -> DropName:
    """Parse a file name.

    Raises:
        PeerError: outside the grammar.
    """
    match = _NAME.fullmatch(text)
    if match is None:
        raise PeerError(Kind.MALFORMED, "file name outside the grammar")
    return DropName(int(match[1], 16), int(match[2], 16), match[3], match[4])


def prepare_drop(directory: Path, *, disk: Disk = DISK) -> None:
    """Create a drop and its folder for unfinished files, and clear what a crash left there.

    Whoever takes files away here may also plant a link in that folder's place: it is removed, never followed.

    Raises:
        OSError: it cannot be done, or a link is put there again at once.
    """
    temporary = directory / TEMPORARY
    with contextlib.suppress(FileNotFoundError):
        if not disk.facts(temporary).folder:
            disk.unlink(temporary)
    disk.make_folder(temporary)
    for left_over in list(disk.names(temporary)):
        _remove(disk, temporary / left_over)


def write_drop(directory: Path, name: DropName, data: bytes, *, durable: bool = False, disk: Disk = DISK) -> None:
    """Put a file into a drop, whole or not at all.

    Args:
        directory: the drop, made by ``prepare_drop``.
        name: the final name; an existing file of that name is replaced.
        data: the bytes.
        durable: whether to wait until file and directory are on the disk.
        disk: where the drop lies.

    Raises:
        Unavailable: STORAGE_FULL: nothing was published; the caller keeps what it has.
    """
    text = str(name)
    final, unfinished = f"{directory}/{text}", f"{directory}/{TEMPORARY}/{text}.{os.getpid()}"
    try:
        try:
            _publish(disk, unfinished, final, data, durable=durable)
        except FileNotFoundError:
            # A process that shares this drop began just now and took our unfinished file for a left-over.
            _publish(disk, unfinished, final, data, durable=durable)
        if durable:
            disk.sync_folder(directory)
    except OSError as error:
        with contextlib.suppress(OSError):
            _remove(disk, unfinished)
        raise Unavailable(Kind.STORAGE_FULL, f"cannot write a drop: {error.strerror}", _RETRY_S) from None


def _publish(disk: Disk, unfinished: str, final: str, data: bytes, *, durable: bool) -> None:
    write_whole(unfinished, data, durable=durable, disk=disk)
    disk.rename(unfinished, final)


def write_whole(path: FilePath, data: bytes, *, durable: bool = False, over: bool = False, disk: Disk = DISK) -> None:
    """Write a file and check that all of it was taken.

    Args:
        path: the file.
        data: all it shall hold.
        durable: whether to wait until it is on the disk.
        over: write over what it holds and cut the rest, which spares the disk new space for each file.
        disk: where it lies.

    Raises:
        OSError: it was not; the file may hold a part.
    """
    handle = disk.create(path, keep=over)
    try:
        write_all(disk, handle, data, 0)
        size = disk.facts_of(handle).size
        if over and size > len(data):
            disk.truncate(handle, len(data))
            size = disk.facts_of(handle).size
        if size != len(data):
            raise OSError(errno.ENOSPC, "file shorter than written")
        if durable:
            disk.sync(handle)
    finally:
        disk.close(handle)


def write_all(disk: Disk, handle: int, data: bytes, at: int) -> None:
    """Write every byte of ``data`` from offset ``at`` on.

    Raises:
        OSError: the disk takes no more.
    """
    view = memoryview(data)
    while view:
        taken = disk.write(handle, view, at)
        if taken <= 0:
            raise OSError(errno.ENOSPC, "short write")
        view, at = view[taken:], at + taken


def read_all(disk: Disk, handle: int, count: int, at: int) -> bytes:
    """Read ``count`` bytes from offset ``at`` on, fewer at the end of the file.

    Raises:
        OSError: the disk refuses.
    """
    pieces = []
    while count > 0 and (piece := disk.read(handle, count, at)):
        pieces.append(piece)
        count, at = count - len(piece), at + len(piece)
    return b"".join(pieces)


def _remove(disk: Disk, path: FilePath) -> None:
    with contextlib.suppress(FileNotFoundError):
        disk.unlink(path)


def list_drop(directory: Path, *, most: int, disk: Disk = DISK) -> tuple[list[DropName], list[str]]:
    """List a drop: well-named files in order, and names outside the grammar.

    Args:
        directory: the drop.
        most: how many of each to give at most; the oldest by name come first.
        disk: where the drop lies.

    Raises:
        FileNotFoundError: there is no such folder.
        Unavailable: it cannot be read now.
    """
    good: list[DropName] = []
    strange: list[str] = []
    for text in _names(directory, disk):
        try:
            good.append(parse_name(text))
        except PeerError:
            if len(strange) < most:
                strange.append(text)
    good.sort()
    return good[:most], strange


def count_drop(directory: Path, *, disk: Disk = DISK) -> int:
    """Give the number of entries that wait in a drop.

    Raises:
        FileNotFoundError: there is no such folder.
        Unavailable: it cannot be read now.
    """
    return sum(1 for _ in _names(directory, disk))


def _names(directory: Path, disk: Disk) -> Iterator[str]:
    try:
        for name in disk.names(directory):
            if name != TEMPORARY:
                yield name
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(Kind.BUSY, f"folder cannot be read: {error.strerror}", _RETRY_S) from None


def read_drop(directory: Path, name: DropName | str, *, limit: int, disk: Disk = DISK) -> bytes:
    """Read one file of a drop.

    Raises:
        PeerError: TOO_LARGE, or MALFORMED for anything but a plain file with one link.
        FileNotFoundError: it is gone; someone else took it.
        Unavailable: it cannot be read now: the disk fails, or this process has too much open.
    """
    try:
        handle = disk.open(f"{directory}/{name}")
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in _OURS:
            raise Unavailable(Kind.BUSY, f"file cannot be read: {error.strerror}", _RETRY_S) from None
        raise PeerError(Kind.MALFORMED, f"not a readable plain file: {error.strerror}") from None
    try:
        facts = disk.facts_of(handle)
        if not facts.plain:
            raise PeerError(Kind.MALFORMED, "not a plain file with one link")
        if facts.size > limit:
            raise PeerError(Kind.TOO_LARGE, "file too large")
        return read_all(disk, handle, facts.size, 0)
    except OSError as error:
        raise Unavailable(Kind.BUSY, f"file cannot be read: {error.strerror}", _RETRY_S) from None
    finally:
        disk.close(handle)


def remove_drop(directory: Path, name: DropName | str, *, disk: Disk = DISK) -> None:
    """Remove a file that has been dealt with; it may be gone already.

    Raises:
        Unavailable: it cannot be removed now.
    """
    try:
        _remove(disk, f"{directory}/{name}")
    except OSError as error:
        raise Unavailable(Kind.BUSY, f"file cannot be removed: {error.strerror}", _RETRY_S) from None
