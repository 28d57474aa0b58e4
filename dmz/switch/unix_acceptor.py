"""A listening Unix socket that a successor can take over while this process still accepts on it."""

from __future__ import annotations

import socket
import stat
from pathlib import Path
from typing import Final

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from dmz.switch.accept_rest import AcceptRest
from dmz.switch.reactor_port import SwitchReactor

_BACKLOG: Final = 128


@implementer(IReadDescriptor)
class UnixAcceptor:
    """Accepts connections on a listening socket that other processes may hold, too.

    Args:
        listener: not blocking; owned from now on.
        path: of its file.
        factory: makes the protocols; what it does not take is closed.
        reactor: for descriptors.
    """

    _log = Logger()

    def __init__(self, listener: socket.socket, path: Path, factory: Factory, reactor: SwitchReactor) -> None:
        self._listener = listener
        self._path = path
        self._factory = factory
        self._reactor = reactor
        self._rest = AcceptRest(reactor, self)
        reactor.addReader(self)

    def fileno(self) -> int:
        """The listening socket."""
        return self._listener.fileno()

    def logPrefix(self) -> str:
        """Name in Twisted's own log lines."""
        return "unix acceptor"

    def connectionLost(self, reason: Failure) -> None:
        """Nothing to give up: ``stop`` closes."""

    def doRead(self) -> None:
        """Let one connection in; the reactor calls again for the next."""
        try:
            connection, _ = self._listener.accept()
            with connection:
                connection.setblocking(False)
                self._reactor.adoptStreamConnection(connection.fileno(), socket.AF_UNIX, self._factory)
        except OSError as error:  # another process was faster, the peer is gone, or there is no room
            if self._rest.needed(error):
                reason = self._rest.first_words(error)
                if reason:
                    self._log.error("port_accepts_no_more", file=self._path.name, reason=reason)
            return
        self._rest.worked()

    def stop(self, *, remove: bool) -> None:
        """Accept no more; ``remove``: nobody else does either, so the socket file goes first."""
        self._rest.stop()
        self._reactor.removeReader(self)
        if remove:
            self._path.unlink(missing_ok=True)
        self._listener.close()


def bind_unix(path: Path, mode: int) -> socket.socket:
    """Bind and listen; a socket file that a dead process left behind is removed.

    Args:
        path: of the socket file.
        mode: its permissions.

    Raises:
        CannotListenError: somebody listens there, or the path cannot be used.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_dead_socket(path)
        listener.bind(str(path))
        path.chmod(mode)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListenError(None, str(path), error) from None
    return listener


def _remove_dead_socket(path: Path) -> None:
    """Remove a socket file on which nobody listens."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)  # a full backlog means that somebody listens
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        except BlockingIOError:
            return
