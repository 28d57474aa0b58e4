"""Where bundles lie that may not pass, with the reason beside each.

    <instant 16 hex>-<digest 12 hex>-<reason>.bundle    the bytes as they came
    <instant 16 hex>-<digest 12 hex>-<reason>.notice    why and when (``shelves``)

Two folders: ``quarantined`` (wrong; never released) and ``held`` (unclear; two people may release).
A third, ``rejected``, keeps what two people rejected for good.
All are bounded, in files and in bytes.  A full quarantine keeps what it has and counts what it could not keep:
the oldest evidence is worth more than the thousandth copy.  A full ``held`` leaves the bundle where it was, except
for conflicts of numbers, which a taken signer can make without end: they are counted as lost, too, and leave a
quarter of the shelf to others.  What is not kept is told of once a second.

Source: research, section 7, point 9.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ferry.folders import count_entries, remove_entry
from ferry.lane.checks import LaneId
from ferry.lane.reasons import HELD, MADE_AT_WILL, Reason
from ferry.metrics import FerryMetrics
from ferry.seldom import Seldom
from ferry.shelves import HELD_FOLDER, QUARANTINED_FOLDER, REJECTED_FOLDER, Notice, notice_of
from wire_formats.collaborators import Clock, Disk
from wire_formats.disk import DISK
from wire_formats.drop import DropName, prepare_drop, write_drop
from wire_formats.errors import Kind, Unavailable

_SEQUENCE_HEX: Final = 12


class Quarantine:
    """One half's quarantine.

    Args:
        folder: its folder.
        most_files: how many bundles each of the two folders keeps.
        most_bytes: how many bytes of bundles each of them keeps.
        clock: stamps entries.
        metrics: counts them.
        disk: where the folder lies.
    """

    log = Logger()

    def __init__(
        self, folder: Path, *, most_files: int, most_bytes: int, clock: Clock, metrics: FerryMetrics, disk: Disk = DISK
    ) -> None:
        self._disk = disk
        self.folder = folder
        self._folders = {False: folder / QUARANTINED_FOLDER, True: folder / HELD_FOLDER}
        self._most = most_files
        self._most_bytes = most_bytes
        self._seldom = Seldom(clock)
        self._clock = clock
        self._metrics = metrics
        #: Beginning of the digest -> bytes of what lies in each folder.
        self._known: dict[bool, dict[str, int]] = {False: {}, True: {}}
        #: What two people rejected is not held again when it comes again.
        self._rejected: set[str] = set()

    def prepare(self) -> None:
        """Make the folders and learn what lies there."""
        for held, folder in self._folders.items():
            prepare_drop(folder, disk=self._disk)
            names = self._disk.names(folder)
            self._known[held] = {
                name.split("-")[1]: self._disk.facts(folder / name).size
                for name in names
                if name.endswith(".bundle") and name.count("-") >= 2
            }
        with suppress(OSError):
            names = self._disk.names(self.folder / REJECTED_FOLDER)
            self._rejected = {name.split("-")[1] for name in names if name.count("-") >= 2}
        self._measure()

    def count(self, *, held: bool) -> int:
        """Give how many bundles lie in one of the folders."""
        return len(self._known[held])

    def add(self, reason: Reason, lane: LaneId, data: bytes, *, file: DropName | str = "") -> bool:
        """Set a bundle aside; the same bytes are kept, and told of, once.  Gives whether it is kept.

        Args:
            reason: why.
            lane: the lane it came on.
            data: its bytes; none for what could not be read.
            file: what it was called; matters only where there are no bytes.

        Raises:
            Unavailable: STORAGE_FULL: a held bundle cannot be kept, so it must stay where it is.
        """
        held = reason in HELD
        digest = hashlib.sha256(data or _nameable(reason, file)).hexdigest()
        short = digest[:_SEQUENCE_HEX]
        self._metrics.set_aside(reason)
        known = short in self._known[held] or (held and short in self._rejected)
        if known and data:
            return True
        now_ms = self._clock.now_ms()
        full = not known and self._is_full(reason, len(data))
        if count := self._seldom.count() if known or full else 1:
            size, why, on = len(data), reason.value, lane
            if held:
                self.log.warn("bundle_held", reason=why, lane=on.lane, way=on.direction, bytes=size, count=count)
            else:
                self.log.warn("bundle_quarantined", reason=why, lane=on.lane, way=on.direction, bytes=size, count=count)
        if known:
            return True  # one that cannot be read has come again under its name: only the line
        called = str(file) if not data and isinstance(file, DropName) else ""
        notice = Notice(reason, lane, len(data), digest, now_ms, called)
        try:
            self._keep(notice, DropName(now_ms, int(short, 16), reason.value), data)
        except Unavailable:
            if held and reason not in MADE_AT_WILL:
                raise
            self._metrics.quarantine_lost.inc()
            return False
        self._known[held][short] = len(data)
        self._measure()
        return True

    def let_go(self, name: DropName) -> None:
        """Take a released bundle off the shelf of held ones."""
        folder = self._folders[True]
        remove_entry(folder, name, disk=self._disk)
        remove_entry(folder, notice_of(name), disk=self._disk)
        self._known[True].pop(f"{name.sequence:012x}", None)
        self._measure()

    def reject(self, name: DropName) -> bool:
        """Move a held bundle to the rejected ones; gives whether its bytes are kept: a full folder keeps what it has.

        Raises:
            Unavailable: it cannot be moved now.
        """
        rejected = self.folder / REJECTED_FOLDER
        kept = count_entries(rejected, most=2 * self._most, disk=self._disk) < 2 * self._most
        if kept:
            try:
                self._disk.make_folder(rejected)
                for one in (name, notice_of(name)):
                    with suppress(FileNotFoundError):
                        self._disk.rename(self._folders[True] / str(one), rejected / str(one))
            except OSError as error:
                raise Unavailable(Kind.STORAGE_FULL, f"cannot move a held bundle: {error.strerror}", 1) from None
        self._rejected.add(f"{name.sequence:012x}")
        self.let_go(name)
        return kept

    def _keep(self, notice: Notice, name: DropName, data: bytes) -> None:
        folder = self._folders[notice.reason in HELD]
        if self._is_full(notice.reason, len(data)):
            raise Unavailable(Kind.STORAGE_FULL, "quarantine is full", 60)
        write_drop(folder, notice_of(name), notice.encode(), disk=self._disk)
        try:
            write_drop(folder, name, data, disk=self._disk)
        except Unavailable:
            remove_entry(folder, notice_of(name), disk=self._disk)
            raise

    def _is_full(self, reason: Reason, size: int) -> bool:
        known = self._known[reason in HELD].values()
        part = self._most // 4 if reason in MADE_AT_WILL else 0
        return len(known) >= self._most - part or sum(known) + size > self._most_bytes

    def _measure(self) -> None:
        self._metrics.quarantine_files.set(self.count(held=False))
        self._metrics.held_files.set(self.count(held=True))


def _nameable(reason: Reason, file: DropName | str) -> bytes:
    return f"{reason.value} {file}".encode(errors="surrogateescape")
