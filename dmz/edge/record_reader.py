"""Reads a socket record by record, so that OpenSSL gets no more of a handshake at once than one turn has time for.

On a socket of its own OpenSSL reads on until the handshake needs an answer. A client may cut its ClientHello into
thousands of records of a byte each, and every one of them costs OpenSSL some microseconds: one call would then last
150 ms, as long as more comes longer, and everybody else waits. From memory it gets what it is given.

Nothing beyond the end of a record is read: what follows the last record of the handshake stays in the socket.

Source: RFC 8446 section 5.1 (record: type 1, version 2, length 2 bytes, fragment; a message may span records).
"""

from __future__ import annotations

import socket
from typing import Final

_HEADER: Final = 5
_MOST: Final = 16 * 1024 + 256


class RecordReader:
    """The records that come through a socket.

    Args:
        descriptor: the connected socket, not blocking.

    Attributes:
        records: how many have begun so far.
    """

    __slots__ = ("_descriptor", "_header", "_left", "records")

    def __init__(self, descriptor: socket.socket) -> None:
        self._descriptor = descriptor
        self._header = b""
        self._left = 0
        self.records = 0

    def next(self) -> bytes:
        """Give the next bytes, at most to the end of a record; b"" at the end of the stream.

        Raises:
            BlockingIOError: nothing is there now.
            OSError: the connection is broken.
        """
        if self._left:
            return self._fragment()
        head = self._descriptor.recv(_HEADER - len(self._header))
        self._header += head
        if not head or len(self._header) < _HEADER:
            return head
        self.records += 1
        self._left = int.from_bytes(self._header[3:])
        self._header = b""
        if not self._left:
            return head
        try:
            return head + self._fragment()
        except OSError:
            return head  # if it is for good, the next read meets it again

    def _fragment(self) -> bytes:
        data = self._descriptor.recv(min(self._left, _MOST))
        self._left -= len(data)
        return data
