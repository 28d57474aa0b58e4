"""Include and data files: globs, what stays inside, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dmz.waf.seclang import reader
from dmz.waf.seclang.files import DirectoryFiles
from dmz.waf.seclang.model import RuleSet, RuleSetError
from dmz.waf.seclang.reader import read_rule_set
from tests.unit.dmz.waf.seclang.rule_texts import MemoryFiles, read_text

Write = Callable[[str, str], Path]


def _ids(rule_set: RuleSet) -> list[int]:
    return [rule.id for rule in rule_set.rules()]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return put


def test_includes_in_order(tmp_path: Path, write: Write) -> None:
    write("root/main.conf", "SecAction id:1\nInclude rules/*.conf\nIncludeOptional none/*.conf\nSecAction id:9\n")
    write("root/rules/b.conf", "SecAction id:3")
    write("root/rules/a.conf", "SecAction id:2\nInclude c.inc")
    write("root/rules/c.inc", "SecAction id:5")
    rule_set = read_rule_set(["main.conf"], DirectoryFiles(tmp_path / "root"))
    assert _ids(rule_set) == [1, 2, 5, 3, 9]
    assert rule_set.rules()[1].place.file == str(tmp_path / "root/rules/a.conf")


def test_data_files_stand_beside_the_rule_file(tmp_path: Path, write: Write) -> None:
    write("root/main.conf", "Include rules/a.conf")
    write(
        "root/rules/a.conf",
        'SecRule ARGS "@pmFromFile words.data more.data" id:1\nSecRule ARGS "!@ipMatchFromFile ips.data" id:2,chain\n'
        'SecRule ARGS "@pmf words.data"',
    )
    for name in ("words", "more", "ips"):
        write(f"root/rules/{name}.data", name)
    rule_set = read_rule_set(["main.conf"], DirectoryFiles(tmp_path / "root"))
    assert rule_set.data_files == {"words.data": b"words", "more.data": b"more", "ips.data": b"ips"}


def test_data_files_need_not_be_text() -> None:
    assert read_text('SecRule ARGS "@pmf a.data" id:1', a_data=b"\xff\x00").data_files == {"a.data": b"\xff\x00"}


@pytest.mark.parametrize(
    "inside",
    ["Include ../secret.conf", "Include {top}/secret.conf", "Include ../*.conf", "IncludeOptional ../secret.conf",
     'SecRule ARGS "@pmFromFile ../secret.conf" id:1', 'SecRule ARGS "@pmFromFile {top}/secret.conf" id:1',
     "Include link.conf", 'SecRule ARGS "@pmf link.conf" id:1'],
)  # fmt: skip
def test_nothing_leads_out(tmp_path: Path, write: Write, inside: str) -> None:
    write("secret.conf", "SecAction id:66")
    write("root/main.conf", "SecMarker x\n" + inside.format(top=tmp_path))
    (tmp_path / "root/link.conf").symlink_to(tmp_path / "secret.conf")
    with pytest.raises(RuleSetError, match=r"main\.conf:2: .*leads out"):
        read_rule_set(["main.conf"], DirectoryFiles(tmp_path / "root"))


def test_the_operator_too_stays_below_the_roots(tmp_path: Path, write: Write) -> None:
    secret = write("secret.conf", "SecAction id:66")
    write("root/main.conf", "")
    with pytest.raises(RuleSetError, match="leads out"):
        read_rule_set([str(secret)], DirectoryFiles(tmp_path / "root"))
    with pytest.raises(ValueError, match="root"):
        DirectoryFiles()


def test_several_roots_and_links_between_them(tmp_path: Path, write: Write) -> None:
    write("a/main.conf", f"Include {tmp_path}/b/*.conf\nInclude link.conf")
    write("b/b.conf", "SecAction id:2")
    write("c/c.conf", "SecAction id:3")
    (tmp_path / "a/link.conf").symlink_to(tmp_path / "c/c.conf")
    files = DirectoryFiles(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert _ids(read_rule_set(["main.conf"], files)) == [2, 3]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Include nothing.conf", "no such file"),
        ("Include nothing/*.conf", "no such file"),
        ("Include .", "no such file"),
        ("Include main.conf", "includes itself"),
        ("Include *.conf", "includes itself"),
        ("Include a b", "takes one"),
        ("IncludeOptional", "takes one"),
        ("Include " + "a" * 5000, "cannot look for"),
        ('SecRule ARGS "@pmFromFile none.data" id:1', "no such file"),
        ('SecRule ARGS "@pmFromFile " id:1', "without a file"),
        ('SecRule ARGS "@pmFromFile %{tx.a}" id:1', "takes names of files"),
        ('SecRule ARGS "@pmFromFile *.conf" id:1', "takes names of files"),
        ('SecRule ARGS "@pmFromFile https://example.org/a" id:1', "takes names of files"),
    ],
)
def test_refused_files(tmp_path: Path, write: Write, text: str, what: str) -> None:
    write("main.conf", text)
    with pytest.raises(RuleSetError, match=rf"main\.conf:1: .*{what}"):
        read_rule_set(["main.conf"], DirectoryFiles(tmp_path))


def test_the_first_file_must_exist() -> None:
    with pytest.raises(RuleSetError, match="^no such file"):
        read_rule_set(["none.conf"], MemoryFiles({}))


def test_files_too_large(tmp_path: Path, write: Write) -> None:
    path = write("a.data", "12345")
    files = DirectoryFiles(tmp_path)
    assert files.read(str(path), 5) == b"12345"
    with pytest.raises(RuleSetError, match="more than 4 bytes"):
        files.read(str(path), 4)
    with pytest.raises(RuleSetError, match="cannot read"):
        files.read(str(tmp_path / "none"), 4)
    big = b"a" * (4 * 1024 * 1024 + 1)
    with pytest.raises(RuleSetError, match=r"main\.conf:1: .*more than"):
        read_text('SecRule ARGS "@pmf a.data" id:1', a_data=big)


def test_too_deep_and_too_many() -> None:
    deep = {f"/rules/{n}.conf": f"Include {n + 1}.conf".encode() for n in range(reader.MOST_DEPTH + 1)}
    with pytest.raises(RuleSetError, match="deep"):
        read_rule_set(["0.conf"], MemoryFiles(deep))
    many = {f"/rules/{n}.conf": b"" for n in range(reader.MOST_FILES + 1)}
    with pytest.raises(RuleSetError, match="files"):
        read_rule_set(["*.conf"], MemoryFiles(many))


def test_one_name_for_two_data_files_is_refused_unless_they_agree() -> None:
    rule = 'SecRule ARGS "@pmf w.data" id:{}'
    files = {
        "/rules/main.conf": b"Include a/r.conf\nInclude b/r.conf\n",
        "/rules/a/r.conf": rule.format(1).encode(),
        "/rules/b/r.conf": rule.format(2).encode(),
        "/rules/a/w.data": b"x",
        "/rules/b/w.data": b"x",
    }
    assert read_rule_set(["main.conf"], MemoryFiles(files)).data_files == {"w.data": b"x"}
    with pytest.raises(RuleSetError, match=r"b/r\.conf:1: .*which differ"):
        read_rule_set(["main.conf"], MemoryFiles({**files, "/rules/b/w.data": b"y"}))
