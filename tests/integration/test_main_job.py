"""The whole system with real processes: set-up, every role, one declaration, clean stop, second start.

One installation is made once for this module; ports are free ones.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.layout import METRICS_ORDER, NO_NETWORK, Layout
from ops.supervisor.control import ask
from tests.support.whole_system import free_base, hear_ctrl_c, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return {**os.environ, "FERRYGATE_PORT_BASE": str(free_base()), "CITY_UNITS": "20", "FERRYGATE_WORKERS": "2"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole") / "var"


def _up(root: Path, environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ops", "up", "--root", str(root), *words]
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hear_ctrl_c,
    )


def _left_over(root: Path) -> list[str]:
    """Give the command lines of processes that still serve this installation."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if " run " in words and str(root) in words:
            found.append(words)
    return found


def _nothing_is_left(root: Path) -> None:
    """Whoever dies with his parent does so a moment after him."""
    until(lambda: _left_over(root) == [], within_s=30, what=f"left over: {_left_over(root)}")


def test_first_start_does_the_main_job_and_stops_cleanly(root: Path, environment: dict[str, str]) -> None:
    with _up(root, environment, "--demo-only") as running:
        told, _ = running.communicate(timeout=240)
    assert running.returncode == 0, told
    for words in ("signed in as demo-unit", "Across the gap", "To be mended 4", "failed rows downloaded"):
        assert words in told
    assert "Accepted 10,000, To be mended 0" in told
    assert "all roles stopped" in told
    assert (root / "demo" / "failed-rows.xlsx").stat().st_size > 0
    _nothing_is_left(root)


@pytest.fixture
def serving(root: Path, environment: dict[str, str]) -> Iterator[Layout]:
    running = _up(root, environment)
    assert running.stdout is not None
    try:
        told = "".join(itertools.takewhile(lambda line: "Ferrygate serves" not in line, running.stdout))
        assert "one employee declared" in told
        assert "uploading" not in told, "whoever starts it again wants to work in it"
        yield Layout(root)
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
        assert running.wait(timeout=120) == 0, rest
        _nothing_is_left(root)
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def test_second_start_serves_survives_a_kill_and_replaces_a_worker(serving: Layout) -> None:
    told = ask(serving.control, {"command": "status"})["processes"]
    assert all(process["state"] == "healthy" for process in told)
    expected = {*METRICS_ORDER, *NO_NETWORK, "edge", "worker-1", "worker-2"} - {"supervisor"}
    assert {process["name"] for process in told} == expected
    assert ask(serving.control, {"command": "replace", "name": "worker-1"}) == {"ok": True}
    pids = {process["name"]: process["pid"] for process in told}
    for name in ("ferry_low", "core"):
        os.kill(pids[name], signal.SIGKILL)
    end = time.monotonic() + 120
    while True:
        now = {process["name"]: process for process in ask(serving.control, {"command": "status"})["processes"]}
        if all(process["state"] == "healthy" for process in now.values()) and now["core"]["pid"] != pids["core"]:
            break
        assert time.monotonic() < end, now
        time.sleep(0.3)
    assert now["core"]["restarts"] == 1
    assert now["ferry_low"]["restarts"] == 1


def test_a_second_supervisor_is_refused(serving: Layout, environment: dict[str, str]) -> None:
    with _up(serving.root, environment, "--no-demo") as second:
        told, _ = second.communicate(timeout=120)
    assert second.returncode == 2
    assert "already running" in told
    assert told.count("\n") == 1
