"""A zone that may write into a meeting place cannot steer another zone's hands to other folders by links."""

from __future__ import annotations

from pathlib import Path

import pytest

from wire_formats.disk import DISK
from wire_formats.drop import TEMPORARY, DropName, prepare_drop, write_drop
from wire_formats.errors import Unavailable

NAME = DropName(1, 1, "ferry-high")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """What no drop has any business with."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "journal.sqlite").write_bytes(b"journal")
    return folder


def test_a_planted_link_does_not_make_the_writer_clear_its_own_state(tmp_path: Path, state: Path) -> None:
    drop = tmp_path / "gap"
    drop.mkdir()
    (drop / TEMPORARY).symlink_to(state)
    prepare_drop(drop)
    assert (state / "journal.sqlite").read_bytes() == b"journal"
    write_drop(drop, NAME, b"x")
    assert (drop / str(NAME)).read_bytes() == b"x"
    assert not (drop / TEMPORARY).is_symlink()


def test_nothing_is_written_through_a_link_that_is_planted_later(tmp_path: Path, state: Path) -> None:
    drop = tmp_path / "gap"
    prepare_drop(drop)
    (drop / TEMPORARY).rmdir()
    (drop / TEMPORARY).symlink_to(state)
    with pytest.raises(Unavailable):
        write_drop(drop, NAME, b"x")
    assert [path.name for path in state.iterdir()] == ["journal.sqlite"]


def test_a_folder_behind_a_link_is_neither_listed_nor_emptied(tmp_path: Path, state: Path) -> None:
    link = tmp_path / "interactive"
    link.symlink_to(state)
    with pytest.raises(OSError, match="directory|symbolic"):
        list(DISK.names(link))
    with pytest.raises(OSError, match="directory|symbolic"):
        DISK.unlink(link / "journal.sqlite")
    with pytest.raises(OSError, match="directory|symbolic"):
        DISK.rename(link / "journal.sqlite", tmp_path / "taken")
    assert (state / "journal.sqlite").exists()
