"""The operating system's files behind the ``Disk`` port: each method is one system call, or nearly.

Whoever writes, renames, syncs and removes files does it through this port, so that a simulated disk
can stand in that loses what was not synced, comes back short, or fills up.

Source: wire_formats.collaborators.Disk; fsync(2), rename(2).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wire_formats.collaborators import Disk, FileFacts, FilePath

_READING: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITING: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class OsDisk:
    """The machine's own files (implements ``collaborators.Disk``)."""

    def make_folder(self, folder: Path) -> None:
        """``mkdir -p``, for nobody but this user."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove_folder(self, folder: Path) -> None:
        """``rmdir``."""
        folder.rmdir()

    def names(self, folder: Path) -> Iterator[str]:
        """``readdir``, one after the other."""
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name

    def facts(self, path: FilePath) -> FileFacts:
        """``lstat``."""
        return _facts(os.lstat(path))

    def open(self, path: FilePath) -> int:
        """``open`` for reading; a link is refused, a pipe does not hang."""
        return os.open(path, _READING)

    def create(self, path: FilePath, *, keep: bool = False) -> int:
        """``open`` for writing; the umask decides whether the group of a meeting place may read it."""
        return os.open(path, _WRITING if keep else _WRITING | os.O_TRUNC, 0o640)

    def facts_of(self, handle: int) -> FileFacts:
        """``fstat``."""
        return _facts(os.fstat(handle))

    def read(self, handle: int, count: int, at: int) -> bytes:
        """``pread``."""
        return os.pread(handle, count, at)

    def write(self, handle: int, data: bytes | memoryview, at: int) -> int:
        """``pwrite``."""
        return os.pwrite(handle, data, at)

    def truncate(self, handle: int, size: int) -> None:
        """``ftruncate``."""
        os.ftruncate(handle, size)

    def sync(self, handle: int) -> None:
        """``fsync``."""
        os.fsync(handle)

    def close(self, handle: int) -> None:
        """``close``."""
        os.close(handle)

    def rename(self, before: FilePath, after: FilePath) -> None:
        """``rename``."""
        os.rename(before, after)  # noqa: PTH104 - a text needs no object for this

    def unlink(self, path: FilePath) -> None:
        """``unlink``."""
        os.unlink(path)  # noqa: PTH108 - the same

    def sync_folder(self, folder: Path) -> None:
        """``fsync`` of the folder itself."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


#: What everybody uses who was not handed another one.
DISK: Final[Disk] = OsDisk()


def _facts(status: os.stat_result) -> FileFacts:
    mode = status.st_mode
    return FileFacts(stat.S_ISREG(mode) and status.st_nlink == 1, stat.S_ISDIR(mode), status.st_size)
