from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dmz.waf.seclang.model import RuleSetError
from dmz.waf.seclang.necessary import NOTHING, bytes_of, necessary
from dmz.waf.seclang.pattern_set import PatternSet, stored_key
from dmz.waf.seclang.pattern_syntax import translate
from dmz.waf.seclang.patterns import FLAGS, WINDOW, Way, compile_pattern

pytest.importorskip("re2")
PATTERNS = [
    r"(?i)union\s+(?:all\s+)?select", r"^[a-z]+$", r"\.\./|\.\.\\", r"(?:cat|ls|id)\b", r"[^\x00-\x7f]", r"<script[^>]*>",
    r"a{2,4}b", r"(?i)java(?:script)?:", r"x*", r"['\"`]\s*(?:or|and)\b", r"\d{3}-\d{4}", r"(a)|(b)", r"[[:alpha:]]{2}[\s\x0b]\S",
    r"%(?:u[0-9a-f]{4}|[0-9a-f]{2})", r"(?i:On)click=", r"\bselect\b.+\bfrom\b", r"()", r"[\]\[]", r"\x{41}|\x5a", r"^(?i)up", r"^$", r"^(?:a|)$",
]  # fmt: skip
PIECES = [
    b"union", b"UNION", b" ", b"\x0b", b"\n", b"all", b"select", b"../", b"cat", b"ls ", b"<script", b">", b"aab", b"aaaab", b"java",
    b"script:", b"'", b"or", b"555-1234", b"%u00e4", b"%41", b"onCLICK=", b"from", b"]", b"A", b"Z", b"up", b"\xe4\xb8\xad", b"q",
]  # fmt: skip
VALUES = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
SETS = [PatternSet(PATTERNS), PatternSet(PATTERNS, use_hyperscan=False)]


@example(b"x\n")
@settings(max_examples=400)
@given(VALUES)
def test_the_engines_agree_and_no_filter_misses(value):
    matching = set()
    for number, source in enumerate(PATTERNS):
        linear = compile_pattern(source).search(value)
        python = re.compile(translate(source).python, FLAGS).search(value)
        assert (linear is None) == (python is None), source
        if linear is not None:
            matching.add(number)
            assert linear.group() == python.group()
            assert linear.groups() == python.groups()
    for patterns in SETS:
        assert matching <= patterns.candidates(value) | patterns.everyday


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (r"a.+b\s*c\s*dd", b"a%bbcdd"), (r"a[^q]*?b(?:\s|/\*.*?\*/)*c\s*dd", b"a%bb cdd"), (r"(?i)@.+=\s*\(\s*select", b"@%b=( SELECT"),
        (r"(?i)curl.*\|\s*python", b"curl http://%b | python"), (r"\$\(.+\)\s*;\s*id", b"$(%b);id"), (r"x[^y]*y\s?z", b"x%byz"),
    ],
)  # fmt: skip
def test_no_filter_misses_what_stands_far_apart(source, value):
    """Vectorscan 5.4.12 does, on processors with AVX-512: that is why an older one is pinned."""
    patterns = PatternSet([source])
    assert [length for length in range(1, 300) if not patterns.candidates(value % (b"-" * length))] == []


def test_which_way_a_pattern_goes():
    assert compile_pattern(r"a+b").way is Way.RE2
    assert compile_pattern(r"(?=a)b").way is Way.BOUNDED
    assert compile_pattern(r"a++b").way is Way.BOUNDED
    assert compile_pattern(r"(?=a)a+").way is Way.CAPPED
    assert compile_pattern(r"a+b", use_re2=False).way is Way.CAPPED
    assert compile_pattern(r"a{0,9}b", use_re2=False).way is Way.BOUNDED


def test_meaning_is_that_of_modsecurity():
    assert compile_pattern("a.c").search(b"a\nc")
    assert compile_pattern("^b$").search(b"a\nb\nc")
    assert compile_pattern("(a)(x)?(b)").search(b"ab").groups() == (b"a", None, b"b")
    assert compile_pattern(r"[([]x\s").search(b"[x ")
    assert compile_pattern(r"[[]x[^]]\s").search(b"[xy ")
    assert compile_pattern(r"^\Qa.b(\Ec\s\\Q").search(b"a.b(c \\Q")
    assert compile_pattern("中").search("在中国".encode()).group() == "中".encode()
    assert compile_pattern(r"\w").search("é".encode()) is None
    assert compile_pattern(r"\s").search(b"\x0b")
    assert compile_pattern(r"b\z").search(b"ab")
    assert not compile_pattern(r"b\z").search(b"b\n")
    assert compile_pattern(r"b\Z").search(b"ab\n")


@pytest.mark.parametrize("source", ["(", "[", r"a\1(", "[[:foo:]]", r"\x{4e2d}", "x" * 70_000])
def test_what_is_no_pattern_is_refused(source):
    with pytest.raises(RuleSetError):
        compile_pattern(source)


def test_windows_cover_a_long_value():
    pattern = compile_pattern("(?=s)se[l]+ect$")
    assert pattern.way is Way.CAPPED
    assert pattern.search(b"x" * 5000 + b"select")
    assert pattern.search(b"x" * WINDOW + b"select\n" + b"y" * 1000)
    cut = compile_pattern("(?=x)x+$", window=64)
    assert cut.search(b"x" * 64 + b"y" * 200) is None
    assert cut.search(b"y" * 200 + b"x" * 8)


def test_all_matches():
    pattern = compile_pattern("a(b)?")
    assert [match.group() for match in pattern.every(b"ab-a-ab", 9)] == [b"ab", b"a", b"ab"]
    assert len(pattern.every(b"a" * 100, 5)) == 5
    assert len(compile_pattern("x*").every(b"aaa", 9)) <= 4


def test_a_set_is_stored_and_read_back():
    made = SETS[0]
    if not made.uses_hyperscan:
        pytest.skip("hyperscan is not installed")
    stored = made.dump()
    assert stored
    again = PatternSet(PATTERNS, stored=stored)
    assert again.dump() == stored
    for value in PIECES:
        assert again.candidates(value) == made.candidates(value)
    assert PatternSet(PATTERNS[:3], stored=stored).candidates(b"../") == {2}, "a set of other patterns is compiled anew"
    others = PatternSet([source + "x" for source in PATTERNS], stored=stored)
    assert not others.was_stored, "even when there are as many of them"
    assert PatternSet(["abc"], stored=b"rubbish").candidates(b"abc") == {0}
    assert stored_key(PATTERNS) != stored_key(PATTERNS[1:])
    assert SETS[1].dump() is None
    assert PatternSet([]).candidates(b"abc") == set()


def test_what_hyperscan_does_not_take_is_still_a_candidate():
    patterns = PatternSet([r"(a+)\1x", "b"])
    assert patterns.candidates(b"aax") == {0}
    assert patterns.candidates(b"b") == {1}


def test_necessary_conditions():
    needs = necessary(rb"(?i)union\s+select|drop table", FLAGS)
    assert needs.pieces == (b"drop table", b"select")
    assert all(mask & bytes_of(b"DROP TABLE") for mask in needs.classes)
    assert necessary(rb"(?!a)|(", FLAGS) == NOTHING
    assert necessary(rb"a*b?", FLAGS) == NOTHING
    assert necessary(rb"[^a]", FLAGS).pieces == ()


@given(st.text(max_size=40))
def test_any_text_is_compiled_or_refused(source):
    try:
        pattern = compile_pattern(source)
    except RuleSetError:
        return
    pattern.search(b"abc")
    patterns = PatternSet([source], use_hyperscan=False)
    assert pattern.search(b"") is None or 0 in patterns.candidates(b"") | patterns.everyday
