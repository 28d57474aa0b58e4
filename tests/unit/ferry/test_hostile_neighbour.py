"""What a DMZ that was taken over, keys and all, or somebody on the gap without any key, may not do to the other side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import ILogObserver, globalLogPublisher
from zope.interface import implementer

from ferry.lane.checks import OUTBOUND, LaneId
from ferry.lane.reasons import Reason
from ferry.settings import FerryLimits
from tests.support.ferry_kit import answered_ids, bundles_in, core_author, requests, worker_author
from tests.support.machines import NOW_MS
from tests.support.wire_samples import answer_item
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.test_faults import reasons
from wire_formats.bundle import MAX_BUNDLE_BYTES, Item, encode_bundle, new_bundle, parse_bundle
from wire_formats.drop import DropName, write_drop
from wire_formats.lane_control import Acknowledgement, Heartbeat, TreeHead, sign_control
from wire_formats.request import MAX_CONTENT_BYTES
from wire_formats.tlog.checkpoint import Checkpoint, Origin, sign_checkpoint

ANSWERS = LaneId(OUTBOUND, "interactive")


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.stop()


def test_refusals_that_nobody_fetches_do_not_fill_the_high_half(tmp_path: Path) -> None:
    """Requests that fail inspection, from a DMZ that never acknowledges their answers."""
    driven = Driven(tmp_path, limits=FerryLimits(credits=4))
    driven.high.half.parts.pauses.set(ANSWERS, paused=True)
    worker = worker_author(driven.kit)
    for _ in range(40):
        worker.send(requests(now_ms=NOW_MS, service="no.such"), now_ms=NOW_MS)
        driven.run(0.3)
    waiting = list((tmp_path / "ferry_high" / "spool" / "answers-interactive").glob("*.bundle"))
    assert len(waiting) <= 4 + 16  # a batch that was begun is finished
    assert any("refused" in lane.blocked for lane in driven.high.half.status().lanes)
    driven.high.half.parts.pauses.set(ANSWERS, paused=False)
    driven.run(30)
    assert len(answered_ids(driven.kit.worker_inbox())) == 40
    driven.stop()


def test_a_bundle_with_no_room_for_the_seals_to_come_is_refused_at_once(ferry: Driven) -> None:
    """Sealed once more it would be too large for whoever reads it: given up again and again, and the shelf full."""
    sealed = [Item(item.header, bytes(MAX_CONTENT_BYTES)) for item in requests(6, now_ms=NOW_MS)]
    worker = worker_author(ferry.kit)
    _, data = worker.make(sealed, now_ms=NOW_MS)
    spare = MAX_BUNDLE_BYTES - len(data) - 10
    worker = worker_author(ferry.kit)
    last = Item(sealed[5].header, bytes(MAX_CONTENT_BYTES + spare))
    name, data = worker.make([*sealed[:5], last], now_ms=NOW_MS)
    assert MAX_BUNDLE_BYTES - 20 <= len(data) <= MAX_BUNDLE_BYTES
    write_drop(ferry.kit.root / "dmz" / "outbox" / "interactive", name, data)
    worker.send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    ferry.run(2)
    assert reasons(ferry) == [Reason.TOO_LARGE.value]
    assert reasons(ferry, "ferry_high") == []
    assert len(bundles_in(ferry.kit.core_inbox / "interactive")) == 1


def test_an_answer_damaged_on_the_gap_comes_again(ferry: Driven) -> None:
    """Seals do not cover contents: who can touch the gap, or a bad cable, must not have an answer acknowledged away."""
    ferry.stop_half(ferry.low)
    core_author(ferry.kit).send([answer_item()], now_ms=ferry.clock.ms)
    ferry.run(0.5)
    [path] = (ferry.kit.root / "gap" / "outbound" / "interactive").glob("*.bundle")
    bundle = parse_bundle(path.read_bytes())
    damaged = new_bundle("outbound", [Item(item.header, item.content[:-1] + b"?") for item in bundle.items])
    for seal in bundle.seals:
        damaged = damaged.with_seal(seal)
    path.write_bytes(encode_bundle(damaged))
    ferry.start_low()
    ferry.run(4)
    assert reasons(ferry) == [Reason.DAMAGED_CONTENT.value]
    assert len(bundles_in(ferry.kit.worker_inbox())) == 1


def test_a_heartbeat_that_is_played_again_does_not_make_a_silent_half_alive(ferry: Driven) -> None:
    ferry.run(3)
    kept = {path: path.read_bytes() for path in recorded(ferry)}
    ferry.stop_half(ferry.low)
    for _ in range(10):
        for path, data in kept.items():
            path.write_bytes(data)
        ferry.run(1)
    assert {lane.link for lane in ferry.high.half.status().lanes} == {"silent"}
    ferry.start_low()
    ferry.run(4)
    assert {lane.link for lane in ferry.high.half.status().lanes} == {"alive"}


def test_a_receiver_that_forgets_again_and_again_is_given_everything_anew_at_a_pace(ferry: Driven) -> None:
    """Each renewal signs, writes and logs the whole spool: acknowledgements of ever newer epochs ask for it."""
    ferry.stop_half(ferry.low)
    for _ in range(3):
        core_author(ferry.kit, epoch=ferry.clock.ms).send([answer_item()], now_ms=ferry.clock.ms)
        ferry.run(0.1)
    sender = ferry.high.half._senders[ANSWERS].sender
    epochs = set()
    for number in range(20):
        told = Acknowledgement(*ANSWERS, sender.outbox.epoch + 1, 0, (), ferry.clock.ms)
        tell(ferry, (2 << 8) + 100 + number, sign_control(told, ferry.kit.low))
        ferry.run(0.3)
        epochs.add(sender.outbox.epoch)
    assert len(epochs) <= 3  # six seconds
    assert ferry.high.half.witness.status().leaves <= 3 * 4
    ferry.start_low()
    ferry.run(8)
    assert len(bundles_in(ferry.kit.worker_inbox())) == 3


def test_logs_shown_one_after_the_other_do_not_fill_the_witness(ferry: Driven) -> None:
    """A half that was taken over ends its log after one leaf, a thousand times: each is a file to keep and to sign."""
    ferry.stop_half(ferry.low)
    known = ferry.high.half.witness._peer.known
    for number in range(40):
        before = ferry.high.half.witness._peer.known
        base = before.root if before is not None else bytes(32)
        origin = Origin("ferry_low", "ferry_low", before.origin.number + 1 if before is not None else 1, base)
        checkpoint = Checkpoint(origin, 1, bytes([number + 1]) * 32)
        signature = ferry.kit.low.suite.from_note(sign_checkpoint(checkpoint, ferry.kit.low).value)
        head = TreeHead(origin.number, base, 1, checkpoint.root, signature, 0, (), ferry.clock.ms)
        ferry.clock.ms += 1
        ferry.high.half.witness.take(head)
        ferry.run(0.05)
    assert known is None
    kept = list((ferry.kit.root / "ferry_high" / "crossings" / "peer").glob("*.checkpoints"))
    assert 1 <= len(kept) <= 5  # two seconds
    ferry.start_low()


def test_rubbish_on_the_gap_fills_neither_the_disk_nor_the_log(tmp_path: Path) -> None:
    driven = Driven(tmp_path, limits=FerryLimits(quarantine_files=10, quarantine_bytes=4 << 20))
    told: list[object] = []

    @implementer(ILogObserver)
    def observe(event: dict[str, Any]) -> None:
        if event.get("log_format") in ("bundle_quarantined", "control_refused"):
            told.append(event["log_format"])

    globalLogPublisher.addObserver(observe)
    gap = tmp_path / "gap" / "inbound"
    for number in range(200):
        size = (1 << 20) - 64 if number < 6 else 1
        write_drop(gap / "interactive", DropName(1, number, "ferry_low"), bytes([number]) * size)
        tell(driven, 1000 + number, bytes([number]))
    driven.run(3)
    globalLogPublisher.removeObserver(observe)
    kept = list((tmp_path / "ferry_high" / "quarantine" / "quarantined").glob("*.bundle"))
    assert sum(path.stat().st_size for path in kept) <= 4 << 20
    assert len(kept) == 10
    assert not list((gap / "interactive").glob("*.bundle"))
    assert told.count("bundle_quarantined") <= 10 + 4
    assert 1 <= told.count("control_refused") <= 4
    driven.stop()


def test_conflicts_made_at_will_leave_room_for_what_is_held_for_a_cause(tmp_path: Path) -> None:
    driven = Driven(tmp_path, limits=FerryLimits(quarantine_files=4))
    for _ in range(8):
        worker_author(driven.kit, epoch=1).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
        driven.run(0.3)
    quarantine = driven.low.half.parts.quarantine
    assert quarantine.count(held=True) == 3
    assert quarantine.add(Reason.POISON, ANSWERS, b"poison")
    driven.stop()


def tell(ferry: Driven, sequence: int, message: bytes) -> None:
    write_drop(ferry.kit.root / "gap" / "inbound" / "control", DropName(0, sequence, "ferry_low", "notice"), message)


def recorded(ferry: Driven) -> Iterator[Path]:
    """Control messages of the low half as somebody on the gap has recorded them."""
    folder = ferry.kit.root / "gap" / "inbound" / "control"
    for number, lane in enumerate(("interactive", "bulk")):
        inbox = ferry.high.half._receivers[LaneId("inbound", lane)].inbox
        told = Heartbeat("inbound", lane, inbox.epoch, inbox.mark, bytes(32), ferry.clock.ms)
        path = folder / str(DropName(0, (number << 8) + 70, "ferry_low", "notice"))
        path.write_bytes(sign_control(told, ferry.kit.low))
        yield path
