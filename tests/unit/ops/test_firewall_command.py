"""`ferrygate waf`: rules are checked and verdicts explained as an operator asks for it, without an installation or with one."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from ops.__main__ import main

RULES = """
SecRule ARGS "@contains evil" "id:11,phase:2,log,pass,msg:'bad word',severity:CRITICAL,setvar:tx.anomaly_score=+5"
SecRule TX:anomaly_score "@ge %{tx.inbound_anomaly_score_threshold}" "id:12,phase:2,deny,msg:'too much'"
"""
EDGE = """
[role]
name = "edge"
[edge]
server_key = "k"
server_chain = "c"
client_issuers = "i"
deny_issuers = "d"
deny_signers = "s"
notices = "notices"
snapshots = "snapshots"
[workers]
[static]
[intrusion]
bans = "bans"
events = "events"
"""
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "a.conf"
    file.write_text(RULES)
    return file


def _explain(tmp_path: Path, rules: Path, request: str, *words: str) -> int:
    (tmp_path / "r").write_text(request)
    common = ["--root", str(tmp_path / "none"), "--rules", str(rules)]
    return main(["waf", "explain", *common, *words, str(tmp_path / "r")])


def test_a_request_that_passes(tmp_path: Path, rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _explain(tmp_path, rules, "GET /login HTTP/1.1\nHost: localhost\n\n") == 0
    told = capsys.readouterr().out
    assert f"judged by   {rules}" in told
    assert told.endswith("verdict     passes\n")


def test_a_request_that_does_not(tmp_path: Path, rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "note=%E5%A4%87%E6%B3%A8%3Cevil%3E"
    head = f"POST /s/employee.add HTTP/1.1\nHost: localhost\n{FORM}\nContent-Length: {len(body)}\n\n"
    assert _explain(tmp_path, rules, head + body) == 1
    told = capsys.readouterr().out
    assert "ARGS:note" in told
    assert "备注<evil>" in told
    assert told.endswith("verdict     refused by the rules: 11 in note\n")
    assert _explain(tmp_path, rules, "GET /login?a=evil%1B HTTP/1.1\nHost: localhost\n\n") == 1
    assert "evil\\x1b" in capsys.readouterr().out, "nothing that could steer a terminal"
    harmless = head.replace(str(len(body)), "9") + "note=evil"
    assert _explain(tmp_path, rules, harmless) == 0
    assert "passes: the rules are not asked" in capsys.readouterr().out
    assert _explain(tmp_path, rules, "GET /no-such-page HTTP/1.1\nHost: localhost\n\n") == 1
    assert capsys.readouterr().out.endswith("verdict     refused by the allow-list: route.unknown\n")
    assert _explain(tmp_path, rules, head + body + "\n") == 1
    told = capsys.readouterr().out
    assert "editors add a line end" in told
    assert told.endswith("verdict     refused by the HTTP grammar: bytes_behind_the_request\n")


def test_a_request_from_standard_input(
    tmp_path: Path, rules: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = SimpleNamespace(buffer=io.BytesIO(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    monkeypatch.setattr("sys.stdin", sent)
    assert main(["waf", "explain", "--root", str(tmp_path / "none"), "--rules", str(rules), "-"]) == 0
    assert "HTTP        accepted" in capsys.readouterr().out


def test_what_cannot_be_judged_is_one_line(tmp_path: Path, rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _explain(tmp_path, rules, "") == 2
    assert "holds no request" in capsys.readouterr().err
    assert _explain(tmp_path, tmp_path / "missing.conf", "GET / HTTP/1.1\n\n") == 2
    assert "missing.conf" in capsys.readouterr().err
    assert main(["waf", "check", "--root", str(tmp_path / "none")]) == 2
    assert "no installation" in capsys.readouterr().err


@pytest.mark.parametrize("tail, told", [("", "3 rules read; 2 of them"), ("\n[firewal]\nparanoia = 1\n", "firewal")])
def test_rules_are_checked_before_they_are_in_force(
    tail: str, told: str, tmp_path: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "var" / "dmz" / "edge.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(EDGE + f'[firewall]\nrules = ["{rules}"]\n' + tail)
    assert main(["waf", "check", "--root", str(tmp_path / "var")]) == (2 if tail else 0)
    said = capsys.readouterr()
    assert told in (said.err if tail else said.out)
    assert ("replace edge" in said.out) is not bool(tail)
