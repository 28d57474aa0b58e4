"""Which rules of a phase may match one value: all patterns and phrases of a rule set are looked for at once.

    value ──views──▶ what it becomes under each chain ──pattern set──▶ patterns that may match ──▶ places of rules

A rule whose place is not given cannot match the value; a rule whose place is given decides for itself.  What fixed
texts gave (names, most headers) is remembered, since browsers send the same ones with every request; what people type
is not.

Source: firewall research, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.seclang.views import Chain, Views

#: Values whose places are remembered, and how long one may be.
MOST_REMEMBERED: Final = 8_192
MOST_REMEMBERED_BYTES: Final = 512
_REMEMBERED: Final = frozenset(
    {"REQUEST_HEADERS", "REQUEST_HEADERS_NAMES", "REQUEST_COOKIES_NAMES", "ARGS_NAMES", "ARGS_GET_NAMES",
     "ARGS_POST_NAMES", "REQUEST_METHOD", "REQUEST_PROTOCOL", "FILES_NAMES", "MULTIPART_NAME"}
)  # fmt: skip
_SECRET_KEYS: Final = frozenset({b"cookie", b"authorization", b"referer"})
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
        self._remembered: dict[tuple[str, bytes], frozenset[int]] = {}

    @property
    def collections(self) -> Iterable[str]:
        """The collections that rules of the phase look at."""
        return self._waiting

    def places(self, collection: str, key: bytes, value: bytes) -> frozenset[int]:
        """Give the places of the rules that may match a value of a collection."""
        if collection not in _REMEMBERED or len(value) > MOST_REMEMBERED_BYTES or key.lower() in _SECRET_KEYS:
            return self._find(self._waiting[collection], self._views[collection], value)
        name = (collection, value)
        found = self._remembered.get(name)
        if found is None:
            found = self._find(self._waiting[collection], self._views[collection], value)
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[name] = found
        return found

    def _find(self, waiting: Mapping[int, Sequence[tuple[int, int]]], views: Views, value: bytes) -> frozenset[int]:
        found: set[int] = set()
        for changed, chains in views.of(value).items():
            for pattern in self._patterns.candidates(changed):
                for chain, place in waiting.get(pattern, ()):
                    if chain in chains:
                        found.add(place)
        return frozenset(found) if found else NOWHERE
