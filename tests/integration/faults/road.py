"""One request stopped at every station of its road, so that its files can be copied, spoilt and put down again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.whole_system import WholeSystem, until
from wire_formats.bundle import parse_bundle
from wire_formats.drop import DropName, parse_name
from wire_formats.request import parse_header

APPEARS_S = 40


@dataclass(frozen=True, slots=True)
class Station:
    """A folder of the road, with an honest file that lay in it.

    Attributes:
        folder: the drop.
        reader: role that takes files from it.
        sealer: role whose seal is the file's last.
        key: that role's key and certificate, for forging with a stolen key.
    """

    name: str
    folder: Path
    reader: str
    sealer: str
    key: tuple[Path, Path]
    file: DropName
    data: bytes


@contextmanager
def standing_still(system: WholeSystem, *roles: str) -> Iterator[ExitStack]:
    """These roles' processes stand still; closing the stack lets them go on."""
    with ExitStack() as stack:
        for role in roles:
            stack.enter_context(_still(system.pid(role)))
        yield stack


@contextmanager
def _still(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def bundles_in(folder: Path) -> list[Path]:
    """The bundles that lie in a drop now, oldest first."""
    return sorted(folder.glob("*.bundle"))


def waited_for(folder: Path, *, count: int = 1) -> list[Path]:
    """Wait until so many bundles lie in a drop."""
    until(
        lambda: len(bundles_in(folder)) >= count, within_s=APPEARS_S, what=f"{count} bundles in {folder}", every_s=0.02
    )
    return bundles_in(folder)


def stations(system: WholeSystem, first: Path) -> Iterator[Station]:
    """Follow one request; ``ferry_low`` must stand still and the request lie in its outbox.

    Give each station's honest file, then let it go on to the next one.
    """
    layout = system.layout
    author = parse_name(first.name).sender
    with ExitStack() as road:
        low = road.enter_context(standing_still(system, "ferry_low"))
        at = layout.dmz / "outbox" / "interactive"
        yield _station("dmz outbox", at, "ferry_low", author, layout.dmz / "keys" / author)
        high = road.enter_context(standing_still(system, "ferry_high"))
        low.close()
        at = layout.gap / "inbound" / "interactive"
        yield _station("gap inbound", at, "ferry_high", "ferry_low", layout.ferry_low / "keys" / "ferry_low")
        core = road.enter_context(standing_still(system, "core"))
        high.close()
        at = layout.core / "inbox" / "interactive"
        found = _station("core inbox", at, "core", "ferry_high", layout.ferry_high / "keys" / "ferry_high")
        yield found
        reply_to = parse_header(parse_bundle(found.data).items[0].header).reply_to
        low = road.enter_context(standing_still(system, "ferry_low"))
        core.close()
        at = layout.gap / "outbound" / "interactive"
        yield _station("gap outbound", at, "ferry_low", "core", layout.core / "keys" / "core", crossed="ferry_high")
        worker = road.enter_context(standing_still(system, reply_to))
        low.close()
        at = layout.dmz / "inbox" / reply_to
        yield _station("worker inbox", at, reply_to, "ferry_low", layout.ferry_low / "keys" / "ferry_low")
        worker.close()


def _station(name: str, folder: Path, reader: str, sealer: str, key: Path, *, crossed: str = "") -> Station:
    path = waited_for(folder)[0]
    sealer = crossed or sealer
    key = key.parents[2] / crossed / "keys" / crossed if crossed else key
    pair = (key.with_name(f"{key.name}.key.pem"), key.with_name(f"{key.name}.pem"))
    return Station(name, folder, reader, sealer, pair, parse_name(path.name), path.read_bytes())
