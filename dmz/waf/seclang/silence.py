"""Entries of a request in which no rule finds anything: they do not count, so they need no judgement.

Two requests that differ only in such *silent* entries, in the same number and under names that are silent too, are
judged alike: every link of every rule finds in one what it finds in the other, so the same rules match, with the same
effects.  Whoever knows the verdict of one knows that of the other.

Source: firewall research, section 4 (where the time of an interpreting engine goes).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from dmz.waf.seclang.operators import Test
from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.seclang.prefilter import joined_by_lines
from dmz.waf.seclang.steps import LARGE
from dmz.waf.seclang.targets import Targets
from dmz.waf.seclang.views import Chain, Views, values_of

#: Keys of which is remembered who looks at them.
MOST_KEYS: Final = 1_024


class Entry(NamedTuple):
    """One value of a request.

    Attributes:
        collections: where rules find it.
        key: its name there, b"" for none.
        value: what was sent.
    """

    collections: tuple[str, ...]
    key: bytes
    value: bytes


class Listener(NamedTuple):
    """A link of a rule that may find something in an entry.

    Attributes:
        targets: what it looks at.
        chain: what values become first.
        test: what is asked; its argument holds no macro.
        multi_match: whether it looks at every step of the chain.
        pattern: number in the pattern set of what a value must hold for it; None when it must be asked about each.
        further: (chain, test) of links that look at what this one has matched; it counts only if one of them does.
    """

    targets: Targets
    chain: Chain
    test: Test
    multi_match: bool
    pattern: int | None
    further: tuple[tuple[Chain, Test], ...] = ()


class Silence:
    """Says which entries are silent.

    Attributes:
        kept: names of headers and arguments, in lower case, that take part in the judgement in other ways too, so that
            they always count.
        impossible: whether nothing can be told: a rule looks at entries in a way that is not foreseen here.

    Args:
        listeners: all links that look at entries.
        patterns: all patterns.
        kept: as above.
        impossible: as above.
    """

    def __init__(
        self, listeners: Sequence[Listener], patterns: PatternSet, kept: AbstractSet[str], *, impossible: bool
    ) -> None:
        self.kept = kept
        self.impossible = impossible
        self._patterns = patterns
        self._listeners = listeners
        self._waiting: dict[int, set[int]] = {}
        for number, listener in enumerate(listeners):
            if listener.pattern is not None:
                self._waiting.setdefault(listener.pattern, set()).add(number)
        self._views = Views({each.chain for each in listeners if each.pattern is not None})
        self._seeing: dict[tuple[tuple[str, ...], bytes], _Seeing] = {}

    def loud(self, entries: Sequence[Entry]) -> Generator[None, None, list[bool]]:
        """Say of each entry whether a rule finds something in it, in steps if it is large."""
        changed: set[bytes] = set()
        for entry in entries:
            changed |= yield from self._views.in_steps(entry.value)
        candidates: set[int] = set()
        for joined in joined_by_lines(changed):
            for pattern in self._patterns.candidates(joined):
                if pattern in self._waiting and self._patterns.is_told(pattern, changed):
                    candidates |= self._waiting[pattern]
            if len(joined) >= LARGE:
                yield
        found = [False] * len(entries)
        for number, entry in enumerate(entries):
            found[number] = yield from self._is_loud(entry, candidates)
        return found

    def _is_loud(self, entry: Entry, candidates: AbstractSet[int]) -> Generator[None, None, bool]:
        seeing = self._seeing.get(entry[:2]) or self._look_up(entry)
        asked = seeing.always
        if not seeing.filtered.isdisjoint(candidates):
            asked += tuple(seeing.filtered & candidates)
        large = len(entry.value) >= LARGE
        for number in asked:
            listener = self._listeners[number]
            if large:
                yield from _prepare(listener, entry.value)
            if _finds(listener, entry.value):
                return True
        return False

    def _look_up(self, entry: Entry) -> _Seeing:
        """Find out who looks at values of these collections under this key."""
        seen = [number for number, listener in enumerate(self._listeners) if _sees(listener, entry)]
        always = tuple(number for number in seen if self._listeners[number].pattern is None)
        if len(self._seeing) >= MOST_KEYS:
            self._seeing.clear()
        made = self._seeing[entry[:2]] = _Seeing(always, frozenset(seen).difference(always))
        return made


class _Seeing(NamedTuple):
    """The listeners of one key of some collections: who must always be asked, and who waits for a pattern."""

    always: tuple[int, ...]
    filtered: frozenset[int]


def _sees(listener: Listener, entry: Entry) -> bool:
    return any(listener.targets.sees(collection, entry.key) for collection in entry.collections)


def _prepare(listener: Listener, sent: bytes) -> Generator[None, None, None]:
    """Do in steps what takes long with a large value."""
    seen = [sent]
    for chain, test in ((listener.chain, listener.test), *listener.further):
        for value in tuple(seen):
            changed = value
            for step in chain.steps:
                changed = step(changed)
                yield
            seen.append(changed)
            if test.prepare is not None:
                yield from test.prepare(changed)
    yield


def _finds(listener: Listener, sent: bytes) -> bool:
    check = listener.test.check
    for value in values_of(listener.chain, sent, each_step=listener.multi_match):
        if check(value, _no_macro) is not None and (not listener.further or _goes_on(listener, value)):
            return True
    return False


def _goes_on(listener: Listener, value: bytes) -> bool:
    """Say whether any of the further links finds something in a value that has matched."""
    return any(test.check(chain.whole(value), _no_macro) is not None for chain, test in listener.further)


def _no_macro(text: str) -> bytes:
    raise AssertionError(f"a listener's argument holds a macro: {text!r}")
