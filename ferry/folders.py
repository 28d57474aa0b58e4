"""Reading folders that others write into: bounded listings, and telling their faults from ours.

``FolderScan`` goes round a folder in slices.  A backlog of 20,000 files costs no more per call than
one slice, and every file that lay there when a round began is given within that round.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from ferry.lane.turns import by_turns
from ferry.transports.port import Waiting
from wire_formats.collaborators import Disk
from wire_formats.disk import DISK
from wire_formats.drop import TEMPORARY, DropName, read_drop
from wire_formats.errors import Kind, PeerError, Unavailable

#: Entries looked at in one call; a slice is sorted, the whole folder is not.
SLICE: Final = 512
_RETRY_S: Final = 1
#: Files put into a folder between two counts of it.
_COUNT_EVERY: Final = 64


class FolderScan:
    """Lists one folder, slice by slice.

    Args:
        folder: the folder.
        disk: where it lies.
    """

    def __init__(self, folder: Path, *, disk: Disk = DISK) -> None:
        self._folder = folder
        self._disk = disk
        self._round: Iterator[str] | None = None
        self._names: list[str] = []

    def next(self, *, most: int) -> Waiting:
        """Give the next names, oldest of their slice first, writers taking turns; after the last a new round begins.

        Raises:
            Unavailable: the folder cannot be read now.
        """
        if not self._names:
            self._fill()
        taken, self._names = self._names[:most], self._names[most:]
        return Waiting.of(taken)

    def restart(self) -> None:
        """Forget the current round."""
        self._round = None
        self._names = []

    def _fill(self) -> None:
        try:
            if self._round is None:
                self._round = self._disk.names(self._folder)
            while len(self._names) < SLICE and (name := next(self._round, None)) is not None:
                if name != TEMPORARY:
                    self._names.append(name)
        except OSError as error:
            self.restart()
            raise Unavailable(Kind.BUSY, f"folder cannot be read: {error.strerror}", _RETRY_S) from None
        if len(self._names) < SLICE:
            self._round = None
        self._names = by_turns(self._names)


def read_file(folder: Path, name: DropName | str, *, limit: int, disk: Disk = DISK) -> bytes:
    """Read a plain file with one link, without following links.

    Raises:
        PeerError: the file is too large, a link, a pipe, a folder, or has several names.
        FileNotFoundError: it is gone.
        Unavailable: it is a plain file that cannot be read now (permissions, descriptors, disk).
    """
    try:
        return read_drop(folder, name, limit=limit, disk=disk)
    except PeerError as error:
        if error.kind is Kind.MALFORMED and _is_plain(disk, folder / str(name)):
            raise Unavailable(Kind.BUSY, error.private, _RETRY_S) from None
        raise
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(Kind.BUSY, f"file cannot be read: {error.strerror}", _RETRY_S) from None


def remove_entry(folder: Path, name: DropName | str, *, disk: Disk = DISK) -> bool:
    """Remove an entry of a folder, whatever it is; gone already is well too.

    Returns:
        False when it cannot be removed (a folder that is not empty, a read-only disk).
    """
    try:
        disk.unlink(f"{folder}/{name}")
    except FileNotFoundError:
        return True
    except OSError:
        path = folder / str(name)
        with suppress(OSError):
            disk.remove_folder(path)
        return _is_gone(disk, path)
    return True


def clear_folder(folder: Path, *, disk: Disk = DISK) -> None:
    """Remove a folder and what lies in it, as far as it can be removed; a link is removed, never followed."""
    with suppress(OSError):
        for name in list(disk.names(folder)):
            path = folder / name
            with suppress(OSError):
                if disk.facts(path).folder:
                    clear_folder(path, disk=disk)
                else:
                    disk.unlink(path)
        disk.remove_folder(folder)


def is_there(disk: Disk, path: Path) -> bool:
    """Tell whether something has this name, be it a link that leads nowhere.

    Raises:
        OSError: it cannot be told.
    """
    try:
        disk.facts(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def room_in(folder: Path, *, most: int, disk: Disk = DISK) -> int:
    """Give how many more entries a folder may take that holds at most ``most``.

    Raises:
        Unavailable: the folder cannot be read now; what cannot be counted is not taken for empty.
    """
    count = 0
    try:
        for name in disk.names(folder):
            count += name != TEMPORARY
            if count >= most:
                break
    except OSError as error:
        raise Unavailable(Kind.BUSY, f"folder cannot be read: {error.strerror}", _RETRY_S) from None
    return most - count


class CountedRoom:
    """How many files may be put into a folder that others empty: counted now and then, not for each file.

    Args:
        folder: the folder.
        most: how many entries it may hold.
        disk: where it lies.
    """

    def __init__(self, folder: Path, *, most: int, disk: Disk = DISK) -> None:
        self.folder = folder
        self._most = most
        self._disk = disk
        self._left = 0

    def left(self) -> int:
        """Give how many files may be put without another count; 0 when the folder is full.

        Raises:
            Unavailable: it cannot be counted now.
        """
        if self._left <= 0:
            self._left = min(room_in(self.folder, most=self._most, disk=self._disk), _COUNT_EVERY)
        return self._left

    def took(self) -> None:
        """Note that one file was put."""
        self._left -= 1


def count_entries(folder: Path, *, most: int, disk: Disk = DISK) -> int:
    """Count the entries of a folder, up to ``most``; for figures: what cannot be read counts as nothing."""
    count = 0
    with suppress(OSError):
        for name in disk.names(folder):
            count += name != TEMPORARY
            if count >= most:
                break
    return count


def _is_plain(disk: Disk, path: Path) -> bool:
    try:
        return disk.facts(path).plain
    except OSError:
        return False


def _is_gone(disk: Disk, path: Path) -> bool:
    try:
        disk.facts(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False
