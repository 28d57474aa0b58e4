"""Opens connections to clamd for the inspector, which can make no socket itself: a process of its own.

    inspector ── one byte ──▶ dialler ── connect ──▶ clamd's socket        ◀── the connection, or one byte for none

It is started before the inspector has read its key or a request, knows one path, and never sees what is scanned. So
behind its walls the inspector reaches clamd and nothing else: whoever takes it over can ask for connections to that one
socket, and whoever would take the dialler over has one byte to do it with.

Source: unix(7), SCM_RIGHTS.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

_PLEASE: Final = b"?"
_HERE: Final = b"+"
_NONE: Final = b"-"


def serve(asking: socket.socket, clamd: Path, *, deadline_s: float) -> None:
    """Open connections as long as somebody asks.

    Args:
        asking: the inspector's end of a socket pair is the other one.
        clamd: the one socket that is connected to.
        deadline_s: longest time for a connection, and for handing it over.
    """
    while asking.recv(1) == _PLEASE:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
            try:
                connection.settimeout(deadline_s)
                connection.connect(str(clamd))
            except OSError:
                asking.sendall(_NONE)
            else:
                socket.send_fds(asking, [_HERE], [connection.fileno()])


class Dialler:
    """The inspector's end.

    Args:
        answering: its end of the socket pair.
        deadline_s: longest time to wait for a connection.
    """

    def __init__(self, answering: socket.socket, *, deadline_s: float) -> None:
        self._answering = answering
        self._answering.settimeout(deadline_s)
        self._owed = 0

    def dial(self) -> socket.socket:
        """Give a fresh connection to clamd.

        Raises:
            OSError: there is none, or the dialler does not answer.
        """
        self._answering.sendall(_PLEASE)
        self._owed += 1
        while True:
            told, handles, _, _ = socket.recv_fds(self._answering, 1, 1)
            if not told:
                raise ConnectionError("the dialler is gone")
            self._owed -= 1
            connection = socket.socket(fileno=handles[0]) if handles else None
            if not self._owed:
                break
            # An answer to a question that was given up on.
            if connection is not None:
                connection.close()
        if connection is None:
            raise ConnectionRefusedError("clamd cannot be reached")
        return connection
