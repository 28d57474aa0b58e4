"""One connection's streams: which frames may follow which, how much may be held, whose turn it is to send.

Pure: bytes in, events out; messages in, bytes out. The same class serves both ends.

Memory. A message up to INITIAL_WINDOW_BYTES may come at once. For a longer one the receiver first reserves the whole
rest from its budget, in the order of arrival, and then opens the window by exactly that much. So the bytes held are at
most ``streams x INITIAL_WINDOW_BYTES + budget_bytes``, and no two long uploads can each hold half of what both need.
Between an edge and a worker that both know of it, WIDE_WINDOW_BYTES stand for INITIAL_WINDOW_BYTES in what a request
may bring at once; what is reserved and opened beyond is the same, so that an older end waits for nothing in vain.

Fairness. Streams with something to send take turns, one piece of PIECE_BYTES each; frames without a message (PONG,
RESET, WINDOW) go first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from dmz.switch import frames
from dmz.switch.frames import (
    INITIAL_WINDOW_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_STREAM,
    WIDE_WINDOW_BYTES,
    Frame,
    FrameDecoder,
    FrameKind,
    ResetCode,
)
from dmz.switch.mux_events import (
    Event,
    GoneAway,
    MessageReceived,
    MuxLimits,
    Pinged,
    Ponged,
    StreamReset,
)
from wire_formats.errors import Bug, Kind, PeerError

PIECE_BYTES: Final = 32 * 1024


@dataclass(slots=True)
class _Incoming:
    total: int
    pieces: list[bytes]
    received: int
    allowed: int
    reserved: int = 0


@dataclass(slots=True)
class _Outgoing:
    """A message of more than one piece; a short one waits as its bytes, and leaves in one frame."""

    message: memoryview
    allowed: int
    sent: int = 0


@dataclass(frozen=True, slots=True)
class _Side:
    """The kinds of frames of one direction's messages."""

    head: FrameKind
    body: FrameKind
    end: FrameKind


_REQUEST: Final = _Side(FrameKind.REQUEST_HEAD, FrameKind.REQUEST_BODY, FrameKind.REQUEST_END)
_RESPONSE: Final = _Side(FrameKind.RESPONSE_HEAD, FrameKind.RESPONSE_BODY, FrameKind.RESPONSE_END)
_TO_WORKER: Final = frozenset({FrameKind.PING})
_TO_EDGE: Final = frozenset({FrameKind.PONG, FrameKind.GOAWAY})


@dataclass(slots=True)
class Multiplexer:
    """One end of one connection.

    Args:
        at_edge: True at the edge, which opens streams; False at the worker.
        limits: bounds.
    """

    at_edge: bool
    limits: MuxLimits = field(default_factory=MuxLimits)
    _decoder: FrameDecoder = field(default_factory=FrameDecoder)
    _incoming: dict[int, _Incoming] = field(default_factory=dict)
    _outgoing: dict[int, _Outgoing | bytes] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)
    _turns: deque[int] = field(default_factory=deque)
    _control: deque[bytes] = field(default_factory=deque)
    _waiting: deque[int] = field(default_factory=deque)
    _last_stream: int = 0
    _last_served: int = MAX_STREAM
    _free: int = -1
    #: What a request may send at once: the edge's limit in sending, the worker's in taking.
    _window: int = INITIAL_WINDOW_BYTES

    def __post_init__(self) -> None:
        """Fill the budget."""
        self._free = self.limits.budget_bytes

    # --- state ---------------------------------------------------------------

    @property
    def open_streams(self) -> int:
        """Requests under way on this connection."""
        return len(self._open)

    @property
    def exhausted(self) -> bool:
        """True when no stream number is left; the connection must then be replaced."""
        return self._last_stream >= MAX_STREAM

    @property
    def last_stream(self) -> int:
        """The newest stream that this end has opened or taken."""
        return self._last_stream

    @property
    def wants_to_send(self) -> bool:
        """True when ``take_output`` would give something."""
        return bool(self._control) or any(_sendable(self._outgoing[stream]) for stream in self._turns)

    # --- sending -------------------------------------------------------------

    def open(self, message: bytes) -> int:
        """Send a request on a new stream (edge only) and give its number.

        Raises:
            Bug: at the worker's end, when numbers are used up, or for a message that is too long.
        """
        if not self.at_edge or self.exhausted:
            raise Bug(Kind.BUG, "a stream cannot be opened here")
        self._last_stream += 1
        self._open.add(self._last_stream)
        self._queue(self._last_stream, message)
        return self._last_stream

    def answer(self, stream: int, message: bytes) -> None:
        """Send the answer of a stream (worker only); nothing happens if the edge wants it no more.

        Raises:
            Bug: at the edge's end, or for a message that is too long.
        """
        if self.at_edge:
            raise Bug(Kind.BUG, "an edge does not answer")
        if stream in self._open:
            self._queue(stream, message)

    def reset(self, stream: int, code: ResetCode) -> None:
        """End a stream early; nothing happens if it is over."""
        if stream in self._open:
            self._forget(stream)
            self._control.append(frames.encode_reset(stream, code))

    def ping(self, number: int) -> None:
        """Ask the worker for a sign of life, and for wide windows."""
        self._control.append(frames.encode_ping(number | frames.ASKS_WIDE))

    def pong(self, state: frames.WorkerState) -> None:
        """Give the edge a sign of life."""
        if state.number & frames.ASKS_WIDE:
            state = state._replace(number=state.number | frames.TAKES_WIDE)
        self._control.append(frames.encode_pong(state))

    def go_away(self) -> None:
        """Take no stream beyond those already seen."""
        if self._last_served == MAX_STREAM:
            self._last_served = self._last_stream
            self._control.append(frames.encode_goaway(self._last_stream))

    def has_begun(self, stream: int) -> bool:
        """True when at least one byte of a stream's message was taken for sending."""
        outgoing = self._outgoing.get(stream)
        return outgoing is None or (not isinstance(outgoing, bytes) and outgoing.sent > 0)

    def take_output(self, most_bytes: int) -> list[bytes | memoryview]:
        """Give what is to be written next, about ``most_bytes`` (a frame is never cut); long pieces are not copied."""
        chunks: list[bytes | memoryview] = list(self._control)
        self._control.clear()
        size = sum(map(len, chunks))
        idle = 0
        turns, head = self._turns, _REQUEST.head if self.at_edge else _RESPONSE.head
        while turns and size < most_bytes and idle < len(turns):
            stream = turns.popleft()
            outgoing = self._outgoing[stream]
            if isinstance(outgoing, bytes):
                chunks.append(frames.encode_head(head, stream, len(outgoing), outgoing))
                size += len(outgoing)
                whole = True
            elif _sendable(outgoing):
                prefix, piece = self._next_frame(stream, outgoing)
                chunks += (prefix, piece)
                size += len(piece)
                whole = outgoing.sent == len(outgoing.message)
            else:
                turns.append(stream)
                idle += 1
                continue
            idle = 0
            if whole:
                self._sent_all(stream)
            else:
                turns.append(stream)
        return chunks

    def _queue(self, stream: int, message: bytes) -> None:
        if not 0 < len(message) <= MAX_MESSAGE_BYTES:
            self._forget(stream)
            raise Bug(Kind.BUG, f"message of {len(message)} bytes")
        window = self._window if self.at_edge else INITIAL_WINDOW_BYTES
        short = len(message) <= PIECE_BYTES
        self._outgoing[stream] = message if short else _Outgoing(memoryview(message), window)
        self._turns.append(stream)

    def _next_frame(self, stream: int, outgoing: _Outgoing) -> tuple[bytes, memoryview]:
        side = _REQUEST if self.at_edge else _RESPONSE
        start, total = outgoing.sent, len(outgoing.message)
        stop = min(start + PIECE_BYTES, outgoing.allowed, total)
        outgoing.sent = stop
        piece = outgoing.message[start:stop]
        if start == 0:
            return frames.head_prefix(side.head, stream, total, len(piece)), piece
        return frames.frame_prefix(side.end if stop == total else side.body, stream, len(piece)), piece

    def _sent_all(self, stream: int) -> None:
        del self._outgoing[stream]
        if not self.at_edge:
            self._forget(stream)  # the answer ends the stream

    # --- receiving -----------------------------------------------------------

    def receive(self, data: bytes) -> list[Event]:
        """Give what bytes from the other end mean.

        Raises:
            PeerError: frames that may not come here; the connection must then be closed.
        """
        events: list[Event] = []
        for frame in self._decoder.feed(data):
            event = self._take(frame)
            if event is not None:
                events.append(event)
        return events

    def _take(self, frame: Frame) -> Event | None:
        side = _RESPONSE if self.at_edge else _REQUEST
        if frame.kind is side.head:
            return self._take_head(frame)
        if frame.kind in (side.body, side.end):
            return self._take_piece(frame, last=frame.kind is side.end)
        if frame.kind is FrameKind.RESET:
            return self._take_reset(frame)
        if frame.kind is FrameKind.WINDOW:
            self._take_window(frame)
            return None
        if frame.kind in (_TO_EDGE if self.at_edge else _TO_WORKER):
            return self._connection_event(frame)
        raise PeerError(Kind.MALFORMED, f"{frame.kind.name} frame in the wrong direction")

    def _connection_event(self, frame: Frame) -> Event:
        if frame.kind is FrameKind.PING:
            number = frames.read_number(frame.payload)
            if number & frames.ASKS_WIDE:
                self._window = WIDE_WINDOW_BYTES
            return Pinged(number)
        if frame.kind is FrameKind.PONG:
            state = frames.read_pong(frame.payload)
            if state.number & frames.TAKES_WIDE:
                self._window = WIDE_WINDOW_BYTES
            return Ponged(state)
        return GoneAway(frames.read_number(frame.payload))

    def _check_known(self, frame: Frame) -> None:
        if frame.stream > self._last_stream:
            raise PeerError(Kind.MALFORMED, f"{frame.kind.name} frame of a stream that was never opened")

    def _take_head(self, frame: Frame) -> Event | None:
        total, piece = frames.read_head(frame.payload)
        if total == 0 or (len(piece) < total and not piece):
            raise PeerError(Kind.MALFORMED, "empty message")
        if self.at_edge:
            self._check_known(frame)
            if frame.stream in self._incoming:
                raise PeerError(Kind.MALFORMED, "second head of a stream")
            if frame.stream not in self._open:
                return None  # cancelled meanwhile
        elif not self._admit(frame.stream):
            return None
        window = INITIAL_WINDOW_BYTES if self.at_edge else self._window
        if len(piece) > window:
            raise PeerError(Kind.TOO_LARGE, "beyond the window")
        if len(piece) == total:
            if self.at_edge:
                self._answered(frame.stream)
            return MessageReceived(frame.stream, piece)
        self._incoming[frame.stream] = _Incoming(total, [piece], len(piece), window)
        if total > INITIAL_WINDOW_BYTES:
            self._waiting.append(frame.stream)
            self._grant()
        return None

    def _answered(self, stream: int) -> None:
        """The answer ends its stream, whether or not the request has left completely."""
        if stream in self._outgoing or stream in self._incoming:
            self._forget(stream)
        else:
            self._open.discard(stream)

    def _admit(self, stream: int) -> bool:
        if stream <= self._last_stream:
            raise PeerError(Kind.MALFORMED, "stream numbers must grow")
        self._last_stream = stream
        if stream > self._last_served or len(self._open) >= self.limits.streams:
            code = ResetCode.REFUSED if stream > self._last_served else ResetCode.OVERLOADED
            self._control.append(frames.encode_reset(stream, code))
            return False
        self._open.add(stream)
        return True

    def _take_piece(self, frame: Frame, *, last: bool) -> Event | None:
        self._check_known(frame)
        incoming = self._incoming.get(frame.stream)
        if incoming is None:
            if frame.stream in self._open:
                raise PeerError(Kind.MALFORMED, "piece without a head")
            return None  # of a stream that this end has given up
        incoming.received += len(frame.payload)
        if incoming.received > incoming.allowed:
            raise PeerError(Kind.TOO_LARGE, "beyond the window")
        if not frame.payload or (incoming.received >= incoming.total) is not last or incoming.received > incoming.total:
            raise PeerError(Kind.MALFORMED, "message of another length than its head says")
        incoming.pieces.append(frame.payload)
        return self._complete(frame.stream, incoming) if last else None

    def _complete(self, stream: int, incoming: _Incoming) -> Event:
        self._drop_incoming(stream)
        if self.at_edge:
            self._forget(stream)
        message = incoming.pieces[0] if len(incoming.pieces) == 1 else b"".join(incoming.pieces)
        return MessageReceived(stream, message)

    def _take_reset(self, frame: Frame) -> Event | None:
        self._check_known(frame)
        code = frames.read_reset(frame.payload)
        if frame.stream not in self._open:
            return None
        self._forget(frame.stream)
        return StreamReset(frame.stream, code)

    def _take_window(self, frame: Frame) -> None:
        self._check_known(frame)
        outgoing = self._outgoing.get(frame.stream)
        if isinstance(outgoing, _Outgoing):
            outgoing.allowed = min(outgoing.allowed + frames.read_number(frame.payload), MAX_MESSAGE_BYTES)

    # --- memory --------------------------------------------------------------

    def _grant(self) -> None:
        while self._waiting:
            incoming = self._incoming.get(self._waiting[0])
            if incoming is not None:
                needed = incoming.total - INITIAL_WINDOW_BYTES
                if needed > self._free:
                    return
                self._free -= needed
                incoming.reserved = needed
                incoming.allowed += needed
                self._control.append(frames.encode_window(self._waiting[0], needed))
            self._waiting.popleft()

    def _drop_incoming(self, stream: int) -> None:
        incoming = self._incoming.pop(stream, None)
        if incoming is None:
            return
        if incoming.reserved:
            self._free += incoming.reserved
        elif self._waiting and stream in self._waiting:
            self._waiting.remove(stream)
        self._grant()

    def _forget(self, stream: int) -> None:
        self._open.discard(stream)
        if self._outgoing.pop(stream, None) is not None and stream in self._turns:
            self._turns.remove(stream)
        self._drop_incoming(stream)


def _sendable(outgoing: _Outgoing | bytes) -> bool:
    return isinstance(outgoing, bytes) or outgoing.sent < outgoing.allowed
