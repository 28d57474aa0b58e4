"""What values become under the chains of transformations that rules name: every beginning that chains share runs once.

Most values come out of most chains as they went in: a chain that decodes ``%`` does nothing to a value without one. A
transformation's *triggers* are the bytes without which it changes nothing. Bytes that trigger the same transformations
form a class, and a value's classes (a number with a bit per class) say which steps need not run at all.

Source: firewall research, section 4 (per-value transformation by byte class).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Final

from dmz.waf.seclang.steps import LARGE
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
        "utf8tounicode": b"\0" + _HIGH,
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

    def take(self, names: Sequence[str]) -> Chain:
        """Give the chain of these transformations.

        Raises:
            RuleSetError: a name that does not exist.
        """
        key = tuple(name.lower() for name in names if name.lower() != "none")
        found = self._by_names.get(key)
        if found is None:
            found = self._by_names[key] = Chain(len(self._by_names), key, steps_of(key))
        return found


def values_of(chain: Chain, value: bytes, *, each_step: bool) -> Sequence[bytes]:
    """Give what a rule looks at for a value: what it becomes, or the value and all that it becomes on its way."""
    if not each_step:
        return (chain.whole(value),) if chain.steps else (value,)
    values = [value]
    for step in chain.steps:
        changed = step(values[-1])
        if changed != values[-1]:
            values.append(changed)
    return values


@dataclass(slots=True)
class _Node:
    """One step behind a beginning that several chains share.

    Attributes:
        step: what runs here.
        triggers: classes without which it changes nothing.
        below: what may follow.
        all_triggers: classes without which neither it nor anything below changes anything.
    """

    step: Transformation
    triggers: int
    below: list[_Node] = field(default_factory=list)
    all_triggers: int = 0

    def sum_up(self) -> int:
        """Fill what concerns everything below."""
        self.all_triggers = reduce(or_, (node.sum_up() for node in self.below), self.triggers)
        return self.all_triggers


class Views:
    """Gives all that a value becomes under some chains.

    Args:
        chains: the ones that are wanted.
    """

    def __init__(self, chains: Iterable[Chain]) -> None:
        self._roots = _tree(chains)
        self._triggers = reduce(or_, (root.all_triggers for root in self._roots), 0)

    def of(self, value: bytes) -> set[bytes]:
        """Give the value and all that it becomes, after each step of each chain."""
        found = {value}
        classes = _classes_of(value)
        if classes & self._triggers:
            _collect(self._roots, value, classes, found)
        return found

    def in_steps(self, value: bytes) -> Generator[None, None, set[bytes]]:
        """Give the same as ``of``, a transformation a step if the value is large."""
        if len(value) < LARGE:
            return self.of(value)
        found = {value}
        todo = [(self._roots, value, _classes_of(value))]
        while todo:
            nodes, before, classes = todo.pop()
            for node in nodes:
                if not classes & node.all_triggers:
                    continue
                changed, its_classes = before, classes
                if classes & node.triggers:
                    changed = node.step(before)
                    its_classes = classes if changed == before else _classes_of(changed)
                    found.add(changed)
                    yield
                todo.append((node.below, changed, its_classes))
        return found


def _collect(nodes: Sequence[_Node], value: bytes, classes: int, found: set[bytes]) -> None:
    """Run the steps that may change something, and what follows them."""
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


def _tree(chains: Iterable[Chain]) -> list[_Node]:
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
