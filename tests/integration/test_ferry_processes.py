"""Both halves as real processes on real folders, killed with SIGKILL again and again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.witness.audit import audit_half, compare
from tests.support.ferry_kit import EchoCore, FerryKit, answered_ids, request_ids, requests, worker_author


class Halves:
    """The two processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        for which in ("low", "high"):
            self.start(which)

    def start(self, which: str) -> None:
        command = [sys.executable, "-m", "tests.support.ferry_process", which, str(self.root)]
        self.running[which] = subprocess.Popen(command, stderr=subprocess.PIPE)

    def kill(self, which: str) -> None:
        process = self.running[which]
        process.kill()
        process.communicate()

    def stop(self) -> None:
        running, self.running = self.running, {}
        for process in running.values():
            process.terminate()
        told = [(process, _ended(process)) for process in running.values()]
        for process, errors in told:
            assert process.returncode == 0, errors
            assert "Traceback" not in errors, errors


def _ended(process: subprocess.Popen[bytes]) -> str:
    """Wait until a process has ended; one that does not is killed.  Gives what it said."""
    try:
        return process.communicate(timeout=60)[1].decode()
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[1].decode()


@pytest.fixture
def kit(tmp_path: Path) -> FerryKit:
    made = FerryKit(tmp_path)
    made.write_keys()
    return made


@pytest.fixture
def halves(kit: FerryKit) -> Iterator[Halves]:
    both = Halves(kit.root)
    yield both
    both.stop()


def wait_for(kit: FerryKit, core: EchoCore, ids: list[bytes], seconds: float) -> list[bytes]:
    end = time.monotonic() + seconds
    found: list[bytes] = []
    while time.monotonic() < end:
        core.turn()
        found = answered_ids(kit.worker_inbox())
        if len(set(found)) >= len(ids):
            break
        time.sleep(0.02)
    return found


def test_two_processes_carry_requests_and_answers(kit: FerryKit, halves: Halves) -> None:
    core, worker = EchoCore(kit), worker_author(kit)
    ids = []
    for _ in range(50):
        items = requests(4)
        worker.send(items)
        ids += request_ids(items)
    assert sorted(wait_for(kit, core, ids, 90)) == sorted(ids)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_again_and_again_nothing_is_lost(kit: FerryKit, halves: Halves) -> None:
    chance = random.Random(7)
    core, worker = EchoCore(kit), worker_author(kit, epoch=int(time.time() * 1000))
    ids: list[bytes] = []
    kills = 0
    end = time.monotonic() + 15
    while time.monotonic() < end:
        for _ in range(chance.randrange(20)):
            items = requests(chance.randrange(1, 4))
            worker.send(items, tracked=True)
            ids += request_ids(items)
        core.turn()
        time.sleep(chance.random() * 0.1)
        if chance.random() < 0.15:
            which = chance.choice(("low", "high"))
            halves.kill(which)
            halves.start(which)
            kills += 1
    found = wait_for(kit, core, ids, 420)
    assert kills >= 5
    assert set(found) == set(ids)
    # A half killed between delivery and commit delivers twice; the core's own dedupe is by request id.
    assert len(core.seen) - len(ids) <= 64 * kills
    for half in ("ferry_low", "ferry_high"):
        aside = [path.name for path in (kit.root / half / "quarantine").glob("*/*.bundle")]
        # Whoever kills a half three times over one bundle has made that one suspect; nothing else speaks against any.
        assert [name for name in aside if "-poison." not in name] == []
        assert len(aside) <= kills // 3
    since_ms, end = time.time_ns() // 1_000_000, time.monotonic() + 90
    while (left := unwitnessed(kit, since_ms)) != []:
        assert time.monotonic() < end, left
        time.sleep(0.2)
    halves.stop()
    both_logs_are_one_history(kit)


def unwitnessed(kit: FerryKit, since_ms: int) -> list[object]:
    """What the halves tell of their logs until each one's last crossing is signed and cosigned; told since then."""
    told = [json.loads((kit.root / half / "status.json").read_bytes()) for half in ("ferry_low", "ferry_high")]
    logs = [each["log"] for each in told if each["at_ms"] >= since_ms]
    done = [log for log in logs if (log["state"], log["waiting"], log["uncosigned"]) == ("cosigned", 0, 0)]
    return [] if len(done) == len(told) else [logs]


def both_logs_are_one_history(kit: FerryKit) -> None:
    """Whatever was killed when: no crossing is missing, and what one half received the other had sent."""
    folders = {half: kit.root / half / "crossings" for half in ("ferry_low", "ferry_high")}
    audits = {half: audit_half(folder, kit.trust, every=True) for half, folder in folders.items()}
    for audit in audits.values():
        assert (audit.findings, audit.crossings > 0) == ([], True)
        assert audit.witnessed > 0
    between = compare(audits["ferry_low"], folders["ferry_low"], audits["ferry_high"], folders["ferry_high"])
    assert between.findings == []
