from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.waf.negative_rules import MAX_TEXT, TOO_MUCH_TEXT, NegativeRules, RuleError, load_rules
from dmz.waf.normalise import Forms, decode, hidden_text
from dmz.waf.rule_check import MOST_STEPS, PatternError, check_pattern, steps_of
from dmz.waf.view import Inspected, Place

RULES = load_rules()
NEGATIVE = NegativeRules(RULES)
HEAVY = [
    "$(", " ", "'", '"', "`", "/*", "*/", "<", "<a ", "../", "' or ", "select ", "union select ", "%25", "&#x26;",
    "\\u0026", "(((", "{{", "${", ";", "| ", "&&", "a=", "0x", "char(1,", "case when ", "\n", "-- ", "中", "（", "=[",
    "on", "/???", "aaaa ", "http://a@", "in '", "order by 1,", "x' or x", "if(1=1,", ")(", "!", "[]", ".", "//",
]  # fmt: skip


def test_rule_sets_are_whole():
    assert len(RULES) >= 50
    assert {rule.id.partition("-")[0] for rule in RULES} == {"sql", "xss", "path", "cmd", "code", "http", "scan"}
    assert all(steps_of(rule.pattern.pattern) <= MOST_STEPS for rule in RULES)


@pytest.mark.parametrize("piece", HEAVY)
def test_work_is_linear_and_small(piece):
    text = (piece * MAX_TEXT)[:MAX_TEXT]
    started = time.process_time()
    found = NEGATIVE.search(Inspected(Place.TEXT, "note", text))
    spent = time.process_time() - started
    assert found.work <= 5 * MAX_TEXT * len(RULES), "each rule reads each form once"
    assert spent < 1.0, "an engine that backtracks would need minutes; the usual figure is under 0.05"


def test_longer_texts_are_refused_unseen():
    found = NEGATIVE.judge([Inspected(Place.TEXT, "note", "x" * (MAX_TEXT + 1))])
    assert found[1].rule == TOO_MUCH_TEXT
    assert NEGATIVE.judge([Inspected(Place.TEXT, "note", "中" * 8_000)] * 9)[1].rule == TOO_MUCH_TEXT
    assert NEGATIVE.judge([Inspected(Place.TEXT, "note", "中" * 8_000)] * 8)[0] is None


@pytest.mark.parametrize(
    "pattern", ["a+", "(a*)b", "(?:a{0,50}b?){0,50}", "(a)\\1", "(", "(?:[ab]{0,9}[bc]{0,9}){0,9}"]
)
def test_patterns_that_could_explode_are_refused(pattern):
    with pytest.raises(PatternError):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["a{0,40}b", "a++b", "(?:ab|cd){0,20}+x", "(?>a{0,9})b", "(?!x)a(?=b)"])
def test_bounded_patterns_are_accepted(pattern):
    check_pattern(pattern)


@pytest.mark.parametrize(
    "text",
    [
        "[[rule]]\nid='a-1'",
        "rule=1" * 2,
        "[[rule]]\nid='a-1'\nabout='x'\nscore=9\nneeds=['a']\npattern='a'",
        "[[rule]]\nid='a-1'\nabout='x'\nscore=5\nneeds=['a']\npattern='a*'",
        "[[rule]]\nid='a-1'\nabout='x'\nscore=5\nneeds=['a']\npattern='a'\nplaces=['sky']",
        "[[rule]]\nid='a-1'\nabout='x'\nscore=5\nneeds=['a']\npattern='a'\n" * 2,
    ],
)
def test_wrong_rule_sets_are_refused(tmp_path, text):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(RuleError, match="a.toml"):
        load_rules(tmp_path)


def test_scores_add_up(tmp_path):
    rule = "[[rule]]\nid='a-{0}'\nabout='x'\nscore=3\nneeds=['{0}']\npattern='{0}'\n"
    (tmp_path / "a.toml").write_text(rule.format("p") + rule.format("q"))
    rules = NegativeRules(load_rules(tmp_path))
    assert rules.judge([Inspected(Place.TEXT, "n", "p")])[0] is None
    assert rules.judge([Inspected(Place.TEXT, "n", "p q")])[1].score == 6
    assert rules.judge([Inspected(Place.HEADER, "n", "p q")])[0] is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("%3Cscript%3E", "<script>"),
        ("%253Cscript", "<script"),
        ("&lt;script&#62;", "<script>"),
        ("\\u003cb", "<b"),
        ("\\x3cb", "<b"),
        ("%u003cb", "<b"),
        ("＜ｂ＞", "<b>"),
        ("a\u200bb\u00adc", "abc"),
        ("\\74b", "\\74b"),
        ("\\074b", "<b"),
    ],
)
def test_decoding(text, plain):
    assert decode(text) == plain


def test_forms():
    forms = Forms("UN/**/ION  /*!50000SELECT*/ c'a\\t${IFS}x")
    assert forms.joined.startswith("un ion select ")
    assert "cat x" in forms.stripped
    assert " " not in forms.tight
    assert Forms("/* <script> never closed").folded.startswith("/* <script>")
    assert not Forms("a").has_comments


def test_hidden_texts():
    assert hidden_text("PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==") == "<script>alert(1)</script>"
    assert hidden_text("张三") == hidden_text("short") == hidden_text("x" * 15 + "!") == ""


@given(st.text(max_size=300))
def test_any_text_can_be_judged(text):
    for place in Place:
        NEGATIVE.search(Inspected(place, "note", text))
    forms = Forms(text)
    assert decode(decode(text)) is not None
    assert "  " not in forms.folded
