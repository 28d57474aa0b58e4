"""The operating system's files behind the ``Disk`` port: each method is one system call, or nearly.

Whoever writes, renames, syncs and removes files does it through this port, so that a simulated disk
can stand in that loses what was not synced, comes back short, or fills up.

Whoever may write into a meeting place can put a link where a folder was. So a folder that is a link is not listed, and
nothing is made, renamed or removed in it: what hands outside would have done there, they would do by our rights.

Source: wire_formats.collaborators.Disk; fsync(2), rename(2), openat(2).
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wire_formats.collaborators import Disk, FileFacts, FilePath, Volume

_READING: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITING: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
_FOLDER: Final = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class OsDisk:
    """The machine's own files (implements ``collaborators.Disk``)."""

    def make_folder(self, folder: Path) -> None:
        """``mkdir -p``, for nobody but this user."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def make_new_folder(self, folder: Path) -> None:
        """``mkdir``."""
        home, name = _within(folder)
        try:
            os.mkdir(name, 0o700, dir_fd=home)
        finally:
            os.close(home)

    def remove_folder(self, folder: Path) -> None:
        """``rmdir``."""
        folder.rmdir()

    def names(self, folder: Path) -> Iterator[str]:
        """``readdir``, one after the other."""
        descriptor = os.open(folder, os.O_RDONLY | _FOLDER)
        try:
            entries = os.scandir(descriptor)
        finally:
            os.close(descriptor)
        with entries:
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
        folder, name = _within(path)
        try:
            return os.open(name, _WRITING if keep else _WRITING | os.O_TRUNC, 0o640, dir_fd=folder)
        finally:
            os.close(folder)

    def create_new(self, path: FilePath) -> int:
        """``open`` for writing, O_EXCL."""
        folder, name = _within(path)
        try:
            return os.open(name, _NEW, 0o600, dir_fd=folder)
        finally:
            os.close(folder)

    def open_folder(self, path: FilePath, *, within: int | None = None) -> int:
        """``open``, or ``openat``, of a folder; a link is refused."""
        return os.open(path, os.O_RDONLY | _FOLDER, dir_fd=within)

    def open_within(self, folder: int, name: str) -> int:
        """``openat`` for reading; a link is refused, a pipe does not hang."""
        return os.open(name, _READING, dir_fd=folder)

    def lock(self, path: FilePath) -> int:
        """``flock`` of a file of its own, made if missing."""
        descriptor = os.open(path, _LOCK, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

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

    def uncache(self, handle: int) -> None:
        """``posix_fadvise``, DONTNEED."""
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)

    def volume(self, folder: Path) -> Volume:
        """``statvfs``."""
        return _volume(os.statvfs(folder))

    def volume_of(self, handle: int) -> Volume:
        """``fstatvfs``."""
        return _volume(os.fstatvfs(handle))

    def close(self, handle: int) -> None:
        """``close``."""
        os.close(handle)

    def rename(self, before: FilePath, after: FilePath) -> None:
        """``rename``."""
        source, old = _within(before)
        try:
            target, new = _within(after)
            try:
                os.rename(old, new, src_dir_fd=source, dst_dir_fd=target)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def unlink(self, path: FilePath) -> None:
        """``unlink``."""
        folder, name = _within(path)
        try:
            os.unlink(name, dir_fd=folder)
        finally:
            os.close(folder)

    def sync_folder(self, folder: Path) -> None:
        """``fsync`` of the folder itself."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


#: What everybody uses who was not handed another one.
DISK: Final[Disk] = OsDisk()


def _within(path: FilePath) -> tuple[int, str]:
    """Open the folder a file lies in, which must be no link (else ENOTDIR or ELOOP), and give its name there."""
    folder, name = os.path.split(path)
    return os.open(folder or ".", os.O_PATH | _FOLDER), name


def _facts(status: os.stat_result) -> FileFacts:
    mode = status.st_mode
    plain = stat.S_ISREG(mode) and status.st_nlink == 1
    return FileFacts(plain, stat.S_ISDIR(mode), status.st_size, status.st_mtime_ns)


def _volume(status: os.statvfs_result) -> Volume:
    return Volume(status.f_bavail * status.f_frsize, bool(status.f_flag & os.ST_RDONLY))
