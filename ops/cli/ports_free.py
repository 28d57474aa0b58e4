"""Finds out before the start which ports are taken."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable

from ops.runtime.metrics_page import LOOPBACK


def taken(ports: Iterable[int]) -> list[tuple[int, str]]:
    """Give the ports that cannot be listened on now, with the reason.

    Args:
        ports: TCP ports.
    """
    found: list[tuple[int, str]] = []
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as trying:
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trying.bind((LOOPBACK, port))
                trying.listen(1)
            except OSError as error:
                found.append((port, _word(error)))
    return found


def _word(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is taken by another program"
    if error.errno == errno.EACCES:
        return "needs more rights"
    return f"cannot be used ({error.strerror})"
