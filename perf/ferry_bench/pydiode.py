"""The peer: pydiode of PyPI, in an environment of its own, over the same link.

It is a pair of pipes (``pydiode send < file``, ``pydiode receive > file``), with redundancy by whole chunks.  It sends
datagrams of 65,500 bytes: Ethernet cuts each into 45 fragments and loses it with any of them, loopback's large frames
keep or lose it as one.  Both are run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

from perf.ferry_bench.link import PYDIODE_PORT, Link

VERSION: Final = "1.0.0"
_SEND_AT: Final = "127.0.0.1"
_RECEIVE_AT: Final = "127.0.0.2"
_LISTENS_S: Final = 1.0
#: A receiver that has not ended so long after the sender has lost the end of the transfer.
_ENDS_S: Final = 8.0


class Trial(NamedTuple):
    """One transfer."""

    arrived: bool
    seconds: float


def install(folder: Path) -> Path | None:
    """Install it unless it is there; gives its program, or None when there is no package index."""
    program = folder / "bin" / "pydiode"
    if program.exists():
        return program
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, check=False)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", f"pydiode=={VERSION}"]
    found = made.returncode == 0 and subprocess.run(pip, capture_output=True, check=False).returncode == 0
    return program if found and program.exists() else None


def transfer(link: Link, program: Path, data: bytes, *, rate_mbit: int, redundancy: int) -> Trial:
    """Send one file; a receiver that hangs is ended, and counts as a loss."""
    source, target = link.folder / "pydiode.in", link.folder / "pydiode.out"
    source.write_bytes(data)
    port = ["--port", str(PYDIODE_PORT)]
    quiet = subprocess.DEVNULL
    with source.open("rb") as read, target.open("wb") as written:
        receiver = link.start([str(program), "receive", *port, _RECEIVE_AT], 1, stdout=written, stderr=quiet)
        time.sleep(_LISTENS_S)
        began = time.monotonic()
        bits = ["--max-bitrate", str(rate_mbit * 1_000_000), "--redundancy", str(redundancy)]
        words = [str(program), "send", *port, *bits, _RECEIVE_AT, _SEND_AT]
        link.start(words, 0, stdin=read, stdout=quiet, stderr=quiet).wait()
        try:
            receiver.wait(timeout=_ENDS_S)
        except subprocess.TimeoutExpired:
            receiver.kill()
            receiver.wait()
        took = time.monotonic() - began
    return Trial(target.read_bytes() == data, took)
