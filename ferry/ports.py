"""Where an intake takes files from: one folder, or one lane of a transport."""

from __future__ import annotations

from pathlib import Path

from ferry.folders import FolderScan, read_file, remove_entry
from ferry.transports.port import Inlet, Waiting
from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.collaborators import Disk
from wire_formats.disk import DISK
from wire_formats.drop import TEMPORARY, DropName


class FolderPort:
    """A drop that another process writes into.

    Args:
        folder: the drop.
        limit: largest file in bytes.
        disk: where the drop lies.
    """

    def __init__(self, folder: Path, *, limit: int = MAX_BUNDLE_BYTES, disk: Disk = DISK) -> None:
        self.folder = folder
        self._limit = limit
        self._disk = disk
        self._scan = FolderScan(folder, disk=disk)

    def prepare(self) -> None:
        """Make the folder if its writer has not; unfinished files are the writer's to clear."""
        self._disk.make_folder(self.folder / TEMPORARY)

    def waiting(self, *, most: int) -> Waiting:
        """List some of what waits."""
        return self._scan.next(most=most)

    def read(self, name: DropName | str) -> bytes:
        """Read a plain file with one link."""
        return read_file(self.folder, name, limit=self._limit, disk=self._disk)

    def remove(self, name: DropName | str) -> bool:
        """Remove a file; False when it cannot be removed."""
        return remove_entry(self.folder, name, disk=self._disk)


class InletPort:
    """One lane of a transport.

    Args:
        inlet: the receiving end.
        lane: the lane.
    """

    def __init__(self, inlet: Inlet, lane: str) -> None:
        self._inlet = inlet
        self._lane = lane

    def waiting(self, *, most: int) -> Waiting:
        """List some of what waits."""
        return self._inlet.waiting(self._lane, most=most)

    def read(self, name: DropName | str) -> bytes:
        """Read a file."""
        return self._inlet.read(self._lane, name, limit=MAX_BUNDLE_BYTES)

    def remove(self, name: DropName | str) -> bool:
        """Take a file off the transport; False when it cannot be removed."""
        return self._inlet.remove(self._lane, name)
