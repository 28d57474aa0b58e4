"""`ferrygate ferry held, pause, resume, log, lanes, journal`: as two operators type them, beside a half that runs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from ops.__main__ import main
from ops.provision.toml_text import Value, toml_text
from tests.support.ferry_kit import RealClock
from tests.unit.ferry.acts.acting import delivered, poison, shelf
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.inspector.test_lost import FragileInspector
from wire_formats.drop import DropName, write_drop
from wire_formats.ids import reference_number

PASSPHRASE = b"a long passphrase"


@pytest.fixture
def inspector() -> FragileInspector:
    return FragileInspector()


@pytest.fixture
def ferry(tmp_path: Path, inspector: FragileInspector) -> Iterator[Driven]:
    driven = Driven(tmp_path, inspector=inspector, operators=("li", "wang"))
    # The commands read the machine's clock, so the halves go by it, too.
    driven.clock.ms = RealClock().now_ms()
    for half in ("ferry_low", "ferry_high"):
        write_settings(tmp_path, half)
    for name, key in driven.kit.operators.items():
        sealed = pkcs12.serialize_key_and_certificates(
            name.encode(), key._key, key.certificate, None, BestAvailableEncryption(PASSPHRASE)
        )
        (tmp_path / f"{name}.p12").write_bytes(sealed)
    yield driven
    driven.stop()


def write_settings(root: Path, half: str) -> None:
    ferry: dict[str, Value] = {
        "signing_key": "key.pem", "signing_certificate": "certificate.pem",
        "trust_issuers": "issuers.pem", "trust_machines": "machines.pem",
        "gap_inbound": "../gap/inbound", "gap_outbound": "../gap/outbound", "journal": "journal.sqlite",
        "spool": "spool", "quarantine": "quarantine", "status": "status.json",
        "acts": {"folder": "acts", "operators": "operators.pem", "operator_issuers": "operator_issuers.pem"},
    }  # fmt: skip
    if half == "ferry_low":
        ferry |= {"dmz_outbox": "../dmz/outbox", "dmz_inbox": "../dmz/inbox", "dmz_notices": "../dmz/notices"}
    else:
        ferry |= {"inspector": "run/inspector.sock", "core_inbox": "../core/inbox", "core_outbox": "../core/outbox"}
    table: dict[str, Value] = {"role": {"name": half}, "ferry": ferry}
    (root / half / f"{half}.toml").write_text(toml_text(table))


def sign(ferry: Driven, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run an act without a terminal: the passphrase comes from standard input; the half has time to read the act."""
    root = ferry.kit.root
    command = [sys.executable, "-W", "ignore", "-m", "ops", "ferry", *words, "--root", str(root)]
    done = subprocess.run(
        [*command, "--key", str(root / f"{name}.p12")], input=f"{PASSPHRASE.decode()}\n",
        capture_output=True, text=True, timeout=100, check=False, start_new_session=True,
    )  # fmt: skip
    ferry.clock.ms = max(ferry.clock.ms, RealClock().now_ms())
    ferry.run(1)
    return done


def look(capsys: pytest.CaptureFixture[str], ferry: Driven, *words: str) -> str:
    capsys.readouterr()
    assert main(["ferry", *words, "--root", str(ferry.kit.root)]) == 0
    return capsys.readouterr().out


def test_two_operators_release_a_held_bundle(
    ferry: Driven, inspector: FragileInspector, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = poison(ferry, inspector)
    (item,) = shelf(ferry)
    digest = item.digest[:12]
    assert digest in look(capsys, ferry, "held", "list")
    shown = look(capsys, ferry, "held", "show", digest, "--side", "high")
    assert ids[0].hex() in shown
    assert "contents stay sealed" in shown
    inspector.deadly.clear()
    first = sign(ferry, "li", "held", "release", digest, "--side", "high", "--reason", "cause_mended")
    assert first.returncode == 0, first.stderr
    assert "release by li" in look(capsys, ferry, "held", "list")
    again = sign(ferry, "li", "held", "release", digest, "--side", "high")
    assert again.returncode == 0, again.stderr
    assert delivered(ferry) == []
    second = sign(ferry, "wang", "held", "release", digest, "--side", "high")
    assert second.returncode == 0, second.stderr
    assert delivered(ferry) == ids
    # One of its two requests was kept back alone before, and is still on the shelf.
    assert digest not in look(capsys, ferry, "held", "list")
    log = look(capsys, ferry, "log", "--side", "high")
    assert "4 lines, unbroken" in log
    assert "one operator twice" in log
    sent = look(capsys, ferry, "journal", "search", "--side", "high", "--request", reference_number(ids[0]))
    assert "sent 已发" in sent
    by_digest = look(capsys, ferry, "journal", "search", "--side", "high", "--digest", digest, "--state", "sent")
    assert digest in by_digest
    assert "nothing in this half" in look(capsys, ferry, "journal", "search", "--side", "high", "--state", "held")


def test_a_lane_is_paused_and_resumed(ferry: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    done = sign(ferry, "li", "pause", "inbound-bulk")
    assert done.returncode == 0, done.stderr
    ferry.run(3)
    assert look(capsys, ferry, "lanes", "--side", "low").count("paused 已暂停") == 1
    done = sign(ferry, "wang", "resume", "inbound-bulk")
    assert done.returncode == 0, done.stderr
    ferry.run(3)
    assert "已暂停" not in look(capsys, ferry, "lanes")


@pytest.mark.parametrize(
    "words",
    [
        ("held", "show", "abcdef012345", "--side", "high"), ("held", "show", "ab", "--side", "high"),
        ("held", "show", "abcdef012345"), ("pause", "sideways", "--key", "none.p12"),
        ("journal", "search", "--side", "low", "--request", "nonsense"),
        ("journal", "search", "--side", "low", "--digest", "xyz"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(
    ferry: Driven, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main(["ferry", *words, "--root", str(ferry.kit.root)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1


def test_credits_and_quarantined_bundles_are_told(ferry: Driven, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        write_drop(
            ferry.kit.root / "gap" / "inbound" / "bulk", DropName(9, number, "ferry_low"), b"secret %d" % number
        )  # fmt: skip
    ferry.run(3)
    told = look(capsys, ferry, "lanes", "--side", "high")
    assert "credits" in told
    assert told.count("0/1024") == 2
    told = look(capsys, ferry, "quarantined", "list")
    assert "low: 0 quarantined, page 1 of 1" in told
    assert "high: 2 quarantined, page 1 of 1" in told
    assert told.count("not in the form of a bundle 格式错误") == 2
    digest = hashlib.sha256(b"secret 1").hexdigest()
    assert digest[:12] in told
    shown = look(capsys, ferry, "quarantined", "show", digest[:8], "--side", "high")
    assert f"digest {digest}" in shown
    assert "8 bytes, kept" in shown
    assert "secret" not in shown
    for number in range(2):
        write_drop(ferry.kit.root / "gap" / "inbound" / "bulk", DropName(10, number, "ferry_low"), b"")
    ferry.run(3)
    told = look(capsys, ferry, "quarantined", "list")
    assert "high: 4 quarantined, page 1 of 1" in told
    file = str(DropName(10, 1, "ferry_low"))
    digest = hashlib.sha256(f"empty {file}".encode()).hexdigest()
    shown = look(capsys, ferry, "quarantined", "show", digest[:12], "--side", "high")
    assert "0 bytes, nothing to keep" in shown
    assert f"digest of reason and file name {digest}" in shown
    assert f"file name {file}" in shown
    assert main(["ferry", "quarantined", "show", "abc", "--side", "high", "--root", str(ferry.kit.root)]) == 2
