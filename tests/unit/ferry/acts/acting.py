"""Operators who act on a driven ferry, and an inspector that dies over what a test names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from prometheus_client import CollectorRegistry

from ferry.acts.act import Act, sign_act
from ferry.acts.held import HeldItem, HeldShelf
from ferry.acts.ledger import ActLedger, Line
from ferry.journal import RECEIVED_WAY, Journal
from ferry.lane.checks import LaneId
from ferry.lane.crossing import State
from ferry.lane.reasons import Reason
from ferry.metrics import FerryMetrics
from ferry.quarantine import Quarantine
from tests.support.ferry_kit import bundles_in, request_ids, requests, worker_author
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.inspector.test_lost import FragileInspector
from wire_formats.bundle import Item
from wire_formats.drop import DropName, write_drop
from wire_formats.request import parse_header


def shelf(ferry: Driven, half: str = "ferry_high") -> list[HeldItem]:
    return HeldShelf(ferry.kit.root / half / "quarantine").items()


def act_of(ferry: Driven, act: str, subject: str, *, half: str = "ferry_high", made_ms: int = 0) -> Act:
    return Act(act, half, subject, "looked_at", made_ms or ferry.clock.ms)


def put(ferry: Driven, data: bytes, *, half: str = "ferry_high", number: int = 1) -> None:
    write_drop(ferry.kit.root / half / "acts" / "drop", DropName(ferry.clock.ms, number, "act", "notice"), data)


def say(
    ferry: Driven, name: str, act: str, subject: str, *, half: str = "ferry_high", made_ms: int = 0
) -> bytes:  # fmt: skip
    """An operator signs an act and puts it into the half's drop; the half has time to read it."""
    signed = sign_act(act_of(ferry, act, subject, half=half, made_ms=made_ms), ferry.kit.operators[name])
    put(ferry, signed, half=half)
    ferry.run(0.5)
    return signed


def lines(ferry: Driven, half: str = "ferry_high") -> list[Line]:
    ledger = ActLedger(ferry.kit.root / half / "acts" / "acts.sqlite", readonly=True)
    try:
        ledger.verify()
        return ledger.lines()
    finally:
        ledger.close()


def outcomes(ferry: Driven, half: str = "ferry_high") -> list[tuple[str, str, str]]:
    return [(line.act, line.operator, line.outcome) for line in lines(ferry, half)]


def states(ferry: Driven, half: str = "ferry_high") -> dict[str, int]:
    journal: Journal = (ferry.high if half == "ferry_high" else ferry.low).half.parts.journal
    return journal.counts()


def delivered(ferry: Driven) -> list[bytes]:
    """Ids of requests with content that lie in the core's inbox, every copy counted."""
    folder: Path = ferry.kit.core_inbox / "interactive"
    return [parse_header(item.header).id for bundle in bundles_in(folder) for item in bundle.items if item.content]


def poison(ferry: Driven, inspector: FragileInspector) -> list[Item]:
    """Send a request that kills the inspector until it is held, kept back out of its bundle; gives it."""
    items = requests(1, now_ms=ferry.clock.ms)
    inspector.deadly |= set(request_ids(items))
    send_again(ferry, items)
    ferry.run(3)
    return items


def send_again(ferry: Driven, items: list[Item]) -> None:
    """Send requests under a new number, as a worker does with what is not answered."""
    ferry.run(0.1)
    worker_author(ferry.kit, epoch=ferry.clock.ms).send(items, now_ms=ferry.clock.ms)
    ferry.run(2)


def hold_whole(ferry: Driven) -> list[bytes]:
    """Hold a whole bundle at the high half, as one that broke it outside of inspection; gives its requests' ids.

    It is taken off the transport while the half is down, and entered as the half would have; the half is left down.
    """
    ferry.stop_half(ferry.high)
    items = requests(2, now_ms=ferry.clock.ms)
    send_again(ferry, items)
    (path,) = (ferry.kit.root / "gap" / "inbound" / "interactive").glob("*.bundle")
    data, lane = path.read_bytes(), LaneId("inbound", "interactive")
    path.unlink()
    own = ferry.kit.root / "ferry_high"
    journal = Journal(own / "journal.sqlite", keep_rows=1000)
    (entry,) = journal.receive(RECEIVED_WAY, lane, [hashlib.sha256(data).digest()], now_ms=ferry.clock.ms)
    journal.set_aside(entry, State.HELD, "poison", now_ms=ferry.clock.ms)
    journal.close()
    metrics = FerryMetrics(CollectorRegistry(), [lane])
    quarantine = Quarantine(own / "quarantine", most_files=10, clock=ferry.clock, metrics=metrics)
    quarantine.prepare()
    quarantine.add(Reason.POISON, lane, data)
    return request_ids(items)
