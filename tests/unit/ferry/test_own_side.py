"""What a half puts before others of its side: rooms that are counted now and then, and rows of its own seals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock

from ferry.folders import CountedRoom
from ferry.lane.checks import INBOUND, LOW_ROLE, LaneId
from ferry.low_half import LOW_LANES
from ferry.own_seals import OwnSeals
from ferry.parts import HalfParts
from ferry.service import half_parts
from tests.support.ferry_kit import FerryKit, RealClock, low_settings, requests
from wire_formats.bundle import new_bundle, parse_bundle, peek_statement
from wire_formats.drop import TEMPORARY, DropName
from wire_formats.errors import Kind, Unavailable


def _fill(folder: Path, count: int) -> None:
    (folder / TEMPORARY).mkdir(exist_ok=True)
    for number in range(count):
        (folder / str(number)).touch()


def test_a_room_has_what_its_folder_lacks(tmp_path: Path) -> None:
    _fill(tmp_path, 3)
    room = CountedRoom(tmp_path, most=5)
    assert room.left() == 2
    for left in (1, 0):
        (tmp_path / f"more-{left}").touch()
        room.took()
        assert room.left() == left
    assert room.left() == 0
    (tmp_path / "0").unlink()
    assert room.left() == 1, "a full folder is counted each time it is asked for"


def test_a_large_room_is_given_in_pieces_so_that_others_are_seen_who_fill_it(tmp_path: Path) -> None:
    room = CountedRoom(tmp_path, most=100_000)
    given = room.left()
    assert 0 < given < 1000
    for _ in range(given):
        room.took()
    _fill(tmp_path, 7)
    assert CountedRoom(tmp_path, most=7).left() == 0
    assert room.left() == given


def test_a_folder_that_cannot_be_counted_has_no_room(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        CountedRoom(tmp_path / "none", most=5).left()
    assert refused.value.kind is Kind.BUSY


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[HalfParts]:
    FerryKit(tmp_path).write_keys()
    settings = low_settings(tmp_path)
    made = half_parts(settings, LOW_ROLE, LOW_LANES, Clock(), RealClock(), CollectorRegistry())
    yield made
    made.journal.close()


def test_what_is_not_written_leaves_its_number_free(parts: HalfParts) -> None:
    lane, bundle = LaneId(INBOUND, "interactive"), new_bundle(INBOUND, requests())
    seals, written = OwnSeals(parts, lane), dict[DropName, bytes]()

    def refuse(name: DropName, _data: bytes) -> None:
        raise Unavailable(Kind.STORAGE_FULL, "no room", 1)

    seals.put(bundle, written.__setitem__)
    with pytest.raises(Unavailable):
        seals.put(bundle, refuse)
    seals.put(bundle, written.__setitem__, tracked=True)
    assert [name.sequence for name in written] == [1, 2]
    assert {name.sender for name in written} == {parts.name}
    for name, data in written.items():
        said = peek_statement(parse_bundle(data).seals[0])
        assert (said.epoch, said.sequence, said.tracked) == (name.epoch, name.sequence, name.sequence == 2)


def test_every_start_begins_a_newer_row(parts: HalfParts) -> None:
    lane, bundle = LaneId(INBOUND, "bulk"), new_bundle(INBOUND, requests())
    written = dict[DropName, bytes]()
    for _ in range(3):
        OwnSeals(parts, lane).put(bundle, written.__setitem__)
    epochs = [name.epoch for name in written]
    assert epochs == sorted(set(epochs))
    assert {name.sequence for name in written} == {1}
