"""The gatekeeper console of one half: the high side's may act, the low side's only looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ferry.console.service import build_console
from ferry.console.settings import ConsoleSettings
from ops.roles.health import told_health
from ops.roles.role_file import LoadedRole, reactor_role
from ops.runtime.inner_server import serve_with
from ops.runtime.pools import OwnPool
from ops.runtime.role_main import Running, Surroundings
from ops.runtime.role_settings import RoleSettings
from ops.walls.walls import Walls
from wire_formats.settings_reader import load_settings


@dataclass(frozen=True)
class GatekeeperFile:
    """``gatekeeper.toml`` and ``gatekeeper_low.toml``."""

    role: RoleSettings
    console: ConsoleSettings


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be used.
    """
    file = load_settings(GatekeeperFile, settings)
    own = file.console

    def compose(around: Surroundings) -> Running:
        service = build_console(
            own,
            reactor=around.reactor,
            clock=around.clock,
            randomness=around.randomness,
            pool=OwnPool(around.reactor, "console", threads=own.threads, queue=own.waiting),
            serve=serve_with(around.reactor),
        )
        return Running(start=service.start, stop=service.stop, health=lambda: told_health(service.health()))

    return reactor_role(file.role, compose, _walls(own))


def _walls(own: ConsoleSettings) -> Walls:
    """Its own keys, and of the half what it shows: no key of the half, and one folder to write into."""
    read = {own.server_key.parent, own.server_chain.parent, own.operators.parent, own.operator_issuers.parent}
    read |= {own.trust_issuers.parent, own.trust_machines.parent, own.status.parent, own.journal.parent}
    read |= {own.crossings, own.quarantine, own.acts}
    if own.media is not None:
        read.add(own.media)
    if own.client_crl is not None:
        read.add(own.client_crl.parent)
    if own.signing_key is not None and own.signing_certificate is not None:
        read |= {own.signing_key.parent, own.signing_certificate.parent}
    write: tuple[Path, ...] = ()
    if own.signing_key is not None:
        write = (own.acts / "drop", *((own.media / "orders",) if own.media is not None else ()))
    return Walls(read=tuple(sorted(read)), write=write, ports=frozenset({own.port}))
