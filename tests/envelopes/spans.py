"""Where the parts of an envelope lie: every CBOR head, also inside of byte strings that hold CBOR themselves.

A part that is replaced by a longer or a shorter one makes the lengths of all byte strings around it lie; ``replaced``
mends them, so that the change reaches the parser it is meant for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BYTES, TEXT, ARRAY, MAP = 2, 3, 4, 5
_TAG_SIGN1: Final = 0xD2
#: A signature, and what is longer than it is read as an envelope itself if it can be.
_LEAST_NESTED: Final = 4


@dataclass(slots=True)
class Span:
    """One CBOR item.

    Attributes:
        start: of its head.
        content: behind its head.
        end: behind all of it.
        major: CBOR major type.
        argument: value or length in the head.
        around: the byte strings that it lies in, from the innermost outwards.
        in_map: whether it is a key or value of a map.
    """

    start: int
    content: int
    end: int
    major: int
    argument: int
    around: tuple[Span, ...]
    in_map: bool = False


class _NoCborError(Exception):
    """These bytes are something else."""


def spans_of(data: bytes) -> list[Span]:
    """Give every item of an envelope, outer ones first; none when it is no CBOR."""
    found: list[Span] = []
    try:
        at = 1 if data[:1] == bytes([_TAG_SIGN1]) else 0
        if _walk(data, at, len(data), (), found, in_map=False) != len(data):
            return []
    except _NoCborError:
        return []
    return found


def head(major: int, argument: int, *, longer: int = 0) -> bytes:
    """Write a head; ``longer`` steps longer than it has to be."""
    if argument >= 1 << 64:
        raise ValueError("integer beyond 64 bits")
    shortest = sum(argument >= limit for limit in (24, 1 << 8, 1 << 16, 1 << 32))
    step = min(shortest + longer, 4)
    if step == 0:
        return bytes([major << 5 | argument])
    return bytes([major << 5 | 23 + step]) + argument.to_bytes(1 << (step - 1), "big")


def replaced(data: bytes, start: int, end: int, new: bytes, around: tuple[Span, ...]) -> bytes:
    """Put other bytes in the place of some, and mend the lengths of the byte strings around them."""
    for outer in around:
        inside = data[outer.content : start] + new + data[end : outer.end]
        new, start, end = head(outer.major, len(inside)) + inside, outer.start, outer.end
    return data[:start] + new + data[end:]


def _walk(data: bytes, at: int, end: int, around: tuple[Span, ...], found: list[Span], *, in_map: bool) -> int:
    if at >= end:
        raise _NoCborError
    start, first = at, data[at]
    major, argument = first >> 5, first & 31
    at += 1
    if argument > 23:
        if argument > 27:
            raise _NoCborError
        size = 1 << (argument - 24)
        argument = int.from_bytes(data[at : at + size], "big")
        at += size
    span = Span(start, at, at, major, argument, around, in_map)
    place = len(found)
    found.append(span)
    if major in (BYTES, TEXT):
        span.end = at + argument
        if span.end > end:
            raise _NoCborError
        if major == BYTES and argument >= _LEAST_NESTED:
            _walk_inside(data, span, found, place)
        return span.end
    if major in (ARRAY, MAP):
        for _ in range(argument * (2 if major == MAP else 1)):
            at = _walk(data, at, end, around, found, in_map=major == MAP)
        span.end = at
    elif major not in (0, 1, 7):
        raise _NoCborError
    return at


def _walk_inside(data: bytes, span: Span, found: list[Span], place: int) -> None:
    """Read a byte string as CBOR, if it is an array or a map from end to end."""
    at = span.content + (data[span.content] == _TAG_SIGN1)
    if at >= span.end or data[at] >> 5 not in (ARRAY, MAP):
        return
    try:
        if _walk(data, at, span.end, (span, *span.around), found, in_map=False) == span.end:
            return
    except _NoCborError:
        pass
    del found[place + 1 :]
