"""The ferry's low half."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ferry.service import build_low
from ferry.settings import LowSettings
from ops.roles.ferry_half import disk_thread, half_walls, running_half
from ops.roles.role_file import LoadedRole, reactor_role
from ops.runtime.role_main import Running, Surroundings
from ops.runtime.role_settings import RoleSettings
from wire_formats.settings_reader import load_settings


@dataclass(frozen=True)
class FerryLowFile:
    """``ferry_low.toml``."""

    role: RoleSettings
    ferry: LowSettings


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be used.
    """
    file = load_settings(FerryLowFile, settings)

    def compose(around: Surroundings) -> Running:
        aside = disk_thread(around.reactor)
        half = build_low(
            file.ferry,
            reactor=around.reactor,
            clock=around.clock,
            randomness=around.randomness,
            watch=around.watch,
            registry=around.registry,
            aside=aside,
        )
        return running_half(half, aside)

    own = file.ferry
    return reactor_role(file.role, compose, half_walls(own, write=(own.dmz_outbox, own.dmz_inbox, own.dmz_notices)))
