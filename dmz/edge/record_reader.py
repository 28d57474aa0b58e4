"""Reads a socket record by record, so that OpenSSL gets no more of a handshake at once than one turn has time for.

On a socket of its own OpenSSL reads on until the handshake needs an answer. A client may cut its ClientHello into
thousands of records of a byte each, and every one of them costs OpenSSL some microseconds: one call would then last
150 ms, as long as more comes longer, and everybody else waits. From memory it gets what it is given.

What waits in the socket is looked at, and only what OpenSSL has been given is taken: what follows the last record of
the handshake stays there, for OpenSSL itself. That costs two system calls a flight, however many records it has; and
as every handshake goes through here, the code is as flat as it can be.

Source: RFC 8446 section 5.1 (record: type 1, version 2, length 2 bytes, fragment; a message may span records); recv(2),
MSG_PEEK.
"""

from __future__ import annotations

import socket
from typing import Final

_HEADER: Final = 5
#: What ``RecordReader.look`` has seen, until anybody looks again.
WAITING: Final = bytearray(16 * 1024)


class RecordReader:
    """The records that wait in a socket.

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

    def look(self, most: int) -> list[int]:
        """See what waits: it lies in WAITING afterwards.

        Args:
            most: pieces to look at; all of them are taken as given, unless nothing is read here any more.

        Returns:
            Where pieces end, each at the end of a record or of what is there; empty at the end of the stream.

        Raises:
            BlockingIOError: nothing is there now.
            OSError: the connection is broken.
        """
        end = self._descriptor.recv_into(WAITING, 0, socket.MSG_PEEK)
        at, left = 0, self._left
        ends: list[int] = []
        while at < end and len(ends) < most:
            if not left:
                if self._header or end - at < _HEADER:
                    at, left = self._part_of_header(at, end)
                else:
                    left = WAITING[at + 3] << 8 | WAITING[at + 4]
                    at += _HEADER
                    self.records += 1
            count = min(left, end - at)
            at += count
            left -= count
            ends.append(at)
        self._left = left
        return ends

    def take(self, count: int) -> None:
        """Take what was given out of the socket."""
        self._descriptor.recv_into(WAITING, count)

    def _part_of_header(self, at: int, end: int) -> tuple[int, int]:
        """Give where the rest of a header ends, and how long its fragment is; 0 if the header is not whole yet."""
        until = min(end, at + _HEADER - len(self._header))
        self._header += WAITING[at:until]
        if len(self._header) < _HEADER:
            return until, 0
        length = int.from_bytes(self._header[3:])
        self._header = b""
        self.records += 1
        return until, length
