"""Files that wait for the next medium: claimed for one export, and given back when it fails.

A claim renames the files out of the half's sight, so that nothing changes under an export.  What an interrupted
command left claimed is given back by the next one; a newer file of the same name stays.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ferry.folders import read_file
from ferry.media.desk import MediaFolders
from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.drop import TEMPORARY, DropName, parse_name
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.medium import MAX_FILES, MEDIUM_LANES, Entry

#: The control lane first: it is small, and says how far everything has come.
_CLAIM_ORDER: Final = ("control", "interactive", "bulk")


class Waiting(NamedTuple):
    """What waits for the next medium."""

    files: int
    size: int


class Collection:
    """The files of one half that wait for media.

    Args:
        folders: the half's media folders.
    """

    def __init__(self, folders: MediaFolders) -> None:
        self._folders = folders

    def waiting(self) -> Waiting:
        """Count what waits."""
        sizes = [size for lane in MEDIUM_LANES for _, size in self._files(lane)]
        return Waiting(len(sizes), sum(sizes))

    def claim(self, export: bytes, *, most_files: int = MAX_FILES, most_bytes: int) -> list[Entry]:
        """Take files for one export, up to its limits, and say what they are.

        Returns:
            The entries of the manifest, in its order.

        Raises:
            Refused: NOT_FOUND: nothing waits.
            PeerError, Unavailable: a file cannot be read.
        """
        taken: list[Entry] = []
        size = 0
        for lane in _CLAIM_ORDER:
            folder = self._claimed(export) / lane
            folder.mkdir(mode=0o700, parents=True)
            for name, bytes_ in self._files(lane):
                if len(taken) >= most_files or size + bytes_ > most_bytes:
                    break
                if not self._take(lane, name, folder):
                    continue
                data = read_file(folder, name, limit=MAX_BUNDLE_BYTES)
                taken.append(Entry(lane, name, len(data), hashlib.sha256(data).digest()))
                size += len(data)
        if not taken:
            raise Refused(Kind.NOT_FOUND, "nothing waits for a medium")
        return sorted(taken, key=lambda entry: entry.order)

    def contents(self, export: bytes, entries: Sequence[Entry]) -> Iterator[bytes]:
        """Give the files of a claim, in the manifest's order.

        Raises:
            PeerError: DIGEST_MISMATCH: a file is not what the operators signed.
        """
        for entry in entries:
            data = read_file(self._claimed(export) / entry.lane, entry.name, limit=MAX_BUNDLE_BYTES)
            if len(data) != entry.size or hashlib.sha256(data).digest() != entry.digest:
                raise PeerError(Kind.DIGEST_MISMATCH, "a file changed after it was signed")
            yield data

    def done(self, export: bytes) -> None:
        """Remove the files of a finished export; the half's spool keeps them until the receipt."""
        shutil.rmtree(self._claimed(export), ignore_errors=True)

    def give_back(self) -> int:
        """Give back what interrupted exports left claimed; gives how many files."""
        count = 0
        for claim in self._folders.claimed.iterdir():
            for lane in MEDIUM_LANES:
                for path in sorted((claim / lane).glob("*")):
                    home = self._folders.out / lane / path.name
                    if not os.path.lexists(home):
                        path.rename(home)
                        count += 1
            shutil.rmtree(claim, ignore_errors=True)
        return count

    def _claimed(self, export: bytes) -> Path:
        return self._folders.claimed / export.hex()

    def _take(self, lane: str, name: DropName, folder: Path) -> bool:
        try:
            (self._folders.out / lane / str(name)).rename(folder / str(name))
        except FileNotFoundError:
            return False
        return True

    def _files(self, lane: str) -> list[tuple[DropName, int]]:
        """Well-named files of a lane with their sizes, in order of number."""
        found: list[tuple[DropName, int]] = []
        folder = self._folders.out / lane
        if not folder.is_dir():
            return found
        with os.scandir(folder) as items:
            for item in items:
                if item.name == TEMPORARY:
                    continue
                try:
                    name = parse_name(item.name)
                    size = item.stat(follow_symlinks=False).st_size
                except (PeerError, FileNotFoundError):
                    continue
                found.append((name, size))
        return sorted(found)
