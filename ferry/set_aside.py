"""What lies in a half's quarantine (隔离), from its notices: reason, lane, size, digest, instant.

Contents are never read.  There is no way back from that folder; this is for people who must find out where something
came from.

Source: research, section 7, point 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from ferry.lane.checks import LaneId
from ferry.lane.reasons import HELD, Reason
from ferry.shelves import QUARANTINED_FOLDER, read_notice
from wire_formats.drop import TEMPORARY, DropName, parse_name
from wire_formats.errors import PeerError, Unavailable

#: Notices on one page.
PAGE: Final = 50
#: Names looked at: the folder is bounded by the half, with room for a setting that was lowered.
_MOST_NAMES: Final = 20_000


class SetAsideItem(NamedTuple):
    """One quarantined bundle.

    Attributes:
        name: of its notice.
        reason: why it was set aside.
        lane: the lane it came on; control for what is no bundle.
        size: bytes.
        digest: SHA-256 of its bytes, hex; of its reason and file name where there were none to read.
        at_ms: since when.
        file: what it was called, where it had no bytes and a name in the grammar of drops.
        kept: whether its bytes lie beside the notice, for evidence.
    """

    name: DropName
    reason: Reason
    lane: LaneId
    size: int
    digest: str
    at_ms: int
    file: str
    kept: bool

    @property
    def no_bytes(self) -> bool:
        """Whether it was empty, or could not be read."""
        return self.size == 0

    @property
    def subject(self) -> str:
        """What names it."""
        return f"{self.digest}-{self.at_ms}"


class SetAsidePage(NamedTuple):
    """One page of the quarantine, newest first.

    Attributes:
        items: those of the page; a notice that cannot be read is left out.
        page: its number, from 1.
        pages: how many there are, at least 1.
        total: how many notices lie there.
    """

    items: list[SetAsideItem]
    page: int
    pages: int
    total: int


class SetAsideShelf:
    """The quarantined bundles of one half.

    Args:
        quarantine: the half's quarantine folder.
    """

    def __init__(self, quarantine: Path) -> None:
        self.folder = quarantine / QUARANTINED_FOLDER

    def page(self, number: int = 1, *, size: int = PAGE) -> SetAsidePage:
        """Give a page; a number beyond the last gives the last."""
        names = self._names()
        pages = max(1, -(-len(names) // size))
        page = min(max(1, number), pages)
        items = list(self._items(names[(page - 1) * size : page * size]))
        return SetAsidePage(items, page, pages, len(names))

    def named(self, text: str) -> list[SetAsideItem]:
        """Give those whose digest, or digest and instant, begins so (by at least 6 digits), newest first."""
        short = text[:12]
        names = [name for name in self._names() if f"{name.sequence:012x}".startswith(short)] if len(text) >= 6 else []
        return [item for item in self._items(names) if item.subject.startswith(text)]

    def _names(self) -> list[DropName]:
        names = []
        try:
            for number, path in enumerate(self.folder.iterdir()):
                if number >= _MOST_NAMES:
                    break
                if path.name != TEMPORARY and path.name.endswith(".notice"):
                    names += _parsed(path.name)
        except OSError:
            return []
        return sorted(names, reverse=True)

    def _items(self, names: list[DropName]) -> Iterator[SetAsideItem]:
        for name in names:
            try:
                yield self._item(name)
            except (PeerError, Unavailable, OSError, ValueError, KeyError, TypeError):
                continue  # ours are whole; whatever else somebody put there is passed over

    def _item(self, name: DropName) -> SetAsideItem:
        notice = read_notice(self.folder, name)
        if notice.reason in HELD:
            raise ValueError("not a notice of a quarantined bundle")
        bundle = self.folder / str(replace(name, kind="bundle"))
        kept = notice.size > 0 and bundle.is_file() and not bundle.is_symlink()
        return SetAsideItem(name, *notice, kept=kept)


def _parsed(text: str) -> list[DropName]:
    try:
        return [parse_name(text)]
    except PeerError:
        return []
