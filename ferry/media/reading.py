"""From a medium: opened for reading only, without following links, sizes known before anything is read.

A medium that can be written where it is read may carry something back (ISM 0347), so the mount must be read-only
unless the operator says otherwise.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from ferry.media.writing import CONTENT, FOLDER, MANIFEST
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.medium import (
    CHUNK_BYTES,
    IMAGE_HEAD_BYTES,
    IMAGE_MAGIC,
    MAX_CONTENT_BYTES,
    MAX_MANIFEST_BYTES,
    content_size,
)
from wire_formats.seal import OVERHEAD_BYTES

_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RETRY_S: Final = 5


class SealedMedium(Protocol):
    """A medium whose parts are open.

    Attributes:
        manifest: the sealed manifest.
        content_bytes: size of the sealed content.
    """

    manifest: bytes
    content_bytes: int

    def sealed_chunk(self, index: int) -> bytes:
        """Read one chunk of the content; the last one may be shorter.

        Raises:
            Unavailable: the medium cannot be read now.
            PeerError: MALFORMED: it ends early.
        """


class OpenMedium:
    """A medium of files (implements ``SealedMedium``)."""

    def __init__(self, manifest: bytes, descriptor: int, at: int, content_bytes: int) -> None:
        self.manifest = manifest
        self.content_bytes = content_bytes
        self._descriptor = descriptor
        self._at = at

    def sealed_chunk(self, index: int) -> bytes:
        """Read one chunk of the content."""
        whole = CHUNK_BYTES + OVERHEAD_BYTES
        start = index * whole
        return _read(self._descriptor, self._at + start, min(whole, self.content_bytes - start))


@contextmanager
def open_medium(source: Path, *, writable_ok: bool = False) -> Iterator[OpenMedium]:
    """Open a medium: the folder it is mounted at, the ``FERRYGATE`` folder on it, or an image file.

    Args:
        source: where it is.
        writable_ok: take it although it is mounted so that it can be written.

    Raises:
        Refused: NOT_FOUND: nothing of ours there; RULE: mounted writable.
        PeerError: a part is no plain file, too large, or of an impossible size.
        Unavailable: it cannot be read now.
    """
    opened: list[int] = []
    try:
        is_image, descriptor = _open_source(source)
        opened.append(descriptor)
        if not writable_ok and not os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
            raise Refused(Kind.RULE, f"{source} is mounted writable; mount it read-only (mount -o ro)")
        if is_image:
            yield _open_image(descriptor)
            return
        manifest_file, content_file = (_open_in(descriptor, name, opened) for name in (MANIFEST, CONTENT))
        manifest = _read(manifest_file, 0, _size(manifest_file, MAX_MANIFEST_BYTES))
        yield OpenMedium(manifest, content_file, 0, _size(content_file, content_size(MAX_CONTENT_BYTES)))
    finally:
        for descriptor in opened:
            with suppress(OSError):
                os.close(descriptor)


def _open_source(source: Path) -> tuple[bool, int]:
    """Give whether it is an image, and an open descriptor of it or of its ``FERRYGATE`` folder."""
    try:
        if source.is_symlink() or not source.is_dir():
            return True, os.open(source, _FILE)
        descriptor = os.open(source, _DIRECTORY)
        if source.name == FOLDER:
            return False, descriptor
        try:
            return False, os.open(FOLDER, _DIRECTORY, dir_fd=descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise Refused(Kind.NOT_FOUND, f"{source}: no medium of ours there") from None
    except OSError as error:
        raise PeerError(Kind.MALFORMED, f"not a readable medium: {error.strerror}") from None


def _open_in(folder: int, name: str, opened: list[int]) -> int:
    try:
        descriptor = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        raise PeerError(Kind.MALFORMED, f"{name} is not a readable plain file: {error.strerror}") from None
    opened.append(descriptor)
    return descriptor


def _open_image(descriptor: int) -> OpenMedium:
    most = IMAGE_HEAD_BYTES + MAX_MANIFEST_BYTES + content_size(MAX_CONTENT_BYTES)
    size = _size(descriptor, most)
    head = _read(descriptor, 0, min(IMAGE_HEAD_BYTES, size))
    if len(head) != IMAGE_HEAD_BYTES or head[: len(IMAGE_MAGIC)] != IMAGE_MAGIC:
        raise PeerError(Kind.MALFORMED, "not an image of a medium")
    length = int.from_bytes(head[len(IMAGE_MAGIC) :], "big")
    if length > MAX_MANIFEST_BYTES or IMAGE_HEAD_BYTES + length > size:
        raise PeerError(Kind.TOO_LARGE, "manifest longer than it may be")
    content_at = IMAGE_HEAD_BYTES + length
    return OpenMedium(_read(descriptor, IMAGE_HEAD_BYTES, length), descriptor, content_at, size - content_at)


def _size(descriptor: int, most: int) -> int:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise PeerError(Kind.MALFORMED, "not a plain file with one link")
    if status.st_size > most:
        raise PeerError(Kind.TOO_LARGE, "a part of the medium is too large")
    return status.st_size


def _read(descriptor: int, at: int, count: int) -> bytes:
    pieces: list[bytes] = []
    while count > 0:
        try:
            piece = os.pread(descriptor, count, at)
        except OSError as error:
            raise Unavailable(Kind.BUSY, f"the medium cannot be read: {error.strerror}", _RETRY_S) from None
        if not piece:
            raise PeerError(Kind.MALFORMED, "the medium ends early")
        pieces.append(piece)
        at += len(piece)
        count -= len(piece)
    return b"".join(pieces)
