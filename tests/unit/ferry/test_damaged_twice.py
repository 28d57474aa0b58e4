"""The same damaged bytes brought twice: what somebody on the gap, or a bad disk, can make a receiver pass over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ferry.lane.reasons import Reason
from tests.support.ferry_kit import answered_ids, bundles_in, core_author, request_ids, requests, worker_author
from tests.support.wire_samples import answer_item
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.test_faults import reasons
from tests.unit.ferry.test_found_by_simulation import damaged
from tests.unit.ferry.test_restarts import crossed
from wire_formats.answer import parse_answer_header


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.stop()


def bring_damaged(ferry: Driven, direction: str, times: int) -> None:
    """Damage the one bundle on the gap in the same way, as often as it comes, before its receiver sees it."""
    folder = ferry.kit.root / "gap" / direction / "interactive"
    receiver, start = ("high", ferry.start_high) if direction == "inbound" else ("low", ferry.start_low)
    half: Any = getattr(ferry, receiver)
    ferry.stop_half(half)
    for _ in range(times):
        for _ in range(200):
            ferry.run(0.05)
            if found := list(folder.glob("*.bundle")):
                break
        [path] = found
        path.write_bytes(damaged(path.read_bytes()))
        start()
        ferry.run(0.2)
        assert not path.exists()
        ferry.stop_half(getattr(ferry, receiver))
    start()


def test_an_answer_damaged_twice_in_the_same_way_still_comes(ferry: Driven) -> None:
    """The sending half compares an answer's content with its header, so the damage is never its author's."""
    ferry.run(1)
    item = answer_item()
    core_author(ferry.kit).send([item], now_ms=ferry.clock.ms)
    bring_damaged(ferry, "outbound", 3)
    ferry.run(8)
    assert reasons(ferry) == [Reason.DAMAGED_CONTENT.value]
    assert answered_ids(ferry.kit.worker_inbox()) == [parse_answer_header(item.header).request_id]


def test_an_answer_damaged_in_the_spool_is_found_before_it_is_sent_again(ferry: Driven) -> None:
    ferry.run(1)
    ferry.stop_half(ferry.low)
    core_author(ferry.kit).send([answer_item()], now_ms=ferry.clock.ms)
    ferry.run(0.5)
    ferry.stop_half(ferry.high)
    for path in (ferry.kit.root / "gap" / "outbound" / "interactive").glob("*.bundle"):
        path.unlink()
    [kept] = (ferry.kit.root / "ferry_high" / "spool" / "outbound-interactive").glob("*.bundle")
    kept.write_bytes(damaged(kept.read_bytes()))
    ferry.start_high()
    ferry.start_low()
    ferry.run(3)
    assert reasons(ferry, "ferry_high") == [Reason.MALFORMED.value]
    assert reasons(ferry) == []


def test_a_request_damaged_twice_in_the_same_way_is_passed_over_and_comes_when_its_worker_sends_it_again(
    ferry: Driven,
) -> None:
    """Nobody but the inspector can tell a damaged request from one that its worker sealed wrongly.

    So one worker's rubbish must not use up a lane's credits: the second time its number is done with.  Whoever damages
    it on the gap reaches by that what he would reach by keeping the file, once: no answer comes, and its worker, which
    holds the only durable copy, sends it again under another number.
    """
    ferry.run(1)
    items = requests(now_ms=ferry.clock.ms)
    worker = worker_author(ferry.kit)
    worker.send(items, now_ms=ferry.clock.ms)
    bring_damaged(ferry, "inbound", 2)
    ferry.run(3)
    assert crossed(ferry) == []
    assert reasons(ferry, "ferry_high") == [Reason.DAMAGED_CONTENT.value]
    assert bundles_in(ferry.kit.worker_inbox()) == []
    worker.send(items, now_ms=ferry.clock.ms)
    ferry.run(1)
    assert crossed(ferry) == request_ids(items)
