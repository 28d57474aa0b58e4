"""Operators who act on a driven ferry, and an inspector that dies over what a test names."""

from __future__ import annotations

from pathlib import Path

from ferry.acts.act import Act, sign_act
from ferry.acts.held import HeldItem, HeldShelf
from ferry.acts.ledger import ActLedger, Line
from ferry.acts.view import single_item
from ferry.journal import Journal
from tests.support.ferry_kit import bundles_in, request_ids, requests, worker_author
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.inspector.test_lost import FragileInspector
from wire_formats.bundle import Item
from wire_formats.drop import DropName, write_drop
from wire_formats.request import parse_header


def shelf(ferry: Driven, half: str = "ferry_high") -> list[HeldItem]:
    """The held bundles; single items that were kept back are left out."""
    found = HeldShelf(ferry.kit.root / half / "quarantine")
    return [item for item in found.items() if single_item(found.read(item)) is None]


def kept_back(ferry: Driven) -> list[HeldItem]:
    """The single items that were kept back."""
    found = HeldShelf(ferry.kit.root / "ferry_high" / "quarantine")
    return [item for item in found.items() if single_item(found.read(item)) is not None]


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


def poison(ferry: Driven, inspector: FragileInspector) -> list[bytes]:
    """Send a bundle that kills the inspector until it is held; gives its ids.

    Two of its items are deadly: the first is found and kept back, and over the second the bundle's looks come to an end.
    """
    items: list[Item] = requests(2, now_ms=ferry.clock.ms)
    ids = request_ids(items)
    inspector.deadly |= set(ids)
    worker_author(ferry.kit, epoch=ferry.clock.ms).send(items, now_ms=ferry.clock.ms)
    ferry.run(5)
    return ids
