"""Crashes, lost files, full disks, lost memories: what was accepted arrives, and nothing twice past dedupe."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ferry.acts.held import HeldShelf
from ferry.journal_search import Sought, search_journal
from ferry.lane.reasons import Reason
from ferry.settings import FerryLimits
from ferry.witness.audit import audit_half, compare
from tests.support.ferry_kit import answered_ids, bundles_in, request_ids, requests, worker_author
from tests.support.machines import NOW_MS
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.test_faults import outbox, reasons
from wire_formats.catalogue import SERVICES, Service
from wire_formats.deny_list import DenyIncrement, sign_increment, verify_increment
from wire_formats.drop import DropName, prepare_drop, write_drop
from wire_formats.request import parse_header
from wire_formats.tlog.crossing import ENTRY_BYTES, parse_entry


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.stop()


def crossed(ferry: Driven) -> list[bytes]:
    inbox = ferry.kit.core_inbox / "interactive"
    return [parse_header(item.header).id for bundle in bundles_in(inbox) for item in bundle.items]


def gap(ferry: Driven, lane: str = "interactive") -> Path:
    return ferry.kit.root / "gap" / "inbound" / lane


def spool(ferry: Driven) -> Path:
    return ferry.kit.root / "ferry_low" / "spool" / "inbound-interactive"


def send(ferry: Driven, count: int, *, epoch: int = 1) -> list[bytes]:
    worker = worker_author(ferry.kit, epoch=epoch)
    ids = []
    for _ in range(count):
        items = requests(now_ms=ferry.clock.ms)
        worker.send(items, now_ms=ferry.clock.ms)
        ids += request_ids(items)
    return ids


def test_the_low_half_restarts_and_sends_the_unacknowledged_again_under_a_new_epoch(ferry: Driven) -> None:
    ferry.stop_half(ferry.high)
    ids = send(ferry, 5)
    ferry.run(0.5)
    old = {path.name for path in gap(ferry).glob("*.bundle")}
    for path in gap(ferry).glob("*.bundle"):
        path.unlink()
    ferry.stop_half(ferry.low)
    ferry.start_low()
    ferry.run(0.5)
    new = {path.name for path in gap(ferry).glob("*.bundle")}
    assert len(new) == len(old) == 5
    assert not new & old
    ferry.start_high()
    ferry.run(3)
    assert crossed(ferry) == ids
    assert list(spool(ferry).glob("*.bundle")) == []


def test_a_spooled_file_that_holds_another_bundle_than_its_name_says_is_set_aside(ferry: Driven) -> None:
    """A power failure may leave a name with what its file held before."""
    ferry.stop_half(ferry.high)
    send(ferry, 2)
    ferry.run(0.5)
    first, second = sorted(spool(ferry).glob("*.bundle"))
    ferry.stop_half(ferry.low)
    second.write_bytes(first.read_bytes())
    for path in gap(ferry).glob("*.bundle"):
        path.unlink()
    ferry.start_low()
    ferry.run(0.5)
    assert reasons(ferry) == [Reason.MALFORMED.value]
    assert len(list(gap(ferry).glob("*.bundle"))) == 1
    ferry.start_high()


def test_both_epochs_arriving_deliver_once(ferry: Driven) -> None:
    ferry.stop_half(ferry.high)
    ids = send(ferry, 5)
    ferry.run(0.5)
    ferry.stop_half(ferry.low)
    ferry.start_low()
    ferry.run(0.5)
    assert len(list(gap(ferry).glob("*.bundle"))) == 10
    ferry.start_high()
    ferry.run(3)
    assert sorted(crossed(ferry)) == sorted(ids)


def test_a_lost_tail_is_noticed_and_repaired_within_five_seconds(ferry: Driven) -> None:
    ferry.run(2)
    ferry.stop_half(ferry.high)
    ids = send(ferry, 3)
    ferry.run(0.3)
    for path in gap(ferry).glob("*.bundle"):
        path.unlink()
    ferry.start_high()
    ferry.run(2)
    ferry.run(3)
    assert sorted(crossed(ferry)) == sorted(ids)


def test_both_lanes_down_for_an_hour(ferry: Driven) -> None:
    ferry.run(1)
    ferry.stop_half(ferry.high)
    ids = send(ferry, 4)
    for _ in range(36):
        ferry.run(100, step=1.0)
    for lane in ("interactive", "control"):
        assert len(list(gap(ferry, lane).iterdir())) < 300, "what nobody reads stays bounded"
    fresh = send(ferry, 2, epoch=2)
    ferry.start_high()
    ferry.run(3)
    # The first requests have expired meanwhile; only the core knows whether an earlier copy of them was carried out.
    assert crossed(ferry) == ids + fresh
    assert answered_ids(ferry.kit.worker_inbox()) == []


def test_the_high_half_loses_its_journal(ferry: Driven) -> None:
    first = send(ferry, 3)
    ferry.run(2)
    ferry.stop_half(ferry.high)
    for path in (ferry.kit.root / "ferry_high").glob("journal.sqlite*"):
        path.unlink()
    ferry.start_high()
    second = send(ferry, 3, epoch=2)
    ferry.run(6)
    assert crossed(ferry) == first + second
    assert list(spool(ferry).glob("*.bundle")) == []


def test_the_low_half_loses_its_journal_and_its_clock_goes_back_a_day(ferry: Driven) -> None:
    first = send(ferry, 3)
    ferry.run(2)
    ferry.stop_half(ferry.low)
    for path in (ferry.kit.root / "ferry_low").glob("journal.sqlite*"):
        path.unlink()
    ferry.clock.ms -= 86_400_000
    ferry.start_low()
    second = send(ferry, 3, epoch=2)
    ferry.run(8)
    assert sorted(crossed(ferry)) == sorted(first + second)


def test_a_spool_emptied_by_hand_does_not_stop_the_lane(ferry: Driven) -> None:
    ferry.stop_half(ferry.high)
    send(ferry, 3)
    ferry.run(0.3)
    for folder in (gap(ferry), spool(ferry)):
        for path in folder.glob("*.bundle"):
            path.unlink()
    ferry.start_high()
    later = send(ferry, 2, epoch=2)
    ferry.run(8)
    assert crossed(ferry) == later


def test_a_key_is_changed_in_the_middle_of_a_backlog(ferry: Driven) -> None:
    """What the half had sealed with its old key crosses under the new one, and the log has both crossings."""
    ferry.stop_half(ferry.high)
    ids = send(ferry, 4)
    ferry.run(0.3)
    ferry.stop_half(ferry.low)
    old = ferry.kit.low
    ferry.kit.low = ferry.kit.authority.machine("ferry_low", "ferry_low")
    ferry.kit.machines.append(ferry.kit.low)
    ferry.kit.write_keys()
    for path in list(gap(ferry).glob("*.bundle"))[:2]:
        path.unlink()
    ferry.start_low()
    ids += send(ferry, 2, epoch=2)
    ferry.start_high()
    ferry.run(4)
    assert sorted(crossed(ferry)) == sorted(ids)
    assert list(spool(ferry).glob("*.bundle")) == []
    assert reasons(ferry) == reasons(ferry, "ferry_high") == []
    trust = ferry.kit.authority.trust(ferry.kit.machines)
    folders = [ferry.kit.root / half / "crossings" for half in ("ferry_low", "ferry_high")]
    low, high = (audit_half(folder, trust, every=True) for folder in folders)
    assert (low.findings, high.findings) == ([], [])
    assert compare(low, folders[0], high, folders[1]).findings == []
    sealers = {parse_entry(entry).sealer for entry in _entries(folders[0])}
    assert sealers == {old.kid, ferry.kit.low.kid}


def test_what_was_sent_under_an_old_key_and_not_committed_is_logged_under_it(ferry: Driven) -> None:
    own, before = ferry.kit.root / "ferry_low", ferry.kit.root / "before"
    ferry.stop_half(ferry.high)
    ferry.stop_half(ferry.low)
    shutil.copytree(own, before)
    ferry.start_low()
    ids = send(ferry, 2)
    ferry.run(0.3)
    ferry.stop_half(ferry.low)
    for name in ("journal.sqlite", "crossings"):  # as before the commit; the spool is as it is
        _put_back(before / name, own / name)
    ferry.kit.low = ferry.kit.authority.machine("ferry_low", "ferry_low")
    ferry.kit.machines.append(ferry.kit.low)
    ferry.kit.write_keys()
    ferry.start_low()
    ferry.start_high()
    ferry.run(4)
    assert sorted(crossed(ferry)) == sorted(ids)
    trust = ferry.kit.authority.trust(ferry.kit.machines)
    folders = [ferry.kit.root / half / "crossings" for half in ("ferry_low", "ferry_high")]
    low, high = (audit_half(folder, trust, every=True) for folder in folders)
    assert high.crossings == 4
    assert (low.findings, high.findings) == ([], [])
    assert compare(low, folders[0], high, folders[1]).findings == []


def _entries(folder: Path) -> list[bytes]:
    data = (folder / "log-000001" / "entries").read_bytes()
    return [data[at : at + ENTRY_BYTES] for at in range(0, len(data), ENTRY_BYTES)]


def _put_back(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
        shutil.copytree(source, target)
        return
    for path in target.parent.glob(f"{target.name}*"):
        path.unlink()
    shutil.copy(source, target)


class Poisoned(dict[str, Service]):
    """A catalogue that breaks whoever looks up one code."""

    looks = 0

    def get(self, code: str, default: object = None) -> Any:
        if code == "unit.profile":
            self.looks += 1
            raise RecursionError("broken on purpose")
        return super().get(code, default)


def test_a_bundle_that_crashes_the_inspector_is_held_and_the_lane_goes_on(ferry: Driven) -> None:
    ferry.stop_half(ferry.high)
    services = Poisoned(SERVICES)
    ferry.start_high(services=services)
    worker = worker_author(ferry.kit)
    first, poison, last = (
        requests(now_ms=NOW_MS),
        requests(now_ms=NOW_MS, service="unit.profile", body={}),
        requests(now_ms=NOW_MS),
    )
    for items in (first, poison, last):
        worker.send(items, now_ms=NOW_MS)
    ferry.run(5)
    assert sorted(crossed(ferry)) == sorted(request_ids([*first, *last]))
    assert services.looks == 3
    assert reasons(ferry, "ferry_high") == [Reason.POISON.value]


def test_what_the_receiver_never_accepts_is_given_up_and_held(tmp_path: Path) -> None:
    ferry = Driven(tmp_path, limits=FerryLimits(give_up_tries=2))
    ferry.run(2)
    ferry.stop_half(ferry.high)
    # The high half knows fewer workers than the low one: it refuses every try.
    ferry.start_high(workers=("worker-2",))
    send(ferry, 1)
    ferry.run(12)
    assert Reason.GIVEN_UP.value in reasons(ferry)
    own = tmp_path / "ferry_low"
    [item] = HeldShelf(own / "quarantine").items()
    [row] = search_journal(own / "journal.sqlite", own / "crossings", Sought(digest=item.digest))
    assert (row.state, row.reason, row.items) == ("held", Reason.GIVEN_UP.value, 1)
    ferry.stop_half(ferry.high)
    ferry.start_high()
    later = send(ferry, 2, epoch=2)
    ferry.run(5)
    assert crossed(ferry) == later
    ferry.stop()


def test_credits_close_the_source_and_open_it_again(tmp_path: Path) -> None:
    ferry = Driven(tmp_path, limits=FerryLimits(credits=4))
    ferry.stop_half(ferry.high)
    ids = send(ferry, 10)
    ferry.run(3)
    assert len(list(outbox(ferry).glob("*.bundle"))) == 6
    [lane] = [x for x in ferry.low.half.status().lanes if (x.way, x.lane) == ("inbound", "interactive")]
    assert (lane.blocked, lane.waiting, lane.unacknowledged) == ("credits used up", 6, 4)
    ferry.start_high()
    ferry.run(5)
    assert sorted(crossed(ferry)) == sorted(ids)
    ferry.stop()


def test_a_full_core_inbox_leaves_the_bundles_on_the_transport(tmp_path: Path) -> None:
    ferry = Driven(tmp_path, limits=FerryLimits(core_inbox_files=3))
    ids = send(ferry, 10)
    ferry.run(3)
    assert len(crossed(ferry)) == 3
    got = set(crossed(ferry))
    for _ in range(6):
        for path in (ferry.kit.core_inbox / "interactive").glob("*.bundle"):
            path.unlink()
        ferry.run(1)
        got |= set(crossed(ferry))
    assert got == set(ids)
    ferry.stop()


def test_a_disk_that_fills_up_delays_and_loses_nothing(tmp_path: Path) -> None:
    target = tmp_path / "gap"
    target.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(target)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small tmpfs here")
    try:
        ferry = Driven(tmp_path)
        ferry.stop_half(ferry.high)
        ballast = target / "ballast"
        ballast.write_bytes(bytes(240 * 1024))
        ids = send(ferry, 12)
        ferry.run(3)
        [lane] = [x for x in ferry.low.half.status().lanes if (x.way, x.lane) == ("inbound", "interactive")]
        assert "No space left" in lane.blocked
        assert list(outbox(ferry).glob("*.bundle")), "the source is left alone"
        ballast.unlink()
        ferry.start_high()
        ferry.run(6)
        assert sorted(crossed(ferry)) == sorted(ids)
        assert list(outbox(ferry).glob("*.bundle")) == []
        ferry.stop()
    finally:
        subprocess.run(["umount", str(target)], check=True)


def test_a_folder_that_disappears_is_survived(ferry: Driven) -> None:
    ferry.run(1)
    shutil.rmtree(outbox(ferry))
    ferry.run(1)
    prepare_drop(outbox(ferry))
    ids = send(ferry, 1)
    ferry.run(2)
    assert crossed(ferry) == ids


def test_deny_list_notices_reach_the_edges(ferry: Driven) -> None:
    increment = DenyIncrement(epoch=1, previous=bytes(32), made_ms=NOW_MS, full=True, serials=(5,), size=1)
    source = ferry.kit.root / "core" / "outbox" / "control"
    write_drop(source, DropName(1, 1, "ca", "notice"), sign_increment(increment, ferry.kit.deny))
    write_drop(source, DropName(1, 2, "ca", "notice"), sign_increment(increment, ferry.kit.core))
    ferry.run(1)
    [notice] = (ferry.kit.root / "dmz" / "notices").glob("*.notice")
    assert verify_increment(notice.read_bytes(), ferry.kit.trust, now_ms=ferry.clock.ms) == increment
    assert reasons(ferry, "ferry_high") == [Reason.BAD_NOTICE.value]
    assert list(source.glob("*.notice")) == []
    ferry.run(20, step=0.05)
    assert list((ferry.kit.root / "ferry_high" / "spool" / "notices").glob("*.notice")) == []


@pytest.mark.parametrize("seed", range(4))
def test_chaos_on_the_transport_and_in_both_halves(tmp_path: Path, seed: int) -> None:
    """Lose, double and swap files, restart halves at random; then let it settle and count."""
    chance = random.Random(seed)
    ferry = Driven(tmp_path)
    ids: list[bytes] = []
    for turn in range(40):
        ids += send(ferry, chance.randrange(4), epoch=turn + 1)
        ferry.run(chance.choice((0.03, 0.1, 0.4)))
        ferry.core.turn()
        ways = ("inbound/interactive", "inbound/control", "outbound/interactive", "outbound/control")
        roots = [ferry.kit.root / "gap" / way for way in ways]
        for path in [path for root in roots for path in root.glob("*.*") if path.is_file()]:
            fate = chance.random()
            if fate < 0.15:
                path.unlink()
            elif fate < 0.2:
                path.write_bytes(path.read_bytes()[:-3])
        if chance.random() < 0.15:
            ferry.stop_half(ferry.low)
            ferry.start_low()
        if chance.random() < 0.15:
            ferry.stop_half(ferry.high)
            ferry.start_high()
    for _ in range(40):
        ferry.run(2, step=0.05)
        ferry.core.turn()
    assert Counter(ferry.core.seen) == Counter(ids), "each request reached the core exactly once"
    assert Counter(answered_ids(ferry.kit.worker_inbox())) == Counter(ids)
    ferry.stop()
