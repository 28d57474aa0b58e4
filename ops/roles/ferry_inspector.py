"""The ferry's inspector: a plain loop over one Unix socket, with the key that opens requests and nothing else.

With a virus scanner set up it has a child, made before the key is read, that opens connections to clamd for it. When
the child ends so does the inspector, and both are started anew.
"""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from twisted.logger import Logger

from ferry.inspection import Inspector
from ferry.inspector import dialler
from ferry.inspector.dialler import Dialler
from ferry.inspector.scanning import ScanLimits, Scanner
from ferry.inspector.server import InspectorServer
from ferry.own_keys import seal_key
from ferry.settings import InspectorSettings
from ops.roles.role_file import LoadedRole
from ops.runtime.clock import SystemClock, steady_s
from ops.runtime.limits import die_with_parent, harden
from ops.runtime.readiness import supervisor_pid, tell_service_manager
from ops.runtime.role_main import EXIT_CANNOT_START, EXIT_FAILED, EXIT_STOPPED, begin_log, mason_of, say
from ops.runtime.role_settings import RoleSettings
from ops.runtime.socket_path import check_socket_paths
from ops.walls.walls import WALLS_VARIABLE, Mason, Walls
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
    check_socket_paths(own.socket, *(() if own.clamd is None else (own.clamd,)))
    walls = Walls(read=(own.seal_key.parent,), write=(own.socket.parent,), families=frozenset())
    return LoadedRole(file.role, lambda: _run(file, walls), walls)


def _run(file: FerryInspectorFile, walls: Walls) -> int:
    """Serve until a signal says stop; gives the exit code."""
    parent = supervisor_pid(os.environ)
    if parent is not None and not die_with_parent(parent):
        return EXIT_FAILED
    harden(open_files=file.role.open_files)
    try:
        scanner = _scanner(file)
        begin_log(file.role, SystemClock())
        inspector = Inspector(SERVICES, seal_key(file.inspector.seal_key))
        server = InspectorServer(inspector, file.inspector.socket, scanner=scanner)
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
    except SystemExit as ended:
        return EXIT_FAILED if ended.code == EXIT_FAILED else EXIT_STOPPED
    finally:
        server.close()


def _scanner(file: FerryInspectorFile) -> Scanner | None:
    """Start the child that reaches clamd, and give what asks through it; None where no scanner is set up."""
    own = file.inspector
    if own.clamd is None:
        return None
    deadline_s = own.scan_deadline_ms / 1000
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    inspector = os.getpid()
    if os.fork() == 0:
        ours.close()
        os._exit(_open_connections(file.role, theirs, own.clamd, inspector, deadline_s))
    theirs.close()
    signal.signal(signal.SIGCHLD, _lost_child)
    limits = ScanLimits(deadline_s=deadline_s, most_bytes=own.scan_bytes)
    return Scanner(Dialler(ours, deadline_s=deadline_s).dial, steady_s, limits)


def _open_connections(role: RoleSettings, asking: socket.socket, clamd: Path, inspector: int, deadline_s: float) -> int:
    """Be the child, behind walls of its own: no folder, no key, no socket but Unix ones."""
    if not die_with_parent(inspector):
        return EXIT_FAILED
    try:
        mason = Mason(Walls(), os.environ.get(WALLS_VARIABLE, role.walls))
        mason.before_threads()
        mason.once_serving()
        dialler.serve(asking, clamd, deadline_s=deadline_s)
    except (SettingsError, OSError) as error:
        say(f"ferry_inspector: {error}")
        return EXIT_FAILED
    return EXIT_STOPPED


def _lost_child(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(EXIT_FAILED)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(EXIT_STOPPED)
