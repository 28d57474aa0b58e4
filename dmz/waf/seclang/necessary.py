r"""What a value must contain for a pattern to match: classes of bytes, and one of several pieces.

Derived from the pattern's parse tree.  Every condition is necessary, so a value that lacks one cannot match; a value
that fulfils all of them may or may not.  Nothing is derived from look-around, back-references or optional parts.

    /union\s+select/i   every set of {uU} {nN} … {blank} … and the piece "union" or "select", whichever is longer

Source: firewall research, section 4 ("standard-library variant"); RE2's FilteredRE2 describes the idea.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

#: More pieces than this are not worth looking for one by one.
MOST_PIECES: Final = 48
#: More classes than this cost more than they exclude.
MOST_CLASSES: Final = 12
_ALL: Final = (1 << 256) - 1
_IGNORECASE: Final = int(re.IGNORECASE)
_UPPER: Final = range(0x41, 0x5B)


class Necessary(NamedTuple):
    """Conditions for a match.

    Attributes:
        classes: sets of bytes as bit masks (bit n for byte n); the value has at least one byte of each.
        pieces: in lower case; the value in lower case contains at least one. Empty: no condition.
    """

    classes: tuple[int, ...]
    pieces: tuple[bytes, ...]


NOTHING: Final = Necessary((), ())


def necessary(pattern: bytes, flags: int) -> Necessary:
    """Derive the conditions; NOTHING when ``re`` cannot read the pattern."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern, flags)
    except (re.error, OverflowError, RecursionError):
        return NOTHING
    classes, pieces = _sequence(tree, bool(tree.state.flags & _IGNORECASE))
    tight = sorted((mask for mask in classes if mask.bit_count() < 200), key=int.bit_count)
    return Necessary(tuple(tight[:MOST_CLASSES]), tuple(sorted(pieces)))


def bytes_of(value: bytes) -> int:
    """Give the set of a value's bytes as a bit mask."""
    mask = 0
    for code in set(value):
        mask |= 1 << code
    return mask


_Conditions = tuple[set[int], frozenset[bytes]]


def _sequence(items: Iterable[tuple[Any, Any]], caseless: bool) -> _Conditions:  # noqa: FBT001 - a flag of the tree
    classes: set[int] = set()
    pieces: frozenset[bytes] = frozenset()
    run = bytearray()
    for code, argument in items:
        if code is codes.LITERAL and argument < 256:
            run.append(argument)
            classes.add(_cased(1 << argument, caseless))
            continue
        pieces = _better(pieces, frozenset([bytes(run).lower()]) if run else frozenset())
        run.clear()
        inner_classes, inner_pieces = _item(code, argument, caseless)
        classes |= inner_classes
        pieces = _better(pieces, inner_pieces)
    return classes, _better(pieces, frozenset([bytes(run).lower()]) if run else frozenset())


def _better(one: frozenset[bytes], other: frozenset[bytes]) -> frozenset[bytes]:
    """Choose the set of pieces that excludes more: the one whose shortest is longest."""
    if not one or not other:
        return one or other
    return max(one, other, key=lambda pieces: (min(map(len, pieces)), -len(pieces)))


def _item(code: Any, argument: Any, caseless: bool) -> _Conditions:  # noqa: FBT001 - a flag of the tree
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        return _sequence(argument[2], caseless) if argument[0] else (set(), frozenset())
    if code is codes.SUBPATTERN:
        _, added, removed, inner = argument
        return _sequence(inner, (caseless or bool(added & _IGNORECASE)) and not removed & _IGNORECASE)
    if code is codes.ATOMIC_GROUP:
        return _sequence(argument, caseless)
    if code is codes.BRANCH:
        return _branch(argument[1], caseless)
    if code is codes.IN:
        return {_cased(_class(argument), caseless)}, frozenset()
    if code is codes.NOT_LITERAL:
        return {_ALL & ~(1 << argument)}, frozenset()
    return set(), frozenset()


def _branch(branches: Iterable[Any], caseless: bool) -> _Conditions:  # noqa: FBT001 - a flag of the tree
    """One of the branches matches: so one byte of the union of their tightest classes, one of all their pieces."""
    union = 0
    pieces: frozenset[bytes] = frozenset()
    whole = True
    for branch in branches:
        classes, own = _sequence(branch, caseless)
        union |= min(classes, key=int.bit_count) if classes else _ALL
        whole = whole and bool(own)
        pieces |= own
    return {union}, pieces if whole and len(pieces) <= MOST_PIECES else frozenset()


_CATEGORIES: Final = {
    codes.CATEGORY_DIGIT: re.compile(rb"\d"),
    codes.CATEGORY_NOT_DIGIT: re.compile(rb"\D"),
    codes.CATEGORY_SPACE: re.compile(rb"\s"),
    codes.CATEGORY_NOT_SPACE: re.compile(rb"\S"),
    codes.CATEGORY_WORD: re.compile(rb"\w"),
    codes.CATEGORY_NOT_WORD: re.compile(rb"\W"),
}
_CATEGORY_MASKS: Final = {
    category: sum(1 << code for code in range(256) if pattern.match(bytes([code])))
    for category, pattern in _CATEGORIES.items()
}


def _class(items: Iterable[tuple[Any, Any]]) -> int:
    mask = 0
    negated = False
    for code, argument in items:
        if code is codes.NEGATE:
            negated = True
        elif code is codes.LITERAL:
            mask |= 1 << argument
        elif code is codes.RANGE:
            mask |= (1 << (argument[1] + 1)) - (1 << argument[0])
        elif code is codes.CATEGORY:
            mask |= _CATEGORY_MASKS[argument]
        else:
            return _ALL
    # Case only widens, so a negated class without regard to case may match more than its complement says.
    return _ALL & ~mask if negated else mask


def _cased(mask: int, caseless: bool) -> int:  # noqa: FBT001 - a flag of the tree
    if not caseless:
        return mask
    for upper in _UPPER:
        both = 1 << upper | 1 << (upper + 32)
        if mask & both:
            mask |= both
    return mask
