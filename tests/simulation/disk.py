"""A simulated disk: what is written lies in the page cache until it is synced, and a power failure takes it away.

What POSIX promises and no more: the content of a file is safe after ``sync`` of that file, a name that came, went or
changed is safe after ``sync_folder`` of its folder.  Everything else may or may not survive a power failure, each
write and each name by itself or in order, as the seed decides; of a write in flight any part may survive, in sectors.
The death of a process alone loses nothing.  Folders are taken to be there from the start, or to be safe when they were
made; one that was renamed or removed may be back after a power failure, as a file may.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

SECTOR = 512
#: A file system's clock stands still for so long: two changes within it look like one.
TICK_NS = 4_000_000


class Inode:
    """One file: its content now, its content on the disk, and the writes in between."""

    __slots__ = ("content", "durable", "pending", "version")

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.durable = bytearray(content)
        #: (offset, bytes), or (size, None) for a cut.
        self.pending: list[tuple[int, bytes | None]] = []
        #: Grows with every change.
        self.version = 0

    def write(self, data: bytes, at: int) -> None:
        self.version += 1
        _put(self.content, data, at)
        self.pending.append((at, data))

    def truncate(self, size: int) -> None:
        self.version += 1
        _cut(self.content, size)
        self.pending.append((size, None))

    def sync(self) -> None:
        for at, data in self.pending:
            _apply(self.durable, at, data)
        self.pending.clear()

    def lose(self, chance: random.Random) -> None:
        """Keep what a power failure leaves: a beginning of the unsynced writes, or any of them."""
        in_order = chance.random() < 0.5
        kept = chance.randrange(len(self.pending) + 1) if self.pending else 0
        for number, (at, data) in enumerate(self.pending):
            if in_order and number > kept:
                break
            if in_order and number == kept or not in_order and chance.random() < 0.5:
                data = _torn(data, chance) if data is not None else None
                if data == b"":
                    continue
            _apply(self.durable, at, data)
        self.pending.clear()
        self.content = bytearray(self.durable)
        self.version += 1


@dataclass
class NameChange:
    """A name that came, went or moved, and is not on the disk yet."""

    folders: tuple[str, ...]
    apply: Callable[[dict[str, dict[str, Inode]]], None]


@dataclass
class SimDisk:
    """One device."""

    name: str
    chance: random.Random
    folders: dict[str, dict[str, Inode]] = field(default_factory=dict)
    durable: dict[str, dict[str, Inode]] = field(default_factory=dict)
    changes: list[NameChange] = field(default_factory=list)
    below: dict[str, list[str]] = field(default_factory=dict)
    changed_ns: dict[str, int] = field(default_factory=dict)
    now_ns: Callable[[], int] = lambda: 0

    def make_folder(self, folder: str) -> None:
        while folder not in self.folders:
            self.folders[folder] = {}
            self.durable[folder] = {}
            folder, name = os.path.split(folder)
            self.below.setdefault(folder, []).append(name)

    def make_new_folder(self, folder: str) -> None:
        home, _ = os.path.split(folder)
        if folder in self.folders or os.path.basename(folder) in self._folder(home):
            raise FileExistsError(errno.EEXIST, "File exists")
        self.sync_folder(home)  # what had the name before is gone for good: a new folder is safe when it is made
        self.make_folder(folder)
        self._touch(home)

    def remove_folder(self, folder: str) -> None:
        if self._folder(folder) or self.below.get(folder):
            raise OSError(errno.ENOTEMPTY, "Directory not empty")
        home, name = os.path.split(folder)
        del self.folders[folder]
        self.below[home].remove(name)
        self._change((home,), lambda names: names.pop(folder, None))

    def rename_folder(self, before: str, after: str) -> None:
        """Give a folder, with all that is in it, a name that nothing has."""
        if after in self.folders:
            raise OSError(errno.ENOTEMPTY, "Directory not empty")
        (old_home, old), (new_home, new) = os.path.split(before), os.path.split(after)
        _move(self.folders, before, after)
        _move(self.below, before, after)
        self.below[old_home].remove(old)
        self.below.setdefault(new_home, []).append(new)
        self._change((old_home, new_home), lambda names: _move(names, before, after))

    def install(self, path: str, content: bytes) -> None:
        """Put a file there that has been there for long."""
        folder, name = os.path.split(path)
        self.make_folder(folder)
        inode = Inode(content)
        self.folders[folder][name] = inode
        self.durable[folder][name] = inode

    def listing(self, folder: str) -> list[str]:
        """The names in a folder: folders, and files in the order in which they came."""
        return [*self.below.get(folder, ()), *self._folder(folder)]

    def find(self, path: str) -> Inode:
        folder, name = os.path.split(path)
        try:
            return self._folder(folder)[name]
        except KeyError:
            if path in self.folders:
                raise IsADirectoryError(errno.EISDIR, "Is a directory") from None
            raise FileNotFoundError(errno.ENOENT, "No such file or directory") from None

    def create(self, path: str) -> Inode:
        folder, name = os.path.split(path)
        inode = Inode()
        self._folder(folder)[name] = inode
        self._change((folder,), lambda names: names.get(folder, {}).__setitem__(name, inode))
        return inode

    def rename(self, before: str, after: str) -> None:
        (old_folder, old), (new_folder, new) = os.path.split(before), os.path.split(after)
        inode = self.find(before)
        del self._folder(old_folder)[old]
        self._folder(new_folder)[new] = inode

        def apply(names: dict[str, dict[str, Inode]]) -> None:
            names.get(old_folder, {}).pop(old, None)
            names.get(new_folder, {})[new] = inode

        self._change((old_folder, new_folder), apply)

    def unlink(self, path: str) -> None:
        folder, name = os.path.split(path)
        self.find(path)
        del self._folder(folder)[name]
        self._change((folder,), lambda names: names.get(folder, {}).pop(name, None))

    def sync_folder(self, folder: str) -> None:
        rest = []
        for change in self.changes:
            if folder in change.folders:
                change.apply(self.durable)
            else:
                rest.append(change)
        self.changes = rest

    def lose_power(self) -> None:
        """Come back with what was on the disk, and with as much of the rest as chance allows."""
        in_order = self.chance.random() < 0.5
        kept = self.chance.randrange(len(self.changes) + 1)
        for number, change in enumerate(self.changes):
            if number < kept if in_order else self.chance.random() < 0.5:
                change.apply(self.durable)
        self.changes = []
        self.folders = {folder: dict(files) for folder, files in self.durable.items()}
        self.below = {home: [n for n in names if f"{home}/{n}" in self.folders] for home, names in self.below.items()}
        for folder in self.folders:
            home, name = os.path.split(folder)
            if name and name not in self.below.setdefault(home, []):
                self.below[home].append(name)
        seen: set[int] = set()
        for files in self.folders.values():
            for inode in files.values():
                if id(inode) not in seen:
                    seen.add(id(inode))
                    inode.lose(self.chance)

    def settle(self) -> None:
        """Write everything back, as the kernel does after a while; keeps the lists of what is not synced short."""
        for change in self.changes:
            change.apply(self.durable)
        self.changes = []
        for files in self.folders.values():
            for inode in files.values():
                inode.sync()

    def _folder(self, folder: str) -> dict[str, Inode]:
        try:
            return self.folders[folder]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory") from None

    def _change(self, folders: tuple[str, ...], apply: Callable[[dict[str, dict[str, Inode]]], object]) -> None:
        self.changes.append(NameChange(folders, apply))  # type: ignore[arg-type]
        for folder in folders:
            self._touch(folder)

    def _touch(self, folder: str) -> None:
        self.changed_ns[folder] = self.now_ns() // TICK_NS * TICK_NS


def lazily(names: list[str]) -> Iterator[str]:
    yield from names


def _move(folders: dict[str, Any], before: str, after: str) -> None:
    """Move a folder and those below it to another path."""
    for path in [path for path in folders if path == before or path.startswith(f"{before}/")]:
        folders[after + path.removeprefix(before)] = folders.pop(path)


def _put(content: bytearray, data: bytes, at: int) -> None:
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data


def _cut(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        _cut(content, at)
    else:
        _put(content, data, at)


def _torn(data: bytes, chance: random.Random) -> bytes:
    """A beginning of a write, in whole sectors, perhaps none; or its length alone, filled with zeros."""
    if chance.random() < 0.1:
        return bytes(len(data))
    return data[: SECTOR * chance.randrange(len(data) // SECTOR + 1)]
