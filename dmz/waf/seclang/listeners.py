"""Compiled rules → who listens to which part of a request, for ``silence``.  Pure.

Parts that vary from request to request are headers, arguments, files and the peer's address.  Of a rule, every link
that looks at their values is a listener.  A chain whose first link looks at arguments and files only is one whole: as
long as that link finds nothing, the others are not asked.  Links that look at what the first has matched
(MATCHED_VARS), and nothing else, are asked together with it.

What cannot be told by looking at entries one by one takes part in another way:

- what collections are made from (``DERIVED_FROM``), and headers and arguments that macros name, are kept as they are;
- a rule that counts arguments, adds up their sizes, or asks with an argument that changes while rules run, makes the
  whole impossible.  CRS does none of that unless its setup file limits arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from dmz.waf.seclang.compiled import Compiled, Phase
from dmz.waf.seclang.operators import Test
from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.seclang.reading import macros_of
from dmz.waf.seclang.silence import Listener, Silence
from dmz.waf.seclang.targets import Target
from dmz.waf.seclang.transaction import DERIVED_FROM
from dmz.waf.seclang.views import Chain

#: The phases in which requests are refused.
PHASES: Final = (1, 2)
HEADERS: Final = "REQUEST_HEADERS"
ARGUMENTS: Final = ("ARGS", "ARGS_POST")
ARGUMENT_NAMES: Final = ("ARGS_NAMES", "ARGS_POST_NAMES")
FILES: Final = ("FILES", "MULTIPART_FILENAME")
FILE_NAMES: Final = ("FILES_NAMES", "MULTIPART_NAME")
ADDRESS: Final = ("REMOTE_ADDR", "REMOTE_HOST")
_SENT: Final = frozenset((*ARGUMENTS, *ARGUMENT_NAMES, *FILES, *FILE_NAMES))
_VARYING: Final = _SENT | {HEADERS, *ADDRESS}
#: Collections that sum up what people send.
_SUMS: Final = frozenset({"ARGS_COMBINED_SIZE"})
#: Of these, macros name one entry, which then always counts.
_BY_NAME: Final = frozenset((HEADERS, *ARGUMENTS, *ADDRESS))
#: Macros that name one of these, or all of one, are not foreseen.
_UNFORESEEN: Final = (_SENT | _SUMS) - _BY_NAME
_WHOLE: Final = frozenset(name.lower() for name in (HEADERS, *ARGUMENTS))


def silence_of(
    phases: Mapping[int, Phase], patterns: PatternSet, numbers: Mapping[str | tuple[bytes, ...], int]
) -> Silence:
    """Find out who listens.

    Args:
        phases: of the rules that can run.
        patterns: all patterns.
        numbers: of the patterns, by what links need.
    """
    listeners: list[Listener] = []
    kept = set(DERIVED_FROM)
    impossible = False
    for rule in (rule for number in PHASES for rule in phases[number].rules.values()):
        named = {name.lower() for link in (rule, *rule.links) for name in _macros(link)}
        kept |= {name.partition(".")[2] or name for name in named if name.partition(".")[0].upper() in _BY_NAME}
        impossible = impossible or any(
            name.partition(".")[0].upper() in _UNFORESEEN or name in _WHOLE for name in named
        )
        for link in _asked(rule):
            targets = link.targets.wanted if link.targets is not None else ()
            impossible = impossible or any(_sums_up(target) for target in targets)
            if any(target.collection in _VARYING for target in targets):
                listener = _listener(link, numbers, _further(rule))
                impossible = impossible or listener is None
                listeners += [listener] if listener is not None else []
    return Silence(listeners, patterns, kept, impossible=impossible)


def _asked(rule: Compiled) -> Iterable[Compiled]:
    """Give the links that must find nothing for the rule to find nothing in an entry."""
    targets = rule.targets
    gate = targets is not None and all(each.collection in _SENT and not each.counted for each in targets.wanted)
    return (rule,) if gate else (rule, *rule.links)


def _further(rule: Compiled) -> tuple[tuple[Chain, Test], ...]:
    """Give the links that look at nothing but what the first link has matched, when that does nothing by itself."""
    found: list[tuple[Chain, Test]] = []
    for link in rule.links:
        seen = {target.collection for target in link.targets.wanted} if link.targets is not None else set()
        if seen != {"MATCHED_VARS"} or link.test is None or not link.test.is_fixed or link.rule.multi_match:
            return ()
        found.append((link.chain, link.test))
    silent = not any(link.effects or link.rule.captures for link in (rule, *rule.links[:-1]))
    return tuple(found) if silent else ()


def _macros(link: Compiled) -> Iterator[str]:
    """Give the names in macros that something depends on: those of operators and of what is written."""
    if link.rule.operator is not None:
        yield from macros_of(link.rule.operator.argument)
    for action in link.rule.actions:
        if action.name in ("setvar", "ctl"):
            yield from macros_of(action.argument)


def _sums_up(target: Target) -> bool:
    """Say whether a target depends on the number or size of what is sent; headers the caller counts."""
    return target.collection in _SUMS or (target.counted and target.collection in _SENT)


def _listener(
    link: Compiled, numbers: Mapping[str | tuple[bytes, ...], int], further: tuple[tuple[Chain, Test], ...]
) -> Listener | None:
    """Make the listener of a link; None when what it asks is known only while rules run."""
    assert link.targets is not None
    assert link.test is not None
    if not link.test.is_fixed:
        return None
    number = numbers.get(link.test.needs) if link.filtered else None
    return Listener(link.targets, link.chain, link.test, link.rule.multi_match, number, further)
