"""What the static role is told; read from its own TOML file by ``wire_formats.settings_reader``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dmz.switch.settings import PortSettings


@dataclass(frozen=True)
class StaticSettings:
    """The static role.

    Attributes:
        socket: Unix socket on which the edges reach it.
        port: limits of that socket.
    """

    socket: Path
    port: PortSettings = field(default_factory=PortSettings)
