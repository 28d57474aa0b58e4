"""The spool: bundles come back as they were put, whatever their files held before."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.spool import MOST_SPARE, SPARE_BYTES, Spool
from wire_formats.disk import OsDisk
from wire_formats.drop import TEMPORARY, DropName
from wire_formats.errors import Unavailable


def name(number: int) -> DropName:
    return DropName(1, number, "ferry_low")


def spare(folder: Path) -> list[Path]:
    return list((folder / TEMPORARY).iterdir())


@given(sizes=st.lists(st.integers(0, 3 * SPARE_BYTES), min_size=1, max_size=12))
def test_a_file_that_is_written_over_holds_the_new_bundle_only(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool") / "lane")
    spool.prepare()
    for number, size in enumerate(sizes, 1):
        data = bytes([number]) * size
        spool.put(name(number), data)
        assert spool.get(name(number)) == data
        spool.remove(name(number))
        assert spool.get(name(number)) is None


def test_the_files_of_small_bundles_are_kept_for_later_ones_and_of_large_ones_not(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare()
    spool.put(name(1), b"small")
    spool.put(name(2), bytes(SPARE_BYTES + 1))
    made = {(tmp_path / str(name(number))).stat().st_ino: number for number in (1, 2)}
    spool.remove(name(1))
    spool.remove(name(2))
    assert [made[path.stat().st_ino] for path in spare(tmp_path)] == [1]
    spool.put(name(3), b"another")
    assert made[(tmp_path / str(name(3))).stat().st_ino] == 1
    assert spare(tmp_path) == []


def test_no_more_files_are_kept_than_the_bound(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare()
    for number in range(1, MOST_SPARE + 20):
        spool.put(name(number), b"x")
    for number in range(1, MOST_SPARE + 20):
        spool.remove(name(number))
    assert len(spare(tmp_path)) == MOST_SPARE
    assert [path for path in tmp_path.iterdir() if path.name != TEMPORARY] == []


def test_a_new_start_finds_bundles_and_no_spare_files(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.prepare()
    for number in (1, 2, 3):
        first.put(name(number), b"%d" % number)
    first.remove(name(2))
    second = Spool(tmp_path)
    assert second.prepare() == [name(1), name(3)]
    assert spare(tmp_path) == []
    second.remove(name(1))
    assert second.get(name(1)) is None
    assert second.get(name(3)) == b"3"


def test_a_bundle_that_is_gone_is_forgotten_without_a_fault(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare()
    spool.put(name(1), b"x")
    (tmp_path / str(name(1))).unlink()
    spool.remove(name(1))
    assert spare(tmp_path) == []


class FullDisk(OsDisk):
    """Takes nothing more while it is full."""

    def __init__(self) -> None:
        self.full = False

    def write(self, handle: int, data: bytes | memoryview, at: int) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(handle, data, at)


def test_a_full_disk_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    disk = FullDisk()
    spool = Spool(tmp_path, disk=disk)
    spool.prepare()
    spool.put(name(1), b"old")
    spool.remove(name(1))
    disk.full = True
    with pytest.raises(Unavailable, match="No space left"):
        spool.put(name(2), b"new")
    assert spool.get(name(2)) is None
    disk.full = False
    spool.put(name(2), b"new")
    assert spool.get(name(2)) == b"new"
