"""Every stage's word on a request in a file."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dmz.waf.explain import INCOMPLETE, TRAILING, Explanation, explain
from dmz.waf.guard import build_firewall
from dmz.waf.settings import FirewallSettings

RULES = """
SecRule ARGS|REQUEST_HEADERS:User-Agent "@pm evil vile" "id:11,phase:2,log,pass,msg:'bad word',severity:CRITICAL,\\
  setvar:tx.anomaly_score=+5"
SecRule TX:anomaly_score "@ge %{tx.inbound_anomaly_score_threshold}" "id:12,phase:2,deny,msg:'too much'"
"""


class Asked:
    """The hall's allow-list with two rules."""

    def __init__(self, folder: Path) -> None:
        (folder / "a.conf").write_text(RULES)
        self._pipeline = build_firewall(FirewallSettings(rules=(str(folder / "a.conf"),)))

    def __call__(self, data: bytes) -> Explanation:
        return explain(data, "unit", self._pipeline)


def request(line: str, *headers: str, end: str = "\r\n") -> bytes:
    return end.join([line, "Host: localhost", *headers, "", ""]).encode()


def test_each_stage_has_its_word(tmp_path):
    asked = Asked(tmp_path)
    good = asked(request("GET /login HTTP/1.1"))
    assert good.passes and not good.rules.matches
    assert asked(request("GET /login HTTP/1.1", end="\n")).passes, "an editor's line ends do no harm"

    unknown = asked(request("GET /admin.php?x=evil HTTP/1.1"))
    assert not unknown.passes and unknown.model is not None and unknown.model.rule == "route.unknown"
    assert [match.rule_id for match in unknown.rules.matches] == [11, 12] and unknown.score == 5

    scanner = asked(request("GET /login HTTP/1.1", "User-Agent: vile/1.0"))
    assert scanner.model is None and scanner.verdict is not None
    assert (scanner.verdict.rule, scanner.verdict.field, scanner.verdict.score) == ("11", "user-agent", 5)

    smuggled = asked(request("GET /login HTTP/1.1", "Content-Length: 1", "Content-Length: 2", "User-Agent: evil"))
    assert smuggled.http == "length_repeated" and smuggled.model is None and smuggled.score == 5


def test_what_is_no_whole_request_says_so(tmp_path):
    asked = Asked(tmp_path)
    assert asked(b"GET /login HTTP/1.1\r\nHost: a").http == INCOMPLETE
    assert asked(request("GET /login HTTP/1.1") + b"x").http == TRAILING


def test_any_bytes_are_explained(tmp_path):
    asked = Asked(tmp_path)

    @given(st.binary(max_size=200))
    def check(data):
        assert asked(data).passes is False

    check()
