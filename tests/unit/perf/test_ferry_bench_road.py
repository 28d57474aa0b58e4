"""The parts of `make bench-ferry ONLY=road` without the ferry: workers and core, and a carrier between them."""

from __future__ import annotations

import itertools
import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from perf.ferry_bench.arrivals import Arrivals
from perf.ferry_bench.echo_core import EchoCore
from perf.ferry_bench.road_load import Load, at_rate, at_saturation
from perf.ferry_bench.road_requests import QUERY, TRANSACTION, Made, Maker
from tests.support.machines import MachineAuthority
from tests.support.wire_samples import HIGH_HALF
from wire_formats.bundle import MAX_ITEMS, SealStream, encode_bundle, parse_bundle
from wire_formats.canonical import decode_object
from wire_formats.catalogue import SERVICES
from wire_formats.checking import check_body
from wire_formats.drop import DropName, list_drop, prepare_drop, write_drop
from wire_formats.errors import PeerError
from wire_formats.request import LANES, body_of, open_content, parse_header

WORKERS = ("worker-1", "worker-2")


class Rig:
    """Workers, core, and the two halves' part done by hand: move requests, seal answers and sort them by worker."""

    def __init__(self, root: Path, *, most_items: int = MAX_ITEMS) -> None:
        authority = MachineAuthority()
        keys = {name: authority.machine("worker", name) for name in WORKERS}
        self.low, core = authority.machine("ferry_low", "ferry_low"), authority.machine("core", "core")
        self.dmz, self.core_folder = root / "dmz", root / "core"
        for lane in LANES:
            prepare_drop(self.dmz / "outbox" / lane)
        for name in WORKERS:
            prepare_drop(self.dmz / "inbox" / name)
        self.core = EchoCore(self.core_folder, core, most_items=most_items, durable=False)
        self.load = Load(keys, self.dmz, authority.trust([*keys.values(), self.low, core]))
        self.maker = Maker(HIGH_HALF.public)
        self._stream = SealStream("outbound", "interactive", 1)
        self.carried: list[int] = []

    @contextmanager
    def carrying(self) -> Iterator[None]:
        """Be the ferry until the end of the block."""
        over = threading.Event()
        faults: list[Exception] = []

        def go_on() -> None:
            while not over.wait(0.002):
                try:
                    self.carry()
                except Exception as error:  # noqa: BLE001 - shown below
                    faults.append(error)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert faults == []

    def carry(self) -> None:
        """Be the ferry for a moment."""
        for lane in LANES:
            outbox = self.dmz / "outbox" / lane
            for name in list_drop(outbox, most=1000)[0]:
                self.carried.append(len(parse_bundle((outbox / str(name)).read_bytes()).items))
                (outbox / str(name)).rename(self.core_folder / "inbox" / lane / str(name))
            self.core.turn(lane)
            back = self.core_folder / "outbox" / lane
            for name in list_drop(back, most=1000)[0]:
                bundle = parse_bundle((back / str(name)).read_bytes())
                (back / str(name)).unlink()
                worker = next(name for name in WORKERS if name.encode() in bundle.items[0].header)
                sealed = self._stream.seal(bundle, self.low, now_ms=time.time_ns() // 1_000_000)
                write_drop(
                    self.dmz / "inbox" / worker, DropName(1, self._stream.sequence, "ferry_low"), encode_bundle(sealed)
                )


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.load.close()


def test_every_request_made_is_what_its_service_declares(rig: Rig) -> None:
    chunks = list(rig.maker.workbook("worker-1"))
    made = [rig.maker.single(QUERY, "worker-1"), rig.maker.single(TRANSACTION, "worker-1"), *chunks]
    for one in made:
        header = parse_header(one.item.header)
        body = decode_object(body_of(header, open_content(one.item.content, one.item.header, HIGH_HALF)))
        check_body(SERVICES[header.service], body)
        assert header.id == one.id
    assert [one.tracked for one in made[:3]] == [False, True, True]
    assert {parse_header(one.item.header).lane for one in chunks} == {"bulk"}


def test_single_bundles_are_answered_and_counted(rig: Rig) -> None:
    made = [rig.maker.single(QUERY, WORKERS[n % 2]) for n in range(12)]
    with rig.carrying():
        seen = at_rate(rig.load, [rig.load.parcel(one) for one in made], 1000)
    assert (seen.bundles, len(seen.times), seen.missing) == (12, 12, 0)
    assert rig.carried == [1] * 12


def test_what_waits_becomes_one_bundle(rig: Rig) -> None:
    for _ in range(MAX_ITEMS + 10):
        rig.load.offer(rig.maker.single(QUERY, "worker-1"), time.perf_counter())
    rig.load.step_for(0.5)
    rig.carry()
    seen = rig.load.drain()
    assert rig.carried == [MAX_ITEMS, 10]
    assert (seen.bundles, len(seen.times), seen.missing) == (2, MAX_ITEMS + 10, 0)


def test_at_saturation_no_more_requests_are_out_than_the_window(rig: Rig) -> None:
    pool = itertools.cycle([rig.maker.single(QUERY, WORKERS[n % 2]) for n in range(40)])
    most = 0

    def endless() -> Iterator[Made]:
        nonlocal most
        for made in pool:
            most = max(most, rig.load.outstanding)
            yield made

    with rig.carrying():
        rate, seen = at_saturation(rig.load, endless(), window=20, seconds=2.0)
    assert rate > 0
    assert 0 < most < 20
    assert len(seen.finished) == len(seen.times) > 20


def test_an_answer_with_a_seal_of_nobody_is_told(rig: Rig) -> None:
    rig.low = MachineAuthority().machine("ferry_low", "ferry_low")
    rig.load.offer(rig.maker.single(QUERY, "worker-2"), time.perf_counter())
    rig.load.step_for(0.3)
    rig.carry()
    with pytest.raises(PeerError):
        rig.load.drain()


def test_a_core_that_answers_one_by_one(tmp_path: Path) -> None:
    rig = Rig(tmp_path, most_items=1)
    for _ in range(5):
        rig.load.offer(rig.maker.single(QUERY, "worker-1"), time.perf_counter())
    rig.load.step_for(0.3)
    rig.carry()
    seen = rig.load.drain()
    rig.load.close()
    assert (seen.bundles, seen.files, len(seen.times)) == (1, 5, 5)


def test_arrivals_name_the_folder(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    arrivals = Arrivals(folders)
    assert arrivals.wait(0.0) == set()
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "file").rename(folders[1] / "file")
    assert arrivals.wait(60.0) == {folders[1]}
    arrivals.close()


def test_arrivals_are_heard_in_a_process_with_many_open_files(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
    with ExitStack() as held:
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        while held.enter_context(open(os.devnull, "rb")).fileno() < 1_100:
            pass
        arrivals = Arrivals([tmp_path])
        held.callback(arrivals.close)
        (tmp_path.parent / f"{tmp_path.name}.file").write_bytes(b"x")
        (tmp_path.parent / f"{tmp_path.name}.file").rename(tmp_path / "file")
        assert arrivals.wait(60.0) == {tmp_path}
