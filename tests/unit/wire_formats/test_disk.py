"""The operating system's files behind the ``Disk`` port: what must not be followed, made or taken twice."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from wire_formats.disk import DISK


def test_a_new_file_takes_no_name_that_is_taken(tmp_path: Path) -> None:
    DISK.close(DISK.create_new(tmp_path / "file"))
    with pytest.raises(FileExistsError):
        DISK.create_new(tmp_path / "file")
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        DISK.create_new(tmp_path / "link")
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


def test_nothing_new_is_made_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for make in (DISK.create_new, DISK.make_new_folder):
        with pytest.raises(OSError, match="Not a directory"):
            make(tmp_path / "link" / "new")
    assert not any((tmp_path / "real").iterdir())


def test_a_new_folder_needs_the_one_above_it(tmp_path: Path) -> None:
    """A medium that was pulled out has no folder: nothing may be made in its place."""
    with pytest.raises(FileNotFoundError):
        DISK.make_new_folder(tmp_path / "gone" / "new")
    assert not (tmp_path / "gone").exists()
    DISK.make_new_folder(tmp_path / "new")
    with pytest.raises(FileExistsError):
        DISK.make_new_folder(tmp_path / "new")


def test_names_within_an_open_folder_are_no_links(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "plain").write_bytes(b"content")
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "folder" / "plain")
    (tmp_path / "other").symlink_to(tmp_path / "folder")
    root = DISK.open_folder(tmp_path)
    with pytest.raises(OSError, match="Not a directory"):
        DISK.open_folder("other", within=root)
    folder = DISK.open_folder("folder", within=root)
    with pytest.raises(OSError) as refused:
        DISK.open_within(folder, "link")
    assert refused.value.errno == errno.ELOOP
    handle = DISK.open_within(folder, "plain")
    assert DISK.read(handle, 100, 0) == b"content"
    assert DISK.volume_of(handle).read_only is DISK.volume(tmp_path).read_only is False
    assert DISK.volume(tmp_path).free > 0
    for one in (handle, folder, root):
        DISK.close(one)


def test_a_pipe_does_not_hang_within_an_open_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    folder = DISK.open_folder(tmp_path)
    handle = DISK.open_within(folder, "pipe")
    assert not DISK.facts_of(handle).plain
    DISK.close(handle)
    DISK.close(folder)


def test_a_lock_is_held_once_and_ends_with_its_handle(tmp_path: Path) -> None:
    handle = DISK.lock(tmp_path / "lock")
    with pytest.raises(BlockingIOError):
        DISK.lock(tmp_path / "lock")
    DISK.close(handle)
    DISK.close(DISK.lock(tmp_path / "lock"))


def test_a_folder_tells_when_its_names_changed(tmp_path: Path) -> None:
    before = DISK.facts(tmp_path).changed_ns
    os.utime(tmp_path, ns=(before, before + 10**9))
    assert DISK.facts(tmp_path).changed_ns == before + 10**9
