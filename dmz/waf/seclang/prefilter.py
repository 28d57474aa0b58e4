"""Which rules of a phase may match in a collection: all patterns and phrases of a rule set are looked for at once.

    values ──views──▶ all that they become ──pattern set──▶ patterns that may match ──▶ places of rules

All values of a collection are searched together first, which nearly always ends it.  A rule whose place is not given
cannot match the value; a rule whose place is given decides for itself.

What was found is remembered by a hash of the values: browsers send the same names and headers with every request, and
what people type is not kept.

Source: firewall research, section 4.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.seclang.steps import LARGE
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
        chain: what values become before it looks.
        place: of the rule in its phase.
    """

    collection: str
    pattern: int
    chain: Chain
    place: int


class Prefilter:
    """Finds the rules of one phase that may match.

    Args:
        patterns: all patterns.
        watches: the rules.
    """

    def __init__(self, patterns: PatternSet, watches: Iterable[Watch]) -> None:
        self._patterns = patterns
        self._waiting: dict[str, dict[int, set[int]]] = {}
        chains: dict[str, set[Chain]] = {}
        for watch in watches:
            self._waiting.setdefault(watch.collection, {}).setdefault(watch.pattern, set()).add(watch.place)
            chains.setdefault(watch.collection, set()).add(watch.chain)
        self._views = {name: Views(used) for name, used in chains.items()}
        # Hashes are keyed anew in every process, so nobody can choose a value that is taken for another.
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
                    yield from self._take(collection, unknown, found)
                    unknown, size = [], 0
                    yield
            elif known:
                found[collection, value] = known
        if unknown:
            yield from self._take(collection, unknown, found)
            yield

    def _take(
        self, collection: str, values: Sequence[bytes], found: dict[tuple[str, bytes], frozenset[int]]
    ) -> Generator[None, None, None]:
        """Search values together, and one by one only if that found something."""
        views = self._views[collection]
        changed: list[set[bytes]] = [set()] * len(values)
        for number, value in enumerate(values):
            changed[number] = yield from views.in_steps(value)
        together = yield from self._places(collection, set().union(*changed))
        if len(self._remembered) + len(values) > MOST_REMEMBERED:
            self._remembered.clear()
        for value, own in zip(values, changed, strict=True):
            places = (yield from self._places(collection, own)) if together and len(values) > 1 else together
            self._remembered[collection, hash(value)] = places
            if places:
                found[collection, value] = places

    def _places(self, collection: str, changed: AbstractSet[bytes]) -> Generator[None, None, frozenset[int]]:
        """Give the rules that wait for what is found in any of these values."""
        waiting = self._waiting[collection]
        places: set[int] = set()
        for joined in joined_by_lines(changed):
            for pattern in self._patterns.candidates(joined):
                if pattern in waiting and self._patterns.is_told(pattern, changed):
                    places |= waiting[pattern]
            if len(joined) >= LARGE:
                yield
        return frozenset(places) if places else NOWHERE


def joined_by_lines(values: Iterable[bytes]) -> Iterator[bytes]:
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
