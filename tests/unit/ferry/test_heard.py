"""Signs of life over restarts: what was recorded before proves nothing after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.heard import KEEP_EVERY_S, newest_kept
from ferry.lane.checks import LaneId
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.test_hostile_neighbour import ANSWERS, recorded, tell
from wire_formats.lane_control import Acknowledgement, sign_control

REQUESTS = LaneId("inbound", "interactive")
_MINUTE = 60


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.stop()


def record(ferry: Driven, seconds: int) -> list[tuple[list[tuple[Path, bytes]], bytes]]:
    """Record a heartbeat of each lane and an acknowledgement every second, as somebody on the gap may."""
    recording = []
    sender = ferry.high.half._senders[ANSWERS].sender
    for _ in range(seconds):
        told = Acknowledgement(*ANSWERS, sender.outbox.epoch, 0, (), ferry.clock.ms)
        recording.append(([(path, path.read_bytes()) for path in recorded(ferry)], sign_control(told, ferry.kit.low)))
        ferry.run(1)
    return recording


def test_messages_played_again_in_order_right_after_a_restart_do_not_make_a_silent_half_alive(ferry: Driven) -> None:
    recording = record(ferry, 20)
    ferry.stop_half(ferry.low)
    ferry.run(0.5)  # what it said last is heard before the restart
    ferry.stop_half(ferry.high)
    ferry.start_high()
    seen: set[str] = set()
    for number, (heartbeats, acknowledgement) in enumerate(recording):
        for path, data in heartbeats:
            path.write_bytes(data)
        tell(ferry, (2 << 8) + 100 + number % 2, acknowledgement)
        ferry.run(1)
        seen |= {lane.link for lane in ferry.high.half.status().lanes}
    assert seen == {"unknown", "silent"}
    ferry.start_low()
    ferry.run(4)
    assert {lane.link for lane in ferry.high.half.status().lanes} == {"alive"}


def test_after_a_death_without_a_stop_only_the_last_seconds_prove_something_again(ferry: Driven) -> None:
    journal = ferry.high.half.parts.journal
    ferry.run(3)
    for lane in (REQUESTS, ANSWERS):
        for _ in range(_MINUTE):
            ferry.run(1)
            _, made_ms = newest_kept(journal, lane)
            assert ferry.clock.ms - made_ms <= (KEEP_EVERY_S + 2) * 1000


class _Commits:
    def __init__(self) -> None:
        self.count = 0

    def committed(self) -> None:
        self.count += 1

    def rolled_back(self) -> None:
        raise AssertionError("nothing is refused here")


def test_what_was_heard_costs_few_commits(ferry: Driven) -> None:
    ferry.run(3)
    commits = _Commits()
    ferry.high.half.parts.journal.accompany(commits)
    ferry.run(_MINUTE)
    lanes = 4
    assert commits.count <= lanes * (_MINUTE / KEEP_EVERY_S + 1)
