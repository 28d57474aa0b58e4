"""A network of its own (network namespace) whose kernel drops a share of the datagrams, and processes in it.

Needs Linux, root, iproute2 and nftables.  Loss is independent from datagram to datagram (``numgen random``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: Loopback's own; Ethernet's is 1,500.
LARGEST_FRAME: Final = 65_536
ETHERNET_FRAME: Final = 1500
NEEDS: Final = ("ip", "nft", "taskset")
#: Ports of the two links: there and back.
THERE: Final = (9001, 9004)
BACK: Final = (9003, 9002)
PYDIODE_PORT: Final = 9100
#: A receiver that has to wait for its core loses nothing meanwhile: 128 MiB hold two seconds of 300 Mbit/s.
SOCKET_BYTES: Final = 128 << 20
_STARTS_S: Final = 60.0
_SETTLE_S: Final = 900.0


class NoLinkError(Exception):
    """This machine cannot make such a network; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one run sends.

    Attributes:
        files: how many.
        size: bytes of each.
        rate_mbit: of the link.
        loss: share of datagrams that the kernel drops.
        planned: share the sender is told to expect; the same when None.
        lane: bulk or interactive.
        per_second: files a second; 0 as fast as they go.
        acknowledged: whether the receiver acknowledges and the sender sends again.
        cores: of the sender and of the receiver.
    """

    files: int
    size: int
    rate_mbit: int
    loss: float
    planned: float | None = None
    lane: str = "bulk"
    per_second: int = 0
    acknowledged: bool = False
    cores: tuple[int, int] = (0, 1)


class Link:
    """A loopback of its own that loses datagrams.

    Args:
        folder: for settings, keys and results.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._name = f"ferry-bench-{os.getpid()}"
        (folder / "key").write_bytes(os.urandom(32))

    def lose(self, share: float, *, frames: int = ETHERNET_FRAME) -> None:
        """Drop this share of the frames from now on.

        Args:
            share: of all frames, both ways.
            frames: bytes of the largest; a longer datagram is cut, and each of its fragments is kept or lost by itself.
        """
        self._inside(["ip", "link", "set", "lo", "mtu", str(frames)])
        rule = f"numgen random mod 100000 < {round(share * 100_000)} counter drop" if share else ""
        rules = f"""add table inet lossy
delete table inet lossy
table inet lossy {{
  chain input {{
    type filter hook prerouting priority -300;
    {rule}
  }}
}}
"""
        self._inside(["nft", "-f", "-"], input=rules)

    def start(self, words: Sequence[str], core: int, **how: Any) -> subprocess.Popen[bytes]:
        """Start a program in this network, on one core."""
        core %= os.cpu_count() or 1
        return subprocess.Popen(["ip", "netns", "exec", self._name, "taskset", "-c", str(core), *words], **how)

    def run(self, task: Task) -> tuple[dict[str, Any], dict[str, Any]]:
        """Send files through the product's outlet and inlet; gives what the sender and the receiver tell."""
        self.lose(task.loss)
        places = {word: self._settings(word, task) for word in ("receive", "send")}
        ends = {}
        for word, core in (("receive", task.cores[1]), ("send", task.cores[0])):
            words = [sys.executable, "-m", "ops.ferry_lab", word, "--settings", str(places[word])]
            with (self.folder / f"{word}.log").open("wb") as log:
                ends[word] = self.start(words, core, stdout=log, stderr=log)
            self._wait_started(word, ends[word])
        try:
            for process in ends.values():
                process.wait(timeout=_SETTLE_S)
        finally:
            for process in ends.values():
                if process.poll() is None:
                    process.kill()
                    process.wait()
        sent, got = (json.loads((self.folder / f"{word}.json").read_bytes()) for word in ("send", "receive"))
        return sent, got

    def _wait_started(self, word: str, process: subprocess.Popen[bytes]) -> None:
        log = self.folder / f"{word}.log"
        end = time.monotonic() + _STARTS_S
        while b"role_started" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > end:
                raise NoLinkError(f"{word}: did not start: {log.read_text(encoding='utf-8')[-500:]}")
            time.sleep(0.05)

    def _settings(self, word: str, task: Task) -> Path:
        there, back = (THERE, BACK) if word == "send" else (BACK, THERE)
        planned = task.loss if task.planned is None else task.planned
        (self.folder / f"{word}.json").unlink(missing_ok=True)
        place = self.folder / f"{word}.toml"
        place.write_text(
            f"""[diode]
key = "key"
send_from = "127.0.0.1:{there[0]}"
send_to = "127.0.0.1:{there[1]}"
receive_at = "127.0.0.1:{back[1]}"
receive_from = "127.0.0.1:{back[0]}"
rate_mbit = {task.rate_mbit}
loss_per_10000 = {round(planned * 10_000)}
socket_bytes = {SOCKET_BYTES}

[lab]
result = "{word}.json"
lane = "{task.lane}"
files = {task.files}
bytes = {task.size}
per_second = {task.per_second}
acknowledged = {str(task.acknowledged).lower()}
""",
            encoding="utf-8",
        )
        return place

    def _inside(self, words: Sequence[str], **how: Any) -> None:
        _do(["ip", "netns", "exec", self._name, *words], **how)

    def open(self) -> None:
        """Make the network."""
        _do(["ip", "netns", "add", self._name])
        self._inside(["ip", "link", "set", "lo", "up"])

    def close(self) -> None:
        """Take it away."""
        _do(["ip", "netns", "delete", self._name])


@contextmanager
def lossy_link(folder: Path) -> Iterator[Link]:
    """Give a link for as long as it is needed.

    Raises:
        NoLinkError: no root, a program is missing, or the kernel refuses.
    """
    missing = [program for program in NEEDS if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        raise NoLinkError(f"needs root and {', '.join(NEEDS)} (apt-get install iproute2 nftables util-linux)")
    link = Link(folder)
    try:
        link.open()
    except subprocess.CalledProcessError as error:
        raise NoLinkError(f"no network namespace: {error.stderr.strip()[-200:]}") from None
    try:
        yield link
    finally:
        link.close()


def _do(words: Sequence[str], **how: Any) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, **how)
