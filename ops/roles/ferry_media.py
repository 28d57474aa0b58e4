"""The media clerk of one half: writes and reads media for the gatekeeper console, with the half's keys, in walls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ferry.media.clerk import MediaClerk
from ferry.media.clerk_service import ClerkService
from ferry.media.settings import ClerkSettings
from ferry.settings import HalfSettings
from ops.roles.ferry_high import FerryHighFile
from ops.roles.ferry_low import FerryLowFile
from ops.roles.health import told_health
from ops.roles.role_file import LoadedRole, reactor_role
from ops.runtime.pools import OwnPool
from ops.runtime.role_main import Running, Surroundings
from ops.runtime.role_settings import RoleSettings
from ops.walls.walls import Walls
from wire_formats.settings_reader import SettingsError, load_settings

_HALVES: Final[dict[str, Any]] = {"ferry_low.toml": FerryLowFile, "ferry_high.toml": FerryHighFile}


@dataclass(frozen=True, kw_only=True)
class ClerkTable(ClerkSettings):
    """The table ``clerk``.

    Attributes:
        half: settings file of the half, ``ferry_high.toml`` or ``ferry_low.toml``.
    """

    half: Path


@dataclass(frozen=True)
class FerryMediaFile:
    """``ferry_media.toml``."""

    role: RoleSettings
    clerk: ClerkTable


def load(settings: Path) -> LoadedRole:
    """Read the settings file and the half's.

    Raises:
        SettingsError: one of them cannot be used.
    """
    file = load_settings(FerryMediaFile, settings)
    own = file.clerk
    if own.half.name not in _HALVES:
        raise SettingsError(f"{settings}: setting 'clerk.half' must name {' or '.join(_HALVES)}")
    half: HalfSettings = load_settings(_HALVES[own.half.name], own.half).ferry

    def compose(around: Surroundings) -> Running:
        clerk = MediaClerk(own, half, clock=around.clock, randomness=around.randomness)
        pool = OwnPool(around.reactor, "media", threads=1, queue=1)
        service = ClerkService(clerk, pool, around.reactor)
        return Running(start=service.start, stop=service.stop, health=lambda: told_health(service.health()))

    return reactor_role(file.role, compose, _walls(own, half))


def _walls(own: ClerkTable, half: HalfSettings) -> Walls:
    """The half's keys and trust to read; media folder, journal and the places of media to work in, no more.

    A medium that is mounted later lies below the folder that holds its place, so the wall leaves that folder open; one
    that does not exist when the clerk starts stays closed.
    """
    read = {half.signing_key.parent, half.signing_certificate.parent, half.trust_issuers.parent}
    read |= {half.trust_machines.parent}
    write = {half.journal.parent}
    if half.media is not None:
        read |= {half.media.seal_key.parent, half.media.peer_key.parent}
        read |= {half.media.operators.parent, half.media.operator_issuers.parent}
        write.add(half.media.folder)
    write |= {place.parent for place in own.places if place.parent.is_dir()}
    return Walls(read=tuple(sorted(read)), write=tuple(sorted(write)))
