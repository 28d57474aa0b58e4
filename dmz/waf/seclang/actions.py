r"""An action list → actions, with their order and arguments; and what the engine itself needs to know of them.

    id:1,phase:2,deny,msg:'a, b',t:none,setvar:'tx.x=%{tx.y}'

An argument in single quotes may hold commas; ``\'`` stands for the quote.  Without quotes it ends at the next comma.

Limits: MOST_ACTIONS.

Source: ModSecurity reference manual v3, actions; behaviour of libmodsecurity 3.0.9 (the last disruptive action counts,
links of a chain have none).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dmz.waf.seclang.lexer import fail
from dmz.waf.seclang.model import Action, Disruption, Place
from dmz.waf.seclang.names import ACTIONS, CONTROLS, DISRUPTIVE, PHASES, SEVERITIES, TRANSFORMATIONS, Notes

MOST_ACTIONS = 256

_ACTION = re.compile(
    r"[ \t]*+([A-Za-z][A-Za-z0-9_]*+)[ \t]*+"
    r"(?::[ \t]*+(?:'((?:[^'\\]++|\\.)*)'|(?!')([^,]*+)))?[ \t]*+(,|\Z)"
)
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
#: Actions that mean nothing without an argument, beyond those that the table below reads.
_NEED_ARGUMENT = frozenset({"setvar", "ctl", "msg", "tag", "initcol", "expirevar", "skipafter", "status", "redirect"})


@dataclass(slots=True)
class Parts:
    """An action list, sorted by what reads it.

    Attributes:
        id: 0 when it names none.
        phase: 0 when it names none.
        disruption: None when it names none.
        transformations: in order, those after the last ``none``.
        cleared: whether ``t:none`` was among them.
        actions: all that no other attribute holds, in order.
        skip_after: "" when it names none.
        captures: ``capture``.
        multi_match: ``multiMatch``.
        chained: ``chain``: the next SecRule is a link.
    """

    id: int = 0
    phase: int = 0
    disruption: Disruption | None = None
    transformations: list[str] = field(default_factory=list)
    cleared: bool = False
    actions: list[Action] = field(default_factory=list)
    skip_after: str = ""
    captures: bool = False
    multi_match: bool = False
    chained: bool = False


def read_actions(text: str, place: Place) -> tuple[Action, ...]:
    """Take an action list apart.

    Raises:
        RuleSetError: empty, an open quote, text after a closing quote, a missing name, or more than MOST_ACTIONS.

    Source: as at the head of this module.
    """
    actions: list[Action] = []
    at, more = 0, True
    while more:
        found = _ACTION.match(text, at)
        if found is None:
            fail(place, f"not an action: {text[at : at + 40].strip()!r}")
        if len(actions) == MOST_ACTIONS:
            fail(place, f"more than {MOST_ACTIONS} actions")
        name, quoted, bare, end = found.groups()
        # As with double quotes: a quote within has an odd number of backslashes before it.
        argument = (bare or "").rstrip(" \t") if quoted is None else quoted.replace("\\'", "'")
        actions.append(Action(name.lower(), argument))
        at, more = found.end(), end == ","
    return tuple(actions)


def sort_actions(actions: tuple[Action, ...], place: Place, notes: Notes) -> Parts:
    """Sort an action list by what reads it; names that the engine does not know are noted and kept.

    Raises:
        RuleSetError: an id that is no number, an unknown phase or severity, an action without the argument it needs.
    """
    parts = Parts()
    for action in actions:
        name, argument = action.name, action.argument
        if not argument and name in _NEED_ARGUMENT:
            fail(place, f"{name} without an argument")
        if name in _FLAGS:
            setattr(parts, _FLAGS[name], True)
        elif name in _NUMBERS:
            _NUMBERS[name](parts, argument, place)
        elif name == "skipafter":
            parts.skip_after = argument
        elif name == "t":
            _transformation(parts, argument.lower(), place, notes)
        elif name == "severity":
            parts.actions.append(Action(name, _severity(argument, place)))
        elif name in DISRUPTIVE:
            _disrupt(parts, action)
        else:
            notes.check(ACTIONS, name, "action", place)
            if name == "ctl":
                notes.check(CONTROLS, argument.partition("=")[0].strip().lower(), "ctl setting", place)
            parts.actions.append(action)
    return parts


def _id(parts: Parts, argument: str, place: Place) -> None:
    if not _ID.fullmatch(argument):
        fail(place, f"not a rule id: {argument[:40]!r}")
    parts.id = int(argument)


def _phase(parts: Parts, argument: str, place: Place) -> None:
    if argument.lower() not in PHASES:
        fail(place, f"unknown phase {argument[:40]!r}")
    parts.phase = PHASES[argument.lower()]


_NUMBERS = {"id": _id, "phase": _phase}
_FLAGS = {"capture": "captures", "multimatch": "multi_match", "chain": "chained"}


def _transformation(parts: Parts, name: str, place: Place, notes: Notes) -> None:
    if not name:
        fail(place, "t without an argument")
    if name == "none":
        parts.transformations.clear()
        parts.cleared = True
        return
    notes.check(TRANSFORMATIONS, name, "transformation", place)
    parts.transformations.append(name)


def _severity(argument: str, place: Place) -> str:
    if argument.lower() not in SEVERITIES:
        fail(place, f"unknown severity {argument[:40]!r}")
    return SEVERITIES[argument.lower()]


def _disrupt(parts: Parts, action: Action) -> None:
    # The last one counts; an argument of an earlier one must not outlive it.
    parts.actions = [other for other in parts.actions if other.name not in DISRUPTIVE]
    parts.disruption = Disruption(action.name)
    if action.argument:
        parts.actions.append(action)
