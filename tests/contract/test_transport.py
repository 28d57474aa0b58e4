"""One suite for every transport: what ``ferry.transports.port`` promises, held by the real and the memory one."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any

import pytest

from ferry.transports.directory import DirectoryInlet, DirectoryOutlet
from ferry.transports.media import MediaInlet, MediaOutlet
from ferry.transports.memory import MemoryTransport
from ferry.transports.port import TRANSPORT_LANES, Inlet, Outlet
from tests.support.ferry_kit import NoWatch
from tests.support.media_kit import MediaKit
from wire_formats.drop import DropName
from wire_formats.errors import PeerError

Ends = tuple[Outlet, Inlet]


def directory(root: Path) -> Ends:
    return DirectoryOutlet(root), DirectoryInlet(root, NoWatch())


def memory(_root: Path) -> Ends:
    both = MemoryTransport()
    return both, both


class Courier:
    """Exports and imports a medium of its own after every put: the outlet, carried to the inlet by hand."""

    def __init__(self, root: Path) -> None:
        self.kit = MediaKit(root)
        self.outlet = MediaOutlet(self.kit.low.folders.root, self.kit.clock, **self.kit.limits)
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


def media(root: Path) -> Ends:
    courier = Courier(root)
    return courier, MediaInlet(courier.kit.high.folders.root, NoWatch())


@pytest.fixture(params=[directory, memory, media], ids=["directory", "memory", "media"])
def ends(request: Any, tmp_path: Path) -> Iterator[Ends]:
    make: Callable[[Path], Ends] = request.param
    outlet, inlet = make(tmp_path / "gap")
    inlet.prepare()
    outlet.prepare()
    yield outlet, inlet
    if isinstance(outlet, Courier):
        outlet.outlet.close()
        outlet.kit.close()


def name(sequence: int, sender: str = "ferry_low") -> DropName:
    return DropName(7, sequence, sender)


def test_a_file_arrives_whole_under_its_name(ends: Ends) -> None:
    outlet, inlet = ends
    outlet.put("bulk", name(1), b"body")
    waiting = inlet.waiting("bulk", most=10)
    assert (waiting.names, waiting.strange) == ([name(1)], [])
    assert inlet.read("bulk", name(1), limit=10) == b"body"


def test_lanes_do_not_mix(ends: Ends) -> None:
    outlet, inlet = ends
    for lane in TRANSPORT_LANES:
        outlet.put(lane, name(1), lane.encode())
    for lane in TRANSPORT_LANES:
        assert inlet.read(lane, name(1), limit=20) == lane.encode()
        assert inlet.depth(lane) == 1


def test_the_same_name_replaces(ends: Ends) -> None:
    outlet, inlet = ends
    outlet.put("control", name(1), b"old")
    outlet.put("control", name(1), b"newer")
    assert inlet.read("control", name(1), limit=10) == b"newer"
    assert inlet.depth("control") == 1


def test_a_file_stays_until_it_is_removed(ends: Ends) -> None:
    outlet, inlet = ends
    outlet.put("bulk", name(1), b"x")
    inlet.read("bulk", name(1), limit=10)
    assert inlet.depth("bulk") == 1
    assert inlet.remove("bulk", name(1))
    assert inlet.remove("bulk", name(1)), "removing twice is well"
    assert inlet.depth("bulk") == 0
    with pytest.raises(FileNotFoundError):
        inlet.read("bulk", name(1), limit=10)


def test_listings_are_bounded_and_go_round_everything(ends: Ends) -> None:
    outlet, inlet = ends
    for sequence in range(1, 31):
        outlet.put("bulk", name(sequence), b"x")
    seen: list[DropName] = []
    while len(seen) < 30:
        found = inlet.waiting("bulk", most=7)
        assert 0 < len(found.names) <= 7
        seen += found.names
    assert seen == [name(sequence) for sequence in range(1, 31)]


def test_an_empty_lane_lists_nothing(ends: Ends) -> None:
    assert ends[1].waiting("bulk", most=5).names == []


def test_the_reader_sets_the_limit(ends: Ends) -> None:
    outlet, inlet = ends
    outlet.put("bulk", name(1), bytes(11))
    with pytest.raises(PeerError):
        inlet.read("bulk", name(1), limit=10)


def test_a_watch_can_be_stopped_twice(ends: Ends) -> None:
    stop = ends[1].watch("bulk", lambda: None)
    stop()
    stop()


def test_a_directory_of_20000_files_is_listed_in_slices(tmp_path: Path) -> None:
    outlet, inlet = directory(tmp_path)
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
    outlet, _ = ends
    outlet.put("bulk", name(1), b"x")
    assert name(2) not in outlet.carrying("bulk")
    assert name(1) not in outlet.carrying("interactive")
