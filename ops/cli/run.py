"""`ferrygate run ROLE --settings F`: one role in this process."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from ops.roles.role_file import LoadedRole


def run(kind: str, settings: Path) -> int:
    """Run one role until it is told to stop.

    Args:
        kind: one of ``ops.cli.arguments.ROLES``.
        settings: the role's TOML file.

    Raises:
        SettingsError: the file cannot be used.
    """
    return load_role(kind, settings).run()


def load_role(kind: str, settings: Path) -> LoadedRole:
    """Read and check a role's settings file.

    Raises:
        SettingsError: the file cannot be used.
    """
    loaded: LoadedRole = _module(kind).load(settings.resolve())
    return loaded


def _module(kind: str) -> ModuleType:
    """Import only the role that runs: a DMZ process never loads the core's code."""
    if kind.startswith("ferry_"):
        return _part_of_the_ferry(kind)
    if kind == "edge":
        from ops.roles import edge

        return edge
    if kind == "static":
        from ops.roles import static

        return static
    if kind == "worker":
        from ops.roles import worker

        return worker
    if kind == "core":
        from ops.roles import core

        return core
    if kind == "staff":
        from ops.roles import staff

        return staff
    if kind in ("gatekeeper", "gatekeeper_low"):
        from ops.roles import gatekeeper

        return gatekeeper
    from ops.roles import ca

    return ca


def _part_of_the_ferry(kind: str) -> ModuleType:
    if kind == "ferry_low":
        from ops.roles import ferry_low

        return ferry_low
    if kind == "ferry_inspector":
        from ops.roles import ferry_inspector

        return ferry_inspector
    if kind == "ferry_media":
        from ops.roles import ferry_media

        return ferry_media
    from ops.roles import ferry_high

    return ferry_high
