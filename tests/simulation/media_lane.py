"""The gap as media that people carry: the product's own ends at both halves, and the desk a command works at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ferry.media.desk import MediaDesk, MediaFolders
from ferry.media.register import MediaRegister
from ferry.media.settings import MediaSettings
from ferry.transports.ends import Ends
from ferry.transports.media import MediaInlet, MediaOutlet
from tests.simulation.kit import LOW_SEAL, SEAL_KEY, Kit, Seeded
from tests.simulation.process_disk import ProcessDisk
from tests.simulation.shared_sqlite import Connect, Momentary, copied

if TYPE_CHECKING:
    from tests.simulation.scheduler import Process

SIDES: Final = ("low", "high")
DIRECTIONS: Final = {"low": "inbound", "high": "outbound"}
_SIM: Final = Path("/proc/sim")
HOMES: Final = {"low": _SIM / "dmz" / "low", "high": _SIM / "core" / "high"}
MEDIA: Final = {side: home / "media" for side, home in HOMES.items()}
REGISTERS: Final = {side: folder / "register.sqlite" for side, folder in MEDIA.items()}
_SEALS: Final = {"low": LOW_SEAL, "high": SEAL_KEY}
_ROLES: Final = {"low": "ferry_low", "high": "ferry_high"}
_UNUSED: Final = _SIM / "unused"


@dataclass(frozen=True)
class MediaBounds:
    """Settings of the halves' media.

    Attributes:
        most_files: files that may wait in a lane, and go onto one medium.
    """

    most_files: int = 12_000


def other(side: str) -> str:
    """The other side of the gap."""
    return "high" if side == "low" else "low"


def medium_path(device: str) -> Path:
    """Where a medium is mounted, at whichever machine it is."""
    return _SIM / device / "mnt"


def media_ends(side: str, watch: Any, disk: ProcessDisk, connect: Connect, bounds: MediaBounds) -> Ends:
    """Give the two ends of a half."""
    opened: Any = lambda path: Momentary(disk, path, connect)  # noqa: E731
    settings = _settings(side, bounds)
    outlet = MediaOutlet(
        settings.folder, most_files=settings.most_files, most_bytes=settings.most_bytes, disk=disk, connect=opened
    )
    return Ends(MediaInlet(settings.folder, watch, disk=disk), outlet)


def open_desk(
    side: str, process: Process, disk: ProcessDisk, *, kit: Kit, key: int, connect: Connect,
    register: type[MediaRegister], bounds: MediaBounds, seed: str,
) -> MediaDesk:  # fmt: skip
    """Open a half's desk for one command, as ``ferry.media.desk.open_desk`` does from files."""
    folders = MediaFolders(MEDIA[side], disk)
    folders.prepare()
    direction, back = DIRECTIONS[side], DIRECTIONS[other(side)]
    opened: Any = lambda path: connect(disk, path)  # noqa: E731
    looked: Any = lambda path: copied(disk, path, connect)  # noqa: E731
    return MediaDesk(
        name=side,
        direction_out=direction,
        direction_in=back,
        peer=other(side),
        peer_role=_ROLES[other(side)],
        key=kit.keys[_ROLES[side]][key],
        seal_key=_SEALS[side],
        peer_key=_SEALS[other(side)].public,
        machines=kit.trust,
        operators=kit.known_operators,
        journal=HOMES[side] / "journal.sqlite",
        settings=_settings(side, bounds),
        folders=folders,
        register=register(folders.register, now_ms=process.now_ms(), connect=opened),
        clock=process,
        randomness=Seeded(f"{seed} media {side} {process.scheduler.now}"),
        open_journal=looked,
    )


def _settings(side: str, bounds: MediaBounds) -> MediaSettings:
    return MediaSettings(
        folder=MEDIA[side], seal_key=_UNUSED, peer_key=_UNUSED, operators=_UNUSED, operator_issuers=_UNUSED,
        most_files=bounds.most_files,
    )  # fmt: skip
