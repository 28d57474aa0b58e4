"""Tests with patterns and phrases: ``rx``, ``rxGlobal``, ``verifyCC``, ``pm``.

Phrases become one pattern: RE2 matches it in linear time; for Python's ``re`` it is a tree of their beginnings, which
takes for each place at most as many steps as the tree is deep and wide there.

Source: ModSecurity reference manual v3 (rx, rxGlobal, pm, pmFromFile, verifyCC); ISO/IEC 7812-1 (check digit).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, partial
from typing import Any, Final

from dmz.waf.seclang.findings import Check, Found
from dmz.waf.seclang.model import RuleSetError
from dmz.waf.seclang.patterns import Pattern, compile_re2

#: Captures that a rule can use: TX.0 to TX.9.
MOST_CAPTURES: Final = 10
#: Matches that ``rxGlobal`` and ``verifyCC`` look at.
MOST_MATCHES: Final = 50
MAX_PHRASES: Final = 100_000
MAX_PHRASE_LENGTH: Final = 4_096
#: So few phrases are looked for one by one.
FEW: Final = 6


def _found(match: Any) -> Found:
    piece = match.group()
    return Found(piece, (piece, *[group or b"" for group in match.groups()][: MOST_CAPTURES - 1]))


def matches(pattern: Pattern) -> Check:
    """``rx``: the first match with its groups; a group that took no part is empty."""
    search = pattern.search

    def check(value: bytes) -> Found | None:
        match = search(value)
        return None if match is None else _found(match)

    return check


def matches_all(pattern: Pattern) -> Check:
    """``rxGlobal``: all matches, and the groups of each behind one another."""

    def check(value: bytes) -> Found | None:
        found = [_found(match) for match in pattern.every(value, MOST_MATCHES)]
        if not found:
            return None
        groups = [group for each in found for group in each.groups]
        return Found(found[0].piece, tuple(groups[:MOST_CAPTURES]))

    return check


def card_number(pattern: Pattern) -> Check:
    """``verifyCC``: a match of the pattern whose digits are a card number's (13 to 19, the check digit right)."""

    def check(value: bytes) -> Found | None:
        for match in pattern.every(value, MOST_MATCHES):
            if has_check_digit(match.group()):
                return _found(match)
        return None

    return check


_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def has_check_digit(text: bytes) -> bool:
    """Say whether the digits of a text are 13 to 19 and their check digit is right."""
    digits = [code - 0x30 for code in text if 0x30 <= code <= 0x39]
    if not 13 <= len(digits) <= 19:
        return False
    odd = sum(digits[-1::-2])
    even = sum(_DOUBLED[digit] for digit in digits[-2::-2])
    return (odd + even) % 10 == 0


def phrases(argument: bytes) -> tuple[bytes, ...]:
    """Give the phrases of ``pm``, between spaces; ``|41 42|`` stands for bytes.

    Raises:
        RuleSetError: no phrase, or too many or too long ones.
    """
    text = argument.strip()
    if len(text) >= 2 and text[:1] == text[-1:] == b'"':
        text = text[1:-1]
    return _folded(_unhex(text).split(b" "))


def phrases_of_file(content: bytes) -> tuple[bytes, ...]:
    """Give the phrases of ``pmFromFile``, one a line; empty lines and those that begin with ``#`` do not count.

    Raises:
        RuleSetError: no phrase, or too many or too long ones.
    """
    lines = (line.strip() for line in content.splitlines())
    return _folded(line for line in lines if line and not line.startswith(b"#"))


_HEX: Final = re.compile(rb"\|((?:[0-9a-fA-F]{2} ?)+)\|")


def _unhex(text: bytes) -> bytes:
    return _HEX.sub(lambda match: bytes.fromhex(match[1].decode()), text)


def _folded(wanted: Iterable[bytes]) -> tuple[bytes, ...]:
    """Give the phrases in lower case, sorted, each once."""
    lower = tuple(sorted({phrase.lower() for phrase in wanted if phrase}))
    if not 1 <= len(lower) <= MAX_PHRASES:
        raise RuleSetError(f"{len(lower)} phrases; 1 to {MAX_PHRASES}")
    if max(map(len, lower)) > MAX_PHRASE_LENGTH:
        raise RuleSetError(f"a phrase of {max(map(len, lower))} bytes; at most {MAX_PHRASE_LENGTH}")
    return lower


def any_of(wanted: Sequence[bytes]) -> Check:
    """``pm``, ``pmFromFile``: find one of several phrases, in any case of ASCII letters.

    Args:
        wanted: in lower case and sorted, as ``phrases`` gives them.
    """
    return _few(wanted) if len(wanted) <= FEW else _many(wanted)


def _few(wanted: Sequence[bytes]) -> Check:
    def check(value: bytes) -> Found | None:
        folded = value.lower()
        for phrase in wanted:
            at = folded.find(phrase)
            if at >= 0:
                piece = value[at : at + len(phrase)]
                return Found(piece, (piece,))
        return None

    return check


def _many(wanted: Sequence[bytes]) -> Check:
    search = cache(partial(_phrase_search, wanted))  # made when it is first needed
    shortest = min(map(len, wanted))

    def check(value: bytes) -> Found | None:
        if len(value) < shortest:
            return None
        match = search()(value.lower())
        if match is None:
            return None
        piece = value[match.start() : match.end()]
        return Found(piece, (piece,))

    return check


def _phrase_search(wanted: Sequence[bytes]) -> Any:
    compiled = compile_re2(b"|".join(quoted(phrase) for phrase in wanted))
    if compiled is not None:
        return compiled.search
    return re.compile(_tree(wanted, 0)).search


def quoted(phrase: bytes) -> bytes:
    """Write a phrase so that every engine takes it for itself."""
    return b"".join([bytes([code]) if bytes([code]).isalnum() else b"\\x%02x" % code for code in phrase])


def _tree(wanted: Sequence[bytes], depth: int) -> bytes:
    """Write sorted phrases that agree in their first bytes as one pattern of what follows."""
    if any(len(phrase) == depth for phrase in wanted):
        return b""  # a shorter phrase ends here, so all longer ones are found with it
    branches: list[bytes] = []
    start = 0
    for end in range(1, len(wanted) + 1):
        if end < len(wanted) and wanted[end][depth] == wanted[start][depth]:
            continue
        group = wanted[start:end]
        shared = _shared(group, depth)
        rest = _tree(group, shared)
        branches.append(quoted(group[0][depth:shared]) + rest)
        start = end
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"


def _shared(group: Sequence[bytes], depth: int) -> int:
    """Say up to where sorted phrases agree: the first and the last decide."""
    first, last = group[0], group[-1]
    end = min(len(first), len(last))
    at = depth
    while at < end and first[at] == last[at]:
        at += 1
    return at
