"""What SecLang rules say, as values: what the reader makes and the compiler takes.  Nothing here decides anything."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class RuleSetError(ValueError):
    """A rule file that cannot be used; the text names file, line and what is wrong."""


class Selection(enum.Enum):
    """Which entries of a collection are meant."""

    ALL = "all"
    NAME = "name"
    """The entries of one key, compared without regard to case."""
    PATTERN = "pattern"
    """The entries whose key matches a regular expression (``/…/``)."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One target: ``ARGS``, ``&ARGS:id``, ``!REQUEST_COOKIES:/^__utm/``, ``XML:/*``.

    Attributes:
        collection: upper case, as in ``REQUEST_HEADERS``.
        selection: which entries.
        selector: key or pattern, "" for ALL; as written.
        counted: ``&``: the number of entries instead of their values.
        excluded: ``!``: takes entries out of the targets named before.
    """

    collection: str
    selection: Selection = Selection.ALL
    selector: str = ""
    counted: bool = False
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """One test: ``@rx …``, ``!@within …``.

    Attributes:
        name: lower case without ``@``; ``rx`` when the rule names none.
        argument: as written; may hold macros ``%{tx.name}`` which are expanded when the rule runs.
        negated: ``!``.
    """

    name: str
    argument: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """One action: name in lower case, argument as written ("" for none), in the rule's order.

    The argument of ``severity`` is always a digit: "2" for ``CRITICAL``.
    """

    name: str
    argument: str = ""


class Disruption(enum.Enum):
    """What a matching rule does to the transaction."""

    NONE = "pass"
    BLOCK = "block"
    """Whatever SecDefaultAction of the phase says (RuleSet.defaults); also when a rule says nothing."""
    DENY = "deny"
    DROP = "drop"
    ALLOW = "allow"
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a directive stands."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One SecRule (with the links of its chain) or SecAction (no variables, no operator).

    Attributes:
        id: its number; 0 for the links of a chain, which have no disruption (NONE) and the first rule's phase.
        phase: 1 to 5.
        variables: targets, in order; empty for SecAction.
        operator: the test; None for SecAction.
        transformations: names in lower case, in order; ``none`` has already cleared what stood before it and the
            defaults of SecDefaultAction are included.
        actions: all others, in order (setvar, ctl, msg, tag, severity, logdata, initcol, expirevar, skip …); a
            disruptive action is among them only when it has an argument (``allow:phase``, ``redirect:/sorry``).
        disruption: see Disruption.
        skip_after: the marker to go on at when it matches, or "".
        captures: ``capture``.
        multi_match: ``multiMatch``.
        chain: the further links; all must match.
        place: where it stands.
    """

    id: int
    phase: int
    variables: tuple[Variable, ...]
    operator: Operator | None
    transformations: tuple[str, ...]
    actions: tuple[Action, ...]
    disruption: Disruption
    place: Place
    skip_after: str = ""
    captures: bool = False
    multi_match: bool = False
    chain: tuple[Rule, ...] = ()

    def all_of(self, name: str) -> tuple[str, ...]:
        """Give the arguments of all actions of a name."""
        return tuple(action.argument for action in self.actions if action.name == name)


@dataclass(frozen=True, slots=True)
class Default:
    """``SecDefaultAction``: what ``block`` means in a phase, for rules before and after it alike.

    Attributes:
        phase: 1 to 5.
        disruption: never BLOCK.
        transformations: stand already before those of every rule of the phase.
        actions: the others (log, auditlog, status …); not copied into the rules.
        place: where it stands.
    """

    phase: int
    disruption: Disruption
    transformations: tuple[str, ...]
    actions: tuple[Action, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Marker:
    """``SecMarker``: where ``skipAfter`` leads."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything that was read, in order.

    Attributes:
        items: rules and markers in file order; rules removed by SecRuleRemoveById / ByTag / ByMsg are gone, and
            SecRuleUpdateTargetById / ActionById are applied.
        settings: the other directives, by name in lower case (``secrequestbodylimit`` → "131072"); the last one counts.
        data_files: the bytes of every file that an operator names (``@pmFromFile``, ``@ipMatchFromFile``), by the name
            as written in the rule.
        defaults: SecDefaultAction by phase; a phase without one passes.
        warnings: names of operators, transformations, variables, actions and ``ctl`` settings that the engine does not
            know, and directives that change a rule which is not there; each begins with "file:line: ".
    """

    items: tuple[Rule | Marker, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    data_files: Mapping[str, bytes] = field(default_factory=dict)
    defaults: Mapping[int, Default] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def rules(self) -> tuple[Rule, ...]:
        """Give the rules, without markers."""
        return tuple(item for item in self.items if isinstance(item, Rule))
