"""What every role module gives: a checked settings file and a way to run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ops.runtime.role_main import Compose, run_role
from ops.runtime.role_settings import RoleSettings
from ops.walls.walls import Walls


@dataclass(frozen=True, slots=True)
class LoadedRole:
    """A role whose settings file has been read and checked.

    Attributes:
        role: its ``[role]`` table.
        run: runs it until it is told to stop; gives the exit code.
        walls: what it keeps of the machine besides log and metrics port; everything when None.
    """

    role: RoleSettings
    run: Callable[[], int]
    walls: Walls | None = None


def reactor_role(role: RoleSettings, compose: Compose, walls: Walls | None = None) -> LoadedRole:
    """Give a role that is one reactor in one process, with the walls it lives in."""
    return LoadedRole(role, lambda: run_role(role, compose, walls=walls), walls)
