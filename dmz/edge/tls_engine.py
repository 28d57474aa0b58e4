"""TLS on a socket, one step at a time: the only place that knows how OpenSSL is called.

Two ways lead to OpenSSL. ``DirectSession`` calls the functions that pyOpenSSL has bound and keeps for itself
(``OpenSSL.SSL._lib``): no exception for an empty socket, one copy per record. ``PublicSession`` uses pyOpenSSL's public
names only; it takes about 1.4 times the time per request, and there is no public name for the mode in which a flood of
KeyUpdate does not hold up a read. ``tls_self_test`` tries the direct way on a real handshake and an echo at start, and
falls back when anything differs, so that a new version of pyOpenSSL cannot break an edge.

OpenSSL's error queue belongs to the thread, not to a connection: it is emptied before each call whose result depends
on it, and after each failure, so that no connection is judged by another's error.

Handshakes go through OpenSSL's memory, a few records a step (``record_reader`` tells why); after one, the direct
session gives OpenSSL the socket itself, the public one, which has no name for that, stays with the memory.

Source: edge research, section 2 (10.3 µs a record by the public names, 4.7 directly); SSL_get_error(3), SSL_write(3),
SSL_CTX_set_mode(3) (SSL_MODE_AUTO_RETRY).
"""

from __future__ import annotations

import enum
import socket
from typing import Any, Final, Protocol, TypeAlias

from OpenSSL import SSL

from dmz.edge.record_reader import WAITING, RecordReader

#: The longest plaintext of a TLS record: a read of this size leaves nothing pending inside OpenSSL.
RECORD_BYTES: Final = 16 * 1024
#: Records of one step of a handshake: a client's whole flight as browsers send it is less.
RECORDS_A_STEP: Final = 8
#: Records of a client's whole handshake; the longest chain of certificates that OpenSSL takes fits in seven full ones.
MOST_RECORDS: Final = 64


class Stop(enum.Enum):
    """Why a step gave no bytes.

    WANT_READ and WANT_WRITE: it goes on when the socket is readable, writable. MORE: a handshake goes on at once, in
    its next turn. ENDED: the peer has sent close_notify. BROKEN: the connection cannot be used any more (reset, end of
    file in mid-record, bad record, failed handshake).
    """

    WANT_READ = enum.auto()
    WANT_WRITE = enum.auto()
    MORE = enum.auto()
    ENDED = enum.auto()
    BROKEN = enum.auto()


class TlsSession(Protocol):
    """The server's side of one TLS connection on a non-blocking socket."""

    connection: SSL.Connection

    def handshake(self) -> Stop | None:
        """Take one step, of at most RECORDS_A_STEP records; None when the handshake is done."""

    def read(self) -> bytes | Stop:
        """Give the next decrypted bytes, at most a record."""

    def write(self, data: bytes) -> int | Stop:
        """Encrypt and send the beginning of ``data``, at most a record; gives how many bytes were taken.

        After a WANT the same bytes must come again, and may be followed by more.
        """

    @property
    def most(self) -> int:
        """Bytes of one read: after a shorter one no decrypted bytes wait inside OpenSSL."""

    def pending(self) -> int:
        """Give how many decrypted bytes wait inside OpenSSL, where no readiness of the socket will tell of them."""

    def say_goodbye(self) -> Stop | None:
        """Send close_notify; None when it is sent, or cannot be."""


SessionMaker: TypeAlias = type["DirectSession"] | type["PublicSession"]


# pyOpenSSL has no types for these two.
_ffi: Any = getattr(SSL, "_ffi", None)
_lib: Any = getattr(SSL, "_lib", None)
_buffer: Any = None if _ffi is None else _ffi.new("char[]", RECORD_BYTES)
_readable: Any = None if _ffi is None else _ffi.buffer(_buffer)
_waiting: Any = None if _ffi is None else _ffi.from_buffer(WAITING)


def _look(reader: RecordReader, most: int) -> list[int] | Stop:
    """Look at the records that wait: where each ends, or why there are none."""
    try:
        return reader.look(most) or Stop.BROKEN
    except BlockingIOError:
        return Stop.WANT_READ
    except OSError:
        return Stop.BROKEN


class DirectSession:
    """A ``TlsSession`` by pyOpenSSL's own binding.

    Args:
        context: of the port.
        descriptor: the connected socket, not blocking; it must outlive this session.
        most: bytes of one read, at most RECORD_BYTES (tests make it small).
    """

    __slots__ = ("_descriptor", "_over", "_reader", "_ssl", "_unsent", "connection", "most")

    def __init__(self, context: SSL.Context, descriptor: socket.socket, most: int = RECORD_BYTES) -> None:
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self._ssl = self.connection._ssl
        # pyOpenSSL has a read go on until application data comes: a client that sends KeyUpdate after KeyUpdate would
        # never let it return. Without that a read ends after each record, and everybody else has his turn.
        _lib.SSL_clear_mode(self._ssl, _lib.SSL_MODE_AUTO_RETRY)
        self.most = most
        self._descriptor = descriptor
        self._reader: RecordReader | None = RecordReader(descriptor)  # None: OpenSSL has the socket, and no memory
        self._unsent = b""
        self._over = False

    def handshake(self) -> Stop | None:
        """See ``TlsSession``."""
        reader = self._reader
        if reader is None:
            return None
        if self._unsent:
            return self._end_of_step(Stop.WANT_READ)
        ends = _look(reader, RECORDS_A_STEP)
        if isinstance(ends, Stop):
            return ends
        at, into = 0, self.connection._into_ssl
        for end in ends:
            _lib.BIO_write(into, _waiting + at, end - at)
            at = end
            _lib.ERR_clear_error()
            result = _lib.SSL_do_handshake(self._ssl)
            if result == 1:
                self._over = True
                break
            if self._why(result) is not Stop.WANT_READ:
                self._end_of_step(Stop.BROKEN)  # the alert
                return Stop.BROKEN
        reader.take(at)
        if reader.records > MOST_RECORDS:
            return Stop.BROKEN
        return self._end_of_step(Stop.MORE if len(ends) == RECORDS_A_STEP else Stop.WANT_READ)

    def _end_of_step(self, otherwise: Stop) -> Stop | None:
        """Send what OpenSSL has written to memory; when all is sent and the handshake done, give it the socket."""
        while data := self._unsent or self._written():
            try:
                self._unsent = data[self._descriptor.send(data) :]
            except BlockingIOError:
                self._unsent = data
                return Stop.WANT_WRITE
            except OSError:
                return Stop.BROKEN
        if not self._over:
            return otherwise
        self._reader = None
        _lib.SSL_set_fd(self._ssl, self._descriptor.fileno())  # frees the memory
        return None

    def _written(self) -> bytes:
        count = _lib.BIO_read(self.connection._from_ssl, _buffer, RECORD_BYTES)
        data: bytes = _readable[: max(0, count)]
        return data

    def read(self) -> bytes | Stop:
        """See ``TlsSession``."""
        _lib.ERR_clear_error()
        count = _lib.SSL_read(self._ssl, _buffer, self.most)
        if count > 0:
            data: bytes = _readable[:count]
            return data
        return self._why(count)

    def write(self, data: bytes) -> int | Stop:
        """See ``TlsSession``."""
        _lib.ERR_clear_error()
        count: int = _lib.SSL_write(self._ssl, data, len(data))
        return count if count > 0 else self._why(count)

    def pending(self) -> int:
        """See ``TlsSession``."""
        count: int = _lib.SSL_pending(self._ssl)
        return count

    def say_goodbye(self) -> Stop | None:
        """See ``TlsSession``."""
        _lib.ERR_clear_error()
        result = _lib.SSL_shutdown(self._ssl)
        if result < 0 and self._why(result) is Stop.WANT_WRITE:
            return Stop.WANT_WRITE
        return None

    def _why(self, result: int) -> Stop:
        error = _lib.SSL_get_error(self._ssl, result)
        if error == SSL_WANT_READ:
            return Stop.WANT_READ
        if error == SSL_WANT_WRITE:
            return Stop.WANT_WRITE
        if error == SSL_ENDED:
            return Stop.ENDED
        _lib.ERR_clear_error()
        return Stop.BROKEN


SSL_WANT_READ: Final[int] = getattr(_lib, "SSL_ERROR_WANT_READ", 0)
SSL_WANT_WRITE: Final[int] = getattr(_lib, "SSL_ERROR_WANT_WRITE", 0)
SSL_ENDED: Final[int] = getattr(_lib, "SSL_ERROR_ZERO_RETURN", 0)


class PublicSession:
    """A ``TlsSession`` by pyOpenSSL's public names: OpenSSL works in memory, and gets one record at a time.

    So no flood of KeyUpdate holds up a read, although there is no public name for the mode of the direct session.

    Args:
        context: of the port.
        descriptor: the connected socket, not blocking.
        most: bytes of one read.
    """

    __slots__ = ("_descriptor", "_reader", "_said_goodbye", "_taken", "_unsent", "connection", "most")

    def __init__(self, context: SSL.Context, descriptor: socket.socket, most: int = RECORD_BYTES) -> None:
        self.connection = SSL.Connection(context, None)
        self.connection.set_accept_state()
        self._descriptor = descriptor
        self._reader = RecordReader(descriptor)
        self.most = most
        self._taken = 0
        self._unsent = b""
        self._said_goodbye = False

    def handshake(self) -> Stop | None:
        """See ``TlsSession``."""
        for _ in range(RECORDS_A_STEP):
            result = self._step()
            sent = self._sent()
            if result is Stop.BROKEN or self._reader.records > MOST_RECORDS:
                return Stop.BROKEN
            if sent is not None or result is None:
                return sent
            fed = self._feed()
            if fed is not None:
                return fed
        return Stop.MORE

    def _step(self) -> Stop | None:
        try:
            self.connection.do_handshake()
        except SSL.Error as error:
            return _stop_of(error)
        return None

    def _feed(self) -> Stop | None:
        """Give OpenSSL the next bytes, at most a record; None when there were some."""
        ends = _look(self._reader, 1)
        if isinstance(ends, Stop):
            return ends
        self.connection.bio_write(bytes(WAITING[: ends[0]]))
        self._reader.take(ends[0])
        return None

    def _sent(self) -> Stop | None:
        """Send what OpenSSL has written to memory; None when all is sent."""
        while data := self._unsent or self._written():
            try:
                self._unsent = data[self._descriptor.send(data) :]
            except BlockingIOError:
                self._unsent = data
                return Stop.WANT_WRITE
            except OSError:
                return Stop.BROKEN
        return None

    def _written(self) -> bytes:
        try:
            return self.connection.bio_read(RECORD_BYTES)
        except SSL.WantReadError:
            return b""

    def read(self) -> bytes | Stop:
        """See ``TlsSession``."""
        sent = self._sent()  # answers to KeyUpdate: who does not take them is not read any further
        if sent is not None:
            return sent
        data = self._recv()
        if data is Stop.WANT_READ:
            data = self._feed() or self._recv()
        return data

    def _recv(self) -> bytes | Stop:
        try:
            return self.connection.recv(self.most)
        except SSL.Error as error:
            return _stop_of(error)

    def write(self, data: bytes) -> int | Stop:
        """See ``TlsSession``."""
        if not self._taken:
            try:
                self._taken = self.connection.send(data)
            except SSL.Error as error:
                return _stop_of(error)
        sent = self._sent()
        if sent is not None:
            return sent  # the same bytes come again, and then are said to be taken
        taken, self._taken = self._taken, 0
        return taken

    def pending(self) -> int:
        """See ``TlsSession``."""
        return self.connection.pending()

    def say_goodbye(self) -> Stop | None:
        """See ``TlsSession``."""
        if not self._said_goodbye:
            self._said_goodbye = True
            try:
                self.connection.shutdown()
            except SSL.Error:
                return None  # nothing can be said any more
        return Stop.WANT_WRITE if self._sent() is Stop.WANT_WRITE else None


def _stop_of(error: SSL.Error) -> Stop:
    if isinstance(error, SSL.WantReadError):
        return Stop.WANT_READ
    if isinstance(error, SSL.WantWriteError):
        return Stop.WANT_WRITE
    return Stop.ENDED if isinstance(error, SSL.ZeroReturnError) else Stop.BROKEN
