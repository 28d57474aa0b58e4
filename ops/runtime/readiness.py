"""sd_notify: tells systemd (when there is one) that a process is ready or stopping.

Source: sd_notify(3).
"""

from __future__ import annotations

import socket
from collections.abc import Mapping


def tell_service_manager(state: str, environment: Mapping[str, str]) -> None:
    """Send a state such as ``READY=1``; does nothing without a service manager.

    Args:
        state: the assignment to send.
        environment: where NOTIFY_SOCKET is looked up.
    """
    name = environment.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")):
        return
    address = "\0" + name[1:] if name.startswith("@") else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        try:
            out.connect(address)
            out.send(state.encode())
        except OSError:
            return


def supervisor_pid(environment: Mapping[str, str]) -> int | None:
    """Give the pid of the supervisor that started this process, if one did."""
    text = environment.get("FERRYGATE_SUPERVISOR_PID", "")
    return int(text) if text.isdecimal() else None
