"""The command line: every mistake is one clear line with the remedy, and exit code 2."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ops.__main__ import main
from ops.cli import administration, arguments, authority, ferry_media_words
from ops.cli.ports_free import taken
from ops.cli.table import duration, render, width
from ops.cli.up import ended, too_late
from ops.layout import Installation, Layout, Ports
from ops.provision.installation import create_installation
from ops.provision.toml_text import toml_text
from tests.support.ports import free_ports


def _installation(root: Path, ports: Ports) -> Layout:
    layout = Layout(root)
    root.mkdir(exist_ok=True)
    table = {"ports": {name: getattr(ports, name) for name in Ports.__dataclass_fields__}}
    layout.installation.write_text(toml_text(table), encoding="utf-8")
    return layout


def _free_ports() -> Ports:
    unit, community, person, plain, site, staff = free_ports(6)
    return Ports(unit, community, person, plain, site, staff, metrics=60_000)


def _one_line(capsys: pytest.CaptureFixture[str]) -> str:
    told = capsys.readouterr().err
    assert told.startswith("ferrygate: ")
    assert told.count("\n") == 1
    return told


def test_a_missing_settings_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "ca", "--settings", str(tmp_path / "ca.toml")]) == 2
    told = _one_line(capsys)
    assert "ca.toml" in told
    assert "ferrygate up" in told


def test_an_unknown_setting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ca.toml"
    path.write_text('[role]\nname = "ca"\ncolour = "red"\n[ca]\n')
    assert main(["run", "ca", "--settings", str(path)]) == 2
    assert "role.colour" in _one_line(capsys)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a short name: an installation's sockets need paths of at most 107 bytes."""
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


def test_a_taken_port_is_named(short_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        ports = _free_ports()
        wanted = Ports(port, ports.community, ports.person, ports.site_plain, ports.site, ports.staff, 60_000)
        _installation(short_path / "var", wanted)
        assert taken([port]) == [(port, "is taken by another program")]
        assert main(["up", "--root", str(short_path / "var")]) == 2
    told = _one_line(capsys)
    assert f"port {port} is taken" in told
    assert "FERRYGATE_PORT_BASE" in told


def test_a_folder_that_is_something_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("x")
    assert main(["up", "--root", str(tmp_path)]) == 2
    assert "no installation" in _one_line(capfd)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("word", [["status"], ["stop"], ["replace", "worker-1"], ["upgrade"]])
def test_nothing_runs(word: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*word, "--root", str(tmp_path)]) == 2
    assert "no installation" in _one_line(capsys)
    _installation(tmp_path, _free_ports())
    assert main([*word, "--root", str(tmp_path)]) == 2
    assert "nothing runs here" in _one_line(capsys)


@pytest.mark.parametrize("variable", ["CITY_UNITS", "FERRYGATE_WORKERS", "FERRYGATE_EDGES"])
def test_a_wrong_number_in_the_environment(variable: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=variable):
        create_installation(tmp_path / "var", ports=Ports(), environment={variable: "many"})
    assert not (tmp_path / "var").exists()


def test_a_wrong_port_base(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ops", "up", "--root", str(tmp_path / "var")]
    environment = {**os.environ, "FERRYGATE_PORT_BASE": "80"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "FERRYGATE_PORT_BASE" in done.stderr


WRONG_WORDS = [
    ([], "ferrygate --help"),
    (["dance"], "ferrygate --help"),
    (["run", "ca"], "ferrygate run --help"),
    (["run", "clerk", "--settings", "x.toml"], "ferrygate run --help"),
    (["status", "--colour"], "ferrygate --help"),
    (["replace"], "ferrygate replace --help"),
    (["up", "--demo-only", "--no-demo"], "ferrygate up --help"),
    (["openapi", "--language", "fr"], "ferrygate openapi --help"),
    (["ca"], "ferrygate ca --help"),
    (["ca", "prepare", "demo"], "ferrygate ca prepare --help"),
    (["ca", "revoke", "1", "--reason", "silly"], "ferrygate ca revoke --help"),
    (["core"], "ferrygate core --help"),
    (["core", "disable", "demo-person"], "ferrygate core disable --help"),
    (["core", "--operator", "a b", "find", "x"], "ferrygate core --help"),
    (["ca", "--operator", "a b", "crl"], "ferrygate ca --help"),
    (["bans", "--operator", "a" * 33, "list"], "ferrygate bans --help"),
]


@pytest.mark.parametrize(("words", "way"), WRONG_WORDS)
def test_wrong_words_are_one_line_with_the_way_to_the_help(
    words: list[str], way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert _one_line(capsys).endswith(f"`{way}` shows what is possible\n")


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _parsers(inner)


@pytest.mark.parametrize(
    "parser",
    [
        *_parsers(arguments._parser()),
        *_parsers(authority._parser()),
        *_parsers(administration._parser()),
        *_parsers(ferry_media_words.parser()),
    ],
    ids=lambda p: p.prog,
)
def test_every_command_and_word_is_explained(parser: argparse.ArgumentParser) -> None:
    assert parser.description
    assert parser.description.rstrip().endswith(".")
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest for choice in action._choices_actions if choice.help}
            assert told == set(action.choices)
        else:
            assert action.help, f"{parser.prog}: {action.dest} is not explained"


@pytest.mark.parametrize(
    "words", [["--help"], ["up", "--help"], ["ca", "--help"], ["ca", "sign", "--help"], ["core", "--help"]]
)
def test_help_is_no_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 0
    told = capsys.readouterr()
    assert told.out.startswith("usage: ferrygate")
    assert told.err == ""


def test_a_slip_is_for_an_id_not_for_a_user_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["ca", "prepare", "demo-person", "--window", "person"])
    assert caught.value.code == 2
    assert "32 hexadecimal digits" in _one_line(capsys)


def test_a_root_that_is_a_file(short_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (short_path / "file").write_text("x")
    assert main(["up", "--root", str(short_path / "file")]) == 2
    assert "Not a directory" in _one_line(capfd)


def test_the_openapi_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["openapi"], "/s/wage.declare" in printed["paths"]) == ("3.1.0", True)
    wanted = tmp_path / "openapi.json"
    assert main(["openapi", "--out", str(wanted), "--language", "zh-CN", "--host", "hall.example"]) == 0
    assert capsys.readouterr().out == ""
    written = json.loads(wanted.read_text(encoding="utf-8"))
    assert written["servers"][0]["url"] == "https://hall.example:7002"
    assert written["paths"].keys() == printed["paths"].keys()
    assert main(["openapi", "--out", str(tmp_path)]) == 2
    assert "Is a directory" in _one_line(capsys)


def test_a_reader_that_goes_away() -> None:
    command = [sys.executable, "-m", "ops", "openapi"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert started.stderr.read() == b""
    assert started.returncode == 1


def test_a_taken_port_is_named_before_anything_is_made(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        port = listening.getsockname()[1]
        monkeypatch.setenv("FERRYGATE_PORT_BASE", str(port))
        assert main(["up", "--root", str(short_path / "var")]) == 2
    assert f"port {port} is taken" in _one_line(capsys)
    assert not (short_path / "var").exists()


def test_variables_that_come_too_late_are_told() -> None:
    found = Installation(ports=Ports.from_base(28_000))
    asked = {"FERRYGATE_PORT_BASE": "28000", "CITY_UNITS": "42000", "FERRYGATE_WORKERS": str(found.workers)}
    (line,) = too_late(found, asked)
    assert line == "CITY_UNITS=42000 is for a new installation; this one keeps 300 (make clean begins anew)"


def test_how_a_silent_process_ended() -> None:
    assert (ended(None), ended(-9), ended(3)) == ("", "ended by signal 9", "ended with exit code 3")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small installation that nothing runs in."""
    root = tmp_path_factory.mktemp("made") / "var"
    create_installation(root, ports=_free_ports(), environment={"CITY_UNITS": "2"})
    return root


def test_doctor_names_a_missing_key(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = made / "core" / "keys" / "account_master.key"
    key.rename(key.with_suffix(".away"))
    try:
        assert main(["doctor", "--root", str(made)]) == 1
    finally:
        key.with_suffix(".away").rename(key)
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("!!")]
    assert len(told) == 1
    assert f"{key} is missing (core.toml names it)" in told[0]


def test_doctor_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "var").touch()
    assert main(["doctor", "--root", str(tmp_path / "var")]) == 1
    assert "is a file; choose another --root" in capsys.readouterr().out


def test_doctor_with_a_wrong_port_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FERRYGATE_PORT_BASE", "80")
    assert main(["doctor", "--root", str(tmp_path / "var")]) == 1
    assert "FERRYGATE_PORT_BASE must be from 1024" in capsys.readouterr().out


def test_doctor_without_an_installation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--root", str(tmp_path / "var")]) in (0, 1)
    told = capsys.readouterr().out
    for what in ("python", "packages", "clock", "disk", "chromium", "postgresql", "card readers", "ports"):
        assert what in told


def test_tables_count_wide_characters_twice() -> None:
    assert width("单位") == 4
    assert render(("a", "b"), [("单位", "x"), ("y", "z")]) == "a     b\n单位  x\ny     z"


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(0, "0 ms"), (999, "999 ms"), (1_000, "1 s"), (119_000, "119 s"), (120_000, "2 min"), (7_200_000, "2 h")],
)
def test_durations(milliseconds: int, told: str) -> None:
    assert duration(milliseconds) == told


def test_the_account_list_keeps_a_changed_password(tmp_path: Path) -> None:
    from ops.visitor.account_list import LIST_NAME, README_NAME, write_list
    from ops.visitor.accounts import AccountBook

    one = {"label": "unit", "words": "w", "window": "unit", "user_name": "demo", "password": "first"}
    write_list(tmp_path, [{**one, "pkcs12": "unit.p12", "pkcs12_password": "P"}])
    AccountBook(tmp_path).remember("unit", "second")
    assert AccountBook(tmp_path).account("unit").password == "second"
    for name in (LIST_NAME, README_NAME):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
        assert "second" in (tmp_path / name).read_text(encoding="utf-8")
    assert json.loads((tmp_path / LIST_NAME).read_text())[0]["password"] == "second"
    with pytest.raises(LookupError):
        AccountBook(tmp_path).account("nobody")


def test_the_words_of_the_core(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    core = ["core", "--root", str(made), "--operator", "root"]
    assert main([*core, "find", "demo-unit"]) == 0
    account = capsys.readouterr().out.splitlines()[1].split()[0]
    for word, told in (("disable", "停用 disabled"), ("enable", "启用 enabled")):
        assert main([*core, word, account]) == 0
        assert capsys.readouterr().out.startswith(f"{account}: {told}")
    for wrong in (["find", "nobody"], ["disable", "0" * 32], ["disable-operator", "nobody"]):
        assert main([*core, *wrong]) == 2
        assert "not_found" in _one_line(capsys)
    assert main([*core, "disable-operator", "demo-staff"]) == 0
    assert main([*core, "load-notice", str(tmp_path / "none.toml")]) == 2
    assert capsys.readouterr().err.count("none.toml: No such file or directory") == 1
    assert main(["core", "--root", str(tmp_path), "find", "x"]) == 2
    assert "no installation here" in _one_line(capsys)
