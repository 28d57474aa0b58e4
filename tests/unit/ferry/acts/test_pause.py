"""A paused lane takes nothing more from its sources, keeps everything, and stays paused over a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ferry_kit import request_ids, requests, worker_author
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


def test_a_lane_is_paused_where_it_is_sent(ferry: Driven) -> None:
    say(ferry, "li", "pause", "outbound-interactive", half="ferry_low")
    assert paused(ferry) == set()
    assert outcomes(ferry, "ferry_low") == [("pause", "li", "refused")]
