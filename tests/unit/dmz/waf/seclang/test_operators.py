from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.waf.seclang.model import Operator, RuleSetError
from dmz.waf.seclang.operators import FROM_FILES, PATTERNS, PHRASES, PREPARED, Found, Test, compile_operator
from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.seclang.pattern_tests import _folded, _tree, any_of, has_check_digit
from dmz.waf.seclang.patterns import compile_pattern

FILES = {
    "words.data": b"# comment\n\nselect\n Sys Tables \n/etc/passwd\nunion\nwget\ncurl\nnc -e\n",
    "nets.data": b"10.0.0.0/8 # inside\n::1\n",
}
CASES = [
    ("beginswith", "ab", b"abc", b"cab"),
    ("endswith", "bc", b"abc", b"bca"),
    ("contains", "b", b"abc", b"ac"),
    ("strmatch", "B", b"aBc", b"abc"),
    ("containsword", "or", b"1 or 2", b"fork"),
    ("containsword", "or", b"or", b"orb"),
    ("containsword", "", b"x", None),
    ("streq", "a b", b"a b", b"a b "),
    ("within", "GET POST", b"POST", b"PUT"),
    ("within", "GET", b"", b"get"),
    ("eq", "5", b" +5x", b"6"),
    ("eq", "x", b"zero", b"1"),
    ("ge", "5", b"5", b"4"),
    ("gt", "5", b"6", b"5"),
    ("le", "5", b"-7", b"6"),
    ("lt", "5", b"4", b"5"),
    ("lt", "0", b"-1", b"9" * 9000),
    ("ipmatch", "10.0.0.0/8, 192.168.1.1,2001:db8::/32", b"10.9.8.7", b"11.0.0.1"),
    ("ipmatch", "10.0.0.0/8,2001:db8::/32", b"2001:db8::5", b"2001:db9::5"),
    ("ipmatch", "10.0.0.0/9,10.128.0.0/9", b"10.200.0.1", b"no address"),
    ("ipmatch", "0.0.0.0/0", b"1.2.3.4", b"::1"),
    ("ipmatchfromfile", "nets.data", b"10.0.0.1", b"::2"),
    ("ipmatchf", "nets.data", b"::1", b"9.0.0.1"),
    ("validatebyterange", "32-126, 10,13", b"a\0b", b"ab\r\n"),
    ("validatebyterange", "1-255", b"\0", b""),
    ("validateurlencoding", "", b"%zz", b"%41%2b"),
    ("validateurlencoding", "", b"%4", b"none"),
    ("validateutf8encoding", "", b"\xc0\xaf", "中".encode()),
    ("validateutf8encoding", "", b"\xed\xa0\x80", b"ascii"),
    ("pm", "wget Curl", b"use CURL here", b"cur l"),
    ("pm", "\"A|42 43|D ee\"", b"xabcdx", b"abd"),
    ("pm", "a1 b2 c3 d4 e5 f6 g7 h8", b"xxH8", b"h9"),
    ("pmfromfile", "words.data", b"SYS TABLES", b"systables"),
    ("pmf", "words.data", b"x nc -e y", b"comment"),
    ("rx", r"^a(b)?c$", b"ac", b"abcd"),
    ("rxglobal", r"\d+", b"a1b22", b"none"),
    ("verifycc", r"\d{13,16}", b"card 4111111111111111.", b"card 4111111111111112."),
    ("detectsqli", "", b"1' or '1'='1", b"O'Brien"),
    ("detectxss", "", b"<script>", b"<b>"),
    ("unconditionalmatch", "", b"", None),
    ("nomatch", "", None, b""),
]  # fmt: skip


def literally(text: str) -> bytes:
    return text.replace("%{tx.x}", "b").encode()


@pytest.mark.parametrize(("name", "argument", "hit", "miss"), CASES)
def test_each_does_what_the_manual_says(name, argument, hit, miss):
    test = compile_operator(Operator(name, argument), FILES)
    inverse = compile_operator(Operator(name, argument, negated=True), FILES)
    if hit is not None:
        assert test.check(hit, literally)
        assert inverse.check(hit, literally) is None
    if miss is not None:
        assert test.check(miss, literally) is None
        assert inverse.check(miss, literally) == Found(b"", ())


def test_groups_are_captured():
    assert compile_operator(Operator("rx", "(a)(x)?(b)"), {}).check(b"-ab-", literally) == Found(
        b"ab", (b"ab", b"a", b"", b"b")
    )
    found = compile_operator(Operator("rxglobal", "a(.)"), {}).check(b"ab ac", literally)
    assert found.groups == (b"ab", b"b", b"ac", b"c")
    assert compile_operator(Operator("pm", "select"), {}).check(b"SeLect", literally).piece == b"SeLect"
    many = compile_operator(Operator("rx", "(.)" * 20), {}).check(b"x" * 20, literally)
    assert len(many.groups) == 10


@pytest.mark.parametrize(("name", "argument"), [
    ("contains", "a%{tx.x}c"), ("rx", "a%{tx.x}+c"), ("pm", "zz a%{tx.x}c"), ("within", "-abc-%{tx.x}"), ("streq", "a%{tx.x}c"),
])  # fmt: skip
def test_macros_are_expanded_when_asked(name, argument):
    test = compile_operator(Operator(name, argument), {})
    assert test.needs == ""
    assert test.check(b"abc", literally)
    assert test.check(b"abc", lambda text: text.replace("%{tx.x}", "q").encode()) is None or name == "within"
    assert compile_operator(Operator(name, argument, negated=True), {}).check(b"abc", literally) is None


def test_an_expansion_that_makes_no_argument_finds_nothing():
    assert compile_operator(Operator("rx", "(%{tx.x}"), {}).check(b"b", literally) is None
    assert compile_operator(Operator("ipmatch", "%{tx.x}"), {}).check(b"1.2.3.4", literally) is None


def test_a_constant_argument_is_never_expanded():
    def never(text):
        raise AssertionError(text)

    for name in (*PREPARED, *PATTERNS):
        argument = {"ipmatch": "::1", "validatebyterange": "1-5", "verifycc": "[0-9]+"}.get(name, "5")
        compile_operator(Operator(name, argument), {}).check(b"abc", never)


@pytest.mark.parametrize(("name", "argument"), [
    ("fuzzyhash", "x"), ("nosuch", ""), ("nosuch", "%{tx.x}"), ("rx", "("), ("ipmatch", "10.0.0.300"), ("pmfromfile", "none.data"),
    ("pmf", ""), ("validatebyterange", "5-300"), ("validatebyterange", "9-5"), ("validatebyterange", "x"), ("pm", ""), ("pm", "x" * 5_000),
])  # fmt: skip
def test_what_cannot_be_used_is_refused(name, argument):
    with pytest.raises(RuleSetError):
        compile_operator(Operator(name, argument), FILES)


def test_patterns_are_compiled_by_whom_the_caller_names():
    made = []

    def compile_one(source):
        made.append(source)
        return compile_pattern(source)

    assert compile_operator(Operator("rx", "a+"), {}, compile_one).needs == "a+"
    assert made == ["a+"]


@given(st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=20), st.binary(max_size=40))
def test_phrases_are_found_where_they_are(phrases, value):
    import re

    lower = sorted({phrase.lower() for phrase in phrases})
    wanted = any(phrase in value.lower() for phrase in lower)
    assert (any_of(_folded(phrases))(value) is not None) == wanted
    assert (re.search(_tree(lower, 0), value.lower(), re.DOTALL) is not None) == wanted


@given(st.binary(max_size=80))
def test_any_bytes_are_judged(value):
    for name in (*PREPARED, *PATTERNS, *FROM_FILES, *PHRASES):
        argument = {"ipmatch": "::1", "validatebyterange": "1-5"}.get(name, "a b")
        argument = {"pmf": "words.data", "pmfromfile": "words.data"}.get(
            name, "nets.data" if name in FROM_FILES else argument
        )
        found = compile_operator(Operator(name, argument), FILES).check(value, literally)
        assert found is None or isinstance(found, Found)


def test_check_digits():
    assert has_check_digit(b"4012-8888-8888-1881")
    assert not has_check_digit(b"4012-8888-8888-1882")
    assert not has_check_digit(b"0" * 12)
    assert not has_check_digit(b"0" * 20)


NEEDY = [
    ("detectsqli", ""), ("detectxss", ""), ("validatebyterange", "1-255"), ("validatebyterange", "32-126,10"),
    ("contains", "Ab'"), ("containsword", "Ab"), ("beginswith", "aB"), ("endswith", "b<"), ("streq", "A"),
    ("pm", "ab cd"), ("rx", "(?i)a[b-d]"),
]  # fmt: skip


@cache
def needy() -> list[tuple[str, Test, PatternSet]]:
    """Compile operators, each with a set of just what it needs."""
    tests = [(name, compile_operator(Operator(name, argument), {})) for name, argument in NEEDY]
    return [
        (name, test, PatternSet([test.needs]) if isinstance(test.needs, str) else PatternSet([], [test.needs]))
        for name, test in tests
    ]


#: Of what statements and pages are made, and what stands between.
PIECES = [
    *"and or xor union select from where order by limit case when sleep( benchmark( count( if( null true".split(),
    *"information_schema. sysobjects exec xp_ drop table insert into @@version 0x1f 1e5 like between".split(),
    *"onerror onload xmlns:a style srcdoc href action data: javascript: &colon; alert(1) svg script".split(),
    *"' \" ` ( ) ; # -- /* */ = < > , * @ & && || / + - ! ~ : . 1 2 a é 中".split(), " ", "\n", "\0", "\xa0",
]  # fmt: skip


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=30),
        st.text("abAB'\"<>=()-;1 or\0\n中", max_size=30).map(str.encode),
        st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: "".join(pieces).encode("utf-8")),
        st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: " ".join(pieces).encode("latin-1", "ignore")),
    )
)
def test_a_value_without_what_an_operator_needs_is_nothing_to_it(value):
    for name, test, patterns in needy():
        if test.check(value, lambda _: b"") is not None:
            assert patterns.candidates(value) == {0}, name
            assert patterns.candidates(b"x\n" + value + b"\ny") == {0}, name
