"""The static role: style sheets and pictures, apart from the workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dmz.static.assets import AssetError
from dmz.static.service import build_static
from dmz.static.settings import StaticSettings
from ops.roles.role_file import LoadedRole, reactor_role
from ops.runtime.metrics_page import Health
from ops.runtime.role_main import Running, Surroundings
from ops.runtime.role_settings import RoleSettings
from ops.runtime.socket_path import check_socket_paths
from wire_formats.settings_reader import SettingsError, load_settings

#: Name of the socket in a hand-over.
PORT: Final = "port"


@dataclass(frozen=True)
class StaticFile:
    """``static.toml``."""

    role: RoleSettings
    static: StaticSettings


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be used.
    """
    file = load_settings(StaticFile, settings)
    check_socket_paths(file.static.socket)

    def compose(around: Surroundings) -> Running:
        try:
            port = build_static(file.static, reactor=around.reactor, registry=around.registry)
        except AssetError as error:
            raise SettingsError(str(error)) from None

        async def start() -> None:
            taken = around.hand_over.take()
            around.hand_over.offer({PORT: port.listen(file.static.socket, taken.get(PORT))})

        async def stop() -> None:
            await port.drain(succeeded=around.hand_over.succeeded())

        def health() -> Health:
            reasons = ("draining",) if port.draining else ()
            return Health(ready=not reasons, reasons=reasons, figures={"in_flight": port.in_flight})

        return Running(start=start, stop=stop, health=health)

    return reactor_role(file.role, compose)
