"""Accepts connections on an inherited listening socket, several a turn, and rests when there is no room."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from dmz.switch.accept_rest import AcceptRest

#: One costs about as much as a request; more in a turn would hold up those who are in.
ACCEPTS_A_TURN: Final = 4


@implementer(IReadDescriptor)
class Acceptor:
    """One listening socket of this process.

    Args:
        reactor: descriptors and ``callLater``.
        listener: the listening socket, not blocking; a copy of it is used, so that the caller's stays open.
        arrived: gets each new socket (not blocking) and the peer's IP address.
    """

    _log = Logger()

    def __init__(self, reactor: Any, listener: socket.socket, arrived: Callable[[socket.socket, str], None]) -> None:
        self._reactor = reactor
        self._listener = listener.dup()
        self._listener.setblocking(False)
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts inherits that
        self._arrived = arrived
        self._rest = AcceptRest(reactor, self)

    def start(self) -> None:
        """Accept from now on."""
        self._reactor.addReader(self)

    def stop(self) -> None:
        """Accept no more; connections in the kernel's queue are left to the other processes."""
        self._rest.stop()
        if self._listener.fileno() >= 0:
            self._reactor.removeReader(self)
            self._listener.close()

    # --- the reactor's side ------------------------------------------------------

    def fileno(self) -> int:
        """The listening socket's number."""
        return self._listener.fileno()

    def logPrefix(self) -> str:
        """Name in Twisted's own log lines."""
        return "edge acceptor"

    def doRead(self) -> None:
        """Connections wait."""
        for _ in range(ACCEPTS_A_TURN):
            try:
                connection, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if self._rest.needed(error):
                    reason = self._rest.first_words(error)
                    if reason:
                        self._log.error("edge_accepts_no_more", reason=reason)
                    return
                continue
            self._rest.worked()
            connection.setblocking(False)
            try:
                self._arrived(connection, address[0])
            except Exception:  # noqa: BLE001 - left to the reactor it would end the listening socket
                self._log.failure("edge_connection_failed")
                connection.close()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends."""
        self.stop()
