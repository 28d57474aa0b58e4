"""Runs the role of a settings file up to its walls, then tries to get out.  Run as its own process.

Prints one JSON object: attempt -> "done", or the name of the error.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from ops.roles import ferry_high, ferry_low
from ops.runtime.role_main import mason_of
from ops.walls.walls import Walls


def attempt(action: Callable[[], object]) -> str:
    """Do something and give how it went."""
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


def connect(port: int, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> None:
    """Open a connection to a port that listens."""
    with socket.socket(family, kind) as opened:
        opened.connect(("127.0.0.1" if family == socket.AF_INET else "::1", port))


def attempts(walls: Walls, elsewhere: Path, port: int) -> dict[str, Callable[[], object]]:
    """What a taken-over role would try."""
    own, other = walls.write[0] / "probe", elsewhere / "probe"
    return {
        "write its own folder": lambda: own.write_bytes(b"x"),
        "rename in its own folder": lambda: own.rename(own.with_name("renamed")),
        "remove in its own folder": lambda: own.with_name("renamed").unlink(),
        "read its keys": lambda: [path.read_bytes() for path in walls.read[0].iterdir()],
        "write its keys": lambda: (walls.read[0] / "probe").write_bytes(b"x"),
        "read elsewhere": lambda: (elsewhere / "secret").read_bytes(),
        "list elsewhere": lambda: list(elsewhere.iterdir()),
        "write elsewhere": lambda: other.write_bytes(b"x"),
        "remove elsewhere": lambda: (elsewhere / "secret").unlink(),
        "read /etc/passwd": lambda: Path("/etc/passwd").read_bytes(),
        "take a file in by link": lambda: os.link(elsewhere / "secret", own),
        "take a file in by rename": lambda: os.rename(elsewhere / "secret", own),
        "follow a link out": lambda: through_link(own, elsewhere / "secret"),
        "connect": lambda: connect(port),
        "connect by IPv6": lambda: connect(port, socket.AF_INET6),
        "send a datagram": lambda: connect(port, kind=socket.SOCK_DGRAM),
        "raw socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
        "start a program": lambda: subprocess.run(["/bin/true"], check=True),
        "new user namespace": lambda: libc_call("unshare", 0x10000000),
        "read memory of a process": lambda: libc_call("process_vm_readv", os.getpid(), 0, 0, 0, 0, 0),
        "mount": lambda: libc_call("mount", b"none", b"/mnt", b"tmpfs", 0, 0),
        "in a thread that was there": lambda: in_thread(lambda: connect(port)),
    }  # fmt: skip


def through_link(link: Path, target: Path) -> None:
    """Make a link to a file elsewhere and read through it."""
    link.symlink_to(target)
    link.read_bytes()


def libc_call(name: str, *words: object) -> None:
    """Call the C library; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*words) != 0:
        raise OSError(ctypes.get_errno(), name)


def in_thread(action: Callable[[], object]) -> None:
    """Do it in the thread that ran before the second wall was put up."""
    _waiting_action.append(action)
    _go.set()
    _gone.wait(60)
    if _failed:
        raise _failed[0]


_go, _gone = threading.Event(), threading.Event()
_waiting_action: list[Callable[[], object]] = []
_failed: list[OSError] = []


def _thread() -> None:
    _go.wait(100)
    try:
        _waiting_action[0]()
    except OSError as error:
        _failed.append(error)
    _gone.set()


def main(role: str, settings: Path, elsewhere: Path, port: int) -> None:
    """Put the walls of a real role up around this process and report every attempt."""
    loaded = {"ferry_low": ferry_low, "ferry_high": ferry_high}[role].load(settings)
    assert loaded.walls is not None
    mason = mason_of(loaded.role, loaded.walls)
    mason.before_threads()
    threading.Thread(target=_thread, daemon=True).start()
    mason.once_serving()
    assert not mason.missing, mason.missing
    report = {name: attempt(action) for name, action in attempts(loaded.walls, elsewhere, port).items()}
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
