"""The staff window: worklist, case page, decisions; on its own port, for the intranet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.staff.service import build_staff
from core.staff.settings import StaffSettings
from ops.roles.health import told_health
from ops.roles.role_file import LoadedRole, reactor_role
from ops.runtime.inner_server import serve_with
from ops.runtime.pools import OwnPool
from ops.runtime.role_main import Running, Surroundings
from ops.runtime.role_settings import RoleSettings
from wire_formats.settings_reader import load_settings


@dataclass(frozen=True)
class StaffFile:
    """``staff.toml``."""

    role: RoleSettings
    staff: StaffSettings


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be used.
    """
    file = load_settings(StaffFile, settings)

    def compose(around: Surroundings) -> Running:
        service = build_staff(
            file.staff,
            reactor=around.reactor,
            clock=around.clock,
            randomness=around.randomness,
            registry=around.registry,
            pool=OwnPool(around.reactor, "staff", threads=file.staff.threads, queue=file.staff.waiting),
            serve=serve_with(around.reactor),
        )
        return Running(start=service.start, stop=service.stop, health=lambda: told_health(service.health()))

    return reactor_role(file.role, compose)
