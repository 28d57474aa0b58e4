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
    """

    step: Transformation
    triggers: int
    ends: list[int] = field(default_factory=list)
    below: list[_Node] = field(default_factory=list)


class Views:
    """Gives all that a value becomes under some chains.

    Args:
        chains: the ones that are wanted.
    """

    def __init__(self, chains: Sequence[Chain]) -> None:
        self._table, self._deleted = _classes()
        self._untouched = [chain.number for chain in chains]
        self._bare = [chain.number for chain in chains if not chain.steps]
        self._roots = self._tree(chains)
        self._triggers = reduce(or_, (_triggers_of(chain.names) for chain in chains), 0)

    def of(self, value: bytes) -> dict[bytes, list[int]]:
        """Give what the value becomes, and under which chains.

        Returns:
            Changed value → numbers of the chains that give it; not to be changed by the caller.
        """
        classes = reduce(or_, map(_BIT.__getitem__, set(value.translate(self._table, self._deleted))), 1)
        if not classes & self._triggers:
            return {value: self._untouched}
        found: dict[bytes, list[int]] = {}
        if self._bare:
            found[value] = list(self._bare)
        for root in self._roots:
            _walk(root, value, classes, found)
        return found

    @staticmethod
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
        return roots


def _walk(node: _Node, value: bytes, classes: int, found: dict[bytes, list[int]]) -> None:
    """Run a step where it may change something, then what follows; 0 as classes: not known, so everything runs."""
    if not classes or classes & node.triggers:
        changed = node.step(value)
        if changed != value:
            value, classes = changed, 0
    if node.ends:
        numbers = found.get(value)
        if numbers is None:
            found[value] = list(node.ends)
        else:
            numbers += node.ends
    for below in node.below:
        _walk(below, value, classes, found)


#: Class 0 is what every value has, so that a step without triggers always runs.
_ANY: Final = 1
_BIT: Final = [1 << number for number in range(256)]


def _signatures() -> dict[int, tuple[str, ...]]:
    return {code: tuple(sorted(name for name, triggers in TRIGGERS.items() if code in triggers)) for code in range(256)}


_NUMBERS: Final[Mapping[tuple[str, ...], int]] = MappingProxyType(
    {names: number for number, names in enumerate(sorted({*_signatures().values()} - {()}), 1)}
)


def _classes() -> tuple[bytes, bytes]:
    """Give the table byte → class, and the bytes of no class."""
    signatures = _signatures()
    table = bytes(_NUMBERS.get(signatures[code], 0) for code in range(256))
    return table, bytes(code for code in range(256) if not signatures[code])


def _triggers_of(names: Sequence[str]) -> int:
    """Give the classes that trigger any of these transformations."""
    if any(name not in TRIGGERS for name in names):
        return _ANY
    return sum(_BIT[number] for classes, number in _NUMBERS.items() if any(name in classes for name in names))
