"""The directory transport: one folder per lane, files renamed into it whole.

Fits two processes on one host, a shared disk between two hosts, or a commercial gap that copies
folders.  The receiver removes what it has dealt with.

Source: DESIGN "transport (directory | diode | media)".
"""

from __future__ import annotations

from collections.abc import Callable, Container
from pathlib import Path
from typing import Final

from ferry.folders import FolderScan, count_entries, read_file, remove_entry
from ferry.transports.port import TRANSPORT_LANES, LinkReport, Waiting
from wire_formats.collaborators import DirectoryWatch, Disk
from wire_formats.disk import DISK
from wire_formats.drop import TEMPORARY, DropName, prepare_drop, write_drop

#: Counted every second: a folder that somebody fills must not hold the loop.
_MOST_COUNTED: Final = 5_000


class DirectoryOutlet:
    """Sends into ``root/<lane>``.

    Args:
        root: folder of one direction.
        disk: where the folders lie.
    """

    def __init__(self, root: Path, *, disk: Disk = DISK) -> None:
        self._disk = disk
        self._folders = {lane: root / lane for lane in TRANSPORT_LANES}

    def prepare(self) -> None:
        """Make the folders, and clear what a crash left unfinished."""
        for folder in self._folders.values():
            prepare_drop(folder, disk=self._disk)

    def put(self, lane: str, name: DropName, data: bytes) -> None:
        """Rename a whole file into the lane.

        Raises:
            Unavailable: STORAGE_FULL; nothing was published.
        """
        write_drop(self._folders[lane], name, data, disk=self._disk)

    def report(self) -> LinkReport:
        """A folder has no state of its own."""
        return LinkReport("directory")

    def close(self) -> None:
        """Nothing is held."""

    def carrying(self, lane: str) -> Container[DropName]:
        """Nothing: what was put lies before the receiver."""
        return ()


class DirectoryInlet:
    """Receives from ``root/<lane>``.

    Args:
        root: folder of one direction.
        watch: wakes the reader.
        disk: where the folders lie.
    """

    def __init__(self, root: Path, watch: DirectoryWatch, *, disk: Disk = DISK) -> None:
        self._watch = watch
        self._disk = disk
        self._folders = {lane: root / lane for lane in TRANSPORT_LANES}
        self._scans = {lane: FolderScan(folder, disk=disk) for lane, folder in self._folders.items()}

    def prepare(self) -> None:
        """Make the folders if the sender has not; unfinished files are the sender's to clear."""
        for folder in self._folders.values():
            self._disk.make_folder(folder / TEMPORARY)

    def waiting(self, lane: str, *, most: int) -> Waiting:
        """List the next files of a round."""
        return self._scans[lane].next(most=most)

    def read(self, lane: str, name: DropName | str, *, limit: int) -> bytes:
        """Read a plain file with one link, without following links."""
        return read_file(self._folders[lane], name, limit=limit, disk=self._disk)

    def remove(self, lane: str, name: DropName | str) -> bool:
        """Unlink a file; a folder that hostile hands put there is removed when it is empty."""
        return remove_entry(self._folders[lane], name, disk=self._disk)

    def depth(self, lane: str) -> int:
        """Count the waiting files."""
        return count_entries(self._folders[lane], most=_MOST_COUNTED, disk=self._disk)

    def watch(self, lane: str, on_arrival: Callable[[], None]) -> Callable[[], None]:
        """Watch the lane's folder."""
        return self._watch.watch(self._folders[lane], on_arrival)

    def report(self) -> LinkReport:
        """A folder has no state of its own."""
        return LinkReport("directory")

    def close(self) -> None:
        """Nothing is held."""
