"""From a medium: opened for reading only, without following links, sizes known before anything is read.

A medium that can be written where it is read may carry something back (ISM 0347), so the mount must be read-only
unless the operator says otherwise.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from ferry.media.writing import CONTENT, FOLDER, MANIFEST
from wire_formats.collaborators import Disk
from wire_formats.disk import DISK
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

_RETRY_S: Final = 5
#: Why a medium cannot be opened that say nothing about what is on it: pulled out, or too much is open here.
_PASSING: Final = frozenset(
    {errno.EIO, errno.ENXIO, errno.ENODEV, errno.ENOMEDIUM, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)


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

    def __init__(self, manifest: bytes, disk: Disk, handle: int, at: int, content_bytes: int) -> None:
        self.manifest = manifest
        self.content_bytes = content_bytes
        self._disk = disk
        self._handle = handle
        self._at = at

    def sealed_chunk(self, index: int) -> bytes:
        """Read one chunk of the content."""
        whole = CHUNK_BYTES + OVERHEAD_BYTES
        start = index * whole
        return _read(self._disk, self._handle, self._at + start, min(whole, self.content_bytes - start))


@contextmanager
def open_medium(source: Path, *, writable_ok: bool = False, disk: Disk = DISK) -> Iterator[OpenMedium]:
    """Open a medium: the folder it is mounted at, the ``FERRYGATE`` folder on it, or an image file.

    Args:
        source: where it is.
        writable_ok: take it although it is mounted so that it can be written.
        disk: where it lies.

    Raises:
        Refused: NOT_FOUND: nothing of ours there; RULE: mounted writable.
        PeerError: a part is no plain file, too large, or of an impossible size.
        Unavailable: it cannot be read now.
    """
    opened: list[int] = []
    try:
        is_image, handle = _open_source(disk, source)
        opened.append(handle)
        if not writable_ok and not _is_read_only(disk, handle):
            raise Refused(Kind.RULE, f"{source} is mounted writable; mount it read-only (mount -o ro)")
        if is_image:
            yield _open_image(disk, handle)
            return
        manifest_file, content_file = (_open_in(disk, handle, name, opened) for name in (MANIFEST, CONTENT))
        manifest = _read(disk, manifest_file, 0, _size(disk, manifest_file, MAX_MANIFEST_BYTES))
        content_bytes = _size(disk, content_file, content_size(MAX_CONTENT_BYTES))
        yield OpenMedium(manifest, disk, content_file, 0, content_bytes)
    finally:
        for handle in opened:
            with suppress(OSError):
                disk.close(handle)


def _open_source(disk: Disk, source: Path) -> tuple[bool, int]:
    """Give whether it is an image, and an open handle of it or of its ``FERRYGATE`` folder."""
    try:
        if not disk.facts(source).folder:
            return True, disk.open(source)
        handle = disk.open_folder(source)
        if source.name == FOLDER:
            return False, handle
        try:
            return False, disk.open_folder(FOLDER, within=handle)
        finally:
            disk.close(handle)
    except FileNotFoundError:
        raise Refused(Kind.NOT_FOUND, f"{source}: no medium of ours there") from None
    except OSError as error:
        if error.errno in _PASSING:
            raise _not_now(error) from None
        raise PeerError(Kind.MALFORMED, f"not a readable medium: {error.strerror}") from None


def _open_in(disk: Disk, folder: int, name: str, opened: list[int]) -> int:
    try:
        handle = disk.open_within(folder, name)
    except OSError as error:
        if error.errno in _PASSING:
            raise _not_now(error) from None
        raise PeerError(Kind.MALFORMED, f"{name} is not a readable plain file: {error.strerror}") from None
    opened.append(handle)
    return handle


def _open_image(disk: Disk, handle: int) -> OpenMedium:
    most = IMAGE_HEAD_BYTES + MAX_MANIFEST_BYTES + content_size(MAX_CONTENT_BYTES)
    size = _size(disk, handle, most)
    head = _read(disk, handle, 0, min(IMAGE_HEAD_BYTES, size))
    if len(head) != IMAGE_HEAD_BYTES or head[: len(IMAGE_MAGIC)] != IMAGE_MAGIC:
        raise PeerError(Kind.MALFORMED, "not an image of a medium")
    length = int.from_bytes(head[len(IMAGE_MAGIC) :], "big")
    if length > MAX_MANIFEST_BYTES or IMAGE_HEAD_BYTES + length > size:
        raise PeerError(Kind.TOO_LARGE, "manifest longer than it may be")
    content_at = IMAGE_HEAD_BYTES + length
    manifest = _read(disk, handle, IMAGE_HEAD_BYTES, length)
    return OpenMedium(manifest, disk, handle, content_at, size - content_at)


def _not_now(error: OSError) -> Unavailable:
    return Unavailable(Kind.BUSY, f"the medium cannot be read: {error.strerror}", _RETRY_S)


def _is_read_only(disk: Disk, handle: int) -> bool:
    try:
        return disk.volume_of(handle).read_only
    except OSError as error:
        raise _not_now(error) from None


def _size(disk: Disk, handle: int, most: int) -> int:
    try:
        facts = disk.facts_of(handle)
    except OSError as error:
        raise _not_now(error) from None
    if not facts.plain:
        raise PeerError(Kind.MALFORMED, "not a plain file with one link")
    if facts.size > most:
        raise PeerError(Kind.TOO_LARGE, "a part of the medium is too large")
    return facts.size


def _read(disk: Disk, handle: int, at: int, count: int) -> bytes:
    pieces: list[bytes] = []
    while count > 0:
        try:
            piece = disk.read(handle, count, at)
        except OSError as error:
            raise _not_now(error) from None
        if not piece:
            raise PeerError(Kind.MALFORMED, "the medium ends early")
        pieces.append(piece)
        at += len(piece)
        count -= len(piece)
    return b"".join(pieces)
