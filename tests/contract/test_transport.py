"""One suite for every transport: what ``ferry.transports.port`` promises, held by the real ones and the memory one.

``carry`` is what a transport needs between a file's sending and its arrival: nothing, or time.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ferry.transports.directory import DirectoryInlet, DirectoryOutlet
from ferry.transports.media import MediaInlet, MediaOutlet
from ferry.transports.memory import MemoryTransport
from ferry.transports.port import TRANSPORT_LANES, Inlet, LinkReport, Outlet
from tests.support.diode_kit import DiodeRig
from tests.support.ferry_kit import NoWatch
from tests.support.media_kit import MediaKit
from wire_formats.drop import DropName
from wire_formats.errors import PeerError


class Ends(NamedTuple):
    """Both ends of one direction."""

    outlet: Outlet
    inlet: Inlet
    carry: Callable[[], None]


def nothing() -> None:
    """What was put is there."""


def directory(root: Path) -> Ends:
    return Ends(DirectoryOutlet(root), DirectoryInlet(root, NoWatch()), nothing)


def memory(_root: Path) -> Ends:
    both = MemoryTransport()
    return Ends(both, both, nothing)


def diode(root: Path) -> Ends:
    rig = DiodeRig(root)
    return Ends(rig.outlet, rig.inlet, rig.carry)


class Courier:
    """Exports and imports a medium of its own after every put: the outlet, carried to the inlet by hand."""

    def __init__(self, root: Path) -> None:
        self.kit = MediaKit(root)
        self.outlet = MediaOutlet(self.kit.low.folders.root, **self.kit.limits)
        self._media = 0

    def prepare(self) -> None:
        self.outlet.prepare()

    def put(self, lane: str, name: DropName, data: bytes) -> None:
        self.outlet.put(lane, name, data)
        self._media += 1
        medium = self.kit.medium(f"medium-{self._media}")
        self.kit.export(f"WH-{self._media:04d}", target=medium)
        self.kit.take_in(medium)

    def carrying(self, lane: str) -> Container[DropName]:
        return self.outlet.carrying(lane)

    def report(self) -> LinkReport:
        return self.outlet.report()

    def close(self) -> None:
        self.outlet.close()
        self.kit.close()


def media(root: Path) -> Ends:
    courier = Courier(root)
    return Ends(courier, MediaInlet(courier.kit.high.folders.root, NoWatch()), nothing)


@pytest.fixture(params=[directory, memory, diode, media], ids=["directory", "memory", "diode", "media"])
def ends(request: Any, tmp_path: Path) -> Iterator[Ends]:
    make: Callable[[Path], Ends] = request.param
    found = make(tmp_path / "gap")
    found.inlet.prepare()
    found.outlet.prepare()
    yield found
    found.outlet.close()
    found.inlet.close()


def name(sequence: int, sender: str = "ferry_low") -> DropName:
    return DropName(7, sequence, sender)


def test_a_file_arrives_whole_under_its_name(ends: Ends) -> None:
    outlet, inlet, carry = ends
    outlet.put("bulk", name(1), b"body")
    carry()
    waiting = inlet.waiting("bulk", most=10)
    assert (waiting.names, waiting.strange) == ([name(1)], [])
    assert inlet.read("bulk", name(1), limit=10) == b"body"


def test_lanes_do_not_mix(ends: Ends) -> None:
    outlet, inlet, carry = ends
    for lane in TRANSPORT_LANES:
        outlet.put(lane, name(1), lane.encode())
    carry()
    for lane in TRANSPORT_LANES:
        assert inlet.read(lane, name(1), limit=20) == lane.encode()
        assert inlet.depth(lane) == 1


def test_the_same_name_replaces(ends: Ends) -> None:
    outlet, inlet, carry = ends
    outlet.put("control", name(1), b"old")
    outlet.put("control", name(1), b"newer")
    carry()
    assert inlet.read("control", name(1), limit=10) == b"newer"
    assert inlet.depth("control") == 1


def test_a_file_stays_until_it_is_removed(ends: Ends) -> None:
    outlet, inlet, carry = ends
    outlet.put("bulk", name(1), b"x")
    carry()
    inlet.read("bulk", name(1), limit=10)
    assert inlet.depth("bulk") == 1
    assert inlet.remove("bulk", name(1))
    assert inlet.remove("bulk", name(1)), "removing twice is well"
    assert inlet.depth("bulk") == 0
    with pytest.raises(FileNotFoundError):
        inlet.read("bulk", name(1), limit=10)


def test_listings_are_bounded_and_go_round_everything(ends: Ends) -> None:
    outlet, inlet, carry = ends
    for sequence in range(1, 31):
        outlet.put("bulk", name(sequence), b"x")
    carry()
    seen: list[DropName] = []
    while len(seen) < 30:
        found = inlet.waiting("bulk", most=7)
        assert 0 < len(found.names) <= 7
        seen += found.names
    assert seen == [name(sequence) for sequence in range(1, 31)]


def test_an_empty_lane_lists_nothing(ends: Ends) -> None:
    assert ends.inlet.waiting("bulk", most=5).names == []


def test_the_reader_sets_the_limit(ends: Ends) -> None:
    outlet, inlet, carry = ends
    outlet.put("bulk", name(1), bytes(11))
    carry()
    with pytest.raises(PeerError):
        inlet.read("bulk", name(1), limit=10)


@pytest.mark.parametrize("make", [memory, diode])
def test_a_watch_is_told_of_an_arrival(make: Callable[[Path], Ends], tmp_path: Path) -> None:
    """Of a folder the watch is passed in, and has tests of its own."""
    outlet, inlet, carry = make(tmp_path)
    inlet.prepare()
    outlet.prepare()
    told: list[int] = []
    inlet.watch("bulk", lambda: told.append(inlet.depth("bulk")))
    outlet.put("bulk", name(1), b"x")
    carry()
    outlet.close()
    inlet.close()
    assert told[0] == 1


@pytest.mark.parametrize("size", [0, 1, 1000, 200_000, 3 << 20])
def test_every_size_arrives_as_it_was(ends: Ends, size: int) -> None:
    outlet, inlet, carry = ends
    body = random.Random(size).randbytes(size)
    outlet.put("bulk", name(1), body)
    carry()
    assert inlet.read("bulk", name(1), limit=size) == body


def test_a_newer_file_of_a_name_replaces_what_arrived(ends: Ends) -> None:
    outlet, inlet, carry = ends
    for body in (b"old", b"newer"):
        outlet.put("control", name(1), body)
        carry()
    assert inlet.read("control", name(1), limit=10) == b"newer"
    assert inlet.depth("control") == 1


def test_both_ends_tell_how_they_are_and_close_twice(ends: Ends) -> None:
    outlet, inlet, carry = ends
    outlet.put("bulk", name(1), b"x")
    carry()
    assert outlet.report().kind == inlet.report().kind
    for end in (outlet, inlet, outlet, inlet):
        end.close()


def test_a_watch_can_be_stopped_twice(ends: Ends) -> None:
    stop = ends.inlet.watch("bulk", lambda: None)
    stop()
    stop()


def test_a_directory_of_20000_files_is_listed_in_slices(tmp_path: Path) -> None:
    outlet, inlet, _ = directory(tmp_path)
    outlet.prepare()
    for sequence in range(20_000):
        os.close(os.open(tmp_path / "bulk" / str(name(sequence)), os.O_CREAT | os.O_WRONLY))
    seen: set[DropName] = set()
    while len(seen) < 20_000:
        found = inlet.waiting("bulk", most=16)
        assert found.names
        for one in found.names:
            seen.add(one)
            inlet.remove("bulk", one)
    assert inlet.waiting("bulk", most=16).names == []


def test_nothing_is_said_to_be_carried_that_was_never_put(ends: Ends) -> None:
    ends.outlet.put("bulk", name(1), b"x")
    assert name(2) not in ends.outlet.carrying("bulk")
    assert name(1) not in ends.outlet.carrying("interactive")
