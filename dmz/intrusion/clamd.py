r"""Asks clamd, over its Unix socket, whether bytes are infected: the INSTREAM command.

::

    → zINSTREAM\0  (length, 4 bytes big-endian; bytes)*  0000
    ← stream: OK\0   |   stream: <signature> FOUND\0   |   <reason> ERROR\0

One connection for each upload; clamd keeps its own limits (StreamMaxLength), and past them the answer is an ERROR.

Source: clamd(8), section COMMANDS.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, cast

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.basic import FileSender
from twisted.python.failure import Failure

MAX_REPLY: Final = 4_096
NO_ANSWER: Final = "no_answer"
_CONNECT_S: Final = 3
_LENGTH: Final = struct.Struct(">I")
_FOUND: Final = re.compile(r"stream: ([!-~]{1,200}) FOUND", re.ASCII)


class ScanVerdict(Enum):
    """What a scan gave."""

    CLEAN = "clean"
    INFECTED = "infected"
    NOT_SCANNED = "not_scanned"


@dataclass(frozen=True, slots=True)
class Scanned:
    """The result of a scan.

    Attributes:
        verdict: of it.
        told: the signature's name, or why nothing was scanned.
    """

    verdict: ScanVerdict
    told: str = ""


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
        return read_reply(await self._ask(b"zINSTREAM\0", data))

    async def ping(self) -> bool:
        """Tell whether clamd answers."""
        return await self._ask(b"zPING\0", None) == b"PONG\0"

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


def read_reply(reply: bytes) -> Scanned:
    """Read a reply of INSTREAM; anything odd is NOT_SCANNED."""
    if not reply:
        return Scanned(ScanVerdict.NOT_SCANNED, NO_ANSWER)
    text = reply.decode("ascii", "replace")
    if text == "stream: OK\0":
        return Scanned(ScanVerdict.CLEAN)
    match = _FOUND.fullmatch(text[:-1]) if text.endswith("\0") else None
    if match is not None:
        return Scanned(ScanVerdict.INFECTED, match[1])
    return Scanned(ScanVerdict.NOT_SCANNED, "too_large" if "size limit exceeded" in text else "clamd_error")


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
            sending = FileSender().beginFileTransfer(io.BytesIO(self._data), self.transport, _chunk)
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
            self.transport.write(_LENGTH.pack(0))


def _chunk(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data if data else b""
