"""The media transport: an outlet that collects until somebody exports, an inlet that an import fills.

``put`` adds to the collection of the next medium; the running half never writes a medium itself.  What is collected,
claimed by an export that waits for its operators, or on its way is named by ``carrying``, so that the sender does not
send it again every few seconds: it does when a receipt left it out, or when its medium was given up as lost.

Source: ferry.media; research, section 5.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ferry.control import CONTROL, CONTROL_EPOCH
from ferry.folders import remove_entry
from ferry.media.desk import MediaFolders
from ferry.media.register import MediaRegister
from ferry.media.register_store import open_database
from ferry.transports.directory import DirectoryInlet, DirectoryOutlet
from ferry.transports.port import TRANSPORT_LANES, LinkReport
from wire_formats.collaborators import DirectoryWatch, Disk
from wire_formats.disk import DISK
from wire_formats.drop import DropName, parse_name
from wire_formats.errors import Kind, PeerError, Unavailable

#: What a report calls this transport.
KIND: Final = "media"
_COUNT_EVERY: Final = 64
_RETRY_S: Final = 60
_SOON_S: Final = 1
_GONE: Final = (FileNotFoundError, NotADirectoryError)
#: Deny-list notices that wait for one medium; the CA makes a whole list every few minutes.
_NOTICES_KEPT: Final = 512


class MediaOutlet:
    """Collects files for the next medium.

    Args:
        folder: the half's media folder.
        most_files: how many files may wait in a lane.
        most_bytes: how many bytes may wait in a lane.
        disk: where the folder lies.
        connect: opens the register's database.
    """

    def __init__(
        self, folder: Path, *, most_files: int, most_bytes: int, disk: Disk = DISK,
        connect: Callable[[Path], sqlite3.Connection] = open_database,
    ) -> None:  # fmt: skip
        self._folders = MediaFolders(folder, disk)
        self._disk = disk
        self._connect = connect
        self._outlet = DirectoryOutlet(self._folders.out, disk=disk)
        self._register: MediaRegister | None = None
        self._collected = {
            lane: _Collected(self._folders.out / lane, most_files, most_bytes, disk) for lane in TRANSPORT_LANES
        }
        self._claimed = _Claimed(self._folders.claimed, disk)
        self._away: dict[str, frozenset[DropName]] = {}

    def prepare(self) -> None:
        """Make the folders; bundles an earlier run collected come again from the spool under new numbers."""
        self._folders.prepare()
        self._outlet.prepare()
        for lane in TRANSPORT_LANES:
            if lane != CONTROL:
                folder = self._folders.out / lane
                for name in [name for name in self._disk.names(folder) if name.endswith(".bundle")]:
                    remove_entry(folder, name, disk=self._disk)
        if self._register is None:
            self._register = MediaRegister(self._folders.register, connect=self._connect)

    def put(self, lane: str, name: DropName, data: bytes) -> None:
        """Add a file to the collection.

        Raises:
            Unavailable: STORAGE_FULL: as much waits as may, or the disk is full; export a medium.
        """
        collected = self._collected[lane]
        if lane == CONTROL and name.epoch == CONTROL_EPOCH:
            collected.forget_older_turns(name)
        elif lane == CONTROL:
            collected.forget_oldest(most=_NOTICES_KEPT)
        collected.take(len(data))
        self._outlet.put(lane, name, data)

    def carrying(self, lane: str) -> Container[DropName]:
        """Give what waits for a medium, is claimed for one, or is on one.

        Raises:
            Unavailable: it cannot be told now.
        """
        assert self._register is not None
        # In the order in which a file goes: one that moves on meanwhile is found at its next place.
        collected, claimed = self._collected[lane].names(), self._claimed.names(lane)
        changed = self._register.under_way()
        if changed is not None:
            self._away = {at: frozenset(name for where, name in changed if where == at) for at in TRANSPORT_LANES}
        return _AnyOf(collected, claimed, self._away.get(lane, frozenset()))

    def report(self) -> LinkReport:
        """Tell what waits for a medium and what is under way."""
        lanes = {lane: collected.figures() for lane, collected in self._collected.items()}
        waiting = sum(figures["files"] for figures in lanes.values())
        away = sum(len(names) for names in self._away.values())
        return LinkReport(KIND, {"waiting": waiting, "under_way": away}, lanes)

    def close(self) -> None:
        """Close the register."""
        if self._register is not None:
            self._register.close()
            self._register = None


class MediaInlet(DirectoryInlet):
    """Receives what imports delivered.

    Args:
        folder: the half's media folder.
        watch: wakes the reader.
        disk: where the folder lies.
    """

    def __init__(self, folder: Path, watch: DirectoryWatch, *, disk: Disk = DISK) -> None:
        super().__init__(MediaFolders(folder, disk).arrived, watch, disk=disk)

    def report(self) -> LinkReport:
        """What came by media lies in folders, which have no state of their own."""
        return LinkReport(KIND)


@contextmanager
def _readable() -> Iterator[None]:
    """Turn the disk's refusal into Unavailable: what cannot be read now is not taken for empty."""
    try:
        yield
    except OSError as error:
        raise Unavailable(Kind.BUSY, f"media folder cannot be read: {error.strerror}", _SOON_S) from None


class _AnyOf:
    """What is in one of several sets."""

    def __init__(self, *sets: frozenset[DropName]) -> None:
        self._sets = sets

    def __contains__(self, name: object) -> bool:
        return any(name in one for one in self._sets)


class _Claimed:
    """Files of exports that are not finished; listed again only after a claim's folder has changed."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._seen: dict[str, tuple[tuple[str, int], ...]] = {}
        self._names: dict[str, frozenset[DropName]] = {}

    def names(self, lane: str) -> frozenset[DropName]:
        """Give what is claimed of a lane."""
        with _readable():
            seen: list[tuple[str, int]] = []
            for claim in sorted(self._disk.names(self._folder)):
                with suppress(*_GONE):
                    seen.append((claim, self._disk.facts(self._folder / claim / lane).changed_ns))
            if tuple(seen) != self._seen.get(lane):
                found: set[DropName] = set()
                for claim, _ in seen:
                    with suppress(*_GONE):
                        for name in self._disk.names(self._folder / claim / lane):
                            with suppress(PeerError):
                                found.add(parse_name(name))
                self._names[lane], self._seen[lane] = frozenset(found), tuple(seen)
        return self._names[lane]


class _Collected:
    """One lane of the collection, and its bounds; looked at now and then, since an export empties it from outside."""

    def __init__(self, folder: Path, most_files: int, most_bytes: int, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._most_files = most_files
        self._most_bytes = most_bytes
        self._files = 0
        self._bytes = 0
        self._seen_ns = -1
        self._names: frozenset[DropName] = frozenset()

    def figures(self) -> dict[str, int | float]:
        """Tell how much waits."""
        try:
            sizes = self._list().values()
        except Unavailable:
            return {"files": 0, "bytes": 0}
        return {"files": len(sizes), "bytes": sum(sizes)}

    def names(self) -> frozenset[DropName]:
        """Give what waits; read again only after the folder has changed."""
        with _readable():
            changed_ns = self._disk.facts(self._folder).changed_ns
        if changed_ns != self._seen_ns:
            self._names = frozenset(self._list())
            self._seen_ns = changed_ns
        return self._names

    def forget_older_turns(self, newer: DropName) -> None:
        """Remove messages that a newer one of the same slot makes worthless; see ``ferry.control``."""
        for name in self.names():
            if name != newer and (name.epoch, name.sequence >> 8) == (CONTROL_EPOCH, newer.sequence >> 8):
                remove_entry(self._folder, name, disk=self._disk)

    def forget_oldest(self, *, most: int) -> None:
        """Leave the newest notices: a reader that misses one waits for the next whole list."""
        notices = sorted(name for name in self.names() if name.epoch != CONTROL_EPOCH)
        for name in notices[: max(0, len(notices) - most + 1)]:
            remove_entry(self._folder, name, disk=self._disk)

    def take(self, size: int) -> None:
        """Take room for one file.

        Raises:
            Unavailable: STORAGE_FULL.
        """
        if self._files <= 0 or self._bytes < size:
            self._count()
        if self._files <= 0 or self._bytes < size:
            raise Unavailable(Kind.STORAGE_FULL, "as much waits for a medium as may; export one", _RETRY_S)
        self._files -= 1
        self._bytes -= size

    def _count(self) -> None:
        sizes = list(self._list().values())
        self._files = min(self._most_files - len(sizes), _COUNT_EVERY)
        self._bytes = self._most_bytes - sum(sizes)

    def _list(self) -> dict[DropName, int]:
        found: dict[DropName, int] = {}
        with _readable():
            for text in self._disk.names(self._folder):
                with suppress(PeerError, FileNotFoundError):
                    found[parse_name(text)] = self._disk.facts(f"{self._folder}/{text}").size
        return found
