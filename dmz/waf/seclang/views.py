"""What values become under the chains of transformations that rules name: every beginning that chains share runs once.

Most values come out of most chains as they went in: a chain that decodes ``%`` does nothing to a value without one. A
transformation's *triggers* are the bytes without which it changes nothing. Bytes that trigger the same transformations
form a class, and a value's classes (a number with a bit per class) say which steps need not run at all.

Source: firewall research, section 4 (per-value transformation by byte class).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Final

from dmz.waf.seclang.text_shapes import WHITE
from dmz.waf.seclang.transformations import TRANSFORMATIONS, Transformation, steps_of

_UPPER: Final = bytes(range(0x41, 0x5B))
_LOWER: Final = bytes(range(0x61, 0x7B))
_HIGH: Final = bytes(range(0x80, 0x100))
_ALL: Final = bytes(range(256))

#: Bytes of which a value must hold one to be changed; a transformation that is not named may change any value, even
#: an empty one.
TRIGGERS: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        "cmdline": _UPPER + b",;\t\r\n\"'\\^ ",
        "compresswhitespace": WHITE,
        "cssdecode": b"\\",
        "escapeseqdecode": b"\\",
        "htmlentitydecode": b"&",
        "jsdecode": b"\\",
        "lowercase": _UPPER,
        "normalisepath": b"/.",
        "normalisepathwin": b"/.\\",
        "normalizepath": b"/.",
        "normalizepathwin": b"/.\\",
        "parityzero7bit": _HIGH,
        "removecomments": b"/<-#",
        "removecommentschar": b"/*<->#",
        "removenulls": b"\0",
        "removewhitespace": WHITE + b"\xc2\xa0",
        "replacecomments": b"/",
        "replacenulls": b"\0",
        "sqlhexdecode": b"xX",
        "trim": WHITE,
        "trimleft": WHITE,
        "trimright": WHITE,
        "uppercase": _LOWER,
        "urldecode": b"%+",
        "urldecodeuni": b"%+",
        "utf8tounicode": _HIGH,
    }
)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of transformations.

    Attributes:
        number: its place among the chains of a rule set.
        names: as rules name them, without ``none``.
        steps: one function each.
    """

    number: int
    names: tuple[str, ...]
    steps: tuple[Transformation, ...]

    def whole(self, value: bytes) -> bytes:
        """Run all steps."""
        for step in self.steps:
            value = step(value)
        return value


class Chains:
    """The chains of a rule set, numbered; equal ones are one."""

    def __init__(self) -> None:
        self._by_names: dict[tuple[str, ...], Chain] = {}
        self.all: list[Chain] = []

    def take(self, names: Sequence[str]) -> Chain:
        """Give the chain of these transformations.

        Raises:
            RuleSetError: a name that does not exist.
        """
        key = tuple(name.lower() for name in names if name.lower() != "none")
        found = self._by_names.get(key)
        if found is None:
            found = self._by_names[key] = Chain(len(self.all), key, steps_of(key))
            self.all.append(found)
        return found


@dataclass(slots=True)
class _Node:
    """One step behind a beginning that several chains share.

    Attributes:
        step: what runs here.
        triggers: classes without which it changes nothing.
        ends: chains that end here.
        below: what may follow.
        all_triggers: classes without which neither it nor anything below changes anything.
        all_ends: chains that end here or below.
    """

    step: Transformation
    triggers: int
    ends: list[int] = field(default_factory=list)
    below: list[_Node] = field(default_factory=list)
    all_triggers: int = 0
    all_ends: list[int] = field(default_factory=list)

    def sum_up(self) -> None:
        """Fill what concerns everything below."""
        for node in self.below:
            node.sum_up()
        self.all_triggers = reduce(or_, (node.all_triggers for node in self.below), self.triggers)
        self.all_ends = [*self.ends, *(number for node in self.below for number in node.all_ends)]


class Views:
    """Gives all that a value becomes under some chains.

    Args:
        chains: the ones that are wanted.
    """

    def __init__(self, chains: Sequence[Chain]) -> None:
        self._untouched = [chain.number for chain in chains]
        self._bare = [chain.number for chain in chains if not chain.steps]
        self._roots = _tree(chains)
        self._triggers = reduce(or_, (root.all_triggers for root in self._roots), 0)

    def collect(self, value: bytes, found: set[bytes]) -> None:
        """Add the value and all that it becomes, after each step."""
        classes = _classes_of(value)
        found.add(value)
        if classes & self._triggers:
            _collect(self._roots, value, classes, found)

    def of(self, value: bytes) -> dict[bytes, list[int]]:
        """Give what the value becomes, and under which chains.

        Returns:
            Changed value → numbers of the chains that give it; not to be changed by the caller.
        """
        classes = _classes_of(value)
        if not classes & self._triggers:
            return {value: self._untouched}
        found: dict[bytes, list[int]] = {}
        if self._bare:
            found[value] = list(self._bare)
        _walk(self._roots, value, classes, found)
        return found


def _collect(nodes: Sequence[_Node], value: bytes, classes: int, found: set[bytes]) -> None:
    """Run the steps that may change something, whatever ends there: a value more costs less than asking."""
    for node in nodes:
        if not classes & node.all_triggers:
            continue
        changed, its_classes = value, classes
        if classes & node.triggers:
            changed = node.step(value)
            if changed != value:
                found.add(changed)
                its_classes = _classes_of(changed)
        if node.below:
            _collect(node.below, changed, its_classes, found)


def _walk(nodes: Sequence[_Node], value: bytes, classes: int, found: dict[bytes, list[int]]) -> None:
    """Run the steps that may change something, and what follows them."""
    for node in nodes:
        if not classes & node.all_triggers:
            _add(found, value, node.all_ends)
            continue
        changed, its_classes = value, classes
        if classes & node.triggers:
            changed = node.step(value)
            if changed != value:
                its_classes = _classes_of(changed)
        if node.ends:
            _add(found, changed, node.ends)
        if node.below:
            _walk(node.below, changed, its_classes, found)


def _add(found: dict[bytes, list[int]], value: bytes, chains: Sequence[int]) -> None:
    known = found.get(value)
    if known is None:
        found[value] = list(chains)
    else:
        known += chains


def _tree(chains: Sequence[Chain]) -> list[_Node]:
    roots: list[_Node] = []
    places: dict[tuple[str, ...], _Node] = {}
    for chain in chains:
        level = roots
        for depth, name in enumerate(chain.names, 1):
            node = places.get(chain.names[:depth])
            if node is None:
                node = places[chain.names[:depth]] = _Node(TRANSFORMATIONS[name], _triggers_of((name,)))
                level.append(node)
            level = node.below
            if depth == len(chain.names):
                node.ends.append(chain.number)
    for root in roots:
        root.sum_up()
    return roots


#: Class 0 is what every value has, so that a step without triggers always runs.
_ANY: Final = 1
_BIT: Final = [1 << number for number in range(256)]
_SIGNATURES: Final = [
    tuple(sorted(name for name, triggers in TRIGGERS.items() if code in triggers)) for code in range(256)
]
_NUMBERS: Final = {names: number for number, names in enumerate(sorted({*_SIGNATURES} - {()}), 1)}
_TABLE: Final = bytes(_NUMBERS.get(names, 0) for names in _SIGNATURES)
_OF_NO_CLASS: Final = bytes(code for code, names in enumerate(_SIGNATURES) if not names)


def _classes_of(value: bytes) -> int:
    """Give the classes of a value, a bit each."""
    classes = _ANY
    for number in set(value.translate(_TABLE, _OF_NO_CLASS)):
        classes |= _BIT[number]
    return classes


def _triggers_of(names: Sequence[str]) -> int:
    """Give the classes that trigger any of these transformations."""
    if any(name not in TRIGGERS for name in names):
        return _ANY
    return sum(_BIT[number] for classes, number in _NUMBERS.items() if any(name in classes for name in names))
