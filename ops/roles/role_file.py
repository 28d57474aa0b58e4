"""What every role module gives: a checked settings file and a way to run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ops.runtime.role_main import Compose, run_role
from ops.runtime.role_settings import RoleSettings


@dataclass(frozen=True, slots=True)
class LoadedRole:
    """A role whose settings file has been read and checked.

    Attributes:
        role: its ``[role]`` table.
        run: runs it until it is told to stop; gives the exit code.
    """

    role: RoleSettings
    run: Callable[[], int]


def reactor_role(role: RoleSettings, compose: Compose) -> LoadedRole:
    """Give a role that is one reactor in one process."""
    return LoadedRole(role, lambda: run_role(role, compose))
