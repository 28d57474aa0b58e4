r"""Variables lists and operators → values.

    ARGS|!ARGS:id|&REQUEST_HEADERS:Host|XML:/*|REQUEST_COOKIES:/^a|b/|ARGS:'a|b'
    @rx ^\d+$      ^\d+$      !@within %{tx.allowed}      @pmFromFile words.data

Between slashes a pipe belongs to the pattern: a pattern ends at the slash before a pipe or the end.  What follows
``XML:`` is an XPath expression, never a pattern.

Limits: MOST_VARIABLES.

Source: ModSecurity reference manual v3, SecRule; behaviour of libmodsecurity 3.0.9 (one blank after an operator's name
is not part of the argument, further ones are; a bare ``!`` negates a pattern).
"""

from __future__ import annotations

import re

from dmz.waf.seclang.lexer import fail
from dmz.waf.seclang.model import Operator, Place, Selection, Variable
from dmz.waf.seclang.names import OPERATORS, VARIABLES, Notes

MOST_VARIABLES = 256

_HEAD = re.compile(r"[ \t]*+([!&]?+)([A-Za-z][A-Za-z0-9_]*+)(:?+)")
# No possessive groups here: Python before 3.11.5 matches some of them wrongly. What a group repeats begins with
# different signs, so that giving a repetition back never helps, and nothing is tried twice.
_QUOTED = re.compile(r"'((?:[^'\\]++|\\.)*)'[ \t]*+")
#: By what separates variables: a pattern up to its slash, a name up to the separator.
_TAILS = {
    between: (
        re.compile(rf"/((?:[^/\\]++|\\.|/(?![ \t]*+(?:[{between}]|\Z)))*)/(?=[ \t]*+(?:[{between}]|\Z))[ \t]*+"),
        re.compile(rf"([^{between}]*+)"),
    )
    for between in ("|", "|,")
}
_OPERATOR = re.compile(r"(!?+)[ \t]*+@([^ \t]*+)(?:[ \t](.*+))?", re.DOTALL)


def read_variables(text: str, place: Place, notes: Notes, between: str = "|") -> tuple[Variable, ...]:
    """Take a variables list apart.

    Args:
        text: the list, without its double quotes.
        place: where it stands.
        notes: takes collections that the engine does not know.
        between: what separates variables: ``|``, or ``|,`` (either) in directives that change targets.

    Raises:
        RuleSetError: no name, an empty selector, an open quote or pattern, or more than MOST_VARIABLES.

    Source: as at the head of this module.
    """
    variables: list[Variable] = []
    at = 0
    while True:
        variable, at = _variable(text, at, place, between)
        notes.check(VARIABLES, variable.collection, "variable", place)
        if len(variables) == MOST_VARIABLES:
            fail(place, f"more than {MOST_VARIABLES} variables")
        variables.append(variable)
        if at >= len(text):
            return tuple(variables)
        if text[at] not in between:
            fail(place, f"not a variable: {text[at : at + 40]!r}")
        at += 1


def _variable(text: str, at: int, place: Place, between: str) -> tuple[Variable, int]:
    head = _HEAD.match(text, at)
    if head is None:
        fail(place, f"not a variable: {text[at : at + 40]!r}")
    sign, name, colon = head.groups()
    collection, at = name.upper(), head.end()
    selection, selector = Selection.ALL, ""
    if colon:
        selection, selector, at = _selector(text, at, between, pattern_allowed=collection != "XML")
        if not selector:
            fail(place, f"{name}: a selector is empty or not closed")
    else:
        while text.startswith((" ", "\t"), at):
            at += 1
    return Variable(collection, selection, selector, counted=sign == "&", excluded=sign == "!"), at


def _selector(text: str, at: int, between: str, *, pattern_allowed: bool) -> tuple[Selection, str, int]:
    """Read what follows the colon; an empty selector stands for one that is malformed."""
    pattern, name = _TAILS[between]
    if text.startswith("'", at):
        quoted = _QUOTED.match(text, at)
        if quoted is None:
            return Selection.NAME, "", at
        inner = quoted[1].replace("\\'", "'")
        if pattern_allowed and len(inner) > 1 and inner[0] == inner[-1] == "/":
            return Selection.PATTERN, inner[1:-1], quoted.end()
        return Selection.NAME, inner, quoted.end()
    if pattern_allowed and text.startswith("/", at):
        found = pattern.match(text, at)
        return (Selection.PATTERN, found[1], found.end()) if found else (Selection.PATTERN, "", at)
    found = name.match(text, at)
    return (Selection.NAME, found[1].strip(" \t"), found.end()) if found else (Selection.NAME, "", at)


def read_operator(text: str, place: Place, notes: Notes) -> Operator:
    """Take an operator apart; without ``@`` it is a pattern for ``@rx``.

    Raises:
        RuleSetError: ``@`` without a name.

    Source: as at the head of this module.
    """
    found = _OPERATOR.fullmatch(text)
    if found is None:
        return Operator("rx", text[1:], negated=True) if text.startswith("!") else Operator("rx", text)
    sign, name, argument = found.groups()
    if not name:
        fail(place, "an operator without a name")
    notes.check(OPERATORS, name.lower(), "operator", place)
    return Operator(name.lower(), argument or "", negated=sign == "!")
