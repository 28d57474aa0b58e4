"""Compiled rules over whole requests: chains, captures, skips, scores, exclusions, and what is settled beforehand."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.waf.seclang.compiled import Phase, Table
from dmz.waf.seclang.compiler import compile_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.model import RuleSetError
from dmz.waf.seclang.sent_request import SentAnswer, SentRequest, read_request
from dmz.waf.seclang.steady import SteadyRules
from tests.unit.dmz.waf.seclang.rule_texts import read_text

RULES = """
SecDefaultAction "phase:1,log,pass"
SecDefaultAction "phase:2,log,pass"
SecAction "id:1,phase:1,nolog,pass,setvar:tx.level=1,setvar:tx.points=5,setvar:tx.score=0"
SecRule &TX:limit "@eq 0" "id:2,phase:1,nolog,pass,setvar:tx.limit=5"
SecRule TX:level "@lt 2" "id:3,phase:1,nolog,pass,skipAfter:END-STRICT"
SecRule REQUEST_URI "@rx ." "id:4,phase:1,log,pass,msg:'strict'"
SecMarker END-STRICT
SecRule ARGS|!ARGS:free "@rx (?i)union\\s+(select)" "id:10,phase:2,block,capture,t:none,t:urlDecodeUni,\\
  msg:'SQL %{TX.1}',severity:CRITICAL,tag:'attack-sqli',tag:'paranoia-level/1',setvar:tx.score=+%{tx.points}"
SecRule ARGS "@pm sleep benchmark" "id:11,phase:2,block,t:lowercase,msg:'words',chain"
  SecRule MATCHED_VAR "@contains (" "setvar:tx.score=+%{tx.points}"
SecRule ARGS "@rx ^evil$" "id:12,phase:2,block,multiMatch,t:none,t:hexDecode,t:trim,setvar:tx.score=+1"
SecRule REQUEST_HEADERS:X-Skip "@streq yes" "id:13,phase:1,nolog,pass,ctl:ruleRemoveById=10,ctl:ruleRemoveTargetById=11;ARGS:q"
SecRule TX:score "@ge %{tx.limit}" "id:90,phase:2,deny,status:403,msg:'score %{tx.score}'"
SecRule RESPONSE_BODY "@rx Traceback" "id:95,phase:4,deny,msg:'leak'"
SecRule TX:score "@gt 0" "id:99,phase:5,log,pass,msg:'total %{tx.score}'"
"""


def engine(text: str = RULES) -> Engine:
    return Engine(compile_rules(read_text(text)))


ENGINE = engine()


def get(query: str, **headers: str) -> SentRequest:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return read_request(f"GET /a?{query} HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode())


def test_a_pattern_scores_and_refuses():
    judged = ENGINE.judge(get("q=1+UNION%20select+2"))
    assert [match.rule_id for match in judged.matches] == [10, 90, 99]
    assert judged.refused_by == 90
    first = judged.matches[0]
    assert (first.where, first.message, first.severity, first.paranoia) == ("ARGS:q", "SQL select", "2", 1)
    assert judged.variables["score"] == "5"


def test_every_value_that_matches_scores():
    judged = ENGINE.judge(get("q=union+select&r=union+select&free=union+select"), stops=False)
    assert judged.variables["score"] == "10"


def test_all_links_of_a_chain_must_match():
    assert ENGINE.judge(get("q=SLEEP(5)")).ids() == {11, 90, 99}
    assert ENGINE.judge(get("q=sleep+well")).ids() == frozenset()
    assert ENGINE.judge(get("q=SLEEP(5)")).matches[0].where == "ARGS:q"


def test_multi_match_looks_at_every_step():
    for query in ("q=evil", "q=6576696c", "q=206576696c20"):
        assert ENGINE.judge(get(query)).variables["score"] == "1", query


def test_rules_and_targets_are_switched_off_for_one_request():
    assert ENGINE.judge(get("q=union+select", X_Skip="yes")).ids() == frozenset()
    assert ENGINE.judge(get("q=SLEEP(5)", X_Skip="yes")).ids() == frozenset()
    assert ENGINE.judge(get("r=SLEEP(5)", X_Skip="yes")).ids() == {11, 90, 99}
    assert ENGINE.judge(get("q=union+select")).ids() == {10, 90, 99}


def test_a_body_is_judged_and_an_answer_too():
    body = b"q=union+select"
    head = (b"POST", b"/a", b"HTTP/1.1", ((b"Content-Type", b"application/x-www-form-urlencoded"),), body)
    assert ENGINE.judge(SentRequest(*head)).refused_by == 90
    answer = SentAnswer(200, ((b"Content-Type", b"text/html"),), b"Traceback (most recent call last)")
    assert ENGINE.judge(get("q=1"), answer).ids() == {95}
    assert ENGINE.judge(get("q=1")).ids() == frozenset()


def test_what_is_settled_beforehand_does_not_run():
    phase = ENGINE.table.phases[1]
    assert phase.always == () and [rule.rule.id for rule in phase.rules.values()] == [13]
    assert ENGINE.table.start == {b"level": b"1", b"points": b"5", b"score": b"0", b"limit": b"5"}
    strict = engine(RULES.replace("setvar:tx.level=1", "setvar:tx.level=2"))
    assert strict.judge(get("q=1")).ids() == {4}


def test_a_level_that_a_request_can_set_is_not_settled():
    text = RULES.replace(
        "SecMarker END", 'SecRule ARGS:l "@eq 2" "id:5,phase:1,nolog,pass,setvar:tx.level=2"\nSecMarker END'
    )
    text = text.replace("phase:1,nolog,pass,skipAfter", "phase:2,nolog,pass,skipAfter").replace(
        '"id:4,phase:1', '"id:4,phase:2'
    )
    changing = engine(text)
    assert changing.judge(get("l=2")).ids() == {4}
    assert changing.judge(get("l=1")).ids() == frozenset()


def test_an_exclusion_in_front_of_the_setup_leaves_the_setup_settled():
    exclusion = 'SecRule REQUEST_FILENAME "@streq /a" "id:900,phase:1,pass,nolog,ctl:ruleRemoveById=10"\n'
    excluding = engine(RULES.replace("SecAction", exclusion + "SecAction", 1))
    assert excluding.table.start == ENGINE.table.start
    assert excluding.judge(get("q=union+select")).ids() == frozenset()
    assert ENGINE.judge(get("q=union+select")).ids() == {10, 90, 99}


@pytest.mark.parametrize("action", ["allow", "allow:request", "allow:phase"])
def test_allow_ends_the_phase_or_the_request(action):
    text = f'SecRule ARGS:a "@streq 1" "id:1,phase:1,{action},nolog"\n'
    text += 'SecRule REQUEST_URI "@rx ." "id:2,phase:1,log,pass"\nSecRule REQUEST_URI "@rx ." "id:3,phase:2,log,pass"'
    assert engine(text).judge(get("a=1")).ids() == ({3} if action == "allow:phase" else frozenset())
    assert engine(text).judge(get("a=2")).ids() == {2, 3}


def test_skip_counts_rules():
    text = 'SecRule ARGS:a "@streq 1" "id:1,phase:1,nolog,pass,skip:1"\n'
    text += 'SecAction "id:2,phase:1,log,pass"\nSecAction "id:3,phase:1,log,pass"'
    assert engine(text).judge(get("a=1")).ids() == {3}
    assert engine(text).judge(get("a=2")).ids() == {2, 3}


def test_a_rule_that_cannot_be_compiled_names_its_place():
    with pytest.raises(RuleSetError, match=r":1: rule 7: "):
        engine('SecRule ARGS "@rx (" "id:7,phase:1,pass"')


PIECES = [
    "union select",
    "UNION%20SELECT",
    "sleep(",
    "6576696c",
    "evil",
    "中文",
    "%u0041",
    "<b>",
    "'",
    "\\x41",
    "+",
    "%",
]


def without_filter(table: Table) -> Table:
    """The same rules, all looked at one by one."""
    phases = {
        number: Phase(
            {place: dataclasses.replace(rule, filtered=False) for place, rule in phase.rules.items()},
            tuple(sorted(phase.rules)),
            phase.prefilter,
            SteadyRules({}),
        )
        for number, phase in table.phases.items()
    }
    return dataclasses.replace(table, phases=phases)


UNFILTERED = Engine(without_filter(ENGINE.table))


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map("".join), min_size=1, max_size=4))
def test_the_prefilter_changes_no_verdict(values):
    request = get("&".join(f"q{number}={value}" for number, value in enumerate(values)).replace(" ", "+"))
    assert ENGINE.judge(request, stops=False).matches == UNFILTERED.judge(request, stops=False).matches


STEADY = """
SecAction "id:1,phase:1,nolog,pass,setvar:tx.words=/Evil/ /Vile/"
SecRule REQUEST_HEADERS_NAMES "@rx ^.*$" "id:2,phase:1,log,pass,capture,t:none,setvar:'tx.seen_%{tx.0}=/%{tx.0}/',chain"
  SecRule TX:/^seen_/ "@within %{tx.words}" "setvar:tx.score=+1"
SecRule REQUEST_HEADERS:Content-Type "@rx ^[^;]+" "id:3,phase:1,log,pass,capture,setvar:tx.kind=|%{tx.0}|,chain"
  SecRule TX:kind "!@within |text/a| |text/b|"
SecRule TX:kind_of "@streq x" "id:4,phase:2,log,pass"
SecRule REQUEST_HEADERS:X-Off "@streq 1" "id:5,phase:1,nolog,pass,ctl:ruleRemoveById=6"
SecRule REQUEST_HEADERS:X-Bad "@streq 1" "id:6,phase:1,log,pass"
SecRule ARGS:off "@streq 1" "id:7,phase:1,nolog,pass,ctl:ruleRemoveTargetById=8;REQUEST_HEADERS:X-Bad"
SecRule REQUEST_HEADERS:X-Bad "!@streq 0" "id:8,phase:1,log,pass"
"""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "off=1", "off=2"]),
            st.dictionaries(
                st.sampled_from(["Evil", "Good", "Content_Type", "X_Off", "X_Bad"]),
                st.sampled_from(["0", "1", "text/a", "text/c;x"]),
            ),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_what_is_remembered_of_one_request_changes_no_other(requests):
    table = compile_rules(read_text(STEADY))
    remembering, forgetting = Engine(table), Engine(without_filter(table))
    for query, headers in requests:
        request = get(query, **headers)
        assert remembering.judge(request).matches == forgetting.judge(request).matches


def test_chains_that_keep_to_themselves_are_steady():
    phase = compile_rules(read_text(STEADY)).phases[1]
    assert {rule.rule.id for rule in phase.rules.values() if rule.alone} == {2, 3}
    read_elsewhere = STEADY.replace("TX:kind_of", "TX:kind")
    phase = compile_rules(read_text(read_elsewhere)).phases[1]
    assert {rule.rule.id for rule in phase.rules.values() if rule.alone} == {2}


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(data):
    judged = ENGINE.judge(read_request(data), stops=False)
    assert judged.refused_by in (0, 90)
