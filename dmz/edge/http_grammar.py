r"""The incremental parser of HTTP/1.1 requests: bytes in any portions → heads and bodies, or one refusal.

::

    HEAD ──head complete──▶ WAITING ──accept_body()──▶ LENGTH │ CHUNK_SIZE ⇄ CHUNK_DATA → CHUNK_END │ LAST_END
      ▲                        │ (no body)                └──────────────┬──────────────┘
      └───── next_request() ── COMPLETE ◀────────────────────────────────┘           any fault ──▶ FAILED

The parser stops at WAITING until its owner has looked at the head (who, how large, which path), and at COMPLETE until
the answer is written: bytes of a pipelined next request stay in the buffer. The result does not depend on how the
bytes were cut into portions. After a refusal the parser accepts nothing more; the connection is to be closed.

Source: RFC 9112; invariants 9 (memory is bounded) and DESIGN "one grammar".
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from dmz.edge.body_buffer import BodyBuffer, MemoryBudget
from dmz.edge.http_fields import RequestHead, RequestLine, build_head, known_line, parse_header_line, parse_request_line
from dmz.edge.refusals import Reason, RefusalError

_CHUNK_LINE: Final = re.compile(rb"[0-9A-Fa-f]+")
_MAX_CHUNK_DIGITS: Final = 8
_MAX_CHUNK_LINE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class GrammarLimits:
    """Sizes beyond which a head is refused, in bytes and counts."""

    request_line_bytes: int = 8 * 1024
    head_bytes: int = 16 * 1024
    headers: int = 64
    chunks: int = 16 * 1024


class State(Enum):
    """Where in a message the parser stands."""

    HEAD = auto()
    WAITING = auto()
    LENGTH = auto()
    CHUNK_SIZE = auto()
    CHUNK_DATA = auto()
    CHUNK_END = auto()
    LAST_END = auto()
    COMPLETE = auto()
    FAILED = auto()


_HEAD: Final = State.HEAD
_WAITING: Final = State.WAITING
_COMPLETE: Final = State.COMPLETE


class RequestParser:
    """Parses the requests of one connection, one after another.

    Args:
        limits: sizes of heads.
        budget: where body memory is reserved.
    """

    __slots__ = (
        "_at",
        "_body",
        "_budget",
        "_buffer",
        "_chunks",
        "_first",
        "_head_start",
        "_headers",
        "_limits",
        "_remaining",
        "head",
        "state",
    )

    def __init__(self, limits: GrammarLimits, budget: MemoryBudget) -> None:
        self._limits = limits
        self._budget = budget
        self._buffer = bytearray()
        self._at = 0
        self._body: BodyBuffer | None = None
        self._remaining = 0
        self._begin()

    def _begin(self) -> None:
        self.state = _HEAD
        self.head: RequestHead | None = None
        self._first: RequestLine | None = None
        self._headers: list[tuple[str, str]] = []
        self._head_start = self._at
        self._chunks = 0

    @property
    def waiting_bytes(self) -> int:
        """Bytes received and not yet parsed."""
        return len(self._buffer) - self._at

    @property
    def body_bytes(self) -> int:
        """Bytes of the current body so far."""
        return 0 if self._body is None else self._body.length

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the head as far as it has been read: a refusal in the middle of it has a language too."""
        return dict(self._headers) if self.head is None else self.head.fields

    @property
    def fields_at_hand(self) -> dict[str, str]:
        """The fields, and behind a refused line those that have come and are sound: they tell whose page it was.

        How many there are depends on the portions in which the bytes came.
        """
        return self._fields_behind() if self.head is None and self.state is State.FAILED else self.fields

    @property
    def idle(self) -> bool:
        """Whether no byte of a next request has come."""
        return self.state is _HEAD and self._first is None and len(self._buffer) == self._at

    def feed(self, data: bytes) -> State:
        """Take in a portion and parse as far as it goes.

        Returns:
            The state reached: WAITING means that ``head`` is there, COMPLETE that the body is.

        Raises:
            RefusalError: the message is refused; the state is FAILED.
        """
        if not self._buffer:
            if self.state is _HEAD:
                end = data.find(b"\r\n\r\n", 0, self._limits.request_line_bytes) if self._first is None else -1
                if end >= 0:
                    return self._whole_head(data, end)
            elif self.state is State.LENGTH and len(data) <= self._remaining:
                return self._more_of_body(data)
        self._buffer += data
        return self._run()

    def _whole_head(self, data: bytes, end: int) -> State:
        """Take a head that has come as a whole, and is so short that no limit of size can be met.

        It comes to the same as line by line, which remains for everything else: the lines, their order, what is
        refused first.
        """
        lines = data[:end].split(b"\r\n")
        if data.count(b"\n", 0, end) != len(lines) - 1:
            self._buffer += data  # a line ends in a bare LF
            return self._run()
        try:
            self._take_lines(lines)
        except RefusalError:
            self._buffer += data  # what stands behind the refused line may still be asked for
            self.state = State.FAILED
            raise
        if end + 4 < len(data):
            self._buffer += data[end + 4 :]
        return self.state

    def _more_of_body(self, data: bytes) -> State:
        """Take bytes that all belong to the body."""
        assert self._body is not None
        try:
            self._body.write(data)
        except RefusalError:
            self.state = State.FAILED
            self.release()
            raise
        self._remaining -= len(data)
        if self._remaining == 0:
            self.state = _COMPLETE
        return self.state

    def _take_lines(self, lines: list[bytes]) -> None:
        """Take the lines of a whole head.

        Raises:
            RefusalError: as line by line.
        """
        first = self._first = parse_request_line(lines[0])
        headers, most = self._headers, self._limits.headers
        too_many = len(lines) > most + 1
        for line in lines[1 : most + 1] if too_many else lines[1:]:
            headers.append(known_line(line) or parse_header_line(line))
        if too_many:
            raise RefusalError(Reason.TOO_MANY_HEADERS)
        self.head = build_head(first, headers)
        self.state = _WAITING

    def accept_body(self, limit: int) -> State:
        """Let the body in, at most ``limit`` bytes of it; to be called once at WAITING.

        Raises:
            RefusalError: BODY_TOO_LARGE when the announced length is already more; else as ``feed``.
        """
        head = self.head
        assert head is not None
        assert self.state is _WAITING
        if head.content_length is None and not head.chunked:
            self.state = _COMPLETE
            return _COMPLETE
        length = head.content_length or 0
        if length > limit:
            self.state = State.FAILED
            raise RefusalError(Reason.BODY_TOO_LARGE)
        if head.chunked:
            self._body = BodyBuffer(limit, self._budget)
            self.state = State.CHUNK_SIZE
        elif length:
            self._body = BodyBuffer(length, self._budget)
            self._remaining = length
            self.state = State.LENGTH
        else:
            self.state = State.COMPLETE
            return self.state
        return self._run()

    def take_body(self) -> bytes:
        """Give the complete body, once, at COMPLETE; its memory counts until ``next_request`` or ``release``."""
        return b"" if self._body is None else self._body.take()

    def next_request(self) -> State:
        """Go on to the next request after COMPLETE; bytes of it may already be here.

        Raises:
            RefusalError: as ``feed``.
        """
        assert self.state is _COMPLETE
        self.release()
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._begin()
        return self._run() if self._buffer else _HEAD

    def release(self) -> None:
        """Return the memory of a body that is no longer wanted (connection lost, refusal)."""
        if self._body is not None:
            self._body.release()
            self._body = None

    def _fields_behind(self) -> dict[str, str]:
        end = self._buffer.find(b"\r\n\r\n", self._head_start)
        most = self._head_start + self._limits.request_line_bytes + self._limits.head_bytes
        block = bytes(self._buffer[self._head_start : min(most, len(self._buffer) if end < 0 else end)])
        found = dict(self._headers)
        for line in block.split(b"\r\n")[1 : self._limits.headers + 1]:
            with contextlib.suppress(RefusalError):
                name, value = parse_header_line(line)
                found.setdefault(name, value)
        return found

    def _run(self) -> State:
        try:
            while self._step():
                pass
        except RefusalError:
            self.state = State.FAILED
            self.release()
            raise
        return self.state

    def _step(self) -> bool:
        match self.state:
            case State.HEAD:
                return self._buffered_head() or self._head_line()
            case State.LENGTH | State.CHUNK_DATA:
                return self._data()
            case State.CHUNK_SIZE:
                return self._chunk_size()
            case State.CHUNK_END:
                return self._line_end(State.CHUNK_SIZE, Reason.CHUNK_END)
            case State.LAST_END:
                return self._line_end(State.COMPLETE, Reason.CHUNK_TRAILER)
            case State.WAITING | State.COMPLETE | State.FAILED:
                return False

    def _buffered_head(self) -> bool:
        """Take a whole head that has come with the bytes before it; else False."""
        if self._first is not None:
            return False
        end = self._buffer.find(b"\r\n\r\n", self._at, self._at + self._limits.request_line_bytes)
        if end < 0:
            return False
        lines = bytes(self._buffer[self._at : end]).split(b"\r\n")
        if self._buffer.count(b"\n", self._at, end) != len(lines) - 1:
            return False  # a line ends in a bare LF
        self._at = end + 4
        self._take_lines(lines)
        return True

    def _head_line(self) -> bool:
        """Take one line of the head; the order of the checks does not depend on the portions."""
        first = self._first is None
        room = self._limits.head_bytes - (self._at - self._head_start)
        limit = min(self._limits.request_line_bytes, room) if first else room
        end = self._buffer.find(b"\n", self._at, self._at + limit + 2)
        if end < 0:
            if self.waiting_bytes >= limit + 2:
                raise RefusalError(Reason.REQUEST_LINE_TOO_LONG if first else Reason.HEADERS_TOO_LARGE)
            return False
        if end == self._at or self._buffer[end - 1] != 0x0D:
            raise RefusalError(Reason.BARE_LF)
        line = bytes(memoryview(self._buffer)[self._at : end - 1])
        self._at = end + 1
        if first:
            self._first = parse_request_line(line)
        elif line:
            if len(self._headers) >= self._limits.headers:
                raise RefusalError(Reason.TOO_MANY_HEADERS)
            self._headers.append(parse_header_line(line))
        else:
            assert self._first is not None
            self.head = build_head(self._first, self._headers)
            self.state = State.WAITING
        return True

    def _data(self) -> bool:
        count = min(self._remaining, self.waiting_bytes)
        if count == 0:
            return False
        assert self._body is not None
        with memoryview(self._buffer) as view, view[self._at : self._at + count] as part:
            self._body.write(part)
        self._remaining -= count
        self._forget(self._at + count)
        if self._remaining == 0:
            self.state = State.COMPLETE if self.state is State.LENGTH else State.CHUNK_END
        return True

    def _chunk_size(self) -> bool:
        end = self._buffer.find(b"\n", self._at, self._at + _MAX_CHUNK_LINE_BYTES)
        if end < 0:
            if self.waiting_bytes >= _MAX_CHUNK_LINE_BYTES:
                raise RefusalError(Reason.CHUNK_SIZE)
            return False
        line = bytes(memoryview(self._buffer)[self._at : end])
        self._at = end + 1
        size = parse_chunk_size(line)
        self._chunks += 1
        if self._chunks > self._limits.chunks:
            raise RefusalError(Reason.TOO_MANY_CHUNKS)
        self._remaining = size
        self.state = State.CHUNK_DATA if size else State.LAST_END
        return True

    def _line_end(self, following: State, reason: Reason) -> bool:
        found = bytes(memoryview(self._buffer)[self._at : self._at + 2])
        if not b"\r\n".startswith(found):
            raise RefusalError(reason)
        if len(found) < 2:
            return False
        self._at += 2
        self.state = following
        return True

    def _forget(self, end: int) -> None:
        """Drop what is parsed, so that a long body does not stay twice."""
        del self._buffer[:end]
        self._head_start -= end
        self._at = 0


def parse_chunk_size(line: bytes) -> int:
    """Read a chunk's size line, without its LF but with its CR.

    Raises:
        RefusalError: CHUNK_EXTENSION, CHUNK_OVERFLOW, BARE_LF or CHUNK_SIZE.
    """
    if line[-1:] != b"\r":
        raise RefusalError(Reason.BARE_LF)
    digits = line[:-1]
    if b";" in digits:
        raise RefusalError(Reason.CHUNK_EXTENSION)
    if not _CHUNK_LINE.fullmatch(digits):
        raise RefusalError(Reason.CHUNK_SIZE)
    if len(digits) > _MAX_CHUNK_DIGITS:
        raise RefusalError(Reason.CHUNK_OVERFLOW)
    return int(digits, 16)
