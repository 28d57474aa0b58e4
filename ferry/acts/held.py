"""The held bundles of one half (待审), as the quarantine keeps them: which, why, since when.

Reads the folder ``held`` only; what is quarantined is not seen from here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ferry.folders import read_file
from ferry.lane.checks import LaneId
from ferry.lane.reasons import HELD, RELEASABLE, Reason
from ferry.shelves import HELD_FOLDER, read_notice
from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.collaborators import Disk
from wire_formats.disk import DISK
from wire_formats.drop import TEMPORARY, DropName, parse_name
from wire_formats.errors import PeerError, Unavailable
from wire_formats.request import LANES


class HeldItem(NamedTuple):
    """One held bundle.

    Attributes:
        name: of its file in the folder ``held``.
        reason: why it is held.
        lane: the lane it came on.
        size: bytes.
        digest: SHA-256 of its bytes, hex.
        held_ms: since when.
    """

    name: DropName
    reason: Reason
    lane: LaneId
    size: int
    digest: str
    held_ms: int

    @property
    def subject(self) -> str:
        """What acts about it name."""
        return f"{self.digest}-{self.held_ms}"

    @property
    def releasable(self) -> bool:
        """Whether it may be released at all; see ``reasons.RELEASABLE``."""
        return self.reason in RELEASABLE


class HeldShelf:
    """The held bundles.

    Args:
        quarantine: the half's quarantine folder.
        disk: where it lies.
    """

    def __init__(self, quarantine: Path, *, disk: Disk = DISK) -> None:
        self.folder = quarantine / HELD_FOLDER
        self._disk = disk

    def items(self) -> list[HeldItem]:
        """Give all held bundles, oldest first."""
        return sorted(self._items(), key=lambda item: item.name)

    def find(self, subject: str) -> HeldItem | None:
        """Give the held bundle an act names, or None."""
        return next((item for item in self._items() if item.subject == subject), None)

    def read(self, item: HeldItem) -> bytes:
        """Read its bytes.

        Raises:
            PeerError: the file is not what it was.
            FileNotFoundError: it is gone.
            Unavailable: it cannot be read now.
        """
        return read_file(self.folder, item.name, limit=MAX_BUNDLE_BYTES, disk=self._disk)

    def _items(self) -> Iterator[HeldItem]:
        try:
            names = list(self._disk.names(self.folder))
        except OSError:
            return
        for text in names:
            if text == TEMPORARY or not text.endswith(".bundle"):
                continue
            # Ours are whole; whatever else somebody put there is passed over.
            with contextlib.suppress(PeerError, Unavailable, OSError, ValueError, KeyError, TypeError):
                yield self._item(parse_name(text))

    def _item(self, name: DropName) -> HeldItem:
        notice = read_notice(self.folder, name, disk=self._disk)
        if notice.reason not in HELD or notice.lane.lane not in LANES:
            raise ValueError("not a notice of a held bundle")
        return HeldItem(name, notice.reason, notice.lane, notice.size, notice.digest, notice.at_ms)
