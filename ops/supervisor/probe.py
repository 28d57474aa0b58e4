"""Asks a role's /healthz over loopback, with a deadline and a size limit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from ops.runtime.metrics_page import LOOPBACK, Health

MOST_BYTES: Final = 65_536
DEADLINE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe found.

    Attributes:
        answered: whether the process answered at all.
        health: what it said.
    """

    answered: bool
    health: Health


SILENT: Final = Probed(answered=False, health=Health(ready=False, reasons=("no answer",)))


async def probe(reactor: Any, port: int) -> Probed:
    """Ask a role's health page.

    Args:
        reactor: connections and time.
        port: loopback port.

    Returns:
        What it said, or ``SILENT``.
    """
    asking = _Asking()
    try:
        endpoint = TCP4ClientEndpoint(reactor, LOOPBACK, port, timeout=int(DEADLINE_S))
        await connectProtocol(endpoint, asking)
        asking.answer.addTimeout(DEADLINE_S, reactor)
        data = await asking.answer
    except (ConnectError, DeadlineError):
        return SILENT
    finally:
        if asking.transport is not None:
            asking.transport.loseConnection()
    return parse(data)


def parse(data: bytes) -> Probed:
    """Read an HTTP answer of /healthz; anything odd is silence."""
    head, _, body = data.partition(b"\r\n\r\n")
    try:
        told = json.loads(body)
        reasons = tuple(str(reason)[:200] for reason in told["reasons"])
        figures = {str(name): int(number) for name, number in told["figures"].items()}
        ready = head.split(b" ", 2)[1] == b"200" and told["ready"] is True
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return SILENT
    return Probed(answered=True, health=Health(ready=ready, reasons=reasons, figures=figures))


class _Asking(Protocol):
    """One request, one answer, until the other side closes."""

    def __init__(self) -> None:
        self.answer: Deferred[bytes] = Deferred()
        self._data = b""

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    def dataReceived(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > MOST_BYTES:
            assert self.transport is not None
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        if not self.answer.called:
            self.answer.callback(self._data)
