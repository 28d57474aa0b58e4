"""Silence and its memory: rules of every awkward shape give a request the verdict that it gets without them."""

from __future__ import annotations

import random

import pytest

from dmz.messages import HallRequest, Upload
from dmz.waf import parts
from dmz.waf.pipeline import WafPipeline
from dmz.waf.seclang.compiler import compile_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.silence import Entry
from dmz.waf.seclang.steps import finished
from tests.support.judged_apart import BROWSER, FIELDS, LONGEST, plain_engine, reference, routes
from tests.unit.dmz.waf.seclang.rule_texts import read_text

HEAD = """
SecDefaultAction "phase:1,log,pass"
SecDefaultAction "phase:2,log,pass"
SecAction "id:1,phase:1,nolog,pass,setvar:tx.limit=5,setvar:tx.words=|alpha:|beta:|"
"""
#: Each looks at a request in a way in which a value may count without being found by itself.
AWKWARD = {
    "a chain over arguments and a header": """
SecRule ARGS "@rx alpha" "id:10,phase:2,deny,chain"
  SecRule REQUEST_HEADERS:Referer "@rx beta" "t:none" """,
    "a chain over headers, then arguments": """
SecRule REQUEST_HEADERS "@rx beta" "id:10,phase:2,deny,chain"
  SecRule ARGS "@rx alpha" "t:none" """,
    "a chain from the method to an argument": """
SecRule REQUEST_METHOD "@streq POST" "id:10,phase:2,deny,chain"
  SecRule ARGS "@rx alpha" "t:none" """,
    "captured, then compared": """
SecRule ARGS "@rx (alpha|beta)" "id:10,phase:2,pass,capture,setvar:tx.seen_%{tx.1}=1"
SecRule TX:/^seen_b/ "@eq 1" "id:11,phase:2,deny" """,
    "added up over arguments": """
SecRule ARGS "@rx alpha" "id:10,phase:2,pass,setvar:tx.score=+2"
SecRule REQUEST_HEADERS "@rx beta" "id:11,phase:2,pass,setvar:tx.score=+3"
SecRule TX:score "@ge %{tx.limit}" "id:12,phase:2,deny" """,
    "what has matched, asked again": """
SecRule ARGS|REQUEST_HEADERS "@rx alpha" "id:10,phase:2,deny,chain"
  SecRule MATCHED_VARS "@rx beta" "t:none" """,
    "three links over what has matched": """
SecRule ARGS "@rx alpha|beta" "id:10,phase:2,deny,chain"
  SecRule MATCHED_VARS "@rx ^[a-z:]+$" "t:none,t:lowercase,chain"
  SecRule MATCHED_VARS "@rx beta" "t:none" """,
    "the last that matched": """
SecRule ARGS "@rx alpha|beta" "id:10,phase:2,deny,chain"
  SecRule MATCHED_VAR "@rx beta" "t:none" """,
    "negated": 'SecRule ARGS:id "!@rx ^[a-z:]*$" "id:10,phase:2,deny"',
    "a fixed list": 'SecRule ARGS:id "!@within %{tx.words}" "id:10,phase:2,deny"',
    "a list that rules write": """
SecRule REQUEST_HEADERS:Referer "@rx ([a-z:]+)$" "id:10,phase:1,pass,capture,setvar:tx.list=%{tx.1}"
SecRule ARGS:id "@within %{tx.list}" "id:11,phase:2,deny" """,
    "a header in a macro": 'SecRule ARGS:id "@streq %{request_headers.referer}" "id:10,phase:2,deny"',
    "a value in a macro": """
SecAction "id:10,phase:2,pass,nolog,setvar:tx.copy=%{args.id}"
SecRule TX:copy "@streq alpha:" "id:11,phase:2,deny" """,
    "arguments counted": 'SecRule &ARGS:id "@gt 1" "id:10,phase:2,deny"',
    "all arguments counted": 'SecRule &ARGS "@gt 2" "id:10,phase:2,deny"',
    "their size": 'SecRule ARGS_COMBINED_SIZE "@gt 12" "id:10,phase:2,deny"',
    "a header that is missing": 'SecRule &REQUEST_HEADERS:Referer "@eq 0" "id:10,phase:1,deny"',
    "names": 'SecRule ARGS_NAMES|FILES_NAMES "@streq jsessionid" "id:10,phase:2,deny"',
    "the peer": """
SecRule ARGS "@rx alpha" "id:10,phase:2,deny,chain"
  SecRule REMOTE_ADDR "@ipMatch 192.0.2.1" "t:none" """,
    "the peer in a variable": """
SecAction "id:10,phase:1,pass,nolog,setvar:tx.peer=%{remote_addr}"
SecRule TX:peer "@streq 192.0.2.1" "id:11,phase:2,deny" """,
    "a rule taken out by a header": """
SecRule REQUEST_HEADERS:Referer "@contains beta" "id:10,phase:1,pass,nolog,ctl:ruleRemoveTargetById=11;ARGS:id"
SecRule ARGS "@rx alpha" "id:11,phase:2,deny" """,
    "every step of a value": 'SecRule ARGS "@rx ^beta:$" "id:10,phase:2,deny,multiMatch,t:none,t:urlDecodeUni,t:lowercase,t:trim"',
    "a file's name": 'SecRule FILES "!@rx ^[a-z.:]*$" "id:10,phase:2,deny"',
    "a skip": """
SecRule ARGS "@rx beta" "id:10,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS "@rx alpha" "id:11,phase:2,deny"
SecMarker END""",
}  # fmt: skip
#: With a sign in each, for what has none is not shown to the rules.
_VALUES = ("alpha:", "beta:", "alpha:beta", "Alpha:", " beta: ", "%62eta:", "1:", "中:", "")


def _requests(seed: int, count: int) -> list[HallRequest]:
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        pairs = tuple((chance.choice(FIELDS), chance.choice(_VALUES)) for _ in range(chance.randrange(4)))
        headers = dict(BROWSER)
        if chance.random() < 0.7:
            headers["referer"] = chance.choice(_VALUES)
        address = f"192.0.2.{chance.randrange(3)}"
        if chance.random() < 0.5:
            made.append(HallRequest("GET", "unit", "/note", query=pairs, headers=headers, address=address))
            continue
        uploads = (Upload("file", chance.choice(_VALUES), "x", b""),) if chance.random() < 0.5 else ()
        headers["content-type"] = "multipart/form-data; boundary=x" if uploads else "application/x-www-form-urlencoded"
        made.append(HallRequest("POST", "unit", "/note", form=pairs, uploads=uploads, headers=headers, address=address))
    return made


@pytest.mark.parametrize("name", AWKWARD)
def test_no_shape_of_a_rule_is_overlooked(name: str) -> None:
    rules = read_text(HEAD + AWKWARD[name] + "\n")
    quick = WafPipeline(routes(), Engine(compile_rules(rules)), most_text=LONGEST)
    plain, table = plain_engine(rules), routes()
    verdicts = set()
    for request in _requests(seed=len(name), count=300):
        expected = reference(plain, table, request)
        verdicts.add(expected.allowed)
        assert quick.check(request) == expected, request
    assert verdicts == {True, False}, "the rule must have something to say"


def test_what_cannot_be_told_entry_by_entry_is_said() -> None:
    impossible = {
        name for name, text in AWKWARD.items() if compile_rules(read_text(HEAD + text + "\n")).silence.impossible
    }
    assert impossible == {
        "arguments counted",
        "all arguments counted",
        "their size",
        "a list that rules write",
        "a header in a macro",
    }


def test_entries_are_silent_or_loud() -> None:
    silence = compile_rules(read_text(HEAD + AWKWARD["negated"] + "\n")).silence
    entries = [Entry(("ARGS",), b"id", b"12"), Entry(("ARGS",), b"id", b"ab:"), Entry(("ARGS",), b"note", b"12")]
    assert finished(silence.loud(entries)) == [True, False, False]


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_REMEMBERED", 20)
    rules = read_text(HEAD + AWKWARD["added up over arguments"] + "\n")
    quick = WafPipeline(routes(), Engine(compile_rules(rules)), most_text=LONGEST)
    plain, table = plain_engine(rules), routes()
    for request in _requests(seed=1, count=150):
        assert quick.check(request) == reference(plain, table, request)
        assert len(quick._parts._silent) <= 20 + 20, "what one request needs may go beyond"
