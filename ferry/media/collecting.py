"""Files that wait for the next medium: claimed for one export, and given back when it fails.

A claim renames the files out of the half's sight, so that nothing changes under an export.  What an interrupted
command left claimed is given back by the next one; a newer file of the same name stays.  A claim that holds a
statement is an export that was prepared and waits for its operators (``ferry.media.drafting``): it is left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Collection as Many
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from ferry.folders import clear_folder, is_there, read_file
from ferry.media.desk import MediaFolders
from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.collaborators import Disk
from wire_formats.drop import TEMPORARY, DropName, parse_name
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.medium import MAX_FILES, MEDIUM_LANES, Entry

#: The control lane first: it is small, and says how far everything has come.
_CLAIM_ORDER: Final = ("control", "interactive", "bulk")
#: Name of the statement in a claim's folder.
STATEMENT: Final = "statement"


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
        self._disk = folders.disk

    def waiting(self) -> Waiting:
        """Count what waits."""
        sizes = [size for lane in MEDIUM_LANES for _, size in self._files(lane)]
        return Waiting(len(sizes), sum(sizes))

    def waiting_in(self, lane: str) -> Waiting:
        """Count what waits in one lane."""
        sizes = [size for _, size in self._files(lane)]
        return Waiting(len(sizes), sum(sizes))

    def claim(
        self, export: bytes, *, lanes: Many[str] = _CLAIM_ORDER, most_files: int = MAX_FILES, most_bytes: int
    ) -> list[Entry]:
        """Take files for one export, up to its limits, and say what they are.

        Args:
            export: which one.
            lanes: files of these lanes only.
            most_files: how many at most.
            most_bytes: how many bytes at most.

        Returns:
            The entries of the manifest, in its order.

        Raises:
            Refused: NOT_FOUND: nothing waits.
            PeerError, Unavailable: a file cannot be read.
        """
        taken: list[Entry] = []
        size = 0
        for lane in (one for one in _CLAIM_ORDER if one in lanes):
            folder = self.claimed(export) / lane
            self._disk.make_folder(folder)
            for name, bytes_ in self._files(lane):
                if len(taken) >= most_files or size + bytes_ > most_bytes:
                    break
                if not self._take(lane, name, folder):
                    continue
                entry = self._entry(folder, lane, name)
                taken.append(entry)
                size += entry.size
        if not taken:
            raise Refused(Kind.NOT_FOUND, "nothing waits for a medium")
        return sorted(taken, key=lambda entry: entry.order)

    def entries(self, export: bytes) -> list[Entry]:
        """Read the files of a claim again and say what they are, in the manifest's order.

        Raises:
            PeerError, Unavailable: a file cannot be read.
        """
        found = []
        for lane in MEDIUM_LANES:
            folder = self.claimed(export) / lane
            found += [self._entry(folder, lane, name) for name, _ in _listed(folder, self._disk)]
        return sorted(found, key=lambda entry: entry.order)

    def contents(self, export: bytes, entries: Sequence[Entry]) -> Iterator[bytes]:
        """Give the files of a claim, in the manifest's order.

        Raises:
            PeerError: DIGEST_MISMATCH: a file is not what the operators signed.
        """
        for entry in entries:
            data = read_file(
                self.claimed(export) / entry.lane, entry.name, limit=MAX_BUNDLE_BYTES, disk=self._disk
            )  # fmt: skip
            if len(data) != entry.size or hashlib.sha256(data).digest() != entry.digest:
                raise PeerError(Kind.DIGEST_MISMATCH, "a file changed after it was signed")
            yield data

    def done(self, export: bytes) -> None:
        """Remove the files of a finished export; the half's spool keeps them until the receipt."""
        clear_folder(self.claimed(export), disk=self._disk)

    def finish(self, is_done: Callable[[bytes], bool]) -> None:
        """Remove what a crash left of exports that stand in the register: they are done, whatever still lies here.

        Args:
            is_done: whether an export is in the register.
        """
        for name in sorted(self._disk.names(self._folders.claimed)):
            with suppress(ValueError):
                export = bytes.fromhex(name)
                if is_done(export):
                    self.done(export)

    def give_back(self) -> int:
        """Give back what interrupted exports left claimed, but for prepared ones; gives how many files."""
        count = 0
        for name in sorted(self._disk.names(self._folders.claimed)):
            claim = self._folders.claimed / name
            if is_there(self._disk, claim / STATEMENT):
                continue
            for lane in MEDIUM_LANES:
                count += self._give_back(claim / lane, self._folders.out / lane)
            clear_folder(claim, disk=self._disk)
        return count

    def _give_back(self, claimed: Path, home: Path) -> int:
        count = 0
        with suppress(FileNotFoundError, NotADirectoryError):  # a claim that was not whole
            for name in sorted(self._disk.names(claimed)):
                if not is_there(self._disk, home / name):
                    self._disk.rename(claimed / name, home / name)
                    count += 1
        return count

    def claimed(self, export: bytes) -> Path:
        """Give the folder of a claim."""
        return self._folders.claimed / export.hex()

    def _take(self, lane: str, name: DropName, folder: Path) -> bool:
        try:
            self._disk.rename(self._folders.out / lane / str(name), folder / str(name))
        except FileNotFoundError:
            return False
        return True

    def _files(self, lane: str) -> list[tuple[DropName, int]]:
        return _listed(self._folders.out / lane, self._disk)

    def _entry(self, folder: Path, lane: str, name: DropName) -> Entry:
        data = read_file(folder, name, limit=MAX_BUNDLE_BYTES, disk=self._disk)
        return Entry(lane, name, len(data), hashlib.sha256(data).digest())


def _listed(folder: Path, disk: Disk) -> list[tuple[DropName, int]]:
    """Well-named files of a folder with their sizes, in order of number; nothing when it is not there."""
    found: list[tuple[DropName, int]] = []
    with suppress(FileNotFoundError, NotADirectoryError):
        for text in disk.names(folder):
            if text == TEMPORARY:
                continue
            with suppress(PeerError, FileNotFoundError):
                found.append((parse_name(text), disk.facts(f"{folder}/{text}").size))
    return sorted(found)
