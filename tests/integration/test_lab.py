"""Invariant 1, proved: the real system on five machines made of network namespaces (`make lab`).

The laboratory itself says what fails; here it runs over both transports, with its planted leaks.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ops.lab.netns import missing_tools

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces are made by root"),
    pytest.mark.skipif(bool(missing_tools()), reason=f"not installed: {missing_tools()}"),
]


@pytest.mark.parametrize("transport", ["directory", "diode"])
def test_the_gap_is_one(transport: str) -> None:
    words = [sys.executable, "-m", "ops.lab", "--transport", transport, "--loss", "10"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("ok")]
    assert len(lines) == (9 if transport == "directory" else 12), done.stdout[-3000:]
