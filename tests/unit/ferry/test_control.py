"""The control lane: what cannot be believed is counted each time, and told of once a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, globalLogPublisher
from zope.interface import implementer

from ferry.control import CONTROL, CONTROL_EPOCH, MANIFEST_SLOT, ControlReader
from ferry.half import ControlStation
from ferry.high_half import HIGH_LANES
from ferry.lane.checks import HIGH_ROLE, LOW_ROLE
from ferry.parts import HalfParts
from ferry.service import half_parts
from ferry.transports.memory import MemoryTransport
from tests.support.ferry_kit import FerryKit, high_settings
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError


class Still:
    """A clock that stands."""

    ms = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.ms


class Refuses:
    """Believes no manifest."""

    def read(self, data: bytes) -> None:
        raise PeerError(Kind.BAD_SIGNATURE, "not a manifest of the other half")


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[HalfParts]:
    FerryKit(tmp_path).write_keys()
    made = half_parts(high_settings(tmp_path), HIGH_ROLE, HIGH_LANES, Clock(), Still(), CollectorRegistry())
    yield made
    made.journal.close()


@pytest.fixture
def told() -> Iterator[list[Any]]:
    lines: list[Any] = []

    @implementer(ILogObserver)
    def observe(event: Any) -> None:
        if event.get("log_format") == "control_refused":
            lines.append(event["count"])

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


@pytest.mark.parametrize("slot", [0, MANIFEST_SLOT], ids=["heartbeats", "manifests"])
def test_a_flood_of_what_cannot_be_believed_is_counted_and_told_of_seldom(
    parts: HalfParts, told: list[Any], slot: int
) -> None:
    transport = MemoryTransport()
    station = ControlStation(transport, ControlReader(parts, LOW_ROLE, lambda _message: None), None, Refuses())
    for number in range(50):
        transport.put(CONTROL, DropName(CONTROL_EPOCH, (slot << 8) + number, "ferry_low", "notice"), b"rubbish")
    while station.step(lambda: False):
        pass
    assert transport.depth(CONTROL) == 0
    assert parts.metrics.bad_control._value.get() == 50
    assert told == [1]
