"""The ferry's high half."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ferry.service import build_high
from ferry.settings import HighSettings
from ops.roles.ferry_half import disk_thread, half_walls, running_half
from ops.roles.role_file import LoadedRole, reactor_role
from ops.runtime.role_main import Running, Surroundings
from ops.runtime.role_settings import RoleSettings
from ops.runtime.socket_path import check_socket_paths
from wire_formats.settings_reader import load_settings


@dataclass(frozen=True)
class FerryHighFile:
    """``ferry_high.toml``."""

    role: RoleSettings
    ferry: HighSettings


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be used.
    """
    file = load_settings(FerryHighFile, settings)
    check_socket_paths(file.ferry.inspector)

    def compose(around: Surroundings) -> Running:
        aside = disk_thread(around.reactor)
        half = build_high(
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
    walls = half_walls(own, read=(own.inspector.parent,), write=(own.core_inbox, own.core_outbox))
    return reactor_role(file.role, compose, walls)
