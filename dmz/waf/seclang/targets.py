"""The variables of a rule → what it looks at in a transaction, exclusions taken out.

Exclusions come from the rule itself (``!ARGS:x``) and, for one request, from ``ctl:ruleRemoveTargetById``, ``…ByTag``.
Patterns of keys are matched in linear time (RE2): rule sets write them without bounds.

Source: ModSecurity reference manual v3, "SecRule", "ctl".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from dmz.waf.seclang.model import RuleSetError, Selection, Variable
from dmz.waf.seclang.patterns import compile_re2
from dmz.waf.seclang.transaction import Entries, Transaction

#: What of a key a pattern looks at.
_MOST_KEY: Final = 4_096
#: Keys of which a pattern remembers whether it fits.
MOST_REMEMBERED: Final = 1_024

#: Says whether a key is meant.
KeyTest = Callable[[bytes], bool]


class Target(NamedTuple):
    """One variable, compiled.

    Attributes:
        collection: upper case.
        wanted: which keys; None for all.
        counted: the number of entries is the value.
        key: the one key that is meant, in lower case; None for all or a pattern.
        selector: as written.
    """

    collection: str
    wanted: KeyTest | None
    counted: bool
    key: bytes | None
    selector: bytes


class Targets:
    """What one rule looks at.

    Args:
        variables: as read.

    Raises:
        RuleSetError: a key pattern that may not be used.
    """

    def __init__(self, variables: Sequence[Variable]) -> None:
        self.wanted = tuple(_target(variable) for variable in variables if not variable.excluded)
        self._left_out = [_target(variable) for variable in variables if variable.excluded]

    def look(
        self, transaction: Transaction, also_left_out: Sequence[tuple[str, bytes]] = ()
    ) -> list[tuple[str, Entries]]:
        """Give the entries that are looked at, by collection, in the order of the variables.

        Args:
            transaction: the request.
            also_left_out: collection and key (lower case, b"" for all) that are left out for this request.

        Returns:
            The name of the collection, with ``&`` before it for a number of entries, and keys with values.
        """
        found: list[tuple[str, Entries]] = []
        for collection, wanted, counted, key, selector in self.wanted:
            if key is not None:
                entries = transaction.named(collection, key)
            else:
                entries = transaction.entries(collection) if wanted is None else transaction.fitting(collection, wanted)
            if self._left_out or also_left_out:
                entries = self._without(collection, entries, also_left_out)
            if counted:
                found.append(("&" + collection, [(selector, b"%d" % len(entries))]))
            elif entries:
                found.append((collection, entries))
        return found

    def sees(self, collection: str, key: bytes) -> bool:
        """Say whether the value of an entry is looked at, and not only counted."""
        seen = any(
            target.collection == collection and not target.counted and (target.wanted is None or target.wanted(key))
            for target in self.wanted
        )
        return seen and not any(
            out.collection == collection and (out.wanted is None or out.wanted(key)) for out in self._left_out
        )

    def _without(self, collection: str, entries: Entries, also: Sequence[tuple[str, bytes]]) -> Entries:
        for out in self._left_out:
            if out.collection == collection:
                wanted = out.wanted
                entries = [] if wanted is None else [entry for entry in entries if not wanted(entry[0])]
        for name, key in also:
            if name == collection:
                entries = [entry for entry in entries if key and entry[0].lower() != key]
        return entries


def _target(variable: Variable) -> Target:
    raw = variable.selector.encode("utf-8", "surrogateescape")
    key = raw.lower() if variable.selection is Selection.NAME else None
    wanted: KeyTest | None = None
    if key is not None:
        wanted = _is(key)
    elif variable.selection is Selection.PATTERN:
        wanted = _fits(variable.selector)
    return Target(variable.collection, wanted, variable.counted, key, raw)


def _is(name: bytes) -> KeyTest:
    return lambda key: key.lower() == name


@lru_cache(maxsize=512)
def _fits(pattern: str) -> KeyTest:
    """Compile a pattern of keys; equal patterns are one test, so that a request is asked once (``fitting``)."""
    compiled = compile_re2(b"(?i)" + pattern.encode("utf-8", "surrogateescape"))
    if compiled is None:
        raise RuleSetError(f"key pattern /{pattern}/ cannot be used")
    # Names of variables and headers come again and again; by a hash that is keyed anew in every process.
    remembered: dict[int, bool] = {}

    def fits(key: bytes) -> bool:
        name = hash(key)
        known = remembered.get(name)
        if known is None:
            if len(remembered) >= MOST_REMEMBERED:
                remembered.clear()
            known = remembered[name] = compiled.search(key[:_MOST_KEY]) is not None
        return known

    return fits
