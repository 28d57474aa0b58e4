"""The bench's ends, as the processes they are: files arrive, are compared, and both tell what they saw."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_ports

FILES = 40


def start(folder: Path, word: str, ports: tuple[int, int, int, int], *, acknowledged: bool) -> subprocess.Popen[bytes]:
    at, to, back, source = ports
    settings = folder / f"{word}.toml"
    settings.write_text(
        f"""[diode]
key = "key"
send_from = "127.0.0.1:{at}"
send_to = "127.0.0.1:{to}"
receive_at = "127.0.0.1:{back}"
receive_from = "127.0.0.1:{source}"

[lab]
result = "{word}.json"
files = {FILES}
bytes = 30000
acknowledged = {str(acknowledged).lower()}
""",
        encoding="utf-8",
    )
    with (folder / f"{word}.log").open("wb") as log:
        words = [sys.executable, "-m", "ops.ferry_lab", word, "--settings", str(settings)]
        return subprocess.Popen(words, stdout=log, stderr=log)


@pytest.mark.parametrize("acknowledged", [False, True], ids=["one way", "acknowledged"])
def test_both_ends_tell_the_same(tmp_path: Path, acknowledged: bool) -> None:
    (tmp_path / "key").write_bytes(os.urandom(32))
    low_out, high_in, high_out, low_in = free_ports(4)
    receiver = start(tmp_path, "receive", (high_out, low_in, high_in, low_out), acknowledged=acknowledged)
    log = tmp_path / "receive.log"
    end = time.monotonic() + 60
    while b"role_started" not in log.read_bytes() and time.monotonic() < end:
        time.sleep(0.05)
    sender = start(tmp_path, "send", (low_out, high_in, low_in, high_out), acknowledged=acknowledged)
    for process in (sender, receiver):
        assert process.wait(timeout=90) == 0, log.read_text()
    sent, got = (result(tmp_path / f"{word}.json") for word in ("send", "receive"))
    assert (sent["files"], got["files"], got["wrong"]) == (FILES, FILES, 0)
    assert got["in"]["files"] >= FILES


def result(place: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(place.read_bytes())
    return told


def test_wrong_settings_are_one_line(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "ops.ferry_lab", "send", "--settings", str(tmp_path / "none.toml")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
