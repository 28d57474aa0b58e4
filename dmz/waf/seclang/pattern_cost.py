"""Refuses a pattern with which Python's ``re`` could take more than linear time.

Python's engine backtracks. A pattern is accepted if every repetition is bounded or possessive, and if one attempt at
one position costs at most MOST_STEPS steps; so a search costs at most ``MOST_STEPS x length``, whatever is sent. For
each part the check counts its ways (in how many ways it can match at one place) and its cost; what follows a part is
tried once for each of its ways. The bound is far above what real texts cost: nearly every attempt ends at once.

Source: firewall research, section 2 (a field of repeated ``$(`` costs a known engine 53 seconds at 8 KB).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

MOST_STEPS: Final = 60_000
_CEILING: Final = 1 << 40


class PatternError(ValueError):
    """A pattern that may not be used."""


class _Effort(NamedTuple):
    ways: int
    cost: int


_ONE: Final = _Effort(1, 1)


def check_pattern(pattern: str) -> None:
    """Accept a pattern.

    Raises:
        PatternError: it is no pattern, a repetition has no bound, or one attempt at one position could take too long.
    """
    try:
        tree = parser.parse(pattern)
    except re.error as error:
        raise PatternError(f"not a pattern: {error}") from None
    steps = _sequence(tree).cost
    if steps > MOST_STEPS:
        raise PatternError(f"up to {steps} steps at one position; at most {MOST_STEPS}")


def _sequence(items: Iterable[tuple[Any, Any]]) -> _Effort:
    ways, cost = 1, 1
    for code, argument in items:
        part = _item(code, argument)
        cost = min(cost + ways * part.cost, _CEILING)
        ways = min(ways * part.ways, _CEILING)
    return _Effort(ways, cost)


def _item(code: Any, argument: Any) -> _Effort:
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        least, most, inner = argument
        if most is codes.MAXREPEAT:
            raise PatternError("a repetition without a bound; use {0,n} or a possessive one")
        return _repeated(_sequence(inner), int(least), int(most))
    if code is codes.POSSESSIVE_REPEAT:
        return _Effort(1, _sequence(argument[2]).cost * (1 if argument[1] is codes.MAXREPEAT else int(argument[1])))
    if code is codes.SUBPATTERN:
        return _sequence(argument[3])
    if code is codes.BRANCH:
        return _branch(argument[1])
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return _Effort(1, _sequence(argument[1]).cost)
    if code is codes.ATOMIC_GROUP:
        return _Effort(1, _sequence(argument).cost)
    if code is codes.GROUPREF:
        raise PatternError("a back-reference")
    return _ONE


def _branch(branches: Iterable[Any]) -> _Effort:
    """Alternatives that begin with different letters cannot both match at one place."""
    ways: Counter[Any] = Counter()
    cost = 0
    for branch in branches:
        effort = _sequence(branch)
        code, argument = branch[0] if len(branch) else (None, None)
        ways[argument if code is codes.LITERAL else None] += effort.ways
        cost += effort.cost
    anywhere = ways.pop(None, 0)
    return _Effort(anywhere + max(ways.values(), default=0), cost)


def _repeated(inner: _Effort, least: int, most: int) -> _Effort:
    if inner.ways == 1:
        return _Effort(most - least + 1, most * inner.cost)
    ways = min(inner.ways**most, _CEILING) if most < 40 else _CEILING
    return _Effort(ways, min(ways * inner.cost, _CEILING))
