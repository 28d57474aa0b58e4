"""The spool: every bundle this half has sent and the other half has not acknowledged.

One drop per lane.  Its size is bounded by the lane's credits (``lane.outbox``).  Like every folder
between the two ends it is not synced to the disk; it survives the death of the process.

Source: DESIGN invariant 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ferry.folders import read_file, remove_entry
from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.collaborators import Disk
from wire_formats.disk import DISK
from wire_formats.drop import TEMPORARY, DropName, parse_name, prepare_drop, write_drop
from wire_formats.errors import PeerError


class Spool:
    """One lane's spool.

    Args:
        folder: a folder of its own.
        disk: where it lies.
    """

    def __init__(self, folder: Path, *, disk: Disk = DISK) -> None:
        self._folder = folder
        self._disk = disk

    def prepare(self) -> list[DropName]:
        """Make the folder and give what an earlier run left, in order of number."""
        prepare_drop(self._folder, disk=self._disk)
        return sorted(self._names())

    def put(self, name: DropName, data: bytes) -> None:
        """Keep a bundle.

        Raises:
            Unavailable: STORAGE_FULL; nothing was kept.
        """
        write_drop(self._folder, name, data, disk=self._disk)

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
        remove_entry(self._folder, name, disk=self._disk)

    def _names(self) -> Iterator[DropName]:
        for text in list(self._disk.names(self._folder)):
            if text == TEMPORARY:
                continue
            try:
                yield parse_name(text)
            except PeerError:
                remove_entry(self._folder, text, disk=self._disk)
