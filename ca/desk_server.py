"""The desk's Unix socket: frames in, frames out; connections, sizes and waiting all bounded.

A connection carries one question at a time. A broken frame closes it; nothing is answered to
bytes that are not a question. The socket has mode 0600 from its first moment.

Source: `wire_formats.desk_messages`; DESIGN invariant 9.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from ca.metrics import CaMetrics
from wire_formats.desk_messages import (
    LENGTH_BYTES,
    MAX_QUESTION_BYTES,
    DeskRefusal,
    Question,
    framed,
    parse_answer,
    parse_question,
)
from wire_formats.errors import PeerError
from wire_formats.settings_reader import SettingsError

ASK_BACKLOG: Final = 16
SOCKET_UMASK: Final = 0o177

Ask = Callable[[Question], Coroutine[Any, Any, bytes]]


class DeskConnection(Protocol):
    """One connection of the core.

    Args:
        ask: gives the encoded answer to a question.
        idle_s: the connection is closed after this long without a question.
        closed: called once when the connection is gone.
    """

    log = Logger()

    def __init__(self, ask: Ask, *, idle_s: int, clock: Any, closed: Callable[[DeskConnection], None]) -> None:
        self._ask = ask
        self._idle_s = idle_s
        self._closed = closed
        self._buffer = b""
        self._busy = False
        self._clock = clock
        self._timer: Any = None

    def connectionMade(self) -> None:
        """Start waiting for a question."""
        self._wait()

    def dataReceived(self, data: bytes) -> None:
        """Collect a frame; a second one before the answer is not allowed."""
        self._buffer += data
        if self._busy or len(self._buffer) > LENGTH_BYTES + MAX_QUESTION_BYTES:
            self._break("a question before the last one was answered, or too large")
            return
        if len(self._buffer) < LENGTH_BYTES:
            return
        length = int.from_bytes(self._buffer[:LENGTH_BYTES], "big")
        if not 0 < length <= MAX_QUESTION_BYTES:
            self._break("frame length out of range")
        elif len(self._buffer) > LENGTH_BYTES + length:
            self._break("bytes after the question")
        elif len(self._buffer) == LENGTH_BYTES + length:
            frame, self._buffer = self._buffer[LENGTH_BYTES:], b""
            self._question(frame)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the connection."""
        self._stop_waiting()
        self._closed(self)

    def close(self) -> None:
        """Close the connection at once."""
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

    def _wait(self) -> None:
        self._stop_waiting()
        self._timer = self._clock.callLater(self._idle_s, self.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _question(self, frame: bytes) -> None:
        try:
            question = parse_question(frame)
        except PeerError as error:
            self._break(error.private)
            return
        self._busy = True
        self._stop_waiting()
        Deferred.fromCoroutine(self._answer(question)).addErrback(self._failed)

    async def _answer(self, question: Question) -> None:
        encoded = await self._ask(question)
        self._busy = False
        if self.connected and self.transport is not None:
            self.transport.write(framed(encoded))
            self._wait()

    def _failed(self, failure: Failure) -> None:
        """Our own fault: the asker finds the desk silent and may ask again under the same id."""
        self.log.failure("desk_failed", failure=failure)
        self.close()

    def _break(self, reason: str) -> None:
        self.log.warn("desk_connection_broken", reason=reason)
        self.close()


class DeskFactory(Factory):
    """Accepts connections up to a limit; one more is closed at once."""

    noisy = False

    def __init__(self, ask: Ask, *, most: int, idle_s: int, clock: Any, metrics: CaMetrics) -> None:
        self._ask = ask
        self._most = most
        self._idle_s = idle_s
        self._clock = clock
        self._metrics = metrics
        self._open: set[DeskConnection] = set()

    def buildProtocol(self, addr: IAddress | None) -> DeskConnection | None:
        """Make a connection, or None when there are too many."""
        if len(self._open) >= self._most:
            return None
        connection = DeskConnection(self._ask, idle_s=self._idle_s, clock=self._clock, closed=self._gone)
        self._open.add(connection)
        self._metrics.connections(len(self._open))
        return connection

    def close_all(self) -> None:
        """Close every connection."""
        for connection in tuple(self._open):
            connection.close()

    def _gone(self, connection: DeskConnection) -> None:
        self._open.discard(connection)
        self._metrics.connections(len(self._open))


def listen(reactor: Any, path: Path, factory: DeskFactory) -> Any:
    """Open the desk's socket with mode 0600 and return Twisted's port.

    Raises:
        SettingsError: another process answers there, or something else has the name.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear_stale(path)
    before = os.umask(SOCKET_UMASK)
    try:
        return reactor.listenUNIX(
            str(path), factory, backlog=ASK_BACKLOG, mode=0o660
        )  # whoever may enter its folder may ask
    finally:
        os.umask(before)


def _clear_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SettingsError(f"{path}: not a socket; choose another name for the desk")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise SettingsError(f"{path}: another certificate desk answers here; stop it first")


def outcome_of(encoded: bytes) -> str:
    """Return the outcome of an answer as the metrics name it."""
    answer = parse_answer(encoded)
    if not isinstance(answer, DeskRefusal):
        return "done"
    family = answer.kind.value // 1000
    return {1: "malformed", 2: "refused", 3: "unavailable"}.get(family, "bug")
