"""The certificate authority: the desk, the deny list, the revocation lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ca.service import build_ca
from ca.settings import CaSettings
from ops.roles.health import told_health
from ops.roles.role_file import LoadedRole, reactor_role
from ops.runtime.role_main import Running, Surroundings
from ops.runtime.role_settings import RoleSettings
from wire_formats.settings_reader import load_settings


@dataclass(frozen=True)
class CaFile:
    """``ca.toml``."""

    role: RoleSettings
    ca: CaSettings


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be used.
    """
    file = load_settings(CaFile, settings)

    def compose(around: Surroundings) -> Running:
        service = build_ca(
            file.ca,
            reactor=around.reactor,
            clock=around.clock,
            randomness=around.randomness,
            registry=around.registry,
        )
        return Running(start=service.start, stop=service.stop, health=lambda: told_health(service.health()))

    return reactor_role(file.role, compose)
