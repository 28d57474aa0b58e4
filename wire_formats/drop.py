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
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wire_formats.errors import Kind, PeerError, Unavailable

TEMPORARY: Final = ".tmp"
_NAME: Final = re.compile(r"([0-9a-f]{16})-([0-9a-f]{12})-([a-z][a-z0-9_-]{0,31})\.(bundle|notice)", re.ASCII)
_RETRY_S: Final = 5


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


def prepare_drop(directory: Path) -> None:
    """Create a drop and its folder for unfinished files, and clear what a crash left there."""
    temporary = directory / TEMPORARY
    temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left_over in temporary.iterdir():
        left_over.unlink(missing_ok=True)


def write_drop(directory: Path, name: DropName, data: bytes, *, durable: bool = False) -> Path:
    """Put a file into a drop, whole or not at all.

    Args:
        directory: the drop, made by ``prepare_drop``.
        name: the final name; an existing file of that name is replaced.
        data: the bytes.
        durable: whether to wait until file and directory are on the disk.

    Raises:
        Unavailable: STORAGE_FULL: nothing was published; the caller keeps what it has.
    """
    final = directory / str(name)
    unfinished = directory / TEMPORARY / f"{name}.{os.getpid()}"
    try:
        try:
            _publish(unfinished, final, data, durable=durable)
        except FileNotFoundError:
            # A process that shares this drop began just now and took our unfinished file for a left-over.
            _publish(unfinished, final, data, durable=durable)
        if durable:
            sync_directory(directory)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise Unavailable(Kind.STORAGE_FULL, f"cannot write a drop: {error.strerror}", _RETRY_S) from None
    return final


def _publish(unfinished: Path, final: Path, data: bytes, *, durable: bool) -> None:
    _write_whole(unfinished, data, durable=durable)
    unfinished.rename(final)


def _write_whole(path: Path, data: bytes, *, durable: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            written = os.write(descriptor, view)
            if written == 0:
                raise OSError(28, "short write")
            view = view[written:]
        if os.fstat(descriptor).st_size != len(data):
            raise OSError(28, "file shorter than written")
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Wait until the names in a directory are on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def list_drop(directory: Path, *, most: int) -> tuple[list[DropName], list[str]]:
    """List a drop: well-named files in order, and names outside the grammar.

    Args:
        directory: the drop.
        most: how many of each to give at most; the oldest by name come first.
    """
    good: list[DropName] = []
    strange: list[str] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name == TEMPORARY:
                continue
            try:
                good.append(parse_name(entry.name))
            except PeerError:
                if len(strange) < most:
                    strange.append(entry.name)
    good.sort()
    return good[:most], strange


def count_drop(directory: Path) -> int:
    """Give the number of entries that wait in a drop."""
    with os.scandir(directory) as entries:
        return sum(1 for entry in entries if entry.name != TEMPORARY)


def read_drop(directory: Path, name: DropName | str, *, limit: int) -> bytes:
    """Read one file of a drop.

    Raises:
        PeerError: TOO_LARGE, or MALFORMED for anything but a plain file with one link.
        FileNotFoundError: it is gone; someone else took it.
    """
    try:
        descriptor = os.open(directory / str(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PeerError(Kind.MALFORMED, f"not a readable plain file: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise PeerError(Kind.MALFORMED, "not a plain file with one link")
        if status.st_size > limit:
            raise PeerError(Kind.TOO_LARGE, "file too large")
        return _read_whole(descriptor, status.st_size)
    finally:
        os.close(descriptor)


def _read_whole(descriptor: int, size: int) -> bytes:
    pieces = []
    left = size
    while left > 0:
        piece = os.read(descriptor, left)
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def remove_drop(directory: Path, name: DropName | str) -> None:
    """Remove a file that has been dealt with; it may be gone already."""
    (directory / str(name)).unlink(missing_ok=True)
