"""What the switch and the ports ask of a reactor; Twisted's reactors conform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IConnector, IDelayedCall, IReadDescriptor


class SwitchReactor(Protocol):
    """Time, and Unix sockets (IReactorTime, IReactorUNIX, IReactorSocket, IReactorFDSet)."""

    def seconds(self) -> float:
        """Give the time in seconds."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: object, **kw: object) -> IDelayedCall:  # noqa: A002 - Twisted's names
        """Call something after ``delay`` seconds."""

    def connectUNIX(self, address: str, factory: Any, timeout: float = 30) -> IConnector:  # noqa: N802 - Twisted's name
        """Connect to a socket."""

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: Any, factory: Any) -> Any:  # noqa: N803 - Twisted's names
        """Serve an accepted connection; a copy of the descriptor is taken."""

    def addReader(self, reader: IReadDescriptor) -> None:  # noqa: N802 - Twisted's name
        """Call a descriptor when it can be read."""

    def removeReader(self, reader: IReadDescriptor) -> None:  # noqa: N802 - Twisted's name
        """Call it no more."""
