"""`ferrygate bans`: an operator lists, adds, lifts and exports; each change is a line with his name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ops.__main__ import main
from ops.layout import Installation, Layout, Ports
from ops.provision.role_files import edge_table
from ops.provision.toml_text import toml_text
from wire_formats.drop import list_drop

FINGERPRINT = "ab" * 32


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An installation in which nothing runs: only its files, as set-up writes them."""
    layout = Layout(tmp_path / "var")
    for folder in layout.folders(()):
        folder.mkdir(parents=True)
    ports = {name: getattr(Ports(), name) for name in Ports.__dataclass_fields__}
    layout.installation.write_text(toml_text({"ports": ports}), encoding="utf-8")
    layout.settings("edge").write_text(toml_text(edge_table(layout, Installation(Ports()))), encoding="utf-8")
    return layout.root


def bans(root: Path, *words: str) -> int:
    return main(["bans", "--root", str(root), "--operator", "li", *words])


def test_add_list_lift(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bans(root, "list") == 0
    assert capsys.readouterr().out == "nobody is banned\n"
    assert bans(root, "add", "203.0.113.7", "--for", "2h") == 0
    assert bans(root, "add", FINGERPRINT.upper()) == 0
    assert bans(root, "add", "2001:db8:1:2::5", "--for", "30d") == 0
    capsys.readouterr()
    assert bans(root, "list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [ban["subject"] for ban in told] == [f"sha256:{FINGERPRINT}", "203.0.113.7", "2001:db8:1:2::/64"]
    assert {(ban["reason"], ban["times"], ban["by"]) for ban in told} == {("operator", 1, "li")}
    assert bans(root, "list") == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["banned", "until", "left", "reason", "times", "by"] and len(table) == 4
    assert bans(root, "lift", "203.0.113.7") == 0
    assert capsys.readouterr().out == "203.0.113.7 lifted\n"
    assert bans(root, "list", "--json") == 0
    assert "203.0.113.7" not in capsys.readouterr().out


def test_every_change_is_a_line_with_the_operators_name(root: Path) -> None:
    bans(root, "add", "203.0.113.7")
    bans(root, "lift", "203.0.113.7")
    log = Layout(root).log("edge").with_name("bans.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines()]
    assert [(line["event"], line["operator"], line["subject"]) for line in lines] == [
        ("operator_banned", "li", "203.0.113.7"),
        ("operator_lifted", "li", "203.0.113.7"),
    ]


def test_export(root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert bans(root, "export") == 0
    assert capsys.readouterr().out == ""
    bans(root, "add", "203.0.113.7")
    capsys.readouterr()
    assert bans(root, "export") == 0
    line = capsys.readouterr().out
    assert line.startswith("CEF:0|Ferrygate|Ferrygate edge|1|banned|Offender banned|8|rt=")
    assert " src=203.0.113.7 " in line and " suser=li " in line and line.count("\n") == 1
    assert bans(root, "export", "--format", "json", "--out", str(tmp_path / "out.json")) == 0
    assert json.loads((tmp_path / "out.json").read_text())[0]["subject"] == "203.0.113.7"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "10.0.0.0/8"], "neither an IPv4 address"),
        (["add", "127.0.0.1"], "trusted network"),
        (["lift", "203.0.113.9"], "is not banned"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    root: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bans(root, *words) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert list_drop(root / "dmz" / "bans", most=10)[0] == []


def test_another_user_than_the_edges_is_told_so(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: root.stat().st_uid + 1)
    assert bans(root, "add", "203.0.113.7") == 2
    assert f"run this with sudo -u '#{root.stat().st_uid}'" in capsys.readouterr().err
    monkeypatch.undo()
    assert bans(root, "list") == 0
    assert capsys.readouterr().out == "nobody is banned\n"


@pytest.mark.parametrize("words", [["add", "203.0.113.7", "--for", "31d"], ["add", "x", "--for", "soon"], ["what"], []])
def test_wrong_words_lead_to_the_help(root: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bans(root, *words)
    assert ended.value.code == 2
    assert "--help" in capsys.readouterr().err
