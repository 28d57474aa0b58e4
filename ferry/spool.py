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
from wire_formats.drop import TEMPORARY, DropName, parse_name, prepare_drop, write_drop
from wire_formats.errors import PeerError


class Spool:
    """One lane's spool.

    Args:
        folder: a folder of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> list[DropName]:
        """Make the folder and give what an earlier run left, in order of number."""
        prepare_drop(self._folder)
        return sorted(self._names())

    def put(self, name: DropName, data: bytes) -> None:
        """Keep a bundle.

        Raises:
            Unavailable: STORAGE_FULL; nothing was kept.
        """
        write_drop(self._folder, name, data)

    def get(self, name: DropName) -> bytes | None:
        """Give a bundle back, or None if it is gone or cannot be a bundle.

        Raises:
            Unavailable: it cannot be read now.
        """
        try:
            return read_file(self._folder, name, limit=MAX_BUNDLE_BYTES)
        except (FileNotFoundError, PeerError):
            return None

    def remove(self, name: DropName) -> None:
        """Forget a bundle."""
        remove_entry(self._folder, name)

    def _names(self) -> Iterator[DropName]:
        for path in self._folder.iterdir():
            if path.name == TEMPORARY:
                continue
            try:
                yield parse_name(path.name)
            except PeerError:
                remove_entry(self._folder, path.name)
