"""Frames between an edge and a worker, on one Unix socket.

::

     0        4    5        9
    +--------+----+--------+---------------+
    | length |kind| stream | payload       |      length: u32, bytes after itself (5 + payload); big-endian
    +--------+----+--------+---------------+

    REQUEST_HEAD  u32 length of the whole message | its first piece        edge → worker
    REQUEST_BODY  the next piece
    REQUEST_END   the last piece (left out when the head held everything)
    RESPONSE_*    the same                                                 worker → edge
    RESET         u16 why                                                  both; the stream is over
    WINDOW        u32 bytes that may be sent beyond INITIAL_WINDOW_BYTES   receiver → sender of a long message
    PING          u64 number (its two highest bits: ASKS_WIDE, TAKES_WIDE) edge → worker
    PONG          u64 number | u32 requests under way | u8 draining        worker → edge
    GOAWAY        u32 last stream that is served                           worker → edge

A message is the MessagePack of ``dmz.messages``; it is cut in pieces so that a long upload does not keep short pages
waiting. PING, PONG and GOAWAY have stream 0, all others a stream above 0.

Source: research "edge", section 3 (framed multiplex towards the workers); the shape follows RFC 9113 section 4.1.
"""

from __future__ import annotations

import enum
import struct
from typing import Final, NamedTuple

from dmz.messages import MAX_REQUEST_FRAME_BYTES, MAX_RESPONSE_FRAME_BYTES
from wire_formats.errors import Kind, PeerError

MAX_PAYLOAD_BYTES: Final = 64 * 1024
MAX_MESSAGE_BYTES: Final = max(MAX_REQUEST_FRAME_BYTES, MAX_RESPONSE_FRAME_BYTES)
MAX_STREAM: Final = (1 << 32) - 1
INITIAL_WINDOW_BYTES: Final = 64 * 1024
#: The same of requests, once worker and edge have told each other that they know of it: an upload of a photo or a
#: workbook then need not wait for a WINDOW in the middle.
WIDE_WINDOW_BYTES: Final = 160 * 1024
#: Bits of a PING's number: the edge would like wide windows; in the PONG the worker says that it takes them. An older
#: worker sends the number back as it came, an older edge never asks.
ASKS_WIDE: Final = 1 << 63
TAKES_WIDE: Final = 1 << 62

_PREFIX: Final = struct.Struct(">IBI")
_LENGTH_BYTES: Final = 4
_OVERHEAD: Final = _PREFIX.size - _LENGTH_BYTES
_MOST: Final = _OVERHEAD + MAX_PAYLOAD_BYTES
_U16: Final = struct.Struct(">H")
_U32: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")
_PONG: Final = struct.Struct(">QIB")


class FrameKind(enum.IntEnum):
    """What a frame carries."""

    REQUEST_HEAD = 1
    REQUEST_BODY = 2
    REQUEST_END = 3
    RESPONSE_HEAD = 4
    RESPONSE_BODY = 5
    RESPONSE_END = 6
    RESET = 7
    WINDOW = 8
    PING = 9
    PONG = 10
    GOAWAY = 11


class ResetCode(enum.IntEnum):
    """Why a stream ended early. The first two promise that no handler has seen the request."""

    REFUSED = 1
    """The worker is leaving."""
    OVERLOADED = 2
    """The worker has no free place."""
    CANCELLED = 3
    """The edge wants no answer any more."""
    FAILED = 4
    """The worker has no answer to give."""
    UNREADABLE = 5
    """The message was no request or response."""


NOT_BEGUN: Final = frozenset({ResetCode.REFUSED, ResetCode.OVERLOADED})

_KINDS: Final = {int(kind): kind for kind in FrameKind}
_RESET_CODES: Final = {int(code): code for code in ResetCode}
_OF_CONNECTION: Final = frozenset({FrameKind.PING, FrameKind.PONG, FrameKind.GOAWAY})
_OF_ONE_SIZE: Final = {
    FrameKind.RESET: _U16.size,
    FrameKind.WINDOW: _U32.size,
    FrameKind.PING: _U64.size,
    FrameKind.PONG: _PONG.size,
    FrameKind.GOAWAY: _U32.size,
}


class Frame(NamedTuple):
    """One frame."""

    kind: FrameKind
    stream: int
    payload: bytes


class WorkerState(NamedTuple):
    """What a worker says of itself in a PONG: the ping's number, requests under way, whether it is leaving."""

    number: int
    in_flight: int
    draining: bool


def encode_frame(kind: FrameKind, stream: int, payload: bytes | memoryview = b"") -> bytes:
    """Write one frame.

    Args:
        kind: what it carries.
        stream: 0 for frames of the connection, else 1..MAX_STREAM.
        payload: at most MAX_PAYLOAD_BYTES.
    """
    return _PREFIX.pack(_OVERHEAD + len(payload), kind, stream) + payload


def encode_head(kind: FrameKind, stream: int, total: int, piece: bytes | memoryview) -> bytes:
    """Write the first frame of a message of ``total`` bytes."""
    return _PREFIX.pack(_OVERHEAD + _U32.size + len(piece), kind, stream) + _U32.pack(total) + piece


def frame_prefix(kind: FrameKind, stream: int, size: int) -> bytes:
    """Write what stands before the ``size`` bytes of a frame's payload."""
    return _PREFIX.pack(_OVERHEAD + size, kind, stream)


def head_prefix(kind: FrameKind, stream: int, total: int, size: int) -> bytes:
    """Write what stands before the first ``size`` bytes of a message of ``total`` bytes."""
    return _PREFIX.pack(_OVERHEAD + _U32.size + size, kind, stream) + _U32.pack(total)


def encode_reset(stream: int, code: ResetCode) -> bytes:
    """Write a RESET."""
    return encode_frame(FrameKind.RESET, stream, _U16.pack(code))


def encode_window(stream: int, credit: int) -> bytes:
    """Write a WINDOW that allows ``credit`` more bytes."""
    return encode_frame(FrameKind.WINDOW, stream, _U32.pack(credit))


def encode_ping(number: int) -> bytes:
    """Write a PING."""
    return encode_frame(FrameKind.PING, 0, _U64.pack(number))


def encode_pong(state: WorkerState) -> bytes:
    """Write a PONG."""
    return encode_frame(FrameKind.PONG, 0, _PONG.pack(state.number, state.in_flight, state.draining))


def encode_goaway(last_stream: int) -> bytes:
    """Write a GOAWAY."""
    return encode_frame(FrameKind.GOAWAY, 0, _U32.pack(last_stream))


def read_head(payload: bytes) -> tuple[int, bytes]:
    """Read a HEAD: the message's whole length and its first piece.

    Raises:
        PeerError: no length, a message longer than MAX_MESSAGE_BYTES, or a piece longer than the message.
    """
    if len(payload) < _U32.size:
        raise PeerError(Kind.MALFORMED, "head frame without a length")
    (total,) = _U32.unpack_from(payload)
    if total > MAX_MESSAGE_BYTES:
        raise PeerError(Kind.TOO_LARGE, f"message of {total} bytes")
    piece = payload[_U32.size :]
    if len(piece) > total:
        raise PeerError(Kind.MALFORMED, "head frame longer than its message")
    return total, piece


def read_reset(payload: bytes) -> ResetCode:
    """Read a RESET.

    Raises:
        PeerError: unknown code.
    """
    code = _RESET_CODES.get(_U16.unpack(payload)[0])
    if code is None:
        raise PeerError(Kind.MALFORMED, "unknown reset code")
    return code


def read_number(payload: bytes) -> int:
    """Read the number of a WINDOW, GOAWAY or PING (its size was checked by the decoder)."""
    return int.from_bytes(payload, "big")


def read_pong(payload: bytes) -> WorkerState:
    """Read a PONG.

    Raises:
        PeerError: the draining flag is neither 0 nor 1.
    """
    number, in_flight, draining = _PONG.unpack(payload)
    if draining > 1:
        raise PeerError(Kind.MALFORMED, "pong flag")
    return WorkerState(number, in_flight, bool(draining))


class FrameDecoder:
    """Cuts a byte stream into frames; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Give the frames that ``data`` completes.

        Raises:
            PeerError: anything that is not a frame; the connection must then be closed.
        """
        buffer = self._rest + data if self._rest else data
        frames: list[Frame] = []
        at, size = 0, len(buffer)
        while size - at >= _PREFIX.size:
            length, number, stream = _PREFIX.unpack_from(buffer, at)
            if not _OVERHEAD <= length <= _MOST:
                raise PeerError(Kind.TOO_LARGE, f"frame of {length} bytes")
            end = at + _LENGTH_BYTES + length
            if end > size:
                break
            kind = _KINDS.get(number)
            if kind is None:
                raise PeerError(Kind.MALFORMED, f"unknown frame kind {number}")
            if kind in _OF_ONE_SIZE or stream == 0:
                _check(kind, stream, length - _OVERHEAD)
            frames.append(Frame(kind, stream, buffer[at + _PREFIX.size : end]))
            at = end
        self._rest = rest = buffer[at:]
        if len(rest) >= _LENGTH_BYTES and not _OVERHEAD <= _U32.unpack_from(rest)[0] <= _MOST:
            raise PeerError(Kind.TOO_LARGE, "length of a frame")
        return frames


def _check(kind: FrameKind, stream: int, size: int) -> None:
    if (stream == 0) is not (kind in _OF_CONNECTION):
        raise PeerError(Kind.MALFORMED, f"stream {stream} of a {kind.name} frame")
    if _OF_ONE_SIZE.get(kind, size) != size:
        raise PeerError(Kind.MALFORMED, f"{kind.name} frame of {size} bytes")
