"""What a part asks of its surroundings, as Protocols; ops passes the real ones in.

Nothing below ops reads the clock, draws random numbers or starts work on its own, so that a test
can hold all of it still.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Clock(Protocol):
    """Wall-clock time."""

    def now_ms(self) -> int:
        """Give the instant now, in milliseconds since 1970 UTC."""


class Randomness(Protocol):
    """Unpredictable bytes (the operating system's generator, or a seeded one in tests)."""

    def bytes(self, count: int, /) -> bytes:
        """Give ``count`` bytes."""


class DirectoryWatch(Protocol):
    """Wakes a reader when a directory may hold something new."""

    def watch(self, path: Path, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call ``on_change`` soon after a file appears in ``path``, and at least every 500 ms.

        The periodic call is part of the contract: inotify loses events silently.  Calls are
        coalesced and may come without a change.  Returns a function that stops the watch.
        """


class FileFacts(NamedTuple):
    """What is known of a file.

    Attributes:
        plain: a regular file with one link.
        folder: a directory.
        size: bytes.
        changed_ns: when content (of a folder: names) last changed, as far as the file system's clock tells it apart.
    """

    plain: bool
    folder: bool
    size: int
    changed_ns: int = 0


class Volume(NamedTuple):
    """What is known of the file system that something lies on.

    Attributes:
        free: bytes that this user may still write.
        read_only: whether it is mounted read-only.
    """

    free: int
    read_only: bool


#: A path, or its text: whoever handles a thousand files a second makes no object of each.
FilePath = Path | str


class Disk(Protocol):
    """Files and folders, one method for each system call that can fail or be undone by a power failure.

    Every method raises OSError as the system call does. What was written is on the disk only after
    ``sync``; a name that came, went or changed only after ``sync_folder`` of its folder.
    """

    def make_folder(self, folder: Path) -> None:
        """Make a folder (mode 0700) and those above it; one that is there already is well."""

    def make_new_folder(self, folder: Path) -> None:
        """Make one folder (mode 0700) in a folder that must be there; FileExistsError if the name is taken."""

    def remove_folder(self, folder: Path) -> None:
        """Remove an empty folder."""

    def names(self, folder: Path) -> Iterator[str]:
        """Give the names in a folder, in no order; raises no later than at the first name."""

    def facts(self, path: FilePath) -> FileFacts:
        """Give what is known of an entry, without following a link."""

    def open(self, path: FilePath) -> int:
        """Open for reading, without following a link and without waiting; gives a handle."""

    def create(self, path: FilePath, *, keep: bool = False) -> int:
        """Open for writing (mode 0600), made if missing and emptied unless ``keep``; gives a handle."""

    def create_new(self, path: FilePath) -> int:
        """Open a file for writing that must not be there yet (mode 0600); FileExistsError if the name is taken."""

    def open_folder(self, path: FilePath, *, within: int | None = None) -> int:
        """Open a folder that is no link, by its path or by its name within an open one; gives a handle."""

    def open_within(self, folder: int, name: str) -> int:
        """Open for reading by name within an open folder, without following a link and without waiting."""

    def lock(self, path: FilePath) -> int:
        """Take the lock that a file stands for, until its handle is closed or this process ends.

        Raises:
            BlockingIOError: somebody else holds it.
        """

    def facts_of(self, handle: int) -> FileFacts:
        """Give what is known of an open file."""

    def read(self, handle: int, count: int, at: int) -> bytes:
        """Read at most ``count`` bytes from offset ``at``; nothing at the end."""

    def write(self, handle: int, data: bytes | memoryview, at: int) -> int:
        """Write at offset ``at``; gives how many bytes were taken, perhaps fewer than given."""

    def truncate(self, handle: int, size: int) -> None:
        """Cut a file to ``size`` bytes."""

    def sync(self, handle: int) -> None:
        """Wait until the file's content is on the disk."""

    def uncache(self, handle: int) -> None:
        """Forget what memory holds of a file that was synced: what is read next comes from the device."""

    def volume(self, folder: Path) -> Volume:
        """Give what is known of the file system a folder lies on."""

    def volume_of(self, handle: int) -> Volume:
        """Give what is known of the file system an open file or folder lies on."""

    def close(self, handle: int) -> None:
        """Close a handle."""

    def rename(self, before: FilePath, after: FilePath) -> None:
        """Give a file another name at once; a file that has it is replaced."""

    def unlink(self, path: FilePath) -> None:
        """Remove a file; FileNotFoundError if it is gone."""

    def sync_folder(self, folder: Path) -> None:
        """Wait until the names in a folder are on the disk."""


class Background(Protocol):
    """Starts named work that is counted and cancelled at stop."""

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work``; its failure is logged under ``name`` and never lost."""


class Pool(Protocol):
    """Runs blocking functions on threads of its own, with a bounded queue in front: the reactor never waits."""

    @property
    def inside(self) -> int:
        """How many calls are running or waiting."""

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``function`` in a thread and give its result.

        Raises:
            Unavailable: BUSY when the queue is full.
        """
        ...

    def stop(self) -> None:
        """Wait for the running calls, then end the threads."""
