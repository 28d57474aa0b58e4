"""The two sockets of a link: where they are bound, whom they hear, how large their buffers are.

The sender's is never connected and never read: what the network says back (ICMP) does not reach it.  The receiver's is
connected to the one source, so the kernel itself drops what comes from anywhere else.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Final

from ferry.transports.diode.batches import (
    ManyReceiving,
    ManySending,
    Receiving,
    Sending,
    SingleReceiving,
    SingleSending,
    calls_found,
)

#: Linux: as SO_SNDBUF and SO_RCVBUF, beyond the system's limit, for who may (CAP_NET_ADMIN).
_FORCED: Final = {socket.SO_SNDBUF: 32, socket.SO_RCVBUF: 33}
#: Linux: nine numbers about a socket's memory; the last counts datagrams dropped for lack of it.
_SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("=9I")
_LIMIT_NAMES: Final = {socket.SO_SNDBUF: "net.core.wmem_max", socket.SO_RCVBUF: "net.core.rmem_max"}


@dataclass(frozen=True, slots=True)
class Address:
    """An address and port; of IPv4 only, as diodes are.

    Attributes:
        host: dotted decimal.
        port: 1 to 65535; 0 only where a test lets the system choose.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``192.0.2.1:7101``.

        Raises:
            ValueError: anything else.
        """
        host, colon, port = text.rpartition(":")
        try:
            socket.inet_pton(socket.AF_INET, host)
        except OSError:
            raise ValueError(f"'{text[:40]}' is no IPv4 address and port like 192.0.2.1:7101") from None
        if not colon or not port.isdecimal() or not 0 <= int(port) <= 65_535:
            raise ValueError(f"'{text[:40]}' is no IPv4 address and port like 192.0.2.1:7101")
        return cls(host, int(port))

    @property
    def pair(self) -> tuple[str, int]:
        """As the socket module wants it."""
        return self.host, self.port

    @property
    def packed(self) -> bytes:
        """As the kernel wants it (sockaddr_in)."""
        family = struct.pack("=H", socket.AF_INET)
        return family + struct.pack(">H", self.port) + socket.inet_pton(socket.AF_INET, self.host) + bytes(8)


def open_sender(at: Address, *, buffer_bytes: int) -> tuple[socket.socket, str]:
    """Open the sending socket; gives it and what is wrong with its buffer, or "".

    Raises:
        OSError: the address cannot be bound.
    """
    return _open(at, socket.SO_SNDBUF, buffer_bytes)


def open_receiver(at: Address, source: Address, *, buffer_bytes: int) -> tuple[socket.socket, str]:
    """Open the receiving socket; gives it and what is wrong with its buffer, or "".

    Raises:
        OSError: the address cannot be bound.
    """
    sock, trouble = _open(at, socket.SO_RCVBUF, buffer_bytes)
    try:
        sock.connect(source.pair)
    except OSError:
        sock.close()
        raise
    return sock, trouble


def sending(sock: socket.socket, target: Address, *, size: int) -> Sending:
    """Give the best way to send that this system has."""
    if calls_found():
        return ManySending(sock.fileno(), target.packed, size=size)
    return SingleSending(sock, target.pair)


def receiving(sock: socket.socket, *, size: int) -> Receiving:
    """Give the best way to receive that this system has."""
    if calls_found():
        return ManyReceiving(sock.fileno(), size=size)
    return SingleReceiving(sock, size=size)


def kernel_drops(sock: socket.socket) -> int:
    """Give how many datagrams the kernel has dropped at this socket for lack of memory; 0 where it does not tell."""
    try:
        told = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:
        return 0
    return int(_MEMINFO.unpack(told)[8]) if len(told) == _MEMINFO.size else 0


def _open(at: Address, option: int, buffer_bytes: int) -> tuple[socket.socket, str]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        granted = _enlarge(sock, option, buffer_bytes)
        sock.bind(at.pair)
    except OSError:
        sock.close()
        raise
    if granted >= buffer_bytes:
        return sock, ""
    return sock, (
        f"socket buffer of {granted} bytes instead of {buffer_bytes}: sysctl -w {_LIMIT_NAMES[option]}={buffer_bytes}"
    )


def _enlarge(sock: socket.socket, option: int, wanted: int) -> int:
    granted = 0
    for name in (option, _FORCED[option]):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, name, wanted)
        # Linux doubles what it was asked for, for its own bookkeeping, and tells the double.
        granted = sock.getsockopt(socket.SOL_SOCKET, option) // 2
        if granted >= wanted:
            break
    return granted
