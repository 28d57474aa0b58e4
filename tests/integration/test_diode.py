"""The whole system over two UDP diodes that lose datagrams: declarations, workbooks, and what the status tells.

A relay stands in each link and loses what the test wants; the settings name its port as the other end.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_ports
from tests.support.udp_relay import UdpRelay
from tests.support.whole_system import WholeSystem, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

INTERACTIVE = 1
LOSS = 0.05


class Joined:
    """An installation whose halves are joined by two relays."""

    def __init__(self, folder: Path) -> None:
        self.system = WholeSystem(folder / "var", transport="diode")
        self.system.set_up()
        self.inbound = self._relay("ferry_low", "ferry_high", seed=1)
        self.outbound = self._relay("ferry_high", "ferry_low", seed=2)

    def _relay(self, sender: str, receiver: str, *, seed: int) -> UdpRelay:
        (port,) = free_ports(1)
        to = _change(self.system.layout.settings(sender), "send_to", port)
        _change(self.system.layout.settings(receiver), "receive_from", port)
        return UdpRelay(port, to, loss=LOSS, seed=seed)

    def half(self, name: str) -> dict[str, Any]:
        """What one half tells about itself."""
        place = tomllib.loads(self.system.layout.settings(name).read_text(encoding="utf-8"))["ferry"]["status"]
        told: dict[str, Any] = json.loads((self.system.root / name / place).read_bytes())
        return told

    def declare(self, *words: str) -> str:
        """Send a real declaration through the front door; gives what was told on the way."""
        command = [sys.executable, "-m", "ops.main_job", str(self.system.root), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def end(self) -> None:
        self.system.end()
        self.inbound.close()
        self.outbound.close()


def _change(settings: Path, key: str, port: int) -> int:
    """Let an address name a relay's port; gives the port that stood there."""
    text = settings.read_text(encoding="utf-8")
    found = re.search(rf'^{key} = "127\.0\.0\.1:(\d+)"$', text, re.M)
    assert found is not None
    text = text.replace(found[0], f'{key} = "127.0.0.1:{port}"\nloss_per_10000 = {round(LOSS * 10_000)}')
    settings.write_text(_once(text), encoding="utf-8")
    return int(found[1])


def _once(text: str) -> str:
    """The loss is told with both addresses; TOML wants it once."""
    line = f"loss_per_10000 = {round(LOSS * 10_000)}\n"
    head, found, tail = text.partition(line)
    return head + found + tail.replace(line, "")


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    made = Joined(tmp_path_factory.mktemp("diode"))
    try:
        made.system.start()
        yield made
        made.system.stop()
    finally:
        made.end()


def test_a_declaration_and_workbooks_cross_links_that_lose_five_percent(joined: Joined) -> None:
    told = joined.declare()
    assert "Across the gap" in told
    assert "Accepted 10,000, To be mended 0" in told
    assert joined.inbound.lost > 20
    assert joined.outbound.lost > 20


def test_the_lost_tail_is_noticed_and_sent_again(joined: Joined) -> None:
    """The declaration's own bundle is lost in all its copies; nothing else is on its way."""
    joined.system.wait_healthy()
    happened = joined.inbound.lose_next_object(INTERACTIVE)
    told = joined.declare("--no-workbooks")
    assert happened()
    assert "state: Done" in told
    # What follows the declaration is lost now and then, too, and noticed and sent again in its turn.
    until(
        lambda: all(lane["gaps"] == 0 for lane in joined.half("ferry_high")["lanes"]),
        within_s=30, what="a moment without gaps on the high half's lanes",
    )  # fmt: skip


def test_the_status_tells_what_the_links_lose(joined: Joined) -> None:
    def measured() -> bool:
        return all(
            0.02 < joined.half(half)["transport"]["in"]["figures"]["loss"] < 0.09
            for half in ("ferry_low", "ferry_high")
        )

    until(measured, within_s=60, what=f"about {LOSS:.0%} measured on both links")
    command = [sys.executable, "-m", "ops", "status", "--root", str(joined.system.root)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    assert "rate_mbit=300" in told
    assert "loss_planned=0.05" in told
