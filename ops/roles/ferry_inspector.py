"""The ferry's inspector: a plain loop over one Unix socket, with the key that opens requests and nothing else."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from twisted.logger import Logger

from ferry.inspection import Inspector
from ferry.inspector.server import InspectorServer
from ferry.service import seal_key
from ferry.settings import InspectorSettings
from ops.roles.role_file import LoadedRole
from ops.runtime.clock import SystemClock
from ops.runtime.limits import die_with_parent, harden
from ops.runtime.readiness import supervisor_pid, tell_service_manager
from ops.runtime.role_main import EXIT_CANNOT_START, EXIT_FAILED, EXIT_STOPPED, begin_log, mason_of, say
from ops.runtime.role_settings import RoleSettings
from ops.walls.walls import Walls
from wire_formats.catalogue import SERVICES
from wire_formats.settings_reader import SettingsError, load_settings


@dataclass(frozen=True)
class FerryInspectorFile:
    """``ferry_inspector.toml``."""

    role: RoleSettings
    inspector: InspectorSettings


log = Logger()


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it cannot be used.
    """
    file = load_settings(FerryInspectorFile, settings)
    own = file.inspector
    walls = Walls(read=(own.seal_key.parent,), write=(own.socket.parent,), families=frozenset())
    return LoadedRole(file.role, lambda: _run(file, walls), walls)


def _run(file: FerryInspectorFile, walls: Walls) -> int:
    """Serve until a signal says stop; gives the exit code."""
    parent = supervisor_pid(os.environ)
    if parent is not None and not die_with_parent(parent):
        return EXIT_FAILED
    harden(open_files=file.role.open_files)
    try:
        begin_log(file.role, SystemClock())
        server = InspectorServer(Inspector(SERVICES, seal_key(file.inspector.seal_key)), file.inspector.socket)
        mason = mason_of(file.role, walls)
        mason.before_threads()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end)
        server.listen()
        tell_service_manager("READY=1", os.environ)
        mason.once_serving()
    except (SettingsError, OSError) as error:
        say(str(error) if isinstance(error, SettingsError) else f"ferry_inspector: {error}")
        return EXIT_CANNOT_START
    log.info("role_started", role=file.role.name, pid=os.getpid())
    try:
        server.serve()
    except SystemExit:
        return EXIT_STOPPED
    finally:
        server.close()


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(EXIT_STOPPED)
