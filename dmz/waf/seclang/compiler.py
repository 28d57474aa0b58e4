"""Rules as read → rules ready to run: targets, chains, tests and effects as closures, in a table by phase.

Source: firewall research, section 4 (where the time of an interpreting engine goes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from dmz.waf.seclang.compiled import Compiled, Outcome, Phase, Table
from dmz.waf.seclang.effects import effect_of
from dmz.waf.seclang.folding import Folded, fold
from dmz.waf.seclang.listeners import silence_of
from dmz.waf.seclang.model import Disruption, Marker, Operator, Rule, RuleSet, RuleSetError
from dmz.waf.seclang.operators import PATTERNS, Test, compile_operator
from dmz.waf.seclang.pattern_set import PatternSet, joinable, stored_key
from dmz.waf.seclang.patterns import Pattern
from dmz.waf.seclang.prefilter import Prefilter, Watch
from dmz.waf.seclang.steady import SteadyRules
from dmz.waf.seclang.targets import Targets
from dmz.waf.seclang.transaction import WRITTEN
from dmz.waf.seclang.views import Chains

PHASES: Final = (1, 2, 3, 4, 5)
_REFUSING: Final = frozenset({Disruption.DENY, Disruption.DROP, Disruption.REDIRECT})

#: Gives the stored pattern set of a key, or None.
Load = Callable[[str], bytes | None]


def compile_rules(rules: RuleSet, load: Load | None = None) -> Table:
    """Compile a rule set.

    Args:
        rules: as read.
        load: finds a stored pattern set by its key (``pattern_set.stored_key``), since compiling one may take half a
            minute; None: compile.

    Raises:
        RuleSetError: an operator, pattern or argument that cannot be used; names file and line.
    """
    maker = _Maker(rules)
    phases = {number: maker.phase(number) for number in PHASES}
    folded = fold(phases)
    phases = {number: maker.settled(phases[number], folded) for number in PHASES}
    looks_for = {
        number: {place: found for place in folded.kept[number] if (found := _looked_for(phases[number][place]))}
        for number in PHASES
    }
    all_of = list(dict.fromkeys(found for found_in in looks_for.values() for found in found_in.values()))
    sources = [found for found in all_of if isinstance(found, str)]
    phrases = [found for found in all_of if not isinstance(found, str)]
    numbers: dict[str | tuple[bytes, ...], int] = {}
    numbers.update({found: number for number, found in enumerate(sources)})
    numbers.update({found: number for number, found in enumerate(phrases, len(sources))})
    stored = load(stored_key(sources, phrases)) if load else None
    if stored is None:
        maker.compile_patterns()
    patterns = PatternSet(sources, phrases, stored)
    made = {}
    for number in PHASES:
        mine = {place: found for place, found in looks_for[number].items() if numbers[found] not in patterns.everyday}
        sure, steady, alone = folded.sure[number], folded.steady[number], folded.alone[number]
        ready = {
            place: replace(phases[number][place], filtered=place in mine, sure=place in sure, alone=place in alone)
            for place in folded.kept[number]
        }
        always = tuple(place for place in folded.kept[number] if place not in mine)
        watches = [watch for place, found in mine.items() for watch in _watches(ready[place], numbers[found])]
        prefilter = Prefilter(patterns, watches)
        made[number] = Phase(
            ready, always, prefilter, SteadyRules({place: steady[place] for place in always if place in steady})
        )
    return Table(made, folded.start, patterns, rules.settings, silence_of(made, patterns, numbers))


def _looked_for(rule: Compiled) -> str | tuple[bytes, ...]:
    """Give the pattern or the phrases that a value must hold for the rule to match; "" when it must always be asked."""
    test, targets = rule.test, rule.targets
    if test is None or targets is None or test.negated:
        return ""
    if any(target.counted or target.collection in WRITTEN for target in targets.wanted):
        return ""
    if not isinstance(test.needs, str) or not test.needs:
        return test.needs
    return test.needs if joinable(test.needs) else ""


def _watches(rule: Compiled, pattern: int) -> Iterator[Watch]:
    """Give what a rule waits for: its pattern, in each of its collections, under its chain."""
    assert rule.targets is not None
    for collection in {target.collection for target in rule.targets.wanted}:
        yield Watch(collection, pattern, rule.chain, rule.place)


class _Maker:
    """Compiles the rules of one rule set."""

    def __init__(self, rules: RuleSet) -> None:
        self.chains = Chains()
        self._rules = rules
        self._shared_pattern: Callable[[str], Pattern] = lru_cache(maxsize=None)(Pattern)

    def compile_patterns(self) -> None:
        """Compile every pattern, as is done once for a rule set: later it is known that all of them can be used.

        Raises:
            RuleSetError: one that cannot; names file and line.
        """
        for rule in self._rules.rules():
            for link in (rule, *rule.chain):
                operator = link.operator
                if operator is not None and operator.name.lower() in PATTERNS and "%{" not in operator.argument:
                    self._shared_pattern_at(rule, operator.argument)

    def _shared_pattern_at(self, rule: Rule, source: str) -> None:
        try:
            self._shared_pattern(source).compile()
        except RuleSetError as error:
            raise RuleSetError(f"{rule.place.file}:{rule.place.line}: rule {rule.id}: {error}") from None

    def phase(self, number: int) -> tuple[Compiled, ...]:
        """Compile one phase; a marker's place is that of the first rule behind it."""
        items = [item for item in self._rules.items if isinstance(item, Marker) or item.phase == number]
        places: dict[str, list[int]] = {}
        count = 0
        for item in items:
            if isinstance(item, Marker):
                places.setdefault(item.name, []).append(count)
            else:
                count += 1
        made: list[Compiled] = []
        for item in items:
            if isinstance(item, Rule):
                made.append(self._rule(item, len(made), self._skip_to(item, len(made), places, count)))
        return tuple(made)

    @staticmethod
    def _skip_to(rule: Rule, place: int, places: Mapping[str, list[int]], count: int) -> int:
        """Say where to go on after a match; a marker that stands nowhere behind ends the phase."""
        if rule.skip_after:
            return next((found for found in places.get(rule.skip_after, ()) if found > place), count)
        skipped = next(iter(rule.all_of("skip")), "")
        return place + 1 + int(skipped) if skipped.isdecimal() else 0

    def settled(self, rules: tuple[Compiled, ...], folded: Folded) -> tuple[Compiled, ...]:
        """Prepare operators once whose macros stand for fixed variables."""
        return tuple(self._settled(rule, folded) for rule in rules)

    def _settled(self, link: Compiled, folded: Folded) -> Compiled:
        links = tuple(self._settled(further, folded) for further in link.links)
        operator = link.rule.operator
        if operator is not None and "%{" in operator.argument:
            argument = folded.settled(operator.argument)
            if argument is not None and b"%{" not in argument:
                test = self._ready(replace(operator, argument=argument.decode("utf-8", "surrogateescape")))
                return replace(link, links=links, test=test or link.test)
        return replace(link, links=links) if links != link.links else link

    def _ready(self, operator: Operator) -> Test | None:
        """Compile an operator whose argument has been filled in; None when it makes no valid one."""
        try:
            return compile_operator(operator, self._rules.data_files, self._shared_pattern)
        except RuleSetError:
            return None

    def _rule(self, rule: Rule, place: int, skip_to: int) -> Compiled:
        try:
            return self._link(rule, place, skip_to)
        except RuleSetError as error:
            raise RuleSetError(f"{rule.place.file}:{rule.place.line}: rule {rule.id}: {error}") from None

    def _link(self, rule: Rule, place: int, skip_to: int = 0) -> Compiled:
        operator = rule.operator
        return Compiled(
            rule=rule,
            targets=None if operator is None else Targets(rule.variables),
            chain=self.chains.take(rule.transformations),
            test=None if operator is None else compile_operator(operator, self._rules.data_files, self._shared_pattern),
            effects=tuple(effect for action in rule.actions if (effect := effect_of(action)) is not None),
            links=tuple(self._link(link, place) for link in rule.chain),
            tags=rule.all_of("tag"),
            outcome=self._outcome(rule),
            logged=self._is_logged(rule),
            place=place,
            skip_to=skip_to,
        )

    def _outcome(self, rule: Rule) -> Outcome:
        disruption = rule.disruption
        if disruption is Disruption.BLOCK:
            default = self._rules.defaults.get(rule.phase)
            disruption = default.disruption if default is not None else Disruption.NONE
        if disruption in _REFUSING:
            return Outcome.REFUSE
        if disruption is Disruption.ALLOW:
            return Outcome.END_PHASE if "phase" in rule.all_of("allow") else Outcome.END_REQUEST
        return Outcome.GO_ON

    def _is_logged(self, rule: Rule) -> bool:
        default = self._rules.defaults.get(rule.phase)
        names = [action.name for action in (*(default.actions if default is not None else ()), *rule.actions)]
        said = [name for name in names if name in ("log", "nolog")]
        return not said or said[-1] == "log"
