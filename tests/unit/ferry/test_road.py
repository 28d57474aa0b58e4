"""The whole road over real folders: both halves, both directions, on a fake clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ferry_kit import answered_ids, bundles_in, core_author, request_ids, requests, worker_author
from tests.support.machines import NOW_MS
from tests.support.wire_samples import WAGE_BODY, answer_item
from tests.unit.ferry.driving import Driven
from wire_formats.answer import AnswerStatus, parse_answer_header
from wire_formats.bundle import verify_seal
from wire_formats.errors import Kind
from wire_formats.lane_control import Progress, verify_control
from wire_formats.request import body_of, parse_header


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.stop()


def test_a_request_crosses_opened_with_three_seals(ferry: Driven) -> None:
    worker = worker_author(ferry.kit)
    items = requests(3, now_ms=NOW_MS)
    worker.send(items, now_ms=NOW_MS)
    ferry.run(1)
    [bundle] = bundles_in(ferry.kit.core_inbox / "interactive")
    for index, role in enumerate(("worker", "ferry_low", "ferry_high")):
        verify_seal(bundle, index, ferry.kit.trust, role=role, now_ms=NOW_MS)
    for item, sent in zip(bundle.items, items, strict=True):
        assert item.header == sent.header
        assert body_of(parse_header(item.header), item.content).startswith(b"{")
    assert not list((ferry.kit.root / "dmz" / "outbox" / "interactive").glob("*.bundle"))


def test_the_spool_empties_when_acknowledged_and_tracked_bundles_report(ferry: Driven) -> None:
    worker = worker_author(ferry.kit)
    worker.send(requests(now_ms=NOW_MS), now_ms=NOW_MS, tracked=True)
    ferry.run(0.2)
    ferry.run(2)
    assert not list((ferry.kit.root / "ferry_low" / "spool" / "inbound-interactive").glob("*.bundle"))
    states = []
    for path in sorted(ferry.kit.worker_inbox().glob("*.notice")):
        note = verify_control(path.read_bytes(), ferry.kit.trust, role="ferry_low", now_ms=ferry.clock.ms)
        assert isinstance(note, Progress)
        states.append(note.state)
    assert states == ["taken", "crossed"]


def test_answers_reach_the_worker_they_are_for(ferry: Driven) -> None:
    core = core_author(ferry.kit)
    core.send([answer_item(b"a" * 16)], now_ms=NOW_MS)
    core.send([answer_item(b"b" * 16, reply_to="worker-2")], now_ms=NOW_MS)
    ferry.run(1)
    assert answered_ids(ferry.kit.worker_inbox("worker-1")) == [b"a" * 16]
    assert answered_ids(ferry.kit.worker_inbox("worker-2")) == [b"b" * 16]
    [bundle] = bundles_in(ferry.kit.worker_inbox("worker-1"))
    verify_seal(bundle, -1, ferry.kit.trust, role="ferry_low", now_ms=NOW_MS)


def test_round_trip_through_an_echo_core(ferry: Driven) -> None:
    worker = worker_author(ferry.kit)
    items = requests(20, now_ms=NOW_MS)
    for item in items:
        worker.send([item], now_ms=NOW_MS)
    for _ in range(20):
        ferry.run(0.1)
        ferry.core.turn()
    ferry.run(0.5)
    assert sorted(answered_ids(ferry.kit.worker_inbox())) == sorted(request_ids(items))


def test_a_request_that_fails_inspection_is_answered_and_the_others_cross(ferry: Driven) -> None:
    worker = worker_author(ferry.kit)
    bad = requests(now_ms=NOW_MS, body={**WAGE_BODY, "wage": -1})
    good = requests(now_ms=NOW_MS)
    worker.send([*good, *bad], now_ms=NOW_MS)
    ferry.run(2)
    [bundle] = bundles_in(ferry.kit.core_inbox / "interactive")
    assert bundle.items[0].content
    assert bundle.items[1].content == b""
    verify_seal(bundle, 0, ferry.kit.trust, role="worker", now_ms=NOW_MS)
    [answers] = bundles_in(ferry.kit.worker_inbox())
    header = parse_answer_header(answers.items[0].header)
    assert (header.request_id, header.status, header.error) == (
        request_ids(bad)[0],
        AnswerStatus.REJECTED,
        Kind.BAD_FIELD,
    )
    verify_seal(answers, 0, ferry.kit.trust, role="ferry_high", now_ms=NOW_MS)


def test_a_bundle_of_which_nothing_passes_never_reaches_the_core(ferry: Driven) -> None:
    worker_author(ferry.kit).send(requests(2, now_ms=NOW_MS, service="no.such"), now_ms=NOW_MS)
    ferry.run(2)
    assert bundles_in(ferry.kit.core_inbox / "interactive") == []
    assert len(answered_ids(ferry.kit.worker_inbox())) == 2
    assert not list((ferry.kit.root / "ferry_low" / "spool" / "inbound-interactive").glob("*.bundle"))


def test_the_status_file_tells_every_lane(ferry: Driven) -> None:
    worker_author(ferry.kit).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    ferry.run(5)
    for half in ("ferry_low", "ferry_high"):
        status = json.loads((ferry.kit.root / half / "status.json").read_text())
        assert status["half"] == half
        assert {(lane["way"], lane["lane"], lane["link"]) for lane in status["lanes"]} == {
            (way, lane, "alive") for way in ("inbound", "outbound") for lane in ("interactive", "bulk")
        }
    [lane] = [x for x in status["lanes"] if (x["way"], x["lane"]) == ("inbound", "interactive")]
    assert (lane["mark"], lane["acknowledged"], lane["gaps"], lane["blocked"]) == (1, 1, 0, "")


def test_silence_of_the_other_half_is_noticed(ferry: Driven) -> None:
    ferry.run(3)
    ferry.stop_half(ferry.high)
    ferry.run(8)
    assert {lane.link for lane in ferry.low.half.status().lanes} == {"silent"}
    assert not ferry.low.half.healthy
    ferry.start_high()
    ferry.run(4)
    assert {lane.link for lane in ferry.low.half.status().lanes} == {"alive"}
