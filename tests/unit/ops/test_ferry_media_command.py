"""`ferrygate ferry media`: an operator's whole round on both sides, with keys, settings and files as set-up makes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from prometheus_client import CollectorRegistry

from ca.accounts import issue_operator_certificate
from ca.authority import load_authorities
from ca.ledger import Ledger
from ca.metrics import CaMetrics
from ca.profile_table import load_profiles
from ca.provision import Provisioning, issuer_of, provision_authority
from ops.__main__ import main
from ops.layout import HOSTS, Installation, Layout, Ports
from ops.provision.role_files import ferry_high_table, ferry_low_table
from ops.provision.toml_text import toml_text
from ops.runtime.clock import SystemClock, SystemRandomness
from tests.support.media_kit import bundle_name
from wire_formats.drop import prepare_drop, write_drop

Keys = dict[str, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Keys]:
    """Both halves' files, and two operators: label -> passphrase."""
    layout = Layout(tmp_path_factory.mktemp("installation") / "var")
    for folder in layout.folders(()):
        folder.mkdir(parents=True, exist_ok=True)
    metrics = CaMetrics(CollectorRegistry(), tuple(load_profiles()))
    clock, randomness = SystemClock(), SystemRandomness()
    wanted = Provisioning(layout.root, ("worker-1",), HOSTS, HOSTS, clock, randomness, metrics)
    settings = provision_authority(wanted)
    found = Installation(Ports(), workers=1)
    layout.settings("ferry_low").write_text(toml_text(ferry_low_table(found)), encoding="utf-8")
    layout.settings("ferry_high").write_text(toml_text(ferry_high_table(found)), encoding="utf-8")
    ledger = Ledger.open(settings.database)
    passphrases, known = {}, b""
    for name in ("li", "wang"):
        issuer = issuer_of(wanted, ledger, load_authorities(settings))
        one = issue_operator_certificate(issuer, "gatekeeper", name, display=name, randomness=randomness)
        (layout.demo / f"{name}.p12").write_bytes(one.pkcs12)
        passphrases[name] = one.password
        known += x509.load_pem_x509_certificate(one.chain_pem).public_bytes(Encoding.PEM)
    ledger.close()
    for half in (layout.ferry_low, layout.ferry_high):
        (half / "trust" / "operators.pem").write_bytes(known)
    return layout.root, passphrases


def say(root: Path, side: str, *words: str) -> int:
    word, *more = words
    return main(["ferry", "media", word, "--root", str(root), "--side", side, "--operator", "zhao", *more])


def export(
    made: tuple[Path, Keys], *words: str, keys: tuple[str, ...] = ("li", "wang")
) -> subprocess.CompletedProcess[str]:
    """Run an export without a terminal: the passphrases come from standard input."""
    root, passphrases = made
    named = [word for name in keys for word in ("--key", str(root / "demo" / f"{name}.p12"))]
    command = [sys.executable, "-W", "ignore", "-m", "ops", "ferry", "media", "export", "--root", str(root)]
    return subprocess.run(
        [*command, "--side", "low", *words, *named],
        input="".join(f"{passphrases[name]}\n" for name in keys),
        capture_output=True, text=True, timeout=100, check=False, start_new_session=True,
    )  # fmt: skip


def collect(root: Path, count: int = 3) -> None:
    folder = root / "ferry_low" / "media" / "out" / "bulk"
    prepare_drop(folder)
    for number in range(1, count + 1):
        write_drop(folder, bundle_name(number), b"x" * number)


def test_the_whole_round(made: tuple[Path, Keys], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, _ = made
    stick = tmp_path / "stick"
    stick.mkdir()
    collect(root)
    assert say(root, "low", "register", "WH-0001", "--label", "red stick") == 0
    done = export(made, "WH-0001", "--to", str(stick), "--slip", str(tmp_path / "slip.html"))
    assert (done.returncode, "3 files exported" in done.stdout) == (0, True), done.stderr
    assert "both operators sign this now" in done.stderr
    assert "li and wang" in done.stdout
    assert "WH-0001" in (tmp_path / "slip.html").read_text(encoding="utf-8")
    capsys.readouterr()
    assert say(root, "low", "list") == 0
    told = capsys.readouterr().out
    assert "0 files" in told
    assert "exported 已导出" in told
    assert say(root, "low", "slip", "WH-0001") == 0
    assert "介质交接单" in capsys.readouterr().out

    assert say(root, "high", "import", str(stick)) == 2
    assert "mount -o ro" in capsys.readouterr().err
    assert say(root, "high", "import", str(stick), "--writable-ok") == 0
    assert "3 files imported" in capsys.readouterr().out
    receipt = tmp_path / "WH-0001.receipt"
    assert say(root, "high", "receipt", "WH-0001", "--out", str(receipt)) == 2
    assert "3 files of it still wait" in capsys.readouterr().err
    for path in (root / "ferry_high" / "media" / "in" / "bulk").glob("*.bundle"):
        path.unlink()  # as the running half does
    assert say(root, "high", "receipt", "WH-0001", "--out", str(receipt)) == 0
    assert say(root, "low", "receipt", "--in", str(receipt)) == 0
    assert "3 files arrived" in capsys.readouterr().out
    for side in ("low", "high"):
        assert say(root, side, "sanitised", "WH-0001") == 0
        assert say(root, side, "history", "WH-0001") == 0
    told = capsys.readouterr().out
    for act in ("registered", "exported", "receipt_taken", "import_begun", "imported", "receipt_written", "sanitised"):
        assert act in told
    assert "acts, unbroken" in told


def test_one_key_is_not_enough(made: tuple[Path, Keys], tmp_path: Path) -> None:
    root, _ = made
    collect(root)
    say(root, "low", "register", "WH-0002")
    for keys, reason in ((("li",), "two operators"), (("li", "li"), "one operator signed twice")):
        done = export(made, "WH-0002", "--to", str(tmp_path), keys=keys)
        assert (done.returncode, reason in done.stderr) == (2, True), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_passphrase_is_one_line(made: tuple[Path, Keys], tmp_path: Path) -> None:
    root, passphrases = made
    collect(root)
    say(root, "low", "register", "WH-0003")
    done = export((root, passphrases | {"wang": "wrong"}), "WH-0003", "--image", str(tmp_path / "medium.fgm"))
    assert done.returncode == 2
    assert "wang.p12: wrong passphrase" in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("side", "words", "told"),
    [
        ("low", ["sanitised", "WH-9999"], "not in the register"),
        ("low", ["register", "wh-1"], "4 to 32"),
        ("low", ["slip", "WH-9999"], "was not exported here"),
        ("high", ["receipt", "--out", "x"], "which medium"),
        ("high", ["receipt", "--in", "/nowhere/receipt"], "/nowhere/receipt"),
        ("high", ["import", "/nowhere"], "no medium of ours"),
        ("", ["history"], "--side low"),
    ],
)
def test_complaints_are_one_line(
    made: tuple[Path, Keys], side: str, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    word, *more = words
    sided = ["--side", side] if side else []
    try:
        assert main(["ferry", "media", word, "--root", str(made[0]), *sided, *more]) == 2
    except SystemExit as ended:
        assert ended.code == 2
    complaint = capsys.readouterr().err
    assert told in complaint
    assert len(complaint.splitlines()) == 1


def test_list_shows_both_sides(made: tuple[Path, Keys], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ferry", "media", "list", "--root", str(made[0])]) == 0
    told = capsys.readouterr().out
    assert "wait for a medium to ferry_high" in told
    assert "wait for a medium to ferry_low" in told


def test_no_installation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ferry", "media", "list", "--root", str(tmp_path)]) == 2
    assert "neither half" in capsys.readouterr().err
