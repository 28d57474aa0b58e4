"""What of a rule set is settled before any request: initial variables, rules that never match, skips always taken.

A rule set's first rules set its limits and levels, and each of its files begins with "skip to the end unless the
paranoia level is 2".  None of that depends on a request, so none of it need run with every one.

1. From the first rule of phase 1 on, as long as rules look at nothing but variables: they run here, once, and what
   they set is what every request begins with.
2. A variable that no other rule writes is fixed from then on.  A rule that looks at fixed variables only is settled: if
   its first link does not match it is dropped; if it matches and only skips, it is dropped with all that it skips.

3. A rule that looks only at method, address and headers (a request's *surroundings*) is steady (``steady``).

A skip that another rule may switch off for a request (``ctl:ruleRemoveById``) stays, unless all that it skips would be
switched off with it.

Source: firewall research, section 4 ("static evaluation of 901 initialisation and paranoia skips").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Final

from dmz.waf.seclang.compiled import Compiled, Outcome
from dmz.waf.seclang.effects import effect_of
from dmz.waf.seclang.reading import find_alone, is_steady, macros_of, settings_of, sources_of
from dmz.waf.seclang.run import Run
from dmz.waf.seclang.sent_request import SentRequest
from dmz.waf.seclang.steady import Source
from dmz.waf.seclang.transaction import WRITTEN, Transaction

Phases = Mapping[int, tuple[Compiled, ...]]
_DIGITS: Final = frozenset(b"%d" % number for number in range(10))
_SWITCHES: Final = ("ruleremovebyid", "ruleremovebytag")


@dataclass(frozen=True, slots=True)
class Folded:
    """What is left.

    Attributes:
        start: variables with which a request begins.
        kept: places of the rules that must run, by phase.
        sure: places of those that always match and only set variables.
        steady: what those look at that look at a request's surroundings only, by place (``SteadyRules``).
        alone: places of those among them whose further links do so too, and whose variables no other rule reads.
        settled: gives a text of a rule with the values of its macros in it; None while one of them is not fixed.
    """

    start: dict[bytes, bytes]
    kept: dict[int, tuple[int, ...]]
    sure: dict[int, frozenset[int]]
    steady: dict[int, dict[int, frozenset[Source]]]
    alone: dict[int, frozenset[int]]
    settled: Callable[[str], bytes | None]


def fold(phases: Phases) -> Folded:
    """Settle what can be settled."""
    known = _Known()
    passed, begun = _begin(phases[1], known)
    kept = {number: list(range(len(rules))) for number, rules in phases.items()}
    kept[1] = [*passed, *kept[1][begun:]]
    while True:
        running = [phases[number][place] for number, places in kept.items() for place in places]
        known.written = _Written()
        for rule in running:
            known.written.add(rule)
        switched_off = _switched_off(running)
        left = {number: _drop(phases[number], places, known, switched_off) for number, places in kept.items()}
        if left == kept:
            break
        kept = left
    left_in = {number: [phases[number][place] for place in places] for number, places in kept.items()}
    alone = find_alone([rule for rules in left_in.values() for rule in rules], known.are_fixed)
    return Folded(
        known.values,
        {number: tuple(places) for number, places in kept.items()},
        {number: frozenset(rule.place for rule in rules if known.is_sure(rule)) for number, rules in left_in.items()},
        {number: _steady(rules, alone, known) for number, rules in left_in.items()},
        {number: frozenset(rule.place for rule in rules if id(rule) in alone) for number, rules in left_in.items()},
        known.settled,
    )


def _steady(rules: Iterable[Compiled], alone: AbstractSet[int], known: _Known) -> dict[int, frozenset[Source]]:
    """Give the sources of the rules that are steady."""
    return {
        rule.place: sources_of((rule, *rule.links) if id(rule) in alone else (rule,))
        for rule in rules
        if id(rule) in alone or is_steady(rule, known.are_fixed)
    }


@dataclass(slots=True)
class _Written:
    """Variables that rules write as they run: names, and beginnings of names that hold macros."""

    names: set[bytes] = field(default_factory=set)
    beginnings: set[bytes] = field(default_factory=set)

    def add(self, rule: Compiled) -> None:
        for link in (rule, *rule.links):
            if link.rule.captures:
                self.names |= _DIGITS
            for key, _ in settings_of(link):
                fixed, macro, _ = key.partition("%{")
                (self.beginnings if macro else self.names).add(fixed.lower().encode())

    def holds(self, name: bytes) -> bool:
        return name in self.names or any(name.startswith(beginning) for beginning in self.beginnings)


@dataclass(slots=True)
class _Known:
    """Fixed variables.

    Attributes:
        values: of the variables; one that is not here is not set.
        written: what is not fixed.
    """

    values: dict[bytes, bytes] = field(default_factory=dict)
    written: _Written = field(default_factory=_Written)

    def settles(self, rule: Compiled) -> bool:
        """Say whether a rule's match depends on fixed variables only."""
        links = (rule, *rule.links)
        return all(self._asks_fixed(link) and self._sets_fixed(link) for link in links)

    def never(self, rule: Compiled) -> bool:
        """Say whether a rule cannot match, because its first link is settled and does not."""
        return self._asks_fixed(rule) and not self.try_out(replace(rule, links=()))[0]

    def is_sure(self, rule: Compiled) -> bool:
        """Say whether a rule matches every request and does nothing but set variables."""
        links = (rule, *rule.links)
        silent = rule.outcome is Outcome.GO_ON and not rule.logged
        return silent and all(self._asks_fixed(link) for link in links) and self.try_out(rule)[0]

    def _asks_fixed(self, link: Compiled) -> bool:
        """Say whether a link looks at fixed variables only."""
        operator, targets = link.rule.operator, link.targets
        if link.rule.captures:
            return False
        if operator is None or targets is None:
            return True
        if any(target.collection != "TX" or target.key is None for target in targets.wanted):
            return False
        names = [f"tx.{target.selector.decode('utf-8', 'replace')}" for target in targets.wanted]
        return self.are_fixed([*names, *macros_of(operator.argument)])

    def _sets_fixed(self, link: Compiled) -> bool:
        """Say whether what a link sets is known."""
        return self.are_fixed([name for key, value in settings_of(link) for name in macros_of(key + value)])

    def are_fixed(self, names: Iterable[str]) -> bool:
        """Say whether the macros of these names are fixed variables."""
        return all(
            name.lower().startswith("tx.") and not self.written.holds(name[3:].lower().encode()) for name in names
        )

    def settled(self, text: str) -> bytes | None:
        """Put the values of fixed variables into a text; None when it holds another macro."""
        if not self.are_fixed(macros_of(text)):
            return None
        transaction = Transaction(SentRequest(b"", b""))
        transaction.tx.update(self.values)
        return transaction.expand(text)

    def try_out(self, rule: Compiled) -> tuple[bool, dict[bytes, bytes]]:
        """Run a settled rule on the fixed variables: whether it matches, and the variables after it."""
        transaction = Transaction(SentRequest(b"", b""))
        transaction.tx.update(self.values)
        matched = Run(transaction, stops=False).matches(rule)
        return matched, transaction.tx


def _begin(rules: tuple[Compiled, ...], known: _Known) -> tuple[list[int], int]:
    """Run the first rules as far as they are settled, passing those that have nothing to do with variables.

    Returns:
        The places that were passed, and that of the first rule behind those that ran.
    """
    passed: list[int] = []
    place = 0
    while place < len(rules):
        rule = rules[place]
        if not known.settles(rule) or not _sets_only(rule):
            if not _is_apart(rule):
                break
            passed.append(place)
            place += 1
            continue
        matched, values = known.try_out(rule)
        if matched and (rule.outcome is not Outcome.GO_ON or rule.logged):
            break
        known.values = values
        place = rule.skip_to if matched and rule.skip_to else place + 1
    return passed, place


def _is_apart(rule: Compiled) -> bool:
    """Say whether a rule neither asks for variables nor sets any, nor leads elsewhere: an exclusion by path, say."""
    links = (rule, *rule.links)
    asks = any(
        link.rule.captures
        or any(True for _ in settings_of(link))
        or (link.rule.operator is not None and macros_of(link.rule.operator.argument))
        or (link.targets is not None and any(target.collection in WRITTEN for target in link.targets.wanted))
        for link in links
    )
    return not asks and not rule.skip_to and rule.outcome is Outcome.GO_ON


def _sets_only(rule: Compiled) -> bool:
    """Say whether all effects of a rule are ``setvar`` of its own variables."""
    return all(
        action.name != "ctl" and (action.name != "setvar" or action.argument.strip().lstrip("!").lower()[:3] == "tx.")
        for link in (rule, *rule.links)
        for action in link.rule.actions
    )


def _drop(rules: tuple[Compiled, ...], places: list[int], known: _Known, switched_off: _SwitchedOff) -> list[int]:
    """Take out what never matches, and skips that are always taken together with what they skip."""
    kept: list[int] = []
    resume = 0
    landings: list[int] = []
    for place in places:
        rule = rules[place]
        if place < resume:
            continue
        if known.never(rule):
            continue
        if known.settles(rule):
            # What another skip may land in the middle of must stay.
            apart = not any(place < landing < rule.skip_to for landing in landings)
            skipped = rules[place + 1 : rule.skip_to]
            if rule.skip_to and apart and _only_skips(rule) and switched_off.leaves(rule, skipped):
                resume = rule.skip_to
                continue
        landings.append(rule.skip_to)
        kept.append(place)
    return kept


def _only_skips(rule: Compiled) -> bool:
    return (
        rule.outcome is Outcome.GO_ON
        and not rule.logged
        and not any(action.name in ("setvar", "ctl") for link in (rule, *rule.links) for action in link.rule.actions)
    )


@dataclass(frozen=True, slots=True)
class _SwitchedOff:
    """Ids and tags that rules may switch off for a request."""

    ranges: list[tuple[int, int]]
    tags: set[str]

    def leaves(self, skip: Compiled, skipped: Iterable[Compiled]) -> bool:
        """Say whether a skip is always taken, or all that it skips is switched off with it."""
        if any(least <= skip.rule.id <= most for least, most in self.ranges):
            return False
        mine = self.tags.intersection(skip.tags)
        return all(mine.issubset(rule.tags) for rule in skipped) if mine else True


def _switched_off(rules: Iterable[Compiled]) -> _SwitchedOff:
    transaction = Transaction(SentRequest(b"", b""))
    links = (link for rule in rules for link in (rule, *rule.links))
    for action in (action for link in links for action in link.rule.actions if action.name == "ctl"):
        effect = effect_of(action)
        if effect is not None and action.argument.partition("=")[0].strip().lower() in _SWITCHES:
            effect(transaction)
    return _SwitchedOff(transaction.removed, set(transaction.removed_tags))
