"""Directives that take rules away or change them: SecRuleRemoveBy…, SecRuleUpdateTargetBy…, SecRuleUpdateActionById.

They are applied when everything has been read, so it does not matter whether they stand before or after the rules they
name; among themselves they apply in file order.  Tags and messages are searched with a regular expression.

Source: ModSecurity reference manual v3; behaviour of libmodsecurity 3.0.9 (position does not matter).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dmz.waf.seclang.actions import Parts, read_actions, sort_actions
from dmz.waf.seclang.clauses import read_variables
from dmz.waf.seclang.lexer import Directive, fail
from dmz.waf.seclang.model import Action, Marker, Place, Rule, Variable
from dmz.waf.seclang.names import DISRUPTIVE, Notes
from dmz.waf.seclang.rules import check_link

MOST_PATTERN_CHARS = 4_096

_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", re.ASCII)
_ONE = re.compile(r"([0-9]{1,18})(?::([0-9]{1,4}))?", re.ASCII)
#: Actions of which a rule has one: a new one takes the old one's place.
_SINGLE = frozenset({"accuracy", "logdata", "maturity", "msg", "rev", "severity", "skip", "status", "ver"})


@dataclass(frozen=True, slots=True)
class Which:
    """Which rules are meant: by ranges of ids (both ends belong), or by the arguments of one action.

    Attributes:
        ranges: of ids.
        action: ``tag`` or ``msg``; "" when ids are meant.
        pattern: what the argument is searched for.
    """

    ranges: tuple[tuple[int, int], ...] = ()
    action: str = ""
    pattern: re.Pattern[str] = re.compile("")

    def matches(self, rule: Rule) -> bool:
        """Tell whether a rule (the first of its chain) is meant."""
        if self.action:
            return any(self.pattern.search(argument) for argument in rule.all_of(self.action))
        return any(low <= rule.id <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Removal:
    """SecRuleRemoveById, ByTag, ByMsg."""

    which: Which
    place: Place


@dataclass(frozen=True, slots=True)
class TargetChange:
    """SecRuleUpdateTargetById, ByTag, ByMsg: adds variables, or puts them where others stood."""

    which: Which
    variables: tuple[Variable, ...]
    replaced: tuple[Variable, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class ActionChange:
    """SecRuleUpdateActionById: ``link`` 0 is the rule itself, 1 the first link of its chain."""

    which: Which
    link: int
    parts: Parts
    place: Place


Change = Removal | TargetChange | ActionChange


def read_removal(directive: Directive, _notes: Notes) -> Removal:
    """Read SecRuleRemoveById (ids and ranges), ByTag or ByMsg (one pattern).

    Raises:
        RuleSetError: no id, a range that runs backwards, a pattern that is none.

    Source: as at the head of this module.
    """
    return Removal(_which(directive, directive.arguments), directive.place)


def read_target_change(directive: Directive, notes: Notes) -> TargetChange:
    """Read SecRuleUpdateTargetById, ByTag or ByMsg: which rules, variables, and variables that these replace.

    Raises:
        RuleSetError: wrong arguments.

    Source: as at the head of this module.
    """
    arguments, place = directive.arguments, directive.place
    if len(arguments) not in (2, 3):
        fail(place, f"{directive.name} takes two or three arguments")
    which = _which(directive, arguments[:1])
    variables = read_variables(arguments[1], place, notes, "|,")
    replaced = read_variables(arguments[2], place, notes, "|,") if len(arguments) > 2 else ()
    return TargetChange(which, variables, replaced, place)


def read_action_change(directive: Directive, notes: Notes) -> ActionChange:
    """Read SecRuleUpdateActionById: an id (with ``:n`` for a link of its chain) and actions.

    Raises:
        RuleSetError: wrong arguments; id, phase and chain, which stay as they are.

    Source: as at the head of this module.
    """
    arguments, place = directive.arguments, directive.place
    found = _ONE.fullmatch(arguments[0]) if len(arguments) == 2 else None
    if found is None:
        fail(place, f"{directive.name} takes a rule id and actions")
    parts = sort_actions(read_actions(arguments[1], place), place, notes)
    if parts.id or parts.phase or parts.chained:
        fail(place, f"{directive.name} cannot change id, phase or chain")
    link = int(found[2] or 0)
    if link:
        check_link(parts, place)
    number = int(found[1])
    return ActionChange(Which(((number, number),)), link, parts, place)


def _which(directive: Directive, arguments: Sequence[str]) -> Which:
    kind, place = directive.name.lower(), directive.place
    if kind.endswith("byid"):
        return Which(_ranges(arguments, place))
    if len(arguments) != 1 or not arguments[0]:
        fail(place, f"{directive.name} takes a pattern")
    if len(arguments[0]) > MOST_PATTERN_CHARS:
        fail(place, f"a pattern has more than {MOST_PATTERN_CHARS} characters")
    try:
        pattern = re.compile(arguments[0])
    except (re.error, OverflowError, RecursionError) as error:
        fail(place, f"not a regular expression: {error}")
    return Which(action=kind[-3:], pattern=pattern)


def _ranges(arguments: Sequence[str], place: Place) -> tuple[tuple[int, int], ...]:
    words = " ".join(arguments).replace(",", " ").split()
    if not words:
        fail(place, "no rule id")
    ranges: list[tuple[int, int]] = []
    for word in words:
        found = _RANGE.fullmatch(word)
        if found is None:
            fail(place, f"not a rule id or a range of them: {word[:40]!r}")
        low, high = int(found[1]), int(found[2] or found[1])
        if low > high:
            fail(place, f"a range runs backwards: {word}")
        ranges.append((low, high))
    return tuple(ranges)


def apply(
    changes: Iterable[Change], items: Sequence[Rule | Marker], cleared: set[Place], notes: Notes
) -> list[Rule | Marker]:
    """Apply all changes, in order, to rules that have their chains but not yet the defaults of their phases.

    Args:
        changes: in file order.
        items: rules and markers.
        cleared: places of the rules and links with ``t:none``; grows with changes that say so.
        notes: takes changes that met no rule.

    Source: as at the head of this module.
    """
    left = list(items)
    for change in changes:
        met = [at for at, item in enumerate(left) if isinstance(item, Rule) and change.which.matches(item)]
        if isinstance(change, ActionChange):
            met = [at for at in met if change.link <= len(_rule(left[at]).chain)]
        if not met:
            notes.tell(change.place, "changes a rule that is not there")
        if isinstance(change, Removal):
            gone = frozenset(met)
            left = [item for at, item in enumerate(left) if at not in gone]
            continue
        for at in met:
            rule = _rule(left[at])
            if isinstance(change, TargetChange):
                left[at] = _with_targets(rule, change)
            else:
                left[at] = _with_actions(rule, change, cleared)
    return left


def _rule(item: Rule | Marker) -> Rule:
    assert isinstance(item, Rule)
    return item


def _with_targets(rule: Rule, change: TargetChange) -> Rule:
    if rule.operator is None:
        return rule  # an action has no targets; a range of ids may hold some
    variables = list(rule.variables)
    if change.replaced:
        at = next((at for at, old in enumerate(variables) if old in change.replaced), len(variables))
        kept = [old for old in variables[at:] if old not in change.replaced]
        variables = [*variables[:at], *change.variables, *kept]
    else:
        variables += change.variables
    return replace(rule, variables=tuple(variables))


def _with_actions(rule: Rule, change: ActionChange, cleared: set[Place]) -> Rule:
    if change.link:
        chain = list(rule.chain)
        chain[change.link - 1] = _merged(chain[change.link - 1], change.parts, cleared)
        return replace(rule, chain=tuple(chain))
    return _merged(rule, change.parts, cleared)


def _merged(rule: Rule, parts: Parts, cleared: set[Place]) -> Rule:
    gone = {action.name for action in parts.actions} & _SINGLE
    if parts.disruption is not None:
        gone |= DISRUPTIVE
    actions: list[Action] = [action for action in rule.actions if action.name not in gone]
    if parts.cleared:
        cleared.add(rule.place)
    return replace(
        rule,
        transformations=(*(() if parts.cleared else rule.transformations), *parts.transformations),
        actions=(*actions, *parts.actions),
        disruption=rule.disruption if parts.disruption is None else parts.disruption,
        skip_after=parts.skip_after or rule.skip_after,
        captures=rule.captures or parts.captures,
        multi_match=rule.multi_match or parts.multi_match,
    )
