"""The spool: every bundle this half has sent and the other half has not acknowledged.

One drop per lane.  Its size is bounded by the lane's credits (``lane.outbox``).  Like every folder
between the two ends it is not synced to the disk; it survives the death of the process.

The file of a small bundle that was acknowledged is kept under another name and written over by a later one: to make
and remove a file for each bundle was a third of a half's work, on an ext4 disk more with every file removed lately.

Source: DESIGN invariant 4; docs/performance.md, the road.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from ferry.folders import read_file, remove_entry
from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.collaborators import Disk
from wire_formats.disk import DISK
from wire_formats.drop import TEMPORARY, DropName, parse_name, prepare_drop, write_whole
from wire_formats.errors import Kind, PeerError, Unavailable

#: Files kept for later bundles, and the largest bundle whose file is kept: 16 MiB at most.
MOST_SPARE: Final = 512
SPARE_BYTES: Final = 32 << 10
_RETRY_S: Final = 5


class Spool:
    """One lane's spool.

    Args:
        folder: a folder of its own.
        disk: where it lies.
    """

    def __init__(self, folder: Path, *, disk: Disk = DISK) -> None:
        self._folder = folder
        self._disk = disk
        self._unfinished = folder / TEMPORARY
        self._spare: list[str] = []
        self._spare_made = 0
        #: Small bundles of this run; their number is bounded by the lane's credits.
        self._small: set[DropName] = set()

    def prepare(self) -> list[DropName]:
        """Make the folder and give what an earlier run left, in order of number."""
        self._spare.clear()
        prepare_drop(self._folder, disk=self._disk)
        return sorted(self._names())

    def put(self, name: DropName, data: bytes) -> None:
        """Keep a bundle.

        Raises:
            Unavailable: STORAGE_FULL; nothing was kept.
        """
        path = self._spare.pop() if self._spare else f"{self._unfinished}/{name}"
        try:
            write_whole(path, data, over=True, disk=self._disk)
            self._disk.rename(path, f"{self._folder}/{name}")
        except OSError as error:
            with suppress(OSError):
                self._disk.unlink(path)
            raise Unavailable(Kind.STORAGE_FULL, f"cannot write to the spool: {error.strerror}", _RETRY_S) from None
        if len(data) <= SPARE_BYTES:
            self._small.add(name)

    def get(self, name: DropName) -> bytes | None:
        """Give a bundle back, or None if it is gone or cannot be a bundle.

        Raises:
            Unavailable: it cannot be read now.
        """
        try:
            return read_file(self._folder, name, limit=MAX_BUNDLE_BYTES, disk=self._disk)
        except (FileNotFoundError, PeerError):
            return None

    def remove(self, name: DropName) -> None:
        """Forget a bundle."""
        if name in self._small:
            self._small.remove(name)
            if len(self._spare) < MOST_SPARE and self._spared(name):
                return
        remove_entry(self._folder, name, disk=self._disk)

    def _spared(self, name: DropName) -> bool:
        self._spare_made += 1
        path = f"{self._unfinished}/spare-{self._spare_made}"
        try:
            self._disk.rename(f"{self._folder}/{name}", path)
        except OSError:
            return False
        self._spare.append(path)
        return True

    def _names(self) -> Iterator[DropName]:
        for text in list(self._disk.names(self._folder)):
            if text == TEMPORARY:
                continue
            try:
                yield parse_name(text)
            except PeerError:
                remove_entry(self._folder, text, disk=self._disk)
