"""What the simulation found in the ferry, each as a test of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ferry.journal import Journal
from ferry.lane.checks import LaneId
from ferry.lane.crossing import State
from ferry.lane.outbox import Outbox
from ferry.lane.reasons import Reason
from tests.support.ferry_kit import answered_ids, request_ids, requests, worker_author
from tests.support.machines import NOW_MS
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.test_faults import reasons
from tests.unit.ferry.test_restarts import Poisoned, crossed, gap, send, spool
from wire_formats.bundle import Item, encode_bundle, parse_bundle
from wire_formats.catalogue import SERVICES

DAY_MS = 86_400_000
INTERACTIVE, BULK = LaneId("inbound", "interactive"), LaneId("inbound", "bulk")


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.stop()


def damaged(data: bytes) -> bytes:
    """The same bundle with one bit of a sealed content turned."""
    bundle = parse_bundle(data)
    header, content = bundle.items[0]
    bad = Item(header, bytes([content[0] ^ 1]) + content[1:])
    return encode_bundle(replace(bundle, items=(bad, *bundle.items[1:])))


def test_a_content_damaged_on_the_road_comes_again_and_is_not_rejected(ferry: Driven) -> None:
    ferry.run(1)
    ferry.stop_half(ferry.high)
    ids = send(ferry, 1)
    ferry.run(0.5)
    (path,) = gap(ferry).glob("*.bundle")
    path.write_bytes(damaged(path.read_bytes()))
    ferry.start_high()
    ferry.run(4)
    assert reasons(ferry, "ferry_high") == [Reason.DAMAGED_CONTENT.value]
    assert crossed(ferry) == ids
    assert answered_ids(ferry.kit.worker_inbox()) == []


def test_what_is_damaged_at_its_author_does_not_stop_its_lane(ferry: Driven) -> None:
    ferry.run(1)
    worker = worker_author(ferry.kit)
    (bad,) = requests(now_ms=NOW_MS)
    worker.send([Item(bad.header, bytes([bad.content[0] ^ 1]) + bad.content[1:])], now_ms=NOW_MS)
    good = requests(2, now_ms=NOW_MS)
    worker.send(good, now_ms=NOW_MS)
    ferry.run(6)
    assert crossed(ferry) == request_ids(good)
    assert answered_ids(ferry.kit.worker_inbox()) == []
    assert list(spool(ferry).glob("*.bundle")) == []


def test_the_company_of_a_poisoned_item_goes_on_and_the_item_is_known_again(ferry: Driven) -> None:
    ferry.stop_half(ferry.high)
    services = Poisoned(SERVICES)
    ferry.start_high(services=services)
    worker = worker_author(ferry.kit)
    poison = requests(now_ms=NOW_MS, service="unit.profile", body={})
    before, after, later = (requests(now_ms=NOW_MS) for _ in range(3))
    worker.send([*before, *poison, *after], now_ms=NOW_MS)
    ferry.run(5)
    worker.send([*poison, *later], now_ms=NOW_MS)
    ferry.run(3)
    assert services.looks == 3
    assert set(request_ids([*before, *after, *later])) <= set(crossed(ferry))
    assert reasons(ferry, "ferry_high") == [Reason.POISON.value]
    assert list(spool(ferry).glob("*.bundle")) == []


def test_what_was_sealed_while_the_clock_was_ahead_does_not_stop_its_lane(ferry: Driven) -> None:
    ferry.run(1)
    ferry.stop_half(ferry.high)
    ferry.clock.ms += DAY_MS
    send(ferry, 3)
    ferry.run(2)
    ferry.clock.ms -= DAY_MS
    ferry.start_high()
    ids = send(ferry, 2, epoch=2)
    ferry.run(6)
    assert crossed(ferry) == ids
    assert list(spool(ferry).glob("*.bundle")) == []
    assert set(reasons(ferry)) == {Reason.FROM_THE_FUTURE.value}


def test_a_receivers_lost_memory_shows_although_our_clock_was_ahead() -> None:
    box = Outbox(epoch=7, most_bundles=8, most_bytes=1 << 20)
    for sequence in (1, 2):
        box.add(sequence, 1, 0.0)
    assert box.acknowledge(7, 2, (), NOW_MS + DAY_MS, now_ms=NOW_MS + DAY_MS).settled == (1, 2)
    assert box.acknowledge(7, 0, (), NOW_MS, now_ms=NOW_MS).regressed


def test_a_commit_of_another_lane_takes_the_receivers_memory_with_it(ferry: Driven, tmp_path: Path) -> None:
    """All lanes write into one journal: a half that died after another lane's commit knew the bundle, not its number.

    It took each copy for one that it had settled, and the other half sent it again until it gave it up.
    """
    ferry.run(1)
    send(ferry, 1)
    ferry.run(2)
    receiver = next(one for lane, one in ferry.high.half._receivers.items() if lane == INTERACTIVE)
    journal, epoch = ferry.high.half.parts.journal, receiver.inbox.epoch
    assert receiver.inbox.cumulative == 1
    receiver.inbox.settle(epoch, 2, bytes(32))
    receiver._dirty = True
    (entry,) = journal.receive("received", INTERACTIVE, [b"2" * 32], now_ms=NOW_MS)
    journal.set_aside(entry, State.QUARANTINED, "malformed", now_ms=NOW_MS)
    journal.receive("received", BULK, [b"3" * 32], now_ms=NOW_MS)
    later = Journal(journal.path, keep_rows=1000)
    assert later.load_inbox(INTERACTIVE).cumulative == 2
    later.close()
