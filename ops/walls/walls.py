"""What one role keeps of the machine, and when the rest is given up.

    before any thread runs     files and TCP ports (``landlock``): only its own folders, keys, libraries, metrics port
    once it serves             system calls (``seccomp``): no new program, no new socket but those of its families

So a role whose code was taken over can still do what its work needs, and nothing else: a ferry half reads and writes
bundles in its folders, and can neither open a connection nor a file elsewhere.

Source: research, section 7, point 10.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ops.walls import landlock, seccomp
from ops.walls.landlock import NoLandlockError, Territory
from ops.walls.seccomp import NoSeccompError
from wire_formats.settings_reader import SettingsError

#: Packages of this program that a confined role imports from.
_PACKAGES: Final = ("ops", "ferry", "wire_formats")
_LIBRARIES: Final = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_READ: Final = (
    "/etc/localtime", "/etc/ssl/openssl.cnf", "/usr/share/zoneinfo", "/usr/lib/ssl", "/dev/urandom", "/dev/null",
    "/proc/self", "/proc/stat", "/proc/meminfo", "/proc/sys/net/core", "/proc/net",
)  # fmt: skip


#: What a role does where the kernel cannot put a wall up: not start, or say so and go on; or it puts up none.
REQUIRED: Final = "required"
IF_POSSIBLE: Final = "if_possible"
OFF: Final = "off"
#: A service manager's unit insists by this variable, whatever the settings say.
WALLS_VARIABLE: Final = "FERRYGATE_WALLS"


@dataclass(frozen=True, slots=True)
class Walls:
    """What a role keeps.

    Attributes:
        read: its keys, trust and settings.
        write: folders it works in; made when they are missing.
        ports: TCP ports it listens on.
        families: address families in which it may make sockets once it serves.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    ports: frozenset[int] = field(default_factory=frozenset)
    families: frozenset[int] = field(default_factory=lambda: frozenset({socket.AF_UNIX}))


class Mason:
    """Puts one role's walls up and tells which stand.

    Args:
        walls: what it keeps; None for a role without walls.
        insistence: REQUIRED, IF_POSSIBLE or OFF.
    """

    log = Logger()

    def __init__(self, walls: Walls | None, insistence: str) -> None:
        if insistence not in (REQUIRED, IF_POSSIBLE, OFF):
            raise SettingsError(f"{WALLS_VARIABLE} must be {REQUIRED}, {IF_POSSIBLE} or {OFF}")
        self._walls = walls if insistence != OFF else None
        self._required = insistence == REQUIRED
        #: Version of the kernel's Landlock that bounds files; 0 for none.
        self.files = 0
        #: Whether system calls are filtered.
        self.calls = False

    @property
    def missing(self) -> tuple[str, ...]:
        """Which walls should stand and do not."""
        if self._walls is None:
            return ()
        return tuple(word for word, stands in (("files", self.files), ("calls", self.calls)) if not stands)

    def before_threads(self) -> None:
        """Give up all files but its own.

        Raises:
            SettingsError: the wall is required and this kernel has none.
        """
        if self._walls is None:
            return
        for folder in self._walls.write:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self.files = landlock.confine(territory(self._walls))
        except NoLandlockError as error:
            self._fault("files", error)

    def once_serving(self) -> None:
        """Give up system calls and sockets.

        Raises:
            SettingsError: the wall is required and this kernel has none.
        """
        if self._walls is None:
            return
        try:
            seccomp.refuse(self._walls.families)
            self.calls = True
        except NoSeccompError as error:
            self._fault("calls", error)
        standing = [wall for wall in ("files", "calls") if wall not in self.missing]
        self.log.info("walls_stand", state=" ".join(standing) or "none")

    def _fault(self, wall: str, error: OSError) -> None:
        if self._required:
            raise SettingsError(f"walls are required and this kernel cannot bound {wall}: {error.strerror}") from None
        self.log.warn("wall_missing", holder=wall, reason=error.strerror)


def territory(walls: Walls) -> Territory:
    """Add to a role's own paths what every Python program needs."""
    return Territory(
        read=(*walls.read, *map(Path, _READ)),
        run=(*_program(), *map(Path, _LIBRARIES)),
        write=walls.write,
        bind=walls.ports,
    )


def _program() -> Iterable[Path]:
    """The interpreter, its packages and ours: never the folder this program lies in, which may hold installations."""
    yield Path(sys.prefix)
    yield Path(sys.base_prefix) / "lib"
    yield Path(sys.base_prefix) / "bin"
    here = Path(__file__).resolve().parents[2]
    for package in _PACKAGES:
        yield here / package
