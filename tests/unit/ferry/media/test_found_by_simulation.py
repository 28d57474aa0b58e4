"""Faults of media that the simulation found (docs/simulation.md), each by itself."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ferry.media.collecting import Collection
from ferry.media.desk import MediaDesk, MediaFolders
from ferry.media.drafting import add_signature, prepare_export, write_export
from ferry.media.exporting import export_medium
from ferry.media.importing import import_medium
from ferry.media.receipts import take_receipt, write_receipt
from ferry.media.register import MediaRegister
from ferry.media.states import MediumState
from ferry.transports.media import MediaOutlet
from tests.support.media_kit import MediaKit, arrived, bundle_name
from tests.unit.ferry.media.test_export_import import FILES, fill, small
from wire_formats.collaborators import Disk, FilePath
from wire_formats.disk import OsDisk
from wire_formats.errors import Refused, Unavailable
from wire_formats.medium import sign_statement


class DiedError(Exception):
    """The process is dead; nothing below catches this."""


class Failing(OsDisk):
    """Refuses, or dies at, one call on paths that contain a word, while it is armed."""

    def __init__(self, call: str, word: str, error: Exception) -> None:
        self.armed = True
        self._call, self._word, self._error = call, word, error

    def _meet(self, call: str, path: FilePath) -> None:
        if self.armed and call == self._call and self._word in str(path):
            raise self._error

    def names(self, folder: Path) -> Iterator[str]:
        self._meet("names", folder)
        return super().names(folder)

    def open_within(self, folder: int, name: str) -> int:
        self._meet("open_within", name)
        return super().open_within(folder, name)

    def rename(self, before: FilePath, after: FilePath) -> None:
        self._meet("rename", after)
        super().rename(before, after)

    def unlink(self, path: FilePath) -> None:
        self._meet("unlink", path)
        super().unlink(path)


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[MediaKit]:
    made = MediaKit(tmp_path)
    yield made
    made.close()


def with_disk(desk: MediaDesk, disk: Disk) -> MediaDesk:
    return replace(desk, folders=MediaFolders(desk.folders.root, disk))


def state(desk: MediaDesk, serial: str = "WH-0001") -> MediumState:
    medium = desk.register.medium(serial)
    assert medium is not None
    return medium.state


@pytest.mark.parametrize("part", ["MANIFEST.FG", "CONTENT.FG"])
def test_a_medium_pulled_out_while_it_is_opened_is_not_called_damaged(kit: MediaKit, part: str) -> None:
    small(kit)
    kit.export()
    disk = Failing("open_within", part, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(Unavailable, match="cannot be read"):
        import_medium(with_disk(kit.high, disk), kit.medium(), by="zhao", writable_ok=True)
    kit.take_in()


def test_a_late_receipt_does_not_settle_what_is_on_the_medium_now(kit: MediaKit) -> None:
    """The medium was given up, wiped and filled again, and then the receipt of its earlier filling came."""
    small(kit)
    kit.export()
    kit.take_in()
    for path in (kit.high.folders.arrived / "interactive").glob("*.bundle"):
        path.unlink()
    late = write_receipt(kit.high, "WH-0001", by="zhao").data
    for after in (MediumState.LOST, MediumState.SANITISED):
        kit.low.register.move("WH-0001", after, operator="li", now_ms=kit.clock.ms)
    small(kit)
    again = kit.export(target=kit.medium("again"))
    take_receipt(kit.low, late, by="li")
    assert state(kit.low) is MediumState.EXPORTED, "its present filling is still on its way"
    passage = kit.low.register.passage(again.statement.export)
    assert passage is not None
    assert passage.receipt_ms is None
    outlet = kit.outlet(kit.low)
    assert bundle_name(1) in outlet.carrying("interactive")
    outlet.close()


def test_an_export_that_died_after_its_entry_is_finished_and_does_not_go_out_again(kit: MediaKit) -> None:
    fill(kit)
    kit.register(kit.low, "WH-0001")
    disk = Failing("unlink", "/claimed/", DiedError())
    with pytest.raises(DiedError):
        export_medium(with_disk(kit.low, disk), "WH-0001", kit.medium(), kit.both)
    assert state(kit.low) is MediumState.EXPORTED
    with pytest.raises(Refused, match="nothing waits"):
        kit.export("WH-0002", target=kit.medium("second"))
    assert not any(kit.low.folders.claimed.iterdir())
    kit.take_in()
    assert arrived(kit.high) == FILES


def test_a_written_export_whose_end_was_cut_off_does_not_block_the_next_one(kit: MediaKit) -> None:
    fill(kit)
    kit.register(kit.low, "WH-0001")
    statement = prepare_export(kit.low, "WH-0001", by="li").statement
    for name in ("li", "wang"):
        add_signature(kit.low, statement.export, sign_statement(statement, kit.operators[name]))
    disk = Failing("unlink", "/claimed/", DiedError())
    with pytest.raises(DiedError):
        write_export(with_disk(kit.low, disk), statement.export, kit.medium())
    fill(kit, {"interactive/0000000000000007-000000000009-ferry_low.bundle": b"next"})
    assert kit.export("WH-0002", target=kit.medium("second")).statement.files == 1
    with pytest.raises(Refused, match="no such export"):
        write_export(kit.low, statement.export, kit.medium("third"))


def test_a_folder_that_cannot_be_read_is_not_taken_for_empty(kit: MediaKit) -> None:
    small(kit)
    Collection(kit.low.folders).claim(bytes(16), most_bytes=1 << 30)
    for word in ("/out/", "/claimed"):
        disk = Failing("names", word, PermissionError(errno.EACCES, "Permission denied"))
        disk.armed = False
        outlet = MediaOutlet(kit.low.folders.root, **kit.limits, disk=disk)
        outlet.prepare()
        disk.armed = True
        with pytest.raises(Unavailable, match="cannot be read"):
            outlet.carrying("interactive")
        disk.armed = False
        assert bundle_name(1) in outlet.carrying("interactive"), word
        outlet.close()


def test_a_register_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="media register"):
        MediaRegister(tmp_path / "missing" / "register.sqlite")


def test_a_journal_that_cannot_be_opened_delays_the_receipt(kit: MediaKit) -> None:
    small(kit)
    kit.export()
    kit.take_in()
    for path in (kit.high.folders.arrived / "interactive").glob("*.bundle"):
        path.unlink()
    kit.high.journal.mkdir()
    with pytest.raises(Unavailable, match="journal"):
        write_receipt(kit.high, "WH-0001", by="zhao")
    kit.high.journal.rmdir()
    write_receipt(kit.high, "WH-0001", by="zhao")


@pytest.mark.parametrize("torn", [True, False], ids=["torn", "gone"])
def test_an_import_goes_on_with_what_a_power_failure_left(kit: MediaKit, torn: bool) -> None:
    """The register waits for the disk, the files do not: it may say "delivering" of files that are not there."""
    fill(kit)
    kit.export()
    disk = Failing("rename", "/in/interactive/", DiedError())
    with pytest.raises(DiedError):
        import_medium(with_disk(kit.high, disk), kit.medium(), by="zhao", writable_ok=True)
    assert kit.high.register.open_imports() == ["WH-0001"]
    (staged,) = kit.high.folders.staging.glob("*/interactive/*-000000000001-*")
    delivered = next((kit.high.folders.arrived / "bulk").glob("*.bundle"), None)
    for path in (staged, delivered):
        if path is not None and torn:
            path.write_bytes(path.read_bytes()[:-1])
        elif path is not None:
            path.unlink()
    assert kit.take_in().resumed
    assert arrived(kit.high) == FILES
