"""Variables lists and operators."""

from __future__ import annotations

import pytest

from dmz.waf.seclang import clauses
from dmz.waf.seclang.clauses import read_operator, read_variables
from dmz.waf.seclang.model import Operator, Place, RuleSetError, Selection, Variable
from dmz.waf.seclang.names import Notes

PLACE = Place("a.conf", 7)
NAME, PATTERN = Selection.NAME, Selection.PATTERN


def _variables(text: str, between: str = "|") -> list[Variable]:
    return list(read_variables(text, PLACE, Notes(), between))


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("ARGS", Variable("ARGS")),
        ("args", Variable("ARGS")),
        ("ARGS:id", Variable("ARGS", NAME, "id")),
        ("!ARGS:id", Variable("ARGS", NAME, "id", excluded=True)),
        ("&REQUEST_HEADERS:Host", Variable("REQUEST_HEADERS", NAME, "Host", counted=True)),
        ("&ARGS", Variable("ARGS", counted=True)),
        ("XML:/*", Variable("XML", NAME, "/*")),
        ("XML://@*", Variable("XML", NAME, "//@*")),
        ("XML:'//a|//b'", Variable("XML", NAME, "//a|//b")),
        ("XML:'/a/'", Variable("XML", NAME, "/a/")),
        ("TX:/^header_/", Variable("TX", PATTERN, "^header_")),
        ("REQUEST_COOKIES:/^a|b/", Variable("REQUEST_COOKIES", PATTERN, "^a|b")),
        ("REQUEST_COOKIES:/^a/b|c/", Variable("REQUEST_COOKIES", PATTERN, "^a/b|c")),
        (r"REQUEST_COOKIES:/^a\/|b/", Variable("REQUEST_COOKIES", PATTERN, r"^a\/|b")),
        (r"REQUEST_COOKIES:/\x22?\x24Version/", Variable("REQUEST_COOKIES", PATTERN, r"\x22?\x24Version")),
        ('ARGS:/it\'s|"that"/', Variable("ARGS", PATTERN, 'it\'s|"that"')),
        ("ARGS:'/^a|b/'", Variable("ARGS", PATTERN, "^a|b")),
        ("ARGS:'a|b'", Variable("ARGS", NAME, "a|b")),
        (r"ARGS:'it\'s'", Variable("ARGS", NAME, "it's")),
        ("ARGS:'/a'", Variable("ARGS", NAME, "/a")),
        ("ARGS:widget-text[3][text]", Variable("ARGS", NAME, "widget-text[3][text]")),
        ("ARGS:a,b", Variable("ARGS", NAME, "a,b")),
    ],
)
def test_one_variable_alone_and_among_others(text: str, variable: Variable) -> None:
    assert _variables(text) == [variable]
    assert _variables(f"FILES | {text} |XML:/*|{text}|REQUEST_COOKIES:/x/") == [
        Variable("FILES"),
        variable,
        Variable("XML", NAME, "/*"),
        variable,
        Variable("REQUEST_COOKIES", PATTERN, "x"),
    ]


def test_commas_separate_where_targets_are_changed() -> None:
    assert _variables("!ARGS:a,!ARGS:/b,c/|FILES", "|,") == [
        Variable("ARGS", NAME, "a", excluded=True),
        Variable("ARGS", PATTERN, "b,c", excluded=True),
        Variable("FILES"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", " ", "|", "ARGS|", "|ARGS", "ARGS||FILES", "ARGS:", "ARGS:|FILES", "ARGS:/a", "ARGS://", "ARGS:'a", "ARGS:'a'b",
     "!&ARGS", "ARGS FILES", "ARGS,FILES", "5", "ARGS.a", "ARGS:/a/x"],
)  # fmt: skip
def test_malformed_lists(text: str) -> None:
    with pytest.raises(RuleSetError, match=r"^a\.conf:7: "):
        _variables(text)


def test_as_many_variables_as_allowed() -> None:
    assert len(_variables("|".join(["ARGS"] * clauses.MOST_VARIABLES))) == clauses.MOST_VARIABLES
    with pytest.raises(RuleSetError, match="more than"):
        _variables("|".join(["ARGS"] * (clauses.MOST_VARIABLES + 1)))


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("@rx ^a b$", Operator("rx", "^a b$")),
        ("^a b$", Operator("rx", "^a b$")),
        ("!^a", Operator("rx", "^a", negated=True)),
        ("!@rx ^a", Operator("rx", "^a", negated=True)),
        ("! @streq x", Operator("streq", "x", negated=True)),
        ("@within %{tx.a} b", Operator("within", "%{tx.a} b")),
        ("@detectSQLi", Operator("detectsqli", "")),
        ("@streq  a ", Operator("streq", " a ")),
        ("a@b", Operator("rx", "a@b")),
        ("", Operator("rx", "")),
        ("@pmFromFile a.data", Operator("pmfromfile", "a.data")),
    ],
)
def test_operators(text: str, operator: Operator) -> None:
    assert read_operator(text, PLACE, Notes()) == operator


@pytest.mark.parametrize("text", ["@", "!@", "@ rx"])
def test_an_operator_needs_a_name(text: str) -> None:
    with pytest.raises(RuleSetError, match=r"^a\.conf:7: "):
        read_operator(text, PLACE, Notes())


def test_unknown_names_are_noted_and_kept() -> None:
    notes = Notes()
    assert read_operator("@crystalBall x", PLACE, notes) == Operator("crystalball", "x")
    assert read_variables("ARGS|MOON:full", PLACE, notes)[1].collection == "MOON"
    assert notes.lines() == ("a.conf:7: unknown operator crystalball", "a.conf:7: unknown variable MOON")
