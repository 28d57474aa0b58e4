"""Rules that found nothing in a part of a request need not be asked about the same part again.

Browsers send the same method, headers and names of headers with every request, and many rules look at nothing else.
Such a rule is *steady*: what it finds depends on its sources only.  Steady rules with the same sources are a group; of
each group is remembered, by a hash of what its sources held, which of them found nothing.

A rule or target that another rule takes out for one request (``ctl``) changes what is found, so nothing is noted once
that has happened in a phase, and what was taken out before belongs to the hash.

Source: firewall research, section 4 (most rules look at what browsers repeat).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from dmz.waf.seclang.transaction import Transaction

#: Contents of sources about which is remembered who found nothing.
MOST_REMEMBERED: Final = 8_192


class Source(NamedTuple):
    """What a rule looks at: a collection, or one key of it (in lower case)."""

    collection: str
    key: bytes | None


class SteadyRules:
    """The steady rules of a phase.

    Args:
        sources: what each looks at, by place.
    """

    def __init__(self, sources: Mapping[int, frozenset[Source]]) -> None:
        together: dict[frozenset[Source], set[int]] = {}
        for place, its in sources.items():
            together.setdefault(its, set()).add(place)
        self._groups = [tuple(sorted(its, key=str)) for its in together]
        self._group_of = {place: number for number, places in enumerate(together.values()) for place in places}
        # Hashes are keyed anew in every process, so nobody can choose a content that is taken for another.
        self._remembered: dict[tuple[int, int], frozenset[int]] = {}

    def ask(self, transaction: Transaction) -> Asked:
        """Look up which rules need not be asked about a request."""
        out = transaction.taken_out
        hashes: dict[Source, int] = {}
        quiet: set[int] = set()
        unknown: dict[int, tuple[int, int]] = {}
        for number, sources in enumerate(self._groups):
            held = []
            for source in sources:
                known = hashes.get(source)
                if known is None:
                    known = hashes[source] = hash(tuple(_entries(transaction, source)))
                held.append(known)
            name = (number, hash((*held, *out)))
            places = self._remembered.get(name)
            if places is None:
                unknown[number] = name
            else:
                quiet |= places
        return Asked(self, quiet, unknown)

    def group_of(self, place: int) -> int | None:
        """Give the group of a steady rule; None for any other."""
        return self._group_of.get(place)

    def remember(self, noted: Mapping[tuple[int, int], set[int]]) -> None:
        """Take note of the places that found nothing."""
        if len(self._remembered) + len(noted) > MOST_REMEMBERED:
            self._remembered.clear()
        for name, places in noted.items():
            self._remembered[name] = frozenset(places)


class Asked:
    """One phase of one request.

    Attributes:
        quiet: places that need not be asked.
    """

    def __init__(self, rules: SteadyRules, quiet: set[int], unknown: Mapping[int, tuple[int, int]]) -> None:
        self.quiet = quiet
        self._rules = rules
        self._unknown = unknown
        self._noted: dict[tuple[int, int], set[int]] = {name: set() for name in unknown.values()}
        self._open = bool(unknown)

    def found_nothing(self, place: int) -> None:
        """Take note of a rule that was asked and found nothing."""
        if self._open:
            group = self._rules.group_of(place)
            if group is not None and group in self._unknown:
                self._noted[self._unknown[group]].add(place)

    def close(self) -> None:
        """Keep what was noted and note nothing more: a rule or a target has been taken out, or the phase is over."""
        if self._open:
            self._open = False
            self._rules.remember(self._noted)


def _entries(transaction: Transaction, source: Source) -> list[tuple[bytes, bytes]]:
    if source.key is None:
        return transaction.entries(source.collection)
    return transaction.named(source.collection, source.key)
