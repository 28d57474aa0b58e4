"""Which rules of a phase may match which value: all patterns and phrases of a rule set are looked for at once.

    value ──views──▶ what it becomes under each chain ──pattern set──▶ patterns that may match ──▶ places of rules

A rule whose place is not given cannot match the value; a rule whose place is given decides for itself.  All values of a
collection are searched together first, which nearly always ends it.

What was found is remembered by a hash of the value: browsers send the same names and headers with every request, and
what people type is not kept.

Source: firewall research, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.seclang.views import Chain, Views

#: Values about which is remembered what was found.
MOST_REMEMBERED: Final = 16_384
#: Bytes that are searched together; a longer value is searched alone.
MOST_JOINED: Final = 16_384
NOWHERE: Final[frozenset[int]] = frozenset()


class Watch(NamedTuple):
    """A rule that waits for a pattern.

    Attributes:
        collection: where it looks.
        pattern: number of the pattern in the set.
        chain: number of the chain under which it looks; for ``multiMatch`` there is a watch for every beginning too.
        place: of the rule in its phase.
    """

    collection: str
    pattern: int
    chain: int
    place: int


class Prefilter:
    """Finds the rules of one phase that may match.

    Args:
        patterns: all patterns.
        chains: all chains, by number.
        watches: the rules.
    """

    def __init__(self, patterns: PatternSet, chains: Sequence[Chain], watches: Iterable[Watch]) -> None:
        self._patterns = patterns
        self._waiting: dict[str, dict[int, list[tuple[int, int]]]] = {}
        used: dict[str, set[int]] = {}
        for watch in watches:
            by_pattern = self._waiting.setdefault(watch.collection, {})
            by_pattern.setdefault(watch.pattern, []).append((watch.chain, watch.place))
            used.setdefault(watch.collection, set()).add(watch.chain)
        self._views = {name: Views([chains[number] for number in sorted(numbers)]) for name, numbers in used.items()}
        # The hash is keyed anew in every process, so nobody can choose a value that is taken for another.
        self._remembered: dict[tuple[str, int], frozenset[int]] = {}

    @property
    def collections(self) -> Iterable[str]:
        """The collections that rules of the phase look at."""
        return self._waiting

    def search(
        self, collection: str, entries: Iterable[tuple[bytes, bytes]], found: dict[tuple[str, bytes], frozenset[int]]
    ) -> Iterator[None]:
        """Find the rules that may match the values of a collection, in steps of about MOST_JOINED bytes.

        Args:
            collection: one of ``collections``.
            entries: keys and values.
            found: gets the places of rules by collection and value; a value without any gets nothing.
        """
        unknown: list[bytes] = []
        size = 0
        for _, value in entries:
            known = self._remembered.get((collection, hash(value)))
            if known is None:
                unknown.append(value)
                size += len(value)
                if size > MOST_JOINED:
                    self._search(collection, unknown, found)
                    unknown, size = [], 0
                    yield
            elif known:
                found[collection, value] = known
        if unknown:
            self._search(collection, unknown, found)
            yield

    def _search(self, collection: str, values: Sequence[bytes], found: dict[tuple[str, bytes], frozenset[int]]) -> None:
        waiting, views = self._waiting[collection], self._views[collection]
        changed: set[bytes] = set()
        for value in values:
            views.collect(value, changed)
        hopeless = all(self._patterns.candidates(joined).isdisjoint(waiting) for joined in _joined(changed))
        if len(self._remembered) + len(values) > MOST_REMEMBERED:
            self._remembered.clear()
        for value in values:
            places = NOWHERE if hopeless else self._places(waiting, views, value)
            self._remembered[collection, hash(value)] = places
            if places:
                found[collection, value] = places

    def _places(self, waiting: Mapping[int, Sequence[tuple[int, int]]], views: Views, value: bytes) -> frozenset[int]:
        places: set[int] = set()
        for changed, chains in views.of(value).items():
            for pattern in self._patterns.candidates(changed):
                for chain, place in waiting.get(pattern, ()):
                    if chain in chains:
                        places.add(place)
        return frozenset(places)


def _joined(values: Iterable[bytes]) -> Iterator[bytes]:
    """Join values by line ends, about MOST_JOINED bytes at a time."""
    together: list[bytes] = []
    size = 0
    for value in values:
        together.append(value)
        size += len(value) + 1
        if size > MOST_JOINED:
            yield b"\n".join(together)
            together, size = [], 0
    if together:
        yield b"\n".join(together)
