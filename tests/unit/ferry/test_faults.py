"""Everything that may not pass: each fault has its own reason, and the lane goes on behind it."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ferry.lane.reasons import Reason
from ferry.settings import FerryLimits
from tests.support.ferry_kit import Author, bundles_in, core_author, request_ids, requests, worker_author
from tests.support.machines import NOW_MS, MachineAuthority
from tests.support.wire_samples import answer_item
from tests.unit.ferry.driving import Driven
from wire_formats.bundle import MAX_BUNDLE_BYTES, SealStream, encode_bundle, new_bundle, parse_bundle
from wire_formats.drop import DropName, parse_name, write_drop
from wire_formats.instants import LATEST_MS
from wire_formats.lane_control import Acknowledgement, Control, Heartbeat, sign_control
from wire_formats.request import parse_header


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.stop()


def outbox(ferry: Driven, lane: str = "interactive") -> Path:
    return ferry.kit.root / "dmz" / "outbox" / lane


def reasons(ferry: Driven, half: str = "ferry_low") -> list[str]:
    folder = ferry.kit.root / half / "quarantine"
    return sorted(path.name.split("-", 2)[2].removesuffix(".bundle") for path in folder.glob("*/*.bundle"))


def honest(ferry: Driven) -> tuple[DropName, bytes]:
    return worker_author(ferry.kit).make(requests(now_ms=NOW_MS), now_ms=NOW_MS)


def torn(ferry: Driven) -> None:
    name, data = honest(ferry)
    write_drop(outbox(ferry), name, data[:-7])


def empty(ferry: Driven) -> None:
    name, _ = honest(ferry)
    write_drop(outbox(ferry), name, b"")


def oversize(ferry: Driven) -> None:
    name, _ = honest(ferry)
    write_drop(outbox(ferry), name, bytes(MAX_BUNDLE_BYTES + 1))


def trailing_byte(ferry: Driven) -> None:
    name, data = honest(ferry)
    write_drop(outbox(ferry), name, data + b"\x00")


def long_integer(ferry: Driven) -> None:
    name, data = honest(ferry)
    assert data[1:2] == b"\x01"
    write_drop(outbox(ferry), name, data[:1] + b"\x18\x01" + data[2:])


def foreign(ferry: Driven) -> None:
    key = MachineAuthority("Strangers").machine("worker", "worker-1")
    Author(key, "worker-1", "inbound", outbox(ferry)).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)


def wrong_role(ferry: Driven) -> None:
    Author(ferry.kit.core, "core", "inbound", outbox(ferry)).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)


def unsigned(ferry: Driven) -> None:
    name, data = honest(ferry)
    bundle = parse_bundle(data)
    seal = bytearray(bundle.seals[0])
    seal[-1] ^= 1
    write_drop(outbox(ferry), name, encode_bundle(new_bundle("inbound", bundle.items).with_seal(bytes(seal))))


def other_items(ferry: Driven) -> None:
    name, data = honest(ferry)
    swapped = new_bundle("inbound", requests(now_ms=NOW_MS)).with_seal(parse_bundle(data).seals[0])
    write_drop(outbox(ferry), name, encode_bundle(swapped))


def future(ferry: Driven) -> None:
    worker_author(ferry.kit).send(requests(now_ms=NOW_MS), now_ms=NOW_MS + 86_400_000)


def wrong_direction(ferry: Driven) -> None:
    core = core_author(ferry.kit)
    core.folder = outbox(ferry)
    core.send([answer_item()], now_ms=NOW_MS)


def wrong_lane(ferry: Driven) -> None:
    worker = worker_author(ferry.kit, lane="bulk")
    worker.folder = outbox(ferry)
    worker.send(requests(now_ms=NOW_MS, lane="bulk"), now_ms=NOW_MS)


def item_of_other_lane(ferry: Driven) -> None:
    worker_author(ferry.kit).send(requests(now_ms=NOW_MS, lane="bulk"), now_ms=NOW_MS)


def name_of_other_number(ferry: Driven) -> None:
    name, data = honest(ferry)
    write_drop(outbox(ferry), DropName(name.epoch, name.sequence + 1, name.sender), data)


def name_of_other_sender(ferry: Driven) -> None:
    name, data = honest(ferry)
    write_drop(outbox(ferry), DropName(name.epoch, name.sequence, "worker-2"), data)


def unknown_worker(ferry: Driven) -> None:
    worker_author(ferry.kit).send(requests(now_ms=NOW_MS, reply_to="worker-9"), now_ms=NOW_MS)


def two_seals(ferry: Driven) -> None:
    name, data = honest(ferry)
    again = SealStream("inbound", "interactive", 5).seal(parse_bundle(data), ferry.kit.low, now_ms=NOW_MS)
    write_drop(outbox(ferry), name, encode_bundle(again))


def notice_kind(ferry: Driven) -> None:
    name, data = honest(ferry)
    write_drop(outbox(ferry), DropName(name.epoch, name.sequence, name.sender, "notice"), data)


def strange_name(ferry: Driven) -> None:
    (outbox(ferry) / "..hidden\x01name").write_bytes(b"x")


def name_of_255_bytes(ferry: Driven) -> None:
    (outbox(ferry) / ("n" * 255)).write_bytes(b"x")


def symbolic_link(ferry: Driven) -> None:
    name, data = honest(ferry)
    (ferry.kit.root / "elsewhere").write_bytes(data)
    (outbox(ferry) / str(name)).symlink_to(ferry.kit.root / "elsewhere")


def hard_link(ferry: Driven) -> None:
    name, data = honest(ferry)
    (ferry.kit.root / "elsewhere").write_bytes(data)
    os.link(ferry.kit.root / "elsewhere", outbox(ferry) / str(name))


def pipe(ferry: Driven) -> None:
    os.mkfifo(outbox(ferry) / str(DropName(1, 1, "worker-1")))


def unix_socket(ferry: Driven) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        at = os.open(outbox(ferry), os.O_PATH)  # the path itself may be longer than a socket's name
        try:
            listening.bind(f"/proc/self/fd/{at}/{DropName(1, 1, 'worker-1')}")
        finally:
            os.close(at)


def device(ferry: Driven) -> None:
    try:
        os.mknod(
            outbox(ferry) / str(DropName(1, 1, "worker-1")), stat.S_IFCHR | 0o600, os.makedev(1, 5)
        )  # zeros, endless
    except PermissionError:
        pytest.skip("only root makes devices")


def folder(ferry: Driven) -> None:
    (outbox(ferry) / str(DropName(1, 1, "worker-1")) / "inner").mkdir(parents=True)


FAULTS: list[tuple[Callable[[Driven], None], Reason]] = [
    (torn, Reason.MALFORMED),
    (empty, Reason.EMPTY),
    (oversize, Reason.TOO_LARGE),
    (trailing_byte, Reason.MALFORMED),
    (long_integer, Reason.NOT_CANONICAL),
    (foreign, Reason.UNKNOWN_SIGNER),
    (wrong_role, Reason.WRONG_ROLE),
    (unsigned, Reason.BAD_SIGNATURE),
    (other_items, Reason.DIGEST_MISMATCH),
    (future, Reason.FROM_THE_FUTURE),
    (wrong_direction, Reason.WRONG_LANE),
    (wrong_lane, Reason.WRONG_LANE),
    (item_of_other_lane, Reason.WRONG_LANE),
    (name_of_other_number, Reason.NAME_MISMATCH),
    (name_of_other_sender, Reason.NAME_MISMATCH),
    (unknown_worker, Reason.WRONG_WORKER),
    (two_seals, Reason.WRONG_SEALS),
    (notice_kind, Reason.BAD_NAME),
    (strange_name, Reason.BAD_NAME),
    (name_of_255_bytes, Reason.BAD_NAME),
    (symbolic_link, Reason.NOT_A_FILE),
    (hard_link, Reason.NOT_A_FILE),
    (pipe, Reason.NOT_A_FILE),
    (unix_socket, Reason.NOT_A_FILE),
    (device, Reason.NOT_A_FILE),
    (folder, Reason.NOT_A_FILE),
]


@pytest.mark.parametrize(("fault", "reason"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_is_set_aside_and_the_lane_goes_on(
    ferry: Driven, fault: Callable[[Driven], None], reason: Reason
) -> None:
    fault(ferry)
    behind = requests(now_ms=NOW_MS)
    worker_author(ferry.kit, epoch=2).send(behind, now_ms=NOW_MS)
    ferry.run(1.5)
    assert reasons(ferry) == [reason.value]
    crossed = bundles_in(ferry.kit.core_inbox / "interactive")
    assert [parse_header(item.header).id for bundle in crossed for item in bundle.items] == request_ids(behind)


def test_a_held_bundle_is_kept_apart_with_its_bytes(ferry: Driven) -> None:
    worker = worker_author(ferry.kit)
    worker.send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    ferry.run(0.5)
    twin = worker_author(ferry.kit)
    name, data = twin.make(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    write_drop(outbox(ferry), name, data)
    ferry.run(0.5)
    assert reasons(ferry) == [Reason.AUTHOR_CONFLICT.value]
    [kept] = (ferry.kit.root / "ferry_low" / "quarantine" / "held").glob("*.bundle")
    assert kept.read_bytes() == data


def test_the_reason_file_holds_no_personal_data(ferry: Driven) -> None:
    torn(ferry)
    ferry.run(0.5)
    [note] = (ferry.kit.root / "ferry_low" / "quarantine" / "quarantined").glob("*.notice")
    text = note.read_text()
    assert "malformed" in text
    assert "11010519491231002X" not in text
    assert "worker" not in text


def test_an_expired_worker_key_is_refused(tmp_path: Path) -> None:
    driven = Driven(tmp_path)
    driven.clock.ms = NOW_MS + 400 * 86_400_000
    now = driven.clock.ms
    worker_author(driven.kit).send(requests(now_ms=now), now_ms=now)
    driven.run(0.5)
    assert reasons(driven) == [Reason.SIGNER_NOT_VALID.value]
    driven.stop()


def test_a_full_quarantine_keeps_the_oldest_and_the_lane_goes_on(tmp_path: Path) -> None:
    driven = Driven(tmp_path, limits=FerryLimits(quarantine_files=2))
    for number in range(5):
        write_drop(outbox(driven), DropName(1, number + 1, "worker-1"), b"\x01" * (number + 1))
    driven.run(1)
    assert len(reasons(driven)) == 2
    assert list(outbox(driven).glob("*.bundle")) == []
    driven.stop()


def test_a_worker_that_repeats_its_numbers_blocks_nobody(tmp_path: Path) -> None:
    driven = Driven(tmp_path, limits=FerryLimits(quarantine_files=3))
    for _ in range(8):
        worker_author(driven.kit, epoch=1).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
        driven.run(0.3)
    assert driven.low.half.parts.quarantine.count(held=True) == 3
    worker_author(driven.kit, "worker-2", epoch=9).send(requests(now_ms=NOW_MS), now_ms=NOW_MS)
    driven.run(0.5)
    assert len(bundles_in(driven.kit.core_inbox / "interactive")) == 2
    driven.stop()


@pytest.mark.parametrize("lane", ["inbound", "outbound"])
def test_an_epoch_of_another_age_closes_no_lane(ferry: Driven, lane: str) -> None:
    last = LATEST_MS
    told: tuple[Control, ...] = (
        Heartbeat(lane, "interactive", last, 0, bytes(32), ferry.clock.ms),
        Acknowledgement(lane, "interactive", last, 0, (), ferry.clock.ms),
    )
    for number, message in enumerate(told):
        for way, key in (("inbound", ferry.kit.low), ("outbound", ferry.kit.high)):
            name = DropName(0, 900 + number, f"ferry_{'low' if way == 'inbound' else 'high'}", "notice")
            write_drop(ferry.kit.root / "gap" / way / "control", name, sign_control(message, key))
    sealed = SealStream("inbound", "interactive", last).seal(
        parse_bundle(honest(ferry)[1]), ferry.kit.low, now_ms=NOW_MS
    )
    gap = ferry.kit.root / "gap" / "inbound" / "interactive"
    write_drop(gap, DropName(last, 1, "ferry_low"), encode_bundle(sealed))
    ferry.run(1)
    items = requests(now_ms=ferry.clock.ms)
    worker_author(ferry.kit, epoch=2).send(items, now_ms=ferry.clock.ms)
    core_author(ferry.kit).send([answer_item()], now_ms=ferry.clock.ms)
    ferry.run(1)
    (bundle,) = bundles_in(ferry.kit.core_inbox / "interactive")
    assert [parse_header(item.header).id for item in bundle.items] == request_ids(items)
    assert len(bundles_in(ferry.kit.worker_inbox())) == 1


def test_a_forged_acknowledgement_empties_nothing(ferry: Driven) -> None:
    """Only the receiving half can say what has arrived: not the worker, not the core, not the sender itself."""
    ferry.stop_half(ferry.high)
    items = requests(now_ms=ferry.clock.ms)
    worker_author(ferry.kit).send(items, now_ms=ferry.clock.ms)
    ferry.run(0.3)
    spool = ferry.kit.root / "ferry_low" / "spool" / "inbound-interactive"
    [waiting] = spool.glob("*.bundle")
    epoch = parse_name(waiting.name).epoch
    strangers = MachineAuthority("Strangers").machine("ferry_high", "ferry_high")
    keys = (ferry.kit.workers["worker-1"], ferry.kit.core, ferry.kit.low, strangers)
    for number, key in enumerate(keys):
        message = Acknowledgement("inbound", "interactive", epoch, 1, (), ferry.clock.ms)
        name = DropName(0, 900 + number, "ferry_high", "notice")
        write_drop(ferry.kit.root / "gap" / "outbound" / "control", name, sign_control(message, key))
    for path in (ferry.kit.root / "gap" / "inbound" / "interactive").glob("*.bundle"):
        path.unlink()
    ferry.run(1)
    assert list((ferry.kit.root / "gap" / "outbound" / "control").glob("*.notice")) == []
    assert waiting.exists()
    ferry.start_high()
    ferry.run(4)
    (bundle,) = bundles_in(ferry.kit.core_inbox / "interactive")
    assert [parse_header(item.header).id for item in bundle.items] == request_ids(items)


def test_only_the_core_and_the_high_half_write_answers(ferry: Driven) -> None:
    forger = Author(ferry.kit.workers["worker-1"], "worker-1", "outbound", ferry.kit.root / "core/outbox/interactive")
    forger.send([answer_item()], now_ms=NOW_MS)
    ferry.run(0.5)
    assert reasons(ferry, "ferry_high") == [Reason.WRONG_ROLE.value]


def test_answers_for_two_workers_do_not_share_a_bundle(ferry: Driven) -> None:
    core_author(ferry.kit).send([answer_item(), answer_item(reply_to="worker-2")], now_ms=NOW_MS)
    ferry.run(0.5)
    assert reasons(ferry, "ferry_high") == [Reason.WRONG_WORKER.value]


def test_on_the_transport_too_nothing_foreign_passes(ferry: Driven) -> None:
    gap = ferry.kit.root / "gap" / "inbound" / "interactive"
    name, data = honest(ferry)
    write_drop(gap, name, data)
    sealed = SealStream("inbound", "interactive", 5).seal(parse_bundle(data), ferry.kit.high, now_ms=NOW_MS)
    write_drop(gap, DropName(5, 1, "ferry_high"), encode_bundle(sealed))
    ferry.run(0.5)
    assert reasons(ferry, "ferry_high") == [Reason.WRONG_ROLE.value, Reason.WRONG_SEALS.value]
    assert bundles_in(ferry.kit.core_inbox / "interactive") == []
