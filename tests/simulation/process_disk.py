"""The disks as one process sees them (implements ``wire_formats.collaborators.Disk``): with a price, troubles and death.

Every operation is a moment at which the process may die, before or after it took effect, or the machine lose its
power; and one at which the disk may refuse: no room, an error, a short write.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.simulation.disk import Inode, SimDisk, lazily
from tests.simulation.scheduler import Process
from tests.simulation.trace import Killed
from wire_formats.collaborators import FileFacts, FilePath, Volume
from wire_formats.drop import TEMPORARY

#: Simulated seconds; ``sync`` is drawn anew each time.
_COST: Final = {"create": 30e-6, "write": 20e-6, "rename": 20e-6, "unlink": 20e-6, "read": 15e-6, "names": 20e-6}
_OTHER_COST: Final = 10e-6
_ROOM: Final = 1 << 40
SYNCS: Final = frozenset({"sync", "sync_folder", "db_sync"})
CHANGES: Final = ("create", "write", "rename", "unlink", "sync", "sync_folder", "db_write", "db_sync")


@dataclass
class Crash:
    """Where a process is going to die: at the ``left``-th operation of one of these kinds."""

    kinds: frozenset[str]
    left: int
    moment: str
    """before, after, or torn: in the middle of a write"""
    power: bool
    """whether the whole machine goes dark"""
    where: str = ""
    """only at paths that contain this"""


@dataclass
class Trouble:
    """What a disk refuses for a while.

    Attributes:
        kinds: operations it refuses.
        number: errno; 0 for a write that is cut short.
        chance: how often, 0..1.
        until: simulated instant of its end.
    """

    kinds: frozenset[str]
    number: int
    chance: float
    until: float


def device(path: str) -> str:
    """The device a path lies on: /proc/sim/<device>/…; the real kernel refuses to make anything there."""
    return path.split("/", 4)[3]


class Mounts:
    """Which disk lies under which path, and what is wrong with it; outlives the processes.

    Args:
        disks: path prefix -> disk.
        chance: decides over troubles.
    """

    def __init__(self, disks: dict[str, SimDisk], chance: random.Random) -> None:
        self.disks = disks
        self.chance = chance
        self.troubles: dict[str, Trouble] = {}
        #: Media that are mounted read-only, that were pulled out, and that will be at their n-th operation.
        self.read_only: set[str] = set()
        self.gone: set[str] = set()
        self.pulls: dict[str, int] = {}
        #: Path of a lock -> the process that holds it.
        self.locks: dict[str, Process] = {}
        #: Told of every file that got its name, and of every one that lost it: process, path, bytes.
        self.on_rename: Callable[[str, str, bytes], None] = _nobody
        self.on_unlink: Callable[[str, str, bytes], None] = _nobody

    def under(self, path: str) -> SimDisk:
        return self.disks[device(path)]


class ProcessDisk:
    """The disks as one process sees them.

    Args:
        process: who uses them.
        mounts: the disks.
    """

    def __init__(self, process: Process, mounts: Mounts) -> None:
        self.process = process
        self.mounts = mounts
        self.crash: Crash | None = None
        #: What frees the memory of open databases after the process died.
        self.closers: list[Callable[[], None]] = []
        self._handles: dict[int, tuple[Inode, str]] = {}
        self._next = 3

    # --- one operation

    def begin(self, kind: str, path: str) -> bool:
        """Before an operation: the process may die, the disk may refuse; gives whether it dies right after."""
        process = self.process
        if not process.alive:
            raise Killed
        process.spend(self._price(kind))
        crash, dies = self.crash, False
        if crash is not None and kind in crash.kinds and crash.where in path:
            crash.left -= 1
            if crash.left <= 0:
                if crash.moment == "before":
                    self.die(f"before {kind} {path}")
                dies = True
        self._look_at_medium(kind, path)
        trouble = self.mounts.troubles.get(device(path))
        if trouble is not None and trouble.number and kind in trouble.kinds and self._strikes(trouble):
            process.scheduler.trace.note(f"disk: {kind} {path}: {os.strerror(trouble.number)}")
            raise OSError(trouble.number, os.strerror(trouble.number))
        process.scheduler.trace.operation(f"{kind} {path}")
        return dies

    def end(self, kind: str, path: str, *, dies: bool) -> None:
        """After an operation."""
        if dies:
            self.die(f"after {kind} {path}")

    def die(self, where: str) -> None:
        crash, self.crash = self.crash, None
        power = crash is not None and crash.power
        self.process.die(f"{'power failure' if power else 'killed'} {where}", power=power)
        raise Killed

    def _look_at_medium(self, kind: str, path: str) -> None:
        """A medium may be pulled out right now, be gone, or be mounted read-only."""
        mounts, name = self.mounts, device(path)
        left = mounts.pulls.get(name)
        if left is not None:
            mounts.pulls[name] = left - 1
            if left <= 1:
                del mounts.pulls[name]
                mounts.gone.add(name)
                mounts.disks[name].lose_power()
                self.process.scheduler.trace.note(f"{name} is pulled out before {kind} {path}")
        if name in mounts.gone:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if name in mounts.read_only and kind in CHANGES:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def _price(self, kind: str) -> float:
        if kind in SYNCS:
            return self.mounts.chance.choice((0.0002, 0.0005, 0.001, 0.004))
        return _COST.get(kind, _OTHER_COST)

    def _strikes(self, trouble: Trouble) -> bool:
        return self.process.scheduler.now < trouble.until and self.mounts.chance.random() < trouble.chance

    # --- wire_formats.collaborators.Disk

    def make_folder(self, folder: Path) -> None:
        path = str(folder)
        self.begin("make_folder", path)
        self.mounts.under(path).make_folder(path)

    def make_new_folder(self, folder: Path) -> None:
        path = str(folder)
        dies = self.begin("create", path)
        self.mounts.under(path).make_new_folder(path)
        self.end("create", path, dies=dies)

    def remove_folder(self, folder: Path) -> None:
        path = str(folder)
        dies = self.begin("unlink", path)
        self.mounts.under(path).remove_folder(path)
        self.end("unlink", path, dies=dies)

    def names(self, folder: Path) -> Iterator[str]:
        path = str(folder)
        self.begin("names", path)
        return lazily(self.mounts.under(path).listing(path))

    def facts(self, path: FilePath) -> FileFacts:
        text = str(path)
        self.begin("facts", text)
        try:
            return FileFacts(True, False, len(self.mounts.under(text).find(text).content))
        except IsADirectoryError:
            return FileFacts(False, True, 0, self.mounts.under(text).changed_ns.get(text, 0))

    def open(self, path: FilePath) -> int:
        text = str(path)
        self.begin("open", text)
        return self._handle(self.mounts.under(text).find(text), text)

    def create(self, path: FilePath, *, keep: bool = False) -> int:
        text = str(path)
        dies = self.begin("create", text)
        disk = self.mounts.under(text)
        try:
            inode = disk.find(text)
            if not keep:
                inode.truncate(0)
        except IsADirectoryError:
            raise
        except FileNotFoundError:
            inode = disk.create(text)
        self.end("create", text, dies=dies)
        return self._handle(inode, text)

    def create_new(self, path: FilePath) -> int:
        text = str(path)
        dies = self.begin("create", text)
        disk = self.mounts.under(text)
        try:
            disk.find(text)
        except FileNotFoundError:
            inode = disk.create(text)
        else:
            raise FileExistsError(errno.EEXIST, "File exists")
        self.end("create", text, dies=dies)
        return self._handle(inode, text)

    def open_folder(self, path: FilePath, *, within: int | None = None) -> int:
        text = str(path) if within is None else f"{self._handles[within][1]}/{path}"
        self.begin("open", text)
        disk = self.mounts.under(text)
        if text not in disk.folders:
            disk.find(text)
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory")
        return self._handle(Inode(), text)

    def open_within(self, folder: int, name: str) -> int:
        return self.open(f"{self._handles[folder][1]}/{name}")

    def lock(self, path: FilePath) -> int:
        text = str(path)
        self.begin("open", text)
        holder = self.mounts.locks.get(text)
        if holder is not None and holder.alive:
            raise BlockingIOError(errno.EWOULDBLOCK, "Resource temporarily unavailable")
        self.mounts.locks[text] = self.process
        return self._handle(Inode(), text)

    def facts_of(self, handle: int) -> FileFacts:
        inode, path = self._handles[handle]
        self.begin("facts", path)
        return FileFacts(True, False, len(inode.content))

    def read(self, handle: int, count: int, at: int) -> bytes:
        inode, path = self._handles[handle]
        self.begin("read", path)
        return bytes(inode.content[at : at + count])

    def write(self, handle: int, data: bytes | memoryview, at: int) -> int:
        inode, path = self._handles[handle]
        return self.write_inode("write", inode, path, bytes(data), at)

    def write_inode(self, kind: str, inode: Inode, path: str, data: bytes, at: int) -> int:
        """Write; perhaps only a part of it is taken."""
        dies = self.begin(kind, path)
        trouble = self.mounts.troubles.get(device(path))
        if trouble is not None and not trouble.number and len(data) > 1 and self._strikes(trouble):
            data = data[: self.mounts.chance.randrange(1, len(data))]
        if dies and self.crash is not None and self.crash.moment == "torn":
            data = data[: self.mounts.chance.randrange(len(data) + 1)]
        inode.write(data, at)
        self.end(kind, path, dies=dies)
        return len(data)

    def truncate(self, handle: int, size: int) -> None:
        inode, path = self._handles[handle]
        self.begin("truncate", path)
        inode.truncate(size)

    def sync(self, handle: int) -> None:
        inode, path = self._handles[handle]
        dies = self.begin("sync", path)
        inode.sync()
        self.end("sync", path, dies=dies)

    def close(self, handle: int) -> None:
        if not self.process.alive:
            raise Killed
        _, path = self._handles.pop(handle, (None, ""))
        if self.mounts.locks.get(path) is self.process:
            del self.mounts.locks[path]

    def uncache(self, handle: int) -> None:
        """Nothing to forget: what was synced is read as it is on the disk."""

    def volume(self, folder: Path) -> Volume:
        self.begin("facts", str(folder))
        return Volume(_ROOM, device(str(folder)) in self.mounts.read_only)

    def volume_of(self, handle: int) -> Volume:
        return self.volume(Path(self._handles[handle][1]))

    def rename(self, before: FilePath, after: FilePath) -> None:
        old, new = str(before), str(after)
        dies = self.begin("rename", new)
        disk = self.mounts.under(old)
        if old in disk.folders:
            disk.rename_folder(old, new)
            self.end("rename", new, dies=dies)
            return
        content = bytes(disk.find(old).content)
        disk.rename(old, new)
        if f"/{TEMPORARY}/" in new:  # nobody looks for it there: it lost its name
            self.mounts.on_unlink(self.process.name, old, content)
        else:
            self.mounts.on_rename(self.process.name, new, content)
        self.end("rename", new, dies=dies)

    def unlink(self, path: FilePath) -> None:
        text = str(path)
        disk = self.mounts.under(text)
        content = bytes(disk.find(text).content)
        dies = self.begin("unlink", text)
        disk.unlink(text)
        self.mounts.on_unlink(self.process.name, text, content)
        self.end("unlink", text, dies=dies)

    def sync_folder(self, folder: Path) -> None:
        path = str(folder)
        dies = self.begin("sync_folder", path)
        self.mounts.under(path).sync_folder(path)
        self.end("sync_folder", path, dies=dies)

    def _handle(self, inode: Inode, path: str) -> int:
        self._next += 1
        self._handles[self._next] = (inode, path)
        return self._next


def _nobody(_process: str, _path: str, _content: bytes) -> None:
    """Nobody wants to know."""
