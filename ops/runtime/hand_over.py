"""How a process takes over the listening sockets of the older one of its name, while that one still serves.

The supervisor gives every such process a channel of its own and keeps the far end; a successor gets a copy of it::

    FERRYGATE_HAND_OVER_FD     this process's end of its channel
    FERRYGATE_PREDECESSOR_FD   a successor only: the far end of the older process's channel
    FERRYGATE_HEALTH_FD        a successor only: a loopback socket that listens, for its health page

    successor  ──"take"──▶ predecessor     which answers with names and sockets (SCM_RIGHTS), and serves on
    supervisor ──"leave"─▶ predecessor     before SIGTERM: the successor is healthy, the sockets are its own now

A listening socket that two processes hold is accepted from by both and closed for nobody when one of them leaves: no
connection is refused, none in its queue is lost. Who fails to become healthy has taken nothing away.

Source: edge research, sections 1 (rolling restart) and 4 (own restart); unix(7), cmsg(3).
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final

from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

OWN: Final = "FERRYGATE_HAND_OVER_FD"
PREDECESSOR: Final = "FERRYGATE_PREDECESSOR_FD"
HEALTH: Final = "FERRYGATE_HEALTH_FD"
TAKE: Final = b"take"
LEAVE: Final = b"leave"
MOST_SOCKETS: Final = 16
_MOST_BYTES: Final = 4_096
#: How long a predecessor may take; then it is taken for gone, and the sockets are bound anew.
_TAKE_S: Final = 10.0


class HandOver:
    """One process's part in the succession.

    Args:
        own: its channel; None without a supervisor that hands over.
        predecessor: channel of the older process; None when there is none.
        health_fd: listening loopback socket for its health page; -1: none.
        successor: whether an older process of the name still serves.
    """

    def __init__(
        self,
        own: socket.socket | None = None,
        predecessor: socket.socket | None = None,
        *,
        health_fd: int = -1,
        successor: bool = False,
    ) -> None:
        self._own = own
        self._predecessor = predecessor
        self.health_fd = health_fd
        self.is_successor = successor
        self._sockets: dict[str, socket.socket] = {}
        self._succeeded = False
        if own is not None:
            own.setblocking(False)

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> HandOver:
        """Take what the supervisor gave, out of the environment: it is not for this process's own children."""
        own, predecessor, health = (int(environment.pop(name, "-1")) for name in (OWN, PREDECESSOR, HEALTH))
        for descriptor in (own, predecessor, health):
            if descriptor >= 0:
                os.set_inheritable(descriptor, False)
        return cls(
            socket.socket(fileno=own) if own >= 0 else None,
            socket.socket(fileno=predecessor) if predecessor >= 0 else None,
            health_fd=health,
            successor=predecessor >= 0,
        )

    def for_forked(self, number: int, *, beside: bool) -> HandOver:
        """Give a forked child's part: the first one has the health page; sockets and channels are its master's.

        Call it in the child; its copies of the channels are closed.

        Args:
            number: of the child, from 0.
            beside: whether the same master's older children may still serve, and have the health pages' ports.
        """
        for channel in (self._own, self._predecessor):
            if channel is not None:
                channel.close()
        return HandOver(health_fd=self.health_fd if number == 0 else -1, successor=self.is_successor or beside)

    def take(self) -> dict[str, socket.socket]:
        """Ask the older process for its listening sockets (blocking, at start only).

        Returns:
            The sockets by name; empty when there is no older process, or when it does not answer in time.
        """
        channel, self._predecessor = self._predecessor, None
        if channel is None:
            return {}
        with channel, contextlib.suppress(OSError):
            channel.settimeout(_TAKE_S)
            channel.send(TAKE)
            names, descriptors, _, _ = socket.recv_fds(channel, _MOST_BYTES, MOST_SOCKETS)
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)
            sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
            return dict(zip(names.decode("ascii").split(), sockets, strict=True))
        return {}

    def offer(self, sockets: Mapping[str, socket.socket]) -> None:
        """Say what a successor gets when it asks; at most MOST_SOCKETS."""
        self._sockets = dict(sockets)

    def look(self) -> bool:
        """Answer what came in on the channel; never waits. False when the supervisor has hung up."""
        while (own := self._own) is not None:
            try:
                asked = own.recv(_MOST_BYTES)
            except BlockingIOError:
                return True
            except OSError:
                asked = b""
            if not asked:
                self._own = None
            if asked == LEAVE:
                self._succeeded = True
            elif asked == TAKE:
                descriptors = [sock.fileno() for sock in self._sockets.values()]
                with contextlib.suppress(OSError):  # a full channel: successors that asked and went away
                    socket.send_fds(own, [" ".join(self._sockets).encode("ascii")], descriptors)
        return False

    def succeeded(self) -> bool:
        """Whether a successor serves on the same sockets, so that leaving closes nothing for anybody."""
        self.look()
        return self._succeeded

    def watch(self, reactor: Any) -> None:
        """Answer on the reactor from now on; for processes that have one."""
        if self._own is not None:
            reactor.addReader(_Channel(self._own, self.look))


@implementer(IReadDescriptor)
class _Channel:
    """The channel in the reactor."""

    def __init__(self, channel: socket.socket, look: Callable[[], bool]) -> None:
        self._channel = channel
        self._look = look

    def fileno(self) -> int:
        """Give the channel's descriptor."""
        return self._channel.fileno()

    def logPrefix(self) -> str:
        """Name this reader in Twisted's own messages."""
        return "hand_over"

    def connectionLost(self, reason: Failure) -> None:
        """The supervisor is gone; the kernel tells this process by a signal, too."""

    def doRead(self) -> Failure | None:
        """Something was asked, or the other end is gone."""
        return None if self._look() else Failure(EOFError("the supervisor is gone"))
