"""Invariant 1, proved: the real system on five machines made of network namespaces (`make lab`).

The laboratory itself says what fails; here it runs over both transports, with its planted leaks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.lab.netns import missing_tools

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces are made by root"),
    pytest.mark.skipif(bool(missing_tools()), reason=f"not installed: {missing_tools()}"),
]
_RUN_S = 450
_STOP_S = 120


@pytest.fixture
def place() -> Iterator[Path]:
    """Where a laboratory lies: zones' users may pass through, unlike through pytest's own; gone whatever happens."""
    with tempfile.TemporaryDirectory(prefix="fg", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def started(place: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m ops.lab`; whatever happens, it takes its machines and processes down before this ends."""
    lab = subprocess.Popen(
        [sys.executable, "-m", "ops.lab", *words], env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield lab
    finally:
        if lab.poll() is None:
            lab.terminate()
            try:
                lab.communicate(timeout=_STOP_S)
            except subprocess.TimeoutExpired:
                lab.kill()
                lab.communicate()


@pytest.mark.parametrize("transport", ["directory", "diode"])
def test_the_gap_is_one(place: Path, transport: str) -> None:
    with started(place, "--transport", transport, "--loss", "10") as lab:
        told, why = lab.communicate(timeout=_RUN_S)
    roles = "".join(f"\n{path.name}: {path.read_text(errors='replace')[-500:]}" for path in place.glob("*/*.out"))
    assert lab.returncode == 0, told[-3000:] + why[-1000:] + roles[-4000:]
    lines = [line for line in told.splitlines() if line.startswith("ok")]
    assert len(lines) == (9 if transport == "directory" else 12), told[-3000:]
    assert not list(place.iterdir()), "what holds is not kept"


def test_one_that_is_told_to_stop_leaves_nothing(place: Path) -> None:
    with started(place, "--transport", "directory") as lab:
        end = time.monotonic() + 200
        while not _machines(lab.pid):
            assert lab.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        lab.terminate()
        lab.communicate(timeout=_STOP_S)
    assert lab.returncode == 128 + signal.SIGTERM
    assert (_machines(lab.pid), list(place.iterdir())) == ([], [])


def _machines(pid: int) -> list[str]:
    """The network namespaces of a laboratory."""
    told = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [line for line in told.splitlines() if line.startswith(f"fg{pid}-")]
