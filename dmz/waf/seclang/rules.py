"""One SecRule, SecAction or SecDefaultAction → a value.

Source: ModSecurity reference manual v3, configuration directives; libmodsecurity 3.0.9: every rule needs an id, links
of a chain may not decide about the transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from dmz.waf.seclang.actions import Parts, read_actions, sort_actions
from dmz.waf.seclang.clauses import read_operator, read_variables
from dmz.waf.seclang.lexer import Directive, fail
from dmz.waf.seclang.model import Default, Disruption, Operator, Place, Rule, Variable
from dmz.waf.seclang.names import Notes

DEFAULT_PHASE = 2


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as its own directive says it.

    Attributes:
        rule: without the links of its chain and without the defaults of its phase.
        chained: the next SecRule is a link of this one.
        cleared: ``t:none`` keeps the defaults' transformations out.
    """

    rule: Rule
    chained: bool
    cleared: bool


def read_rule(directive: Directive, notes: Notes) -> Draft:
    """Read a SecRule or SecAction that is not a link.

    Raises:
        RuleSetError: wrong arguments, or no id.

    Source: as at the head of this module.
    """
    variables, operator, parts = _sides(directive, notes)
    if not parts.id:
        fail(directive.place, f"{directive.name} without an id")
    disruption = Disruption.BLOCK if parts.disruption is None else parts.disruption
    return _draft(parts, variables, operator, directive.place, disruption)


def read_link(directive: Directive, first: Rule, notes: Notes) -> Draft:
    """Read a SecRule that is a link of a chain.

    Raises:
        RuleSetError: wrong arguments; an id, ``skipAfter`` or a disruptive action, which belong to the first rule; or
            another phase than the first rule's.

    Source: as at the head of this module.
    """
    variables, operator, parts = _sides(directive, notes)
    check_link(parts, directive.place)
    if parts.id:
        fail(directive.place, "a link of a chain has an id")
    if parts.phase not in (0, first.phase):
        fail(directive.place, "a link of a chain is in another phase than its first rule")
    parts.phase = first.phase
    return _draft(parts, variables, operator, directive.place, Disruption.NONE)


def check_link(parts: Parts, place: Place) -> None:
    """Refuse what only the first rule of a chain can say.

    Raises:
        RuleSetError: a disruptive action or ``skipAfter``.
    """
    if parts.disruption is not None:
        fail(place, f"a link of a chain says {parts.disruption.value}, which its first rule must say")
    if parts.skip_after:
        fail(place, "a link of a chain says skipAfter, which its first rule must say")


def read_default(directive: Directive, notes: Notes) -> Default:
    """Read a SecDefaultAction.

    Raises:
        RuleSetError: wrong arguments, no phase, no disruptive action or ``block``, or actions of a single rule.

    Source: as at the head of this module.
    """
    place = directive.place
    if len(directive.arguments) != 1:
        fail(place, f"{directive.name} takes one argument")
    parts = sort_actions(read_actions(directive.arguments[0], place), place, notes)
    if not parts.phase:
        fail(place, f"{directive.name} without a phase")
    if parts.disruption in (None, Disruption.BLOCK):
        fail(place, f"{directive.name} must say pass, deny, drop, allow or redirect")
    if parts.id or parts.chained or parts.skip_after:
        fail(place, f"{directive.name} has an action of a single rule")
    return Default(parts.phase, parts.disruption, tuple(parts.transformations), tuple(parts.actions), place)


def _sides(directive: Directive, notes: Notes) -> tuple[tuple[Variable, ...], Operator | None, Parts]:
    arguments, place = directive.arguments, directive.place
    variables: tuple[Variable, ...] = ()
    operator = None
    if directive.name.lower() == "secrule":
        if len(arguments) not in (2, 3):
            fail(place, f"{directive.name} takes variables, an operator and actions, not {len(arguments)} arguments")
        variables = read_variables(arguments[0], place, notes)
        operator = read_operator(arguments[1], place, notes)
        arguments = arguments[2:]
    elif len(arguments) != 1:
        fail(place, f"{directive.name} takes one argument")
    actions = read_actions(arguments[0], place) if arguments else ()
    return variables, operator, sort_actions(actions, place, notes)


def _draft(
    parts: Parts, variables: tuple[Variable, ...], operator: Operator | None, place: Place, disruption: Disruption
) -> Draft:
    rule = Rule(
        id=parts.id,
        phase=parts.phase or DEFAULT_PHASE,
        variables=variables,
        operator=operator,
        transformations=tuple(parts.transformations),
        actions=tuple(parts.actions),
        disruption=disruption,
        place=place,
        skip_after=parts.skip_after,
        captures=parts.captures,
        multi_match=parts.multi_match,
    )
    return Draft(rule, chained=parts.chained, cleared=parts.cleared)
