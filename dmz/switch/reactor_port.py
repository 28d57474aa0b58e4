"""What the switch and the ports ask of a reactor; Twisted's reactors conform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IConnector, IDelayedCall, IListeningPort


class SwitchReactor(Protocol):
    """Time, and Unix sockets (IReactorTime, IReactorUNIX)."""

    def seconds(self) -> float:
        """Give the time in seconds."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: object, **kw: object) -> IDelayedCall:  # noqa: A002 - Twisted's names
        """Call something after ``delay`` seconds."""

    def connectUNIX(self, address: str, factory: Any, timeout: float = 30) -> IConnector:  # noqa: N802 - Twisted's name
        """Connect to a socket."""

    def listenUNIX(self, address: str, factory: Any, backlog: int = 50, mode: int = 0o666) -> IListeningPort:  # noqa: N802 - Twisted's name
        """Listen on a socket."""
