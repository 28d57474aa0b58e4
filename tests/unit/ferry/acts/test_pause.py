"""A paused lane takes nothing more, keeps everything, and stays paused over a restart; at either end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from ferry.settings import FerryLimits, TransportSettings
from ferry.status import LaneStatus
from tests.support.ferry_kit import FerryKit, NoWatch, answered_ids, request_ids, requests, worker_author
from tests.unit.ferry.acts.acting import delivered, outcomes, say
from tests.unit.ferry.driving import Driven
from wire_formats.drop import count_drop


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path, operators=("li", "wang"))
    yield driven
    driven.stop()


def waiting(ferry: Driven) -> int:
    return count_drop(ferry.kit.root / "dmz" / "outbox" / "interactive")


def paused(ferry: Driven) -> set[tuple[str, str]]:
    return {(lane.way, lane.lane) for lane in ferry.low.half.status().lanes if lane.paused}


def test_a_paused_lane_keeps_what_waits_and_gives_it_on_once_resumed(ferry: Driven) -> None:
    worker = worker_author(ferry.kit)
    say(ferry, "li", "pause", "inbound-interactive", half="ferry_low")
    assert paused(ferry) == {("inbound", "interactive")}
    ids = []
    for _ in range(5):
        items = requests(now_ms=ferry.clock.ms)
        worker.send(items, now_ms=ferry.clock.ms)
        ids += request_ids(items)
    ferry.run(3)
    assert waiting(ferry) == 5
    assert delivered(ferry) == []
    ferry.stop_half(ferry.low)
    ferry.start_low()
    ferry.run(3)
    assert waiting(ferry) == 5
    assert paused(ferry) == {("inbound", "interactive")}
    say(ferry, "wang", "resume", "inbound-interactive", half="ferry_low")
    ferry.run(2)
    assert waiting(ferry) == 0
    assert delivered(ferry) == ids
    assert paused(ferry) == set()
    assert outcomes(ferry, "ferry_low") == [
        ("pause", "li", "done"), ("resume", "wang", "done"),
    ]  # fmt: skip


def test_the_other_lane_goes_on(ferry: Driven) -> None:
    say(ferry, "li", "pause", "inbound-bulk", half="ferry_low")
    items = requests(now_ms=ferry.clock.ms)
    worker_author(ferry.kit).send(items, now_ms=ferry.clock.ms)
    ferry.run(1)
    assert delivered(ferry) == request_ids(items)


def test_a_pause_that_comes_again_after_the_resume_changes_nothing(ferry: Driven) -> None:
    from tests.unit.ferry.acts.acting import put

    pause = say(ferry, "li", "pause", "inbound-interactive", half="ferry_low")
    say(ferry, "li", "resume", "inbound-interactive", half="ferry_low")
    put(ferry, pause, half="ferry_low")
    ferry.run(1)
    assert paused(ferry) == set()


def lane_of(half: Any, way: str) -> LaneStatus:
    lanes: list[LaneStatus] = half.half.status().lanes
    return next(lane for lane in lanes if (lane.way, lane.lane) == (way, "interactive"))


def on_the_gap(ferry: Driven) -> int:
    return count_drop(ferry.kit.root / "gap" / "inbound" / "interactive")


def test_at_the_receiving_end_bundles_wait_on_the_transport_and_nothing_is_given_up(tmp_path: Path) -> None:
    ferry = Driven(tmp_path, limits=FerryLimits(give_up_tries=2), operators=("li", "wang"))
    worker = worker_author(ferry.kit)
    before = requests(now_ms=ferry.clock.ms)
    worker.send(before, now_ms=ferry.clock.ms)
    ferry.run(1)
    say(ferry, "li", "pause", "inbound-interactive", half="ferry_high")
    assert lane_of(ferry.high, "inbound").paused
    assert not lane_of(ferry.low, "inbound").paused
    ids = []
    for _ in range(5):
        items = requests(now_ms=ferry.clock.ms)
        worker.send(items, now_ms=ferry.clock.ms)
        ids += request_ids(items)
    ferry.run(30)
    assert delivered(ferry) == request_ids(before)
    assert on_the_gap(ferry) == 5
    sending = lane_of(ferry.low, "inbound")
    assert (sending.unacknowledged, sending.gaps, sending.link) == (5, 0, "lagging")
    assert sending.heard_s < 2, "acknowledgements go on"
    assert lane_of(ferry.high, "inbound").heard_s < 2, "and so do heartbeats"
    ferry.stop_half(ferry.high)
    ferry.start_high()
    ferry.run(5)
    assert lane_of(ferry.high, "inbound").paused
    assert delivered(ferry) == request_ids(before)
    say(ferry, "wang", "resume", "inbound-interactive", half="ferry_high")
    ferry.run(3)
    assert sorted(delivered(ferry)) == sorted(request_ids(before) + ids)
    assert ferry.low.half.status().held == ferry.high.half.status().held == 0
    ferry.run(60)
    assert lane_of(ferry.low, "inbound").unacknowledged == 0
    assert outcomes(ferry, "ferry_high") == [("pause", "li", "done"), ("resume", "wang", "done")]
    ferry.stop()


def test_answers_wait_before_the_outer_half_in_the_same_way(ferry: Driven) -> None:
    say(ferry, "li", "pause", "outbound-interactive", half="ferry_low")
    assert lane_of(ferry.low, "outbound").paused
    items = requests(now_ms=ferry.clock.ms)
    worker_author(ferry.kit).send(items, now_ms=ferry.clock.ms)
    ferry.run(2, step=0.05)
    ferry.core.turn()
    ferry.run(2)
    assert answered_ids(ferry.kit.worker_inbox()) == []
    say(ferry, "li", "resume", "outbound-interactive", half="ferry_low")
    ferry.run(2)
    assert answered_ids(ferry.kit.worker_inbox()) == request_ids(items)


def test_strictly_one_way_a_lane_cannot_wait_at_its_receiving_end(tmp_path: Path) -> None:
    kit = FerryKit(tmp_path)
    kit.write_keys()
    kit.know("li")
    high = kit.build_high(Clock(), NoWatch(), transport=TransportSettings(one_way=True))
    assert high.half._acts is not None
    assert "one way" in high.half._acts._impossible("pause", "inbound-interactive")
    high.half.parts.journal.close()
