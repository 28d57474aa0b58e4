"""What goes over the socket between mover and inspector.

    frame    = length (4 octets, big-endian, of the rest) ‖ deterministic CBOR
    question = [ticket, now_ms, [[header, content], ...]]      items as they came in a bundle
    answer   = [ticket, [[0, opened content] | [kind, reason, 0 or 1: damaged], ...]]      one per item, in order
             | [ticket, reason, 0 or 1: guilty]      nothing was judged, since the virus scanner gave no verdict

A ticket is a number the mover chooses; answers come in the order of the questions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from wire_formats import cbor
from wire_formats.bundle import Item
from wire_formats.errors import Kind, PeerError, kind_of

#: A whole bundle, opened or not, and its frame fit.
MOST_FRAME_BYTES: Final = 4 << 20
#: Items in one question.
MOST_ITEMS: Final = 256
_MOST_REASON: Final = 200
_LENGTH: Final = struct.Struct("!I")
_OPENED: Final = 0


class Question(NamedTuple):
    """Items to be inspected.

    Attributes:
        ticket: comes back with the answer.
        now_ms: the instant now.
        items: as they came.
    """

    ticket: int
    now_ms: int
    items: tuple[Item, ...]


class Refusal(NamedTuple):
    """Why an item may not pass.

    Attributes:
        kind: the public kind.
        reason: fixed words for the log.
        damaged: whether the content is not what its author sealed, so that another copy may be well.
    """

    kind: Kind
    reason: str
    damaged: bool = False


Verdict = bytes | Refusal


class NotScanned(NamedTuple):
    """Why the virus scanner gave no verdict.

    Attributes:
        reason: fixed words for the log.
        guilty: whether it answers otherwise, so that an item of the question may be the cause.
    """

    reason: str
    guilty: bool


class Answer(NamedTuple):
    """What the inspector found.

    Attributes:
        ticket: of the question.
        verdicts: opened content or refusal, one per item; or why nothing may pass yet.
    """

    ticket: int
    verdicts: tuple[Verdict, ...] | NotScanned


def encode_question(question: Question) -> bytes:
    """Give a question as a frame."""
    items: list[cbor.Value] = [[item.header, item.content] for item in question.items]
    return _frame([question.ticket, question.now_ms, items])


def parse_question(data: bytes) -> Question:
    """Read a frame's content as a question.

    Raises:
        PeerError: it is none.
    """
    ticket, now_ms, items = _three(data)
    if not isinstance(now_ms, int):
        raise PeerError(Kind.MALFORMED, "no instant")
    pairs = [_pair(item) for item in _list(items)]
    return Question(ticket, now_ms, tuple(Item(_bytes(header), _bytes(content)) for header, content in pairs))


def encode_answer(answer: Answer) -> bytes:
    """Give an answer as a frame."""
    if isinstance(answer.verdicts, NotScanned):
        return _frame([answer.ticket, answer.verdicts.reason[:_MOST_REASON], int(answer.verdicts.guilty)])
    verdicts: list[cbor.Value] = [
        [int(verdict.kind), verdict.reason[:_MOST_REASON], int(verdict.damaged)]
        if isinstance(verdict, Refusal)
        else [_OPENED, verdict]
        for verdict in answer.verdicts
    ]
    return _frame([answer.ticket, verdicts])


def parse_answer(data: bytes) -> Answer:
    """Read a frame's content as an answer.

    Raises:
        PeerError: it is none.
    """
    match cbor.decode(data):
        case [int(ticket), list(verdicts)]:
            return Answer(ticket, tuple(_verdict(one) for one in _list(verdicts)))
        case [int(ticket), str(reason), (0 | 1) as guilty]:
            return Answer(ticket, NotScanned(reason[:_MOST_REASON], bool(guilty)))
        case _:
            raise PeerError(Kind.MALFORMED, "no answer of an inspector")


class FrameReader:
    """Cuts a stream into frames.

    Args:
        most: largest content in octets.
    """

    def __init__(self, *, most: int = MOST_FRAME_BYTES) -> None:
        self._most = most
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take octets in and give the contents of the frames that are whole.

        Raises:
            PeerError: TOO_LARGE: a frame says that it is too long.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            length = _LENGTH.unpack_from(self._buffer)[0]
            if length > self._most:
                raise PeerError(Kind.TOO_LARGE, "frame too long")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            content = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield content


def slices(items: Sequence[Item], *, most: int, most_bytes: int = MOST_FRAME_BYTES) -> Iterator[tuple[Item, ...]]:
    """Cut a bundle's items into runs of at most ``most``, and of at most ``most_bytes`` unless one alone is larger."""
    run: list[Item] = []
    size = 0
    for item in items:
        own = len(item.header) + len(item.content)
        if run and (len(run) == most or size + own > most_bytes):
            yield tuple(run)
            run, size = [], 0
        run.append(item)
        size += own
    if run:
        yield tuple(run)


def _frame(value: cbor.Value) -> bytes:
    content = cbor.encode(value)
    return _LENGTH.pack(len(content)) + content


def _three(data: bytes) -> tuple[int, cbor.Value, cbor.Value]:
    value = cbor.decode(data)
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[0], int):
        raise PeerError(Kind.MALFORMED, "no question to an inspector")
    return value[0], value[1], value[2]


def _list(value: cbor.Value) -> Iterable[cbor.Value]:
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise PeerError(Kind.MALFORMED, "not a list of items")
    return value


def _pair(value: cbor.Value) -> tuple[cbor.Value, cbor.Value]:
    if not isinstance(value, list) or len(value) != 2:
        raise PeerError(Kind.MALFORMED, "not a pair")
    return value[0], value[1]


def _bytes(value: cbor.Value) -> bytes:
    if not isinstance(value, bytes):
        raise PeerError(Kind.MALFORMED, "not octets")
    return value


def _verdict(value: cbor.Value) -> Verdict:
    match value:
        case [0, bytes(content)]:
            return content
        case [int(number), str(reason), (0 | 1) as damaged]:
            return Refusal(kind_of(number), reason[:_MOST_REASON], bool(damaged))
        case _:
            raise PeerError(Kind.MALFORMED, "no verdict")
