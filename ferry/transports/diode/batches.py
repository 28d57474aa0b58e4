"""Many datagrams in one system call: sendmmsg(2) and recvmmsg(2) through ctypes, or one by one where they are missing.

Python has no binding of its own.  Measured with datagrams of 1,472 bytes on loopback: docs/diode.md.

All datagrams of a link have one size, so both directions use one block of memory with a slot for each, and the kernel's
structures are filled in once.
"""

from __future__ import annotations

import ctypes
import os
import socket
from typing import Final, Protocol

#: Datagrams of one call.
BATCH: Final = 64
_MSG_DONTWAIT: Final = 0x40


class _IoVector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_IoVector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _ManyMessage(ctypes.Structure):
    _fields_ = (("message", _Message), ("length", ctypes.c_uint))


_libc: Final = ctypes.CDLL(None, use_errno=True)


def calls_found() -> bool:
    """Whether the C library has both calls (Linux)."""
    return hasattr(_libc, "sendmmsg") and hasattr(_libc, "recvmmsg")


class Sending(Protocol):
    """Sends datagrams without waiting."""

    def send(self, datagrams: list[bytes]) -> int:
        """Send some, in order; gives how many were taken, none when the socket is full.

        Raises:
            OSError: the first could not be sent for another reason.
        """


class Receiving(Protocol):
    """Receives datagrams without waiting."""

    def receive(self) -> list[memoryview]:
        """Give what has come, at most one batch; the memory is used again by the next call.

        Raises:
            OSError: the socket cannot be read.
        """


class _Slots:
    """Memory for a batch, with the kernel's description of it."""

    def __init__(self, slot: int, length: int) -> None:
        self.memory = bytearray(slot * BATCH)
        self.view = memoryview(self.memory)
        first = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.vectors = (_IoVector * BATCH)(*(_IoVector(first + index * slot, length) for index in range(BATCH)))
        self.messages = (_ManyMessage * BATCH)()
        for index in range(BATCH):
            message = self.messages[index].message
            message.vectors = ctypes.pointer(self.vectors[index])
            message.vector_count = 1


class ManySending:
    """Sends by sendmmsg.

    Args:
        descriptor: the socket, not connected.
        target: where to, as ``socket_address`` gives it.
        size: of every datagram.
    """

    def __init__(self, descriptor: int, target: bytes, *, size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self._slots = _Slots(size, size)
        self._target = ctypes.create_string_buffer(target, len(target))
        for index in range(BATCH):
            message = self._slots.messages[index].message
            message.name = ctypes.addressof(self._target)
            message.name_length = len(target)

    def send(self, datagrams: list[bytes]) -> int:
        """Send some, in order."""
        batch = datagrams[:BATCH]
        self._slots.view[: len(batch) * self._size] = b"".join(batch)
        taken = _libc.sendmmsg(self._descriptor, self._slots.messages, len(batch), _MSG_DONTWAIT)
        if taken < 0:
            return _failed()
        return int(taken)


class ManyReceiving:
    """Receives by recvmmsg.

    Args:
        descriptor: the socket, connected to the only source.
        size: of every datagram; a longer one shows as one byte longer.
    """

    def __init__(self, descriptor: int, *, size: int) -> None:
        self._descriptor = descriptor
        self._slots = _Slots(size + 8, size + 1)
        self._starts = [self._slots.view[index * (size + 8) : (index + 1) * (size + 8)] for index in range(BATCH)]

    def receive(self) -> list[memoryview]:
        """Give what has come."""
        slots = self._slots
        count = _libc.recvmmsg(self._descriptor, slots.messages, BATCH, _MSG_DONTWAIT, None)
        if count < 0:
            _failed()
            return []
        return [self._starts[index][: slots.messages[index].length] for index in range(count)]


class SingleSending:
    """Sends one by one, where sendmmsg is missing.

    Args:
        sock: the socket, not connected.
        target: where to.
    """

    def __init__(self, sock: socket.socket, target: tuple[str, int]) -> None:
        self._socket = sock
        self._target = target

    def send(self, datagrams: list[bytes]) -> int:
        """Send some, in order."""
        for count, datagram in enumerate(datagrams[:BATCH]):
            try:
                self._socket.sendto(datagram, self._target)
            except BlockingIOError:
                return count
            except OSError:
                if count == 0:
                    raise
                return count
        return len(datagrams[:BATCH])


class SingleReceiving:
    """Receives one by one, where recvmmsg is missing.

    Args:
        sock: the socket, connected to the only source.
        size: of every datagram; a longer one shows as one byte longer.
    """

    def __init__(self, sock: socket.socket, *, size: int) -> None:
        self._socket = sock
        self._size = size

    def receive(self) -> list[memoryview]:
        """Give what has come."""
        found = []
        for _ in range(BATCH):
            try:
                found.append(memoryview(self._socket.recv(self._size + 1)))
            except BlockingIOError:
                break
        return found


def _failed() -> int:
    number = ctypes.get_errno()
    if number in _WAIT:
        return 0
    raise OSError(number, os.strerror(number))


_WAIT: Final = frozenset({11, 4})  # EAGAIN, EINTR
