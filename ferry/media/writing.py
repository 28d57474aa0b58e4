"""Onto a medium: a folder or one image file, whole under its name or not at all, and read back.

    folder    <medium>/FERRYGATE/MANIFEST.FG, CONTENT.FG    written as <medium>/FERRYGATE.PART, then renamed
    image     one file, see wire_formats.medium             written as <file>.part, then renamed

The short names survive every file system a medium may have, ISO 9660 included.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

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
    """

    def __init__(self, target: Path, *, image: bool) -> None:
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
        if not self._home.is_dir():
            raise Refused(Kind.NOT_FOUND, f"{self._home} is no folder")
        if os.path.lexists(self._final):
            raise Refused(Kind.CONFLICT, f"{self._final} is there already: this medium is not blank")
        if shutil.disk_usage(self._home).free < size:
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
            _compare(written)
            self._part.rename(self._final)
            _sync_folder(self._home)
        except OSError as error:
            self._clear()
            raise Unavailable(Kind.STORAGE_FULL, f"medium cannot be written: {error.strerror}", _RETRY_S) from None
        except BaseException:
            self._clear()
            raise

    def _write_parts(self, manifest: bytes, content: Iterable[bytes]) -> list[tuple[Path, bytes]]:
        if self._image:
            head = IMAGE_MAGIC + len(manifest).to_bytes(8, "big")
            return [(self._part, _write_file(self._part, _joined(head + manifest, content)))]
        self._part.mkdir(mode=0o700)
        files = ((MANIFEST, [manifest]), (CONTENT, content))
        written = [(self._part / name, _write_file(self._part / name, pieces)) for name, pieces in files]
        _sync_folder(self._part)
        return written

    def _clear(self) -> None:
        """Remove what an interrupted export left; a medium that was pulled out keeps it, under its own name."""
        if self._image:
            with suppress(OSError):
                self._part.unlink()
        else:
            shutil.rmtree(self._part, ignore_errors=True)


def write_small(path: Path, data: bytes) -> None:
    """Write a small file (a receipt, a slip) whole or not at all.

    Raises:
        Refused: CONFLICT: there is one already.
        Unavailable: STORAGE_FULL.
    """
    if os.path.lexists(path):
        raise Refused(Kind.CONFLICT, f"{path} is there already")
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        _write_file(part, [data])
        part.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(Kind.STORAGE_FULL, f"{path}: cannot be written: {error.strerror}", _RETRY_S) from None


def _joined(first: bytes, others: Iterable[bytes]) -> Iterable[bytes]:
    yield first
    yield from others


def _write_file(path: Path, pieces: Iterable[bytes]) -> bytes:
    """Write a new file and wait for the disk; gives the SHA-256 of what was written."""
    digest = hashlib.sha256()
    size = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            view = memoryview(piece)
            while view:
                written = os.write(descriptor, view)
                if written == 0:
                    raise OSError(28, "short write")
                view = view[written:]
        if os.fstat(descriptor).st_size != size:
            raise OSError(28, "file shorter than written")
        os.fsync(descriptor)
        # What is read back shall come from the medium, not from memory.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    return digest.digest()


def _digest_of(path: Path) -> bytes:
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        while block := os.read(descriptor, _BLOCK):
            digest.update(block)
    finally:
        os.close(descriptor)
    return digest.digest()


def _compare(written: Iterable[tuple[Path, bytes]]) -> None:
    """Read back.

    Raises:
        Unavailable: STORAGE_FULL: the medium gives back other bytes.
    """
    for path, digest in written:
        if _digest_of(path) != digest:
            raise Unavailable(Kind.STORAGE_FULL, f"{path.name}: the medium gives back other bytes", _RETRY_S)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
