"""Onto a medium: a folder or one image file, whole under its name or not at all, and read back.

    folder    <medium>/FERRYGATE/MANIFEST.FG, CONTENT.FG    written as <medium>/FERRYGATE.PART, then renamed
    image     one file, see wire_formats.medium             written as <file>.part, then renamed

The short names survive every file system a medium may have, ISO 9660 included.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from ferry.folders import clear_folder, is_there
from wire_formats.collaborators import Disk
from wire_formats.disk import DISK
from wire_formats.errors import Kind, Refused, Unavailable
from wire_formats.medium import IMAGE_MAGIC

FOLDER: Final = "FERRYGATE"
MANIFEST: Final = "MANIFEST.FG"
CONTENT: Final = "CONTENT.FG"
_PART: Final = "FERRYGATE.PART"
_BLOCK: Final = 1 << 20
_RETRY_S: Final = 5


class MediumWriter:
    """Writes one medium.

    Args:
        target: the mounted medium's folder, or the image file.
        image: which of the two.
        disk: where it lies.
    """

    def __init__(self, target: Path, *, image: bool, disk: Disk = DISK) -> None:
        self._disk = disk
        self._image = image
        self._home = target.parent if image else target
        self._final = target if image else target / FOLDER
        self._part = target.with_name(f"{target.name}.part") if image else target / _PART

    def check(self, size: int) -> None:
        """Check that there is a place for ``size`` bytes and nothing in the way.

        Raises:
            Refused: CONFLICT: something of ours lies there already, or there is no such folder.
            Unavailable: STORAGE_FULL: too little room.
        """
        try:
            self._disk.close(self._disk.open_folder(self._home))
        except OSError:
            raise Refused(Kind.NOT_FOUND, f"{self._home} is no folder") from None
        if is_there(self._disk, self._final):
            raise Refused(Kind.CONFLICT, f"{self._final} is there already: this medium is not blank")
        if self._disk.volume(self._home).free < size:
            raise Unavailable(Kind.STORAGE_FULL, f"{self._home}: less room than {size} bytes", _RETRY_S)

    def write(self, manifest: bytes, content: Iterable[bytes]) -> None:
        """Write, wait for the medium, read back and compare, and give it its name.

        Raises:
            Unavailable: STORAGE_FULL: the medium is full, was pulled out, or gives back other bytes; nothing
                stands under the final name.
        """
        try:
            self._clear()
            written = self._write_parts(manifest, content)
            self._compare(written)
            self._disk.rename(self._part, self._final)
            self._disk.sync_folder(self._home)
        except OSError as error:
            self._clear()
            raise Unavailable(Kind.STORAGE_FULL, f"medium cannot be written: {error.strerror}", _RETRY_S) from None
        except BaseException:
            self._clear()
            raise

    def _write_parts(self, manifest: bytes, content: Iterable[bytes]) -> list[tuple[Path, bytes]]:
        if self._image:
            head = IMAGE_MAGIC + len(manifest).to_bytes(8, "big")
            return [(self._part, _write_file(self._disk, self._part, _joined(head + manifest, content)))]
        self._disk.make_new_folder(self._part)
        files = ((MANIFEST, [manifest]), (CONTENT, content))
        written = [(self._part / name, _write_file(self._disk, self._part / name, pieces)) for name, pieces in files]
        self._disk.sync_folder(self._part)
        return written

    def _compare(self, written: Iterable[tuple[Path, bytes]]) -> None:
        """Read back.

        Raises:
            Unavailable: STORAGE_FULL: the medium gives back other bytes.
        """
        for path, digest in written:
            if _digest_of(self._disk, path) != digest:
                raise Unavailable(Kind.STORAGE_FULL, f"{path.name}: the medium gives back other bytes", _RETRY_S)

    def _clear(self) -> None:
        """Remove what an interrupted export left; a medium that was pulled out keeps it, under its own name."""
        if self._image:
            with suppress(OSError):
                self._disk.unlink(self._part)
        else:
            clear_folder(self._part, disk=self._disk)


def write_small(path: Path, data: bytes, *, disk: Disk = DISK) -> None:
    """Write a small file (a receipt, a slip) whole or not at all.

    Raises:
        Refused: CONFLICT: there is one already.
        Unavailable: STORAGE_FULL.
    """
    if is_there(disk, path):
        raise Refused(Kind.CONFLICT, f"{path} is there already")
    part = path.with_name(f"{path.name}.part")
    try:
        with suppress(FileNotFoundError):
            disk.unlink(part)
        _write_file(disk, part, [data])
        disk.rename(part, path)
        disk.sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(Kind.STORAGE_FULL, f"{path}: cannot be written: {error.strerror}", _RETRY_S) from None


def _joined(first: bytes, others: Iterable[bytes]) -> Iterable[bytes]:
    yield first
    yield from others


def _write_file(disk: Disk, path: Path, pieces: Iterable[bytes]) -> bytes:
    """Write a new file and wait for the disk; gives the SHA-256 of what was written."""
    digest = hashlib.sha256()
    size = 0
    handle = disk.create_new(path)
    try:
        for piece in pieces:
            digest.update(piece)
            view = memoryview(piece)
            while view:
                written = disk.write(handle, view, size)
                if written == 0:
                    raise OSError(errno.ENOSPC, "short write")
                size += written
                view = view[written:]
        if disk.facts_of(handle).size != size:
            raise OSError(errno.ENOSPC, "file shorter than written")
        disk.sync(handle)
        # What is read back shall come from the medium, not from memory.
        disk.uncache(handle)
    finally:
        disk.close(handle)
    return digest.digest()


def _digest_of(disk: Disk, path: Path) -> bytes:
    digest = hashlib.sha256()
    at = 0
    handle = disk.open(path)
    try:
        while block := disk.read(handle, _BLOCK, at):
            digest.update(block)
            at += len(block)
    finally:
        disk.close(handle)
    return digest.digest()
