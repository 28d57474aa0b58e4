"""The core's way to the certificate desk (the `ca` process): one question, one answer, over a Unix socket.

Blocking, with a time limit; it is asked from the slow-work threads only, never from the intake thread or the reactor.
Source: wire_formats.desk_messages; catalogue F3, F5.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Protocol

from wire_formats.desk_messages import (
    LENGTH_BYTES,
    MAX_ANSWER_BYTES,
    DeskAnswer,
    Question,
    encode_question,
    framed,
    parse_answer,
)
from wire_formats.errors import Kind, PeerError, Unavailable

RETRY_S = 30


class CertificateDesk(Protocol):
    """Answers questions about slips and certificates."""

    def ask(self, question: Question) -> DeskAnswer:
        """Ask and wait for the answer; the same request id again brings the same answer.

        Raises:
            Unavailable: DESK_SILENT.
        """


class SocketDesk:
    """The desk behind its Unix socket; one connection per question.

    Args:
        path: the socket.
        timeout_s: limit for connecting and for every read and write.
    """

    def __init__(self, path: Path, *, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s

    def ask(self, question: Question) -> DeskAnswer:
        """Ask and wait for the answer.

        Raises:
            Unavailable: DESK_SILENT: no connection, no answer in time, or an answer that cannot be read.
        """
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
                connection.settimeout(self._timeout_s)
                connection.connect(str(self._path))
                connection.sendall(framed(encode_question(question)))
                answer = parse_answer(_read_frame(connection))
        except (OSError, PeerError):
            raise Unavailable(Kind.DESK_SILENT, "certificate desk does not answer", RETRY_S) from None
        if answer.request_id != question.request_id:
            raise Unavailable(Kind.DESK_SILENT, "certificate desk answered another question", RETRY_S)
        return answer


def _read_frame(connection: socket.socket) -> bytes:
    length = int.from_bytes(_read_exactly(connection, LENGTH_BYTES), "big")
    if length > MAX_ANSWER_BYTES:
        raise PeerError(Kind.TOO_LARGE, "desk answer too large")
    return _read_exactly(connection, length)


def _read_exactly(connection: socket.socket, count: int) -> bytes:
    pieces = []
    while count:
        piece = connection.recv(count)
        if not piece:
            raise OSError("connection closed")
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
