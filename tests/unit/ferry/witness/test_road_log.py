"""Both halves over real folders: whatever crosses is a leaf at each of them, and each signs for the other."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ferry.settings import FerryLimits
from ferry.witness.audit import audit_half, compare
from tests.support.ferry_kit import SetClock, core_author, requests, worker_author
from tests.support.machines import NOW_MS
from tests.support.wire_samples import WAGE_BODY, answer_item
from tests.unit.ferry.driving import Driven
from wire_formats.drop import DropName, list_drop, write_drop
from wire_formats.errors import Unavailable
from wire_formats.instants import DAY_MS
from wire_formats.lane_control import Acknowledgement, Cosignature, TreeHead, sign_control
from wire_formats.tlog.checkpoint import Checkpoint, Origin, parse_checkpoint, sign_checkpoint
from wire_formats.tlog.crossing import CrossingEntry, parse_entry
from wire_formats.tlog.evidence import verify_cosigned
from wire_formats.tlog.note import parse_note


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.stop()


def entries(ferry: Driven, half: str, number: int = 1) -> list[CrossingEntry]:
    data = (ferry.kit.root / half / "crossings" / f"log-{number:06d}" / "entries").read_bytes()
    return [parse_entry(data[at : at + 240]) for at in range(0, len(data), 240)]


def numbers(ferry: Driven, half: str) -> set[tuple[str, str, int, int]]:
    return {
        (e.statement.direction, e.statement.lane, e.statement.epoch, e.statement.sequence) for e in entries(ferry, half)
    }


def test_every_crossing_is_the_same_leaf_at_both_halves_and_cosigned(ferry: Driven) -> None:
    for lane in ("interactive", "bulk"):
        author = worker_author(ferry.kit, lane=lane)
        for count in (1, 3):
            author.send(requests(count, now_ms=NOW_MS, lane=lane), now_ms=NOW_MS)
    core_author(ferry.kit).send([answer_item(b"a" * 16)], now_ms=NOW_MS)
    ferry.run(4)
    low, high = entries(ferry, "ferry_low"), entries(ferry, "ferry_high")
    count = len(low)
    assert count >= 5  # the bulk ones are rejected by inspection, and their answers cross back
    assert sorted(low, key=str) == sorted(high, key=str)
    for half in ("ferry_low", "ferry_high"):
        notes = (ferry.kit.root / half / "crossings" / "log-000001" / "checkpoints").read_text()
        last = notes[notes.rindex(f"ferrygate/{half}/{half}/1/", 0, notes.rindex("\n\n")) :]
        assert parse_checkpoint(parse_note(last.encode()).text).size == count
        verify_cosigned(parse_note(last.encode()), ferry.kit.trust)
        log = json.loads((ferry.kit.root / half / "status.json").read_text())["log"]
        assert (log["leaves"], log["uncosigned"], log["waiting"], log["state"]) == (count, 0, 0, "cosigned")
        assert (log["peer_leaves"], log["peer_state"]) == (count, "consistent")


def test_headers_are_kept_on_the_high_side_only(ferry: Driven) -> None:
    worker_author(ferry.kit).send(requests(2, now_ms=NOW_MS), now_ms=NOW_MS)
    ferry.run(3)
    sizes = {
        half: (ferry.kit.root / half / "crossings" / "log-000001" / "headers").stat().st_size
        for half in ("ferry_low", "ferry_high")
    }
    assert sizes["ferry_low"] == 0
    assert sizes["ferry_high"] > 200


def test_what_is_rejected_or_set_aside_behind_the_gap_has_crossed_all_the_same(ferry: Driven) -> None:
    worker = worker_author(ferry.kit)
    worker.send(requests(now_ms=NOW_MS, body={**WAGE_BODY, "wage": -1}), now_ms=NOW_MS)
    ferry.run(4)
    assert {("inbound", 1), ("outbound", 1)} == {
        (e.statement.direction, e.statement.sequence) for e in entries(ferry, "ferry_high")
    }
    assert numbers(ferry, "ferry_low") == numbers(ferry, "ferry_high")


def test_a_new_epoch_logs_what_is_sent_again(ferry: Driven) -> None:
    ferry.stop_half(ferry.high)
    worker_author(ferry.kit).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    ferry.run(0.5)
    ferry.stop_half(ferry.low)
    ferry.start_low()
    ferry.start_high()
    ferry.run(4)
    low, high = numbers(ferry, "ferry_low"), numbers(ferry, "ferry_high")
    assert len(low) == 2
    assert high <= low
    assert high


def test_a_number_an_earlier_run_used_without_committing_is_logged(ferry: Driven) -> None:
    """The process died between the transport and the commit: the bundle is over the gap, its row is not there."""
    own, before = ferry.kit.root / "ferry_low", ferry.kit.root / "before"
    ferry.run(2)
    ferry.stop_half(ferry.high)
    ferry.stop_half(ferry.low)
    shutil.copytree(own, before)
    ferry.start_low()
    worker_author(ferry.kit).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    ferry.run(0.5)
    ferry.stop_half(ferry.low)
    for name in ("journal.sqlite", "crossings"):  # as they were before the commit; the spool is as it is
        _put_back(before / name, own / name)
    ferry.start_low()
    ferry.start_high()
    ferry.run(4)
    assert numbers(ferry, "ferry_high") <= numbers(ferry, "ferry_low")
    assert len(entries(ferry, "ferry_low")) == 2


def test_a_forked_log_is_an_alarm_on_both_sides(ferry: Driven) -> None:
    """A low half that was taken over signs another history for its log."""
    worker = worker_author(ferry.kit)
    for _ in range(3):
        worker.send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
        ferry.run(1)
    ferry.run(2)
    known = ferry.high.half.witness._peer.known
    assert known is not None
    assert known.size == 3
    low = ferry.low.half.witness._own
    head = _head_of_a_fork(ferry, known.origin, size=known.size)
    write_drop(
        ferry.kit.root / "gap" / "inbound" / "control",
        DropName(0, (4 << 8) + 63, "ferry_low", "notice"),
        sign_control(head, ferry.kit.low),
    )
    ferry.run(3)
    assert ferry.high.half.witness.status().peer_state == "split_view"
    assert not ferry.high.half.healthy
    assert ferry.high.half.witness._peer.known == known
    assert low.refused == "split_view"
    assert "log split_view" in ferry.low.half.witness.status().troubles
    worker.send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    ferry.run(4)
    assert ferry.high.half.witness._peer.known.size == 4  # the honest history goes on, the alarm stays
    assert ferry.high.half.witness.status().peer_state == "split_view"


def test_messages_of_the_past_change_nothing(ferry: Driven) -> None:
    worker_author(ferry.kit).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    ferry.run(4)
    witness = ferry.low.half.witness
    cosigned = witness._own.cosigned_size
    old = Cosignature(1, bytes(32), 1, bytes(32), 5, bytes(64), NOW_MS - 10_000)
    witness.take(old)
    assert (witness._own.cosigned_size, witness._own.refused) == (cosigned, "")


def test_messages_made_while_the_clocks_were_ahead_do_not_silence_the_witness(ferry: Driven) -> None:
    """Both clocks were a day ahead for a while: what was said then is not newer than all that is said afterwards."""
    ferry.clock.ms += DAY_MS
    worker_author(ferry.kit).send(requests(now_ms=ferry.clock.ms), now_ms=ferry.clock.ms)
    ferry.run(4)
    ferry.clock.ms -= DAY_MS
    worker_author(ferry.kit, epoch=2).send(requests(now_ms=ferry.clock.ms), now_ms=ferry.clock.ms)
    ferry.run(8)
    for half in (ferry.low, ferry.high):
        status = half.half.witness.status()
        assert (status.state, status.uncosigned, status.peer_state) == ("cosigned", 0, "consistent")
        assert status.leaves >= 2


def test_logs_are_changed_by_size_while_the_road_goes_on(tmp_path: Path) -> None:
    ferry = Driven(tmp_path, limits=FerryLimits(log_leaves=4, headers_kept=1))
    worker = worker_author(ferry.kit)
    for _ in range(10):
        worker.send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
        ferry.run(0.5)
    ferry.run(6)
    for half in ("ferry_low", "ferry_high"):
        assert [len(entries(ferry, half, number)) for number in (1, 2, 3)] == [4, 4, 2]
    for half in (ferry.low, ferry.high):
        status = half.half.witness.status()
        assert (status.number, status.leaves, status.uncosigned, status.state) == (3, 2, 0, "cosigned")
        assert (status.peer_number, status.peer_leaves) == (3, 2)
    ferry.stop()


def test_what_a_full_disk_took_back_is_logged_before_its_bundle_is_forgotten(ferry: Driven) -> None:
    """The journal lost a group whose bundle was over the gap already; it is acknowledged, and the half is killed."""
    own, killed = ferry.kit.root / "ferry_low", ferry.kit.root / "killed"
    ferry.stop_half(ferry.high)
    worker_author(ferry.kit).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    ferry.run(0.5)
    ferry.stop_half(ferry.low)
    ferry.start_low()
    half = ferry.low.half
    [sender] = [s.sender for s in half._senders.values() if s.sender.lane.lane == "interactive"]
    sender.renew()
    with pytest.raises(Unavailable), half.parts.journal.writing() as database:
        database.execute("INSERT INTO no_room_for_this VALUES (1)")
    half.take_control(Acknowledgement("inbound", "interactive", sender.outbox.epoch, 1, (), ferry.clock.ms))
    spool = own / "spool" / "inbound-interactive"
    assert list(spool.glob("*.bundle")) == []
    shutil.copytree(own, killed)
    ferry.stop_half(ferry.low)
    shutil.rmtree(own)
    shutil.move(killed, own)
    ferry.start_low()
    ferry.start_high()
    ferry.run(6)
    folders = {half: ferry.kit.root / half / "crossings" for half in ("ferry_low", "ferry_high")}
    low, high = (audit_half(folder, ferry.kit.trust, every=True) for folder in folders.values())
    assert high.crossings == 2
    assert (low.findings, high.findings) == ([], [])
    assert compare(low, folders["ferry_low"], high, folders["ferry_high"]).findings == []


def test_a_log_is_not_cosigned_while_the_end_of_an_earlier_one_is_not(tmp_path: Path) -> None:
    """The one that is written now is empty: there is nothing in it to cosign, but there is in those before."""
    ferry = Driven(tmp_path, limits=FerryLimits(log_leaves=4))
    ferry.stop_half(ferry.high)
    worker = worker_author(ferry.kit)
    for _ in range(8):
        worker.send(requests(now_ms=ferry.clock.ms), now_ms=ferry.clock.ms)
    ferry.run(3)
    status = ferry.low.half.witness.status()
    assert (status.number, status.leaves, status.uncosigned, status.state) == (3, 0, 0, "waiting")
    ferry.start_high()
    ferry.run(8)
    assert ferry.low.half.witness.status().state == "cosigned"
    ferry.stop()


def _head_of_a_fork(ferry: Driven, origin: Origin, *, size: int) -> TreeHead:
    checkpoint = Checkpoint(origin, size, b"\x07" * 32)
    signature = ferry.kit.low.suite.from_note(sign_checkpoint(checkpoint, ferry.kit.low).value)
    return TreeHead(origin.number, origin.base, size, checkpoint.root, signature, size, (), ferry.clock.ms)


def _put_back(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
        shutil.copytree(source, target)
        return
    for path in target.parent.glob(f"{target.name}*"):
        path.unlink()
    shutil.copy(source, target)


def test_a_half_killed_again_while_it_sends_again_has_logged_all_that_is_over_the_gap(ferry: Driven) -> None:
    """What the first killed run had sent and not committed, the second one sends under new numbers and is killed, too."""
    ferry.stop_half(ferry.high)
    worker = worker_author(ferry.kit)
    for _ in range(8):
        worker.send(requests(now_ms=ferry.clock.ms), now_ms=ferry.clock.ms)
    ferry.run(0.5)
    ferry.stop_half(ferry.low)
    over = [_run_and_killed(ferry) for _ in range(3)]
    assert len(set(over)) == 3
    ferry.start_low()
    ferry.start_high()
    ferry.run(8)
    folders = {half: ferry.kit.root / half / "crossings" for half in ("ferry_low", "ferry_high")}
    low, high = (audit_half(folder, ferry.kit.trust, every=True) for folder in folders.values())
    assert (low.findings, high.findings) == ([], [])
    assert compare(low, folders["ferry_low"], high, folders["ferry_high"]).findings == []
    assert {("inbound", "interactive", name.epoch, name.sequence) for names in over for name in names} <= numbers(
        ferry, "ferry_high"
    )


def _run_and_killed(ferry: Driven) -> tuple[DropName, ...]:
    """Start the low half in a process of its own, which dies as soon as three bundles are sent; gives their names."""
    gap = ferry.kit.root / "gap" / "inbound" / "interactive"
    before = _names(gap)
    ferry.clock.ms += 1000
    child = os.fork()
    if child == 0:
        try:
            # Whoever asks for the time may be in the middle of anything: nothing of it is committed yet.
            ferry.clock = _DeadlyClock(ferry.clock.ms, lambda: len(_names(gap) - before) >= 3)
            ferry.start_low()
            ferry.run(10)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    return tuple(sorted(_names(gap) - before))


class _DeadlyClock(SetClock):
    """Kills its process with SIGKILL at the first question after something happened."""

    def __init__(self, ms: int, happened: Callable[[], bool]) -> None:
        super().__init__(ms)
        self._happened = happened

    def now_ms(self) -> int:
        if self._happened():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().now_ms()


def _names(folder: Path) -> set[DropName]:
    return set(list_drop(folder, most=1000)[0])
