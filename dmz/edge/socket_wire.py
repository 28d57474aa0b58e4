"""A connected socket on the reactor, with or without TLS: the ``wire.Wire`` of a conversation.

::

    OPEN ──close()──▶ FLUSHING ──all sent, close_notify, FIN──▶ LINGERING ──peer's FIN──▶ SHUT
      any error, abort(), the peer's FIN after its close_notify ────────────────────────▶ SHUT

What is written is sent at once; only when the socket takes no more does the reactor watch for room. No timer, no
Deferred, no system call beyond that for an answer that fits. A read and a write are bounded per turn of the reactor,
so that one fast client cannot keep the others waiting. After our FIN what the peer still sends is thrown away, so
that a reset does not take our last answer from it; the user's deadline bounds that.

A client's close_notify (in clear: its FIN) ends only what it sends (RFC 8446 section 6.1): a request that is complete
is still answered. A FIN behind it says that nobody waits.

Source: edge research, section 2 (four epoll_ctl a request in Twisted's own transport); RFC 9112 section 9.6.
"""

from __future__ import annotations

import enum
import socket
import struct
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IReadWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from dmz.edge.tls_engine import RECORD_BYTES, Stop, TlsSession

#: A read is at most a record, a piece to write is a record: 64 and 256 KiB a turn.
READS_A_TURN: Final = 4
PIECES_A_TURN: Final = 16
_LINGER_BYTES: Final = 1024 * 1024
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_scratch: Final = bytearray(4 * RECORD_BYTES)
_scratch_view: Final = memoryview(_scratch)


class WireUser(Protocol):
    """What a wire tells. ``lost`` comes once, and never while another call of the user is running."""

    def received(self, data: bytes) -> None:
        """Bytes have come."""

    def input_ended(self) -> None:
        """The peer sends no more, and may still wait for an answer."""

    def drained(self) -> None:
        """Everything written has been passed on."""

    def lost(self) -> None:
        """The connection is gone."""


class PlainSession:
    """A connection in clear, in the shape of a ``TlsSession``.

    Args:
        descriptor: the socket, not blocking.
    """

    __slots__ = ("_descriptor",)
    most = RECORD_BYTES

    def __init__(self, descriptor: socket.socket) -> None:
        self._descriptor = descriptor

    def read(self) -> bytes | Stop:
        """Give the next bytes."""
        try:
            count = self._descriptor.recv_into(_scratch, RECORD_BYTES)
        except BlockingIOError:
            return Stop.WANT_READ
        except OSError:
            return Stop.BROKEN
        return bytes(_scratch_view[:count]) if count else Stop.ENDED

    def write(self, data: bytes) -> int | Stop:
        """Send the beginning of ``data``."""
        try:
            return self._descriptor.send(data)
        except BlockingIOError:
            return Stop.WANT_WRITE
        except OSError:
            return Stop.BROKEN

    def pending(self) -> int:
        """Nothing waits anywhere but in the socket."""
        return 0

    def say_goodbye(self) -> Stop | None:
        """The FIN says it."""
        return None


class _State(enum.Enum):
    OPEN = enum.auto()
    FLUSHING = enum.auto()
    LINGERING = enum.auto()
    SHUT = enum.auto()


@implementer(IReadWriteDescriptor)
class SocketWire:
    """One connection after its handshake.

    Args:
        reactor: descriptors and ``callLater``.
        descriptor: the connected socket, not blocking; owned by the wire from now on.
        user: is told what happens.
        session: TLS whose handshake is done, or None in clear.
    """

    __slots__ = (
        "_at",
        "_awaits_room",
        "_descriptor",
        "_fileno",
        "_input_over",
        "_lingered",
        "_paused",
        "_pieces_left",
        "_reactor",
        "_read_wants_write",
        "_secure",
        "_session",
        "_state",
        "_unsent",
        "_user",
        "_write_wants_read",
    )

    def __init__(
        self, reactor: Any, descriptor: socket.socket, user: WireUser, session: TlsSession | None = None
    ) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._fileno = descriptor.fileno()
        self._user = user
        self._secure = session is not None
        self._session: TlsSession | PlainSession = session or PlainSession(descriptor)
        self._state = _State.OPEN
        self._unsent: list[bytes] = []
        self._at = 0
        self._pieces_left = PIECES_A_TURN
        self._awaits_room = False
        self._paused = False
        self._input_over = False
        self._read_wants_write = False
        self._write_wants_read = False
        self._lingered = 0

    def start(self) -> None:
        """Begin to read; bytes that came with the end of the handshake are delivered in the next turn."""
        self._reactor.addReader(self)
        self._read_pending()

    # --- wire.Wire -------------------------------------------------------------

    @property
    def congested(self) -> bool:
        """Whether unsent bytes wait here."""
        return bool(self._unsent)

    def write(self, parts: list[bytes]) -> None:
        """Send bytes; what the socket does not take waits here."""
        if self._state is not _State.OPEN:
            return
        waiting = bool(self._unsent)
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        if data:
            self._unsent.append(data)
            if not waiting:
                self._send()

    def pause(self) -> None:
        """Read no more for now."""
        if not self._paused and self._state is _State.OPEN:
            self._paused = True
            self._reactor.removeReader(self)

    def resume(self) -> None:
        """Read again."""
        if self._paused and self._state is _State.OPEN:
            self._paused = False
            if self._secure or not self._input_over:
                self._reactor.addReader(self)
            self._read_pending()

    def close(self) -> None:
        """Send what is unsent, say goodbye, and wait for the peer to go."""
        if self._state is not _State.OPEN:
            return
        self._state = _State.FLUSHING
        if self._unsent:
            self._reactor.removeReader(self)
        else:
            self._part()

    def abort(self) -> None:
        """Reset the connection at once."""
        if self._state is not _State.SHUT:
            self._descriptor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self._shut()

    # --- the reactor's side ------------------------------------------------------

    def fileno(self) -> int:
        """The socket's number; -1 when it is closed."""
        return self._fileno

    def logPrefix(self) -> str:
        """Name in Twisted's own log lines."""
        return "edge connection"

    def doRead(self) -> None:
        """The socket is readable."""
        self._pieces_left = PIECES_A_TURN
        if self._write_wants_read:
            self._write_wants_read = False
            if self._paused or self._state is not _State.OPEN:
                self._reactor.removeReader(self)
            self._send_on()
            return
        if self._state is not _State.OPEN or self._input_over:
            self._discard()
            return
        session, user = self._session, self._user
        for _ in range(READS_A_TURN):
            data = session.read()
            if isinstance(data, Stop):
                self._no_bytes(data)
                return
            user.received(data)
            if self._paused or self._state is not _State.OPEN:
                return
            if len(data) < session.most:  # the record is exhausted, and what is left is still in the socket
                return
        self._read_pending()

    def doWrite(self) -> None:
        """The socket has room."""
        self._pieces_left = PIECES_A_TURN
        if self._read_wants_write:
            self._read_wants_write = False
            if not self._paused:
                self.doRead()
        self._send_on()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor saw a hang-up, or ends."""
        self._shut()

    # --- inside ------------------------------------------------------------------

    def _no_bytes(self, why: Stop) -> None:
        if why is Stop.WANT_WRITE:
            self._read_wants_write = True
            self._await_room(wanted=True)
        elif why is Stop.ENDED:
            self._input_over = True
            if not self._secure:
                self._reactor.removeReader(self)  # a FIN stays readable for ever
            elif self._peer_is_gone():
                self._shut()
                return
            self._user.input_ended()
        elif why is Stop.BROKEN:
            self._shut()

    def _peer_is_gone(self) -> bool:
        try:
            return not self._descriptor.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _read_pending(self) -> None:
        """Bytes that OpenSSL has decrypted already: the socket will not tell of them."""
        if self._session.pending():
            self._reactor.callLater(0, self._read_again)

    def _read_again(self) -> None:
        if self._state is _State.OPEN and not self._paused:
            self.doRead()

    def _send_on(self) -> None:
        """Go on sending what waits, and tell the user when all is passed on."""
        if self._state is _State.OPEN:
            waiting = bool(self._unsent)
            self._send()
            if waiting and not self._unsent and self._state is _State.OPEN:
                self._user.drained()
        elif self._state is _State.FLUSHING:
            self._send()
            if not self._unsent and self._state is _State.FLUSHING:
                self._part()

    def _send(self) -> None:
        """Pass on what the socket takes, within the share between two of its events; watch for room if more is left."""
        unsent = self._unsent
        while unsent and self._pieces_left:
            self._pieces_left -= 1
            data = unsent[0]
            at = self._at
            whole = at == 0 and len(data) <= RECORD_BYTES
            count = self._session.write(data if whole else data[at : at + RECORD_BYTES])
            if isinstance(count, Stop):
                self._not_sent(count)
                return
            self._at = at + count
            if self._at == len(data):
                del unsent[0]
                self._at = 0
        self._await_room(wanted=bool(unsent) or self._read_wants_write)

    def _await_room(self, *, wanted: bool) -> None:
        if wanted is not self._awaits_room:
            self._awaits_room = wanted
            (self._reactor.addWriter if wanted else self._reactor.removeWriter)(self)

    def _not_sent(self, why: Stop) -> None:
        if why is Stop.WANT_WRITE:
            self._await_room(wanted=True)
        elif why is Stop.WANT_READ:
            self._write_wants_read = True
            self._await_room(wanted=False)
            self._reactor.addReader(self)
        else:
            self._shut()

    def _part(self) -> None:
        """Everything is sent: close_notify, FIN, and wait for the peer's FIN."""
        if self._session.say_goodbye() is Stop.WANT_WRITE:
            self._await_room(wanted=True)
            return
        self._await_room(wanted=False)
        try:
            self._descriptor.shutdown(socket.SHUT_WR)
        except OSError:
            self._shut()
            return
        self._state = _State.LINGERING
        self._reactor.addReader(self)
        self._discard()

    def _discard(self) -> None:
        """Throw away what comes; the peer's FIN, or too much, ends the connection."""
        try:
            count = self._descriptor.recv_into(_scratch)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        self._lingered += count
        if not count:
            self._shut()
        elif self._lingered > _LINGER_BYTES:
            self.abort()

    def _shut(self) -> None:
        if self._state is _State.SHUT:
            return
        self._state = _State.SHUT
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        self._fileno = -1
        self._descriptor.close()
        self._unsent.clear()
        self._reactor.callLater(0, self._user.lost)
