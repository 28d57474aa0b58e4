"""`ferrygate ferry evidence` and `verify` on the logs of a real road, in an installation's folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ops.__main__ import main
from ops.provision.toml_text import Value, toml_text
from tests.support.ferry_kit import request_ids, requests, worker_author
from tests.support.machines import NOW_MS
from tests.unit.ferry.driving import Driven
from wire_formats.ids import reference_number


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("installation")
    ferry = Driven(root)
    items = requests(3, now_ms=NOW_MS)
    worker_author(ferry.kit).send(items, now_ms=NOW_MS)
    ferry.run(1)
    ferry.core.turn()
    ferry.run(4)
    ferry.stop()
    for half in ("ferry_low", "ferry_high"):
        (root / half / "trust").mkdir()
        shutil.copy(root / half / "issuers.pem", root / half / "trust" / "machine_issuers.pem")
        shutil.copy(root / half / "machines.pem", root / half / "trust" / "machines.pem")
        _write_settings(root, half)
    (root / "request").write_text(request_ids(items)[1].hex())
    return root


def _write_settings(root: Path, half: str) -> None:
    ferry: dict[str, Value] = {
        "signing_key": "key.pem", "signing_certificate": "certificate.pem",
        "trust_issuers": "trust/machine_issuers.pem", "trust_machines": "trust/machines.pem",
        "gap_inbound": "../gap/inbound", "gap_outbound": "../gap/outbound", "journal": "journal.sqlite",
        "spool": "spool", "quarantine": "quarantine", "status": "status.json",
    }  # fmt: skip
    if half == "ferry_low":
        ferry |= {"dmz_outbox": "../dmz/outbox", "dmz_inbox": "../dmz/inbox", "dmz_notices": "../dmz/notices"}
    else:
        ferry |= {"inspector": "run/inspector.sock", "core_inbox": "../core/inbox", "core_outbox": "../core/outbox"}
    table: dict[str, Value] = {"role": {"name": half}, "ferry": ferry}
    (root / half / f"{half}.toml").write_text(toml_text(table))


def _run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    code = main(["ferry", *map(str, words)])
    told = capsys.readouterr()
    return code, told.out + told.err


def test_one_request_from_its_number_to_its_proof(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = (root / "request").read_text()
    for words, said in (
        ((request,), f"request {request}"),
        ((reference_number(bytes.fromhex(request)),), f"request {request}"),
        ((request, "--answer"), f"an answer to request {request}"),
        ((request, "--side", "low"), "an item whose header has the digest"),
        (("--entry", "0"), "one crossing"),
    ):
        out = tmp_path / "evidence.tlog-proof"
        code, told = _run(capsys, "evidence", "--root", root, "--out", out, *words)
        assert code == 0, told
        assert said in told
        code, told = _run(capsys, "verify", out, "--trust", root / "ferry_high" / "trust")
        assert code == 0, told
        assert ": proved" in told
        assert said in told
        assert "not proved: what the content says" in told


def test_a_changed_file_is_not_proved(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "evidence.tlog-proof"
    _run(capsys, "evidence", "--root", root, "--out", out, (root / "request").read_text())
    whole = out.read_bytes()
    at = whole.index(b"extra ") + 100
    out.write_bytes(whole[:at] + (b"A" if whole[at : at + 1] != b"A" else b"B") + whole[at + 1 :])
    code, told = _run(capsys, "verify", out, "--trust", root / "ferry_high" / "trust")
    assert (code, "NOT PROVED" in told) == (1, True)


def test_both_logs_are_audited(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    low, high = root / "ferry_low" / "crossings", root / "ferry_high" / "crossings"
    trust = root / "ferry_high" / "trust"
    words = ("verify", "--logs", high, "--trust", trust, "--processes", "1")
    code, told = _run(capsys, *words, "--other", low, "--every")
    assert code == 0, told
    assert "both halves: 2 crossings sent and received, 0 sent only" in told
    assert "proved: nothing was removed" in told
    code, told = _run(capsys, *words)
    assert code == 0
    assert "not proved: that the other half saw the same" in told
    copy = tmp_path / "copy"
    shutil.copytree(low, copy)
    entries = copy / "log-000001" / "entries"
    entries.write_bytes(entries.read_bytes()[:-240])
    code, told = _run(capsys, *words, "--other", copy)
    assert (code, "entries_missing" in told, "NOT PROVED" in told) == (1, True, True)


def test_what_cannot_be_done_is_one_line(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trust = root / "ferry_high" / "trust"
    for words, said in (
        (("evidence", "--root", root, "--out", tmp_path / "x", "0" * 32), "no such request"),
        (("evidence", "--root", root, "--out", tmp_path / "no" / "x", (root / "request").read_text()), "No such file"),
        (("verify", tmp_path / "none", "--trust", trust), "No such file"),
        (("verify", tmp_path / "none", "--trust", tmp_path), "are wanted there"),
    ):
        code, told = _run(capsys, *words)
        assert (code, len(told.strip().splitlines())) == (2, 1), told
        assert said in told
    for wrong in (
        ("evidence", "--out", "x"), ("evidence", "--out", "x", "nonsense"), ("verify", "--trust", "x"),
        ("verify", "x", "--logs", "y", "--trust", "z"),
    ):  # fmt: skip
        with pytest.raises(SystemExit) as ended:
            _run(capsys, *wrong)
        assert ended.value.code == 2
        capsys.readouterr()
