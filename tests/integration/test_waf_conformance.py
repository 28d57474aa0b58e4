"""The conformance run itself, on a rule set and a corpus of a few lines in both shapes."""

from __future__ import annotations

import pytest

from dmz.waf.seclang.sent_request import SentRequest
from tests.conformance.__main__ import main
from tests.conformance.backend import answer_to
from tests.conformance.corpus import read_corpus
from tests.conformance.front import refused_by_front
from tests.conformance.overrides import read_overrides
from tests.conformance.wire import taken_request, written_request

RULES = """
SecRule ARGS "@contains evil" "id:942100,phase:2,block,msg:'evil',tag:'paranoia-level/1',setvar:tx.score=+5"
SecRule RESPONSE_BODY "@contains leak" "id:951100,phase:4,deny,tag:'paranoia-level/2'"
SecRule TX:score "@ge 5" "id:949110,phase:2,deny,status:403"
"""
V4 = """
rule_id: 942100
tests:
  - test_id: 1
    stages: [{input: {method: POST, uri: /, headers: {Host: a}, data: "a=so evil"}, output: {log: {expect_ids: [942100]}}}]
  - test_id: 2
    stages: [{input: {uri: "/?a=evil", headers: {Host: a}}, output: {log: {no_expect_ids: [942100]}}}]
  - test_id: 3
    stages: [{input: {uri: "/", version: "HTTP/9", headers: {Host: a}}, output: {status: 400}}]
"""
V3 = """
tests:
  - test_title: 951100-4
    stages:
      - stage:
          input: {method: POST, uri: /reflect, headers: {Host: a, Content-Type: application/json}, data: ['{"body":', '"a leak"}']}
          output: {log_contains: 'id "951100"'}
"""


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.conf").write_text(RULES, encoding="utf-8")
    corpus = tmp_path / "tests" / "regression" / "tests"
    corpus.mkdir(parents=True)
    (corpus / "942100.yaml").write_text(V4, encoding="utf-8")
    (corpus / "951100.yaml").write_text(V3, encoding="utf-8")
    (corpus / "empty.yaml").write_text("", encoding="utf-8")
    return tmp_path


def run(capsys, *arguments: object) -> tuple[int, list[list[str]], str]:
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, [line.split() for line in said.out.splitlines()], said.err


def test_by_ids(tree, capsys):
    code, lines, _ = run(capsys, "--crs", tree, "--mode", "ids")
    assert code == 0
    assert ["942", "1/1", "0/1", "1/1", "66.67%"] in lines
    assert ["951", "1/1", "-", "-", "100.00%"] in lines
    assert ["all", "2/2", "0/1", "1/1", "75.00%"] in lines
    assert "942100-2 (negative, level 1): matched 942100".split() in lines


def test_by_refusal(tree, capsys):
    assert ["all", "1/1", "0/1", "-", "50.00%"] in run(capsys, "--crs", tree, "--mode", "1")[1]
    assert ["951", "1/1", "-", "-", "100.00%"] in run(capsys, "--crs", tree, "--mode", "2")[1]


def test_patterns_are_kept(tree, capsys):
    store = tree / "store"
    for _ in range(2):
        assert run(capsys, "--crs", tree, "--mode", "ids", "--store", store)[0] == 0
    assert len(list(store.iterdir())) <= 1


@pytest.mark.parametrize("wrong", [{"--tests": "nowhere"}, {"--tests": "rules"}, {"--crs": "tests"}])
def test_what_cannot_be_run(tree, capsys, wrong):
    given = {"--crs": tree, "--mode": "ids"} | {name: tree / value for name, value in wrong.items()}
    code, lines, error = run(capsys, *(word for pair in given.items() for word in pair))
    assert (code, lines) == (2, [])
    assert error.startswith("conformance: no ")


def test_no_yaml(tree, capsys):
    (tree / "tests" / "regression" / "tests" / "x.yaml").write_text("a: [", encoding="utf-8")
    assert run(capsys, "--crs", tree)[0] == 2


def written(empty_length: bool = True, **given: object) -> bytes:
    return written_request(given, empty_length=empty_length)


def test_requests_are_completed():
    assert written(headers={"Host": "a"}) == b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert written(method="POST") == b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert b"Length" not in written(method="POST", empty_length=False)
    assert written(method="POST", data="a b=c&d", autocomplete_headers=False).endswith(b"\r\n\r\na b=c&d")
    assert written(data="x=1", stop_magic=True) == b"GET / HTTP/1.1\r\n\r\nx=1"
    form = written(data="a b=c'&d=&e")
    assert form.endswith(
        b"Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: 13\r\n\r\na+b=c%27&d=&e"
    )
    assert written(data="a=b%20c+d&x y").endswith(b"a=b%20c+d&x y")
    assert written(data="a=%zz b").endswith(b"a=%zz b")
    assert written(headers={"content-type": "multipart/form-data; boundary=b"}, data="--b\na").endswith(
        b"\r\n\r\n--b\r\na"
    )
    assert written(data='a={{ "1" | repeat 5 }}').endswith(b"a=11111")
    assert written(encoded_request="R0VUIC8=") == b"GET /"


def test_bodies_are_taken_as_announced():
    assert taken_request(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabc").body == b"ab"
    assert taken_request(b"POST / HTTP/1.1\r\n\r\nabc").body == b""
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert taken_request(chunked).body == b"abcde"


def test_answers():
    def asked(body: bytes, uri: bytes = b"/reflect"):
        return answer_to(SentRequest(b"POST", uri, body=body))

    assert (asked(b"{}", b"/x").status, asked(b"{").status, asked(b"[]").status, asked(b'{"status":99}').status) == (
        200,
        400,
        400,
        400,
    )
    html = asked(b'{"status":500,"headers":{"X-A":"1"},"encodedBody":"PGh0bWw+"}')
    assert (html.status, html.body, dict(html.headers)[b"X-A"]) == (500, b"<html>", b"1")
    assert dict(html.headers)[b"Content-Type"].startswith(b"text/html")
    assert dict(asked(b'{"body":"a"}').headers)[b"Content-Type"].startswith(b"text/plain")


def test_overrides_change_what_must_come(tree):
    case = read_corpus(tree / "tests")[0]
    for corpus in ("v3", "v4"):
        for override in read_overrides(corpus).values():
            assert override.reason
            assert override.applied_to(case.stages[0][1]) != case.stages[0][1]


def test_the_front_says_which_part_refuses():
    assert refused_by_front(b"GET / HTTP/9\r\n\r\n") == "grammar: request_line"
    assert refused_by_front(b"GET /document.pdf HTTP/1.1\r\nHost: a\r\n\r\n") == "allow-list: route.unknown"
    assert refused_by_front(b"GET / HTTP/1.1\r\nHost: a\r\n").startswith("grammar: incomplete")
