"""What compiled rules read and write: their variables by name, and the parts of a request they look at.  Pure.

A chain can be *alone*: every link looks at a request's surroundings, at what the chain itself has matched or written,
or at fixed variables; and what it writes before its last link is read by no other rule.  When such a chain does not
match, nothing that it did on the way is seen by anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from dmz.waf.seclang.compiled import Compiled
from dmz.waf.seclang.steady import Source
from dmz.waf.seclang.transaction import SURROUNDINGS, WRITTEN

AreFixed = Callable[[Iterable[str]], bool]
_MACRO: Final = re.compile(r"%\{([^{}]{1,128})\}")
#: The beginning of a pattern of keys up to its first sign that is no letter.
_BEGINNING: Final = re.compile(rb"\^([a-z0-9_-]*)")
_NUMBERS: Final = frozenset(f"tx.{number}" for number in range(10))


def settings_of(link: Compiled) -> Iterator[tuple[str, str]]:
    """Give what a link writes: name without ``tx.``, and value."""
    for argument in link.rule.all_of("setvar"):
        name, _, value = argument.strip().lstrip("!").partition("=")
        collection, _, key = name.strip().partition(".")
        if collection.lower() == "tx":
            yield key, value


def macros_of(text: str) -> list[str]:
    """Give the names in a text's macros, as written."""
    return _MACRO.findall(text)


def is_steady(link: Compiled, are_fixed: AreFixed) -> bool:
    """Say whether a link's match depends on a request's surroundings and fixed variables only."""
    operator, targets = link.rule.operator, link.targets
    if operator is None or targets is None or not all(each.collection in SURROUNDINGS for each in targets.wanted):
        return False
    return are_fixed(macros_of(operator.argument))


def sources_of(links: Iterable[Compiled]) -> frozenset[Source]:
    """Give the parts of a request's surroundings that links look at."""
    return frozenset(
        Source(target.collection, target.key)
        for link in links
        if link.targets is not None
        for target in link.targets.wanted
        if target.collection in SURROUNDINGS
    )


def find_alone(rules: Sequence[Compiled], are_fixed: AreFixed) -> set[int]:
    """Find the chains that are alone; gives the ``id`` of each."""
    if any(_takes_numbers_of_others(rule) for rule in rules):
        return set()
    names = {id(rule): _Names.of(rule) for rule in rules}
    return {
        id(rule)
        for rule in rules
        if rule.links
        and is_steady(rule, are_fixed)
        and not any(link.rule.all_of("ctl") for link in (rule, *rule.links[:-1]))
        and all(_keeps_to_itself(link, names[id(rule)], are_fixed) for link in (rule, *rule.links))
        and not any(names[id(rule)].is_read_by(other) for its, other in names.items() if its != id(rule))
    }


@dataclass(slots=True)
class _Names:
    """Variables that a rule reads and writes, in lower case; beginnings of names whose rest is not known.

    Attributes:
        written: by all links but the last, which writes only when the whole chain matches.
        written_beginnings: likewise, of names that hold macros.
        read: names.
        read_beginnings: of patterns; b"" stands for any name.
    """

    written: set[bytes] = field(default_factory=set)
    written_beginnings: set[bytes] = field(default_factory=set)
    read: set[bytes] = field(default_factory=set)
    read_beginnings: set[bytes] = field(default_factory=set)

    @classmethod
    def of(cls, rule: Compiled) -> _Names:
        """Collect the names of a rule and its links."""
        made = cls()
        links = (rule, *rule.links)
        for key, _ in (setting for link in links[:-1] for setting in settings_of(link)):
            fixed, macro, _ = key.partition("%{")
            (made.written_beginnings if macro else made.written).add(fixed.lower().encode())
        for link in links:
            made.read |= {name[3:].encode() for name in _macros_in(link) if name.startswith("tx.")}
            for target in link.targets.wanted if link.targets is not None else ():
                if target.collection == "TX" and target.key is not None:
                    made.read.add(target.key)
                elif target.collection == "TX":
                    made.read_beginnings.add(_beginning_of(target.selector))
        return made

    def is_read_by(self, other: _Names) -> bool:
        """Say whether another rule may read what this one writes."""
        beginnings = self.written_beginnings
        return (
            bool(self.written & other.read)
            or any(name.startswith(tuple(beginnings)) for name in other.read)
            or any(mine.startswith(begins) for mine in self.written for begins in other.read_beginnings)
            or any(
                mine.startswith(begins) or begins.startswith(mine)
                for mine in beginnings
                for begins in other.read_beginnings
            )
        )

    def is_own(self, name: bytes) -> bool:
        """Say whether the rule writes a variable, or those that begin so, itself."""
        return name in self.written or name.startswith(tuple(self.written_beginnings))


def _macros_in(link: Compiled) -> set[str]:
    """Give the names in all macros of a link, in lower case."""
    texts = [action.argument for action in link.rule.actions]
    texts += [link.rule.operator.argument] if link.rule.operator is not None else []
    return {name.lower() for text in texts for name in macros_of(text)}


def _beginning_of(pattern: bytes) -> bytes:
    """Give what every name that a pattern of keys matches begins with; b"" when that is not known."""
    begins = _BEGINNING.match(pattern.lower())
    return begins[1] if begins else b""


def _keeps_to_itself(link: Compiled, names: _Names, are_fixed: AreFixed) -> bool:
    if link.targets is None or link.rule.operator is None:
        return False
    for target in link.targets.wanted:
        if target.collection == "TX":
            name = target.key if target.key is not None else _beginning_of(target.selector)
            if not names.is_own(name) and not are_fixed([f"tx.{name.decode('utf-8', 'replace')}"]):
                return False
        elif target.collection not in SURROUNDINGS and target.collection not in WRITTEN:
            return False
    macros = [name.lower() for name in macros_of(link.rule.operator.argument)]
    asked = [
        name
        for name in macros
        if name not in _NUMBERS and not name.startswith("matched_var") and not names.is_own(name[3:].encode())
    ]
    return are_fixed(asked)


def _takes_numbers_of_others(rule: Compiled) -> bool:
    """Say whether a rule reads TX.0 to TX.9 without having captured anything itself."""
    captured = False
    for link in (rule, *rule.links):
        captured = captured or link.rule.captures
        reads = _macros_in(link)
        if link.targets is not None:
            reads |= {
                f"tx.{each.selector.decode('utf-8', 'replace')}"
                for each in link.targets.wanted
                if each.collection == "TX"
            }
        if not captured and reads & _NUMBERS:
            return True
    return False
