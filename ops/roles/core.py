"""The core: intake and publisher over the production database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.desk import SocketDesk
from core.service import build_core
from core.settings import CoreSettings
from ops.roles.role_file import LoadedRole, reactor_role
from ops.runtime.metrics_page import Health
from ops.runtime.role_main import Running, Surroundings
from ops.runtime.role_settings import RoleSettings
from wire_formats.settings_reader import load_settings


@dataclass(frozen=True)
class CoreFile:
    """``core.toml``."""

    role: RoleSettings
    core: CoreSettings


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be used.
    """
    file = load_settings(CoreFile, settings)

    def compose(around: Surroundings) -> Running:
        service = build_core(
            file.core,
            reactor=around.reactor,
            clock=around.clock,
            randomness=around.randomness,
            watch=around.watch,
            registry=around.registry,
            certificate_desk=SocketDesk(file.core.desk_socket, timeout_s=float(file.core.desk_timeout_s)),
        )

        async def start() -> None:
            service.start()

        def health() -> Health:
            healthy = service.is_healthy()
            return Health(ready=healthy, reasons=() if healthy else ("intake makes no turns",))

        return Running(start=start, stop=service.stop, health=health)

    return reactor_role(file.role, compose)
