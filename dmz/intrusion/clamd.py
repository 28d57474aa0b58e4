"""Asks clamd, over its Unix socket, whether bytes are infected (``wire_formats.clamd``); one connection per upload."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final, cast

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.basic import FileSender
from twisted.python.failure import Failure

from wire_formats.clamd import END, INSTREAM, MAX_REPLY, PING, PONG, Scanned, portion, read_reply

_CONNECT_S: Final = 3


class ClamdClient:
    """Asks clamd.

    Args:
        reactor: sockets and time.
        socket: clamd's Unix socket.
        deadline_s: longest time for one question.
    """

    def __init__(self, reactor: Any, socket: Path, deadline_s: float) -> None:
        self._reactor = reactor
        self._socket = socket
        self._deadline_s = deadline_s

    async def scan(self, data: bytes) -> Scanned:
        """Have bytes looked at; never raises: what went wrong is NOT_SCANNED."""
        return read_reply(await self._ask(INSTREAM, data))

    async def ping(self) -> bool:
        """Tell whether clamd answers."""
        return await self._ask(PING, None) == PONG

    async def _ask(self, command: bytes, data: bytes | None) -> bytes:
        """Give the reply; b"" without one."""
        talk = _Talk(command, data)
        try:
            endpoint = UNIXClientEndpoint(self._reactor, str(self._socket), timeout=_CONNECT_S)
            await connectProtocol(endpoint, talk)
            talk.reply.addTimeout(self._deadline_s, self._reactor)
            return await talk.reply
        except (ConnectError, ConnectionClosed, DeadlineError):
            return b""
        finally:
            talk.hang_up()


class _Talk(Protocol):
    """One command, one reply."""

    def __init__(self, command: bytes, data: bytes | None) -> None:
        self.reply: Deferred[bytes] = Deferred()
        self._command = command
        self._data = data
        self._got = b""

    def connectionMade(self) -> None:
        """Send the command, and the bytes as fast as clamd takes them."""
        assert self.transport is not None
        self.transport.write(self._command)
        if self._data is not None:
            sending = FileSender().beginFileTransfer(io.BytesIO(self._data), self.transport, portion)
            sending.addCallbacks(self._end_of_data, lambda _: None)

    def dataReceived(self, data: bytes) -> None:
        """Gather the reply; it ends with NUL."""
        self._got += data
        if b"\0" in self._got or len(self._got) > MAX_REPLY:
            self._answer()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nothing more comes."""
        self._answer()

    def hang_up(self) -> None:
        """End the connection, whatever is under way."""
        if self.transport is not None:
            cast("Any", self.transport).abortConnection()

    def _answer(self) -> None:
        if not self.reply.called:
            self.reply.callback(self._got[:MAX_REPLY])

    def _end_of_data(self, _: Any) -> None:
        if self.transport is not None and not self.reply.called:
            self.transport.write(END)
