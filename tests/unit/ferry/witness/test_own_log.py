"""The log of one half: nothing is lost, doubled or forked, wherever it dies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.log_disk import DiedError, DyingDisk, FullDisk
from tests.support.log_kit import LogKit
from tests.support.machines import NOW_MS
from tests.unit.ferry.witness.logs import Logs
from wire_formats import merkle
from wire_formats.errors import Unavailable
from wire_formats.lane_control import Cosignature, TreeRefused
from wire_formats.tlog.crossing import entry_leaf
from wire_formats.tlog.evidence import verify_cosigned
from wire_formats.tlog.note import parse_note


def _root(entries: list[bytes]) -> bytes:
    return merkle.root([entry_leaf(entry) for entry in entries])


def test_crossings_are_written_signed_and_cosigned_second_by_second(tmp_path: Path) -> None:
    logs = Logs(tmp_path).start()
    assert logs.second() is None  # nothing has crossed, so nothing is said
    for count in (1, 3, 0, 200, 1):
        logs.cross(count)
        reply = logs.second()
        assert isinstance(reply, Cosignature) == (count > 0)
        if isinstance(reply, Cosignature):
            assert (reply.size, reply.root) == (len(logs.logged), _root(logs.logged))
        assert logs.own.uncosigned == 0
    assert logs.written() == logs.logged
    assert logs.own.waiting == 0
    notes = (tmp_path / "low" / "log-000001" / "checkpoints").read_bytes()
    last = notes[notes.rindex(b"ferrygate/ferry_low/ferry_low/1/", 0, notes.rindex(b"\n\n")) :]
    verify_cosigned(parse_note(last), logs.kit.trust)
    logs.stop()


def test_a_leaf_of_an_open_group_is_not_written(tmp_path: Path) -> None:
    logs = Logs(tmp_path).start()
    logs.add()
    assert logs.queue.next(0, 10) == []
    logs.settle()  # commits what stands open, then writes it
    assert logs.written() == logs.logged
    logs.stop()


def test_a_group_that_is_rolled_back_is_logged_with_the_next(tmp_path: Path) -> None:
    """The bundles of that group may be on the transport already."""
    logs = Logs(tmp_path).start()
    logs.cross()
    logs.add()
    with pytest.raises(Unavailable), logs.journal.writing() as database:
        database.execute("INSERT INTO no_such_table VALUES (1)")
    assert logs.queue.next(0, 10)[0][1].entry == logs.logged[0]
    logs.add()
    logs.journal.commit()
    logs.settle()
    assert logs.written() == logs.logged
    logs.stop()


def test_a_restart_goes_on_with_the_same_tree(tmp_path: Path) -> None:
    logs = Logs(tmp_path).start()
    for _ in range(5):
        logs.cross(3)
        logs.second()
        logs.cross(2)  # committed, not yet in the files
        logs.stop()
        logs.start()
        assert isinstance(logs.second(), Cosignature | None)
        assert logs.own.uncosigned == 0
    assert logs.written() == logs.logged
    logs.stop()


@pytest.mark.parametrize("how", ["killed", "power cut", "power cut of the journal, too"])
def test_death_at_every_step_leaves_journal_and_log_agreed(tmp_path: Path, how: str) -> None:
    """Every change of the disk is once the last one; then the half starts again and must be the same history."""
    kit = LogKit()
    bundles = [kit.cross() for _ in range(10)]
    first = Logs(tmp_path / "first", kit, most_leaves=4)
    first.root.mkdir()
    first.start()
    first.cross(bundles[:3])
    first.second()
    first.stop()
    died = 0
    for step in range(1, 200):
        root = tmp_path / str(step)
        shutil.copytree(first.root, root)
        logs = Logs(root, kit, most_leaves=4)
        logs.logged = list(first.logged)
        logs.open_journal()
        journal = root / "journal.sqlite" if how.endswith("too") else None
        disk = DyingDisk(step, power=how != "killed", journal=journal)
        logs.open_peer()
        try:
            logs.open_log(disk)
            for at in (3, 5, 7):
                logs.cross(bundles[at : at + 2])
                logs.second()
        except DiedError:
            died += 1
        else:
            logs.stop()
            assert died > 20
            return
        logs.journal.close()
        logs.peer.close()
        disk.put_journal_back()
        logs.start()
        logs.cross(bundles[9:])
        for _ in range(8):
            reply = logs.second()
            assert not isinstance(reply, TreeRefused) or reply.reason == "old_size"
        found = [entry for number in range(1, logs.own.number + 1) for entry in logs.written(number)]
        # What the journal lost, the log lost with it, unless it was signed: both agree on what crossed.
        lost = len(logs.logged) - len(found) if journal is not None else 0
        assert found == logs.logged[: len(found) - 1] + logs.logged[-1:] if lost else found == logs.logged
        assert 0 <= lost <= 2
        assert (logs.own.uncosigned, logs.own.refused, logs.peer.alarm) == (0, "", "")
        logs.stop()
    pytest.fail("the last step was never reached")


def test_a_full_disk_loses_nothing_and_goes_on(tmp_path: Path) -> None:
    disk = FullDisk()
    logs = Logs(tmp_path)
    logs.open_journal()
    logs.open_log(disk)
    logs.open_peer()
    logs.cross(3)
    logs.second()
    disk.full = True
    logs.cross(5)
    with pytest.raises(Unavailable, match="No space left"):
        logs.settle()
    disk.full = False
    assert isinstance(logs.second(), Cosignature)
    assert logs.written() == logs.logged
    logs.stop()


def test_a_log_begins_anew_by_size_on_the_root_of_the_one_before(tmp_path: Path) -> None:
    logs = Logs(tmp_path, most_leaves=4).start()
    for _ in range(5):
        logs.cross(2)
        logs.second()
        logs.second()
    assert logs.own.number == 3
    assert [len(logs.written(number)) for number in (1, 2, 3)] == [4, 4, 2]
    assert [entry for number in (1, 2, 3) for entry in logs.written(number)] == logs.logged
    origin = (tmp_path / "low" / "log-000002" / "origin").read_text().strip()
    assert origin == f"ferrygate/ferry_low/ferry_low/2/{_root(logs.written(1)).hex()}"
    assert logs.peer.known is not None
    assert (logs.peer.known.origin.number, logs.peer.known.size) == (3, 2)
    assert not (tmp_path / "low" / "log-000001" / "headers").exists()  # kept for two logs
    assert (tmp_path / "low" / "log-000002" / "headers").stat().st_size > 0
    logs.stop()


def test_the_other_half_is_shown_one_log_after_the_other(tmp_path: Path) -> None:
    """Many logs begin while it is away; it still sees an unbroken history."""
    logs = Logs(tmp_path, most_leaves=4).start()
    logs.cross(11)
    logs.settle()
    logs.stop()
    logs.start()
    seen = [logs.exchange() for _ in range(5)]
    assert [(reply.number, reply.size) for reply in seen if isinstance(reply, Cosignature)] == [(1, 4), (2, 4), (3, 3)]
    assert logs.own.uncosigned == 0
    logs.stop()


@pytest.mark.parametrize("away", [False, True], ids=["cosigned-before-it-was-full", "shown-later"])
def test_the_cosigned_end_of_a_full_log_survives_a_power_cut(tmp_path: Path, away: bool) -> None:
    """It is on the disk before the next log is shown: of two full logs the later one could be the one that survives."""
    disk = DyingDisk()
    logs = Logs(tmp_path, most_leaves=4)
    logs.open_journal()
    logs.open_log(disk)
    logs.open_peer()
    if not away:
        logs.cross(4)
        logs.second()
    logs.cross(11)
    for _ in range(6):
        logs.second()
    for number in (1, 2):
        path = logs.folder / f"log-{number:06d}" / "checkpoints"
        assert disk._synced[path] == path.read_bytes() != b""
    logs.stop()


def test_a_witness_that_forgot_is_shown_the_log_from_the_beginning(tmp_path: Path) -> None:
    logs = Logs(tmp_path, most_leaves=4).start()
    for _ in range(3):
        logs.cross(3)
        logs.second()
        logs.second()
    logs.peer.close()
    shutil.rmtree(tmp_path / "high")
    logs.open_peer()
    logs.cross(1)
    replies = [logs.second() for _ in range(4)]
    assert isinstance(replies[0], TreeRefused)
    assert isinstance(replies[1], Cosignature)
    assert logs.own.uncosigned == 0
    logs.stop()


def test_a_witness_that_went_back_is_brought_forward_again(tmp_path: Path) -> None:
    logs = Logs(tmp_path, most_leaves=4).start()
    logs.cross(3)
    logs.second()
    shutil.copytree(tmp_path / "high", tmp_path / "backup")
    for _ in range(3):
        logs.cross(3)
        logs.second()
        logs.second()
    logs.peer.close()
    shutil.rmtree(tmp_path / "high")
    shutil.move(tmp_path / "backup", tmp_path / "high")
    logs.open_peer()
    logs.cross(1)
    for _ in range(6):
        logs.second()
    assert logs.own.uncosigned == 0
    assert logs.peer.known is not None
    assert logs.peer.known.origin.number == logs.own.number
    logs.stop()


def test_a_lost_journal_does_not_lose_the_log(tmp_path: Path) -> None:
    logs = Logs(tmp_path).start()
    logs.cross(5)
    logs.second()
    logs.cross(2)
    while logs.own.move():
        pass  # in the files, neither synced nor signed
    logs.own._files.close()
    logs.journal.close()
    for path in tmp_path.glob("journal.sqlite*"):
        path.unlink()
    logs.start()
    logs.cross(1)
    assert isinstance(logs.second(), Cosignature)
    assert logs.written() == logs.logged
    logs.stop()


def test_a_journal_put_back_from_a_copy_does_not_cut_the_log(tmp_path: Path) -> None:
    logs = Logs(tmp_path).start()
    logs.cross(3)
    logs.second()
    logs.stop()
    shutil.copy(tmp_path / "journal.sqlite", tmp_path / "copy")
    logs.start()
    logs.cross(3)
    logs.second()
    logs.stop()
    for path in tmp_path.glob("journal.sqlite*"):
        path.unlink()
    shutil.move(tmp_path / "copy", tmp_path / "journal.sqlite")
    logs.start()
    logs.cross(1)
    assert isinstance(logs.second(), Cosignature)
    assert logs.written() == logs.logged
    logs.stop()


@pytest.mark.parametrize(
    "harm",
    [
        lambda log: (log / "entries").write_bytes((log / "entries").read_bytes()[:-240]),
        lambda log: (log / "entries").write_bytes(b"\0" * 240 + (log / "entries").read_bytes()[240:]),
        lambda log: (log / "nodes").write_bytes((log / "nodes").read_bytes()[:-1]),
        lambda log: (log / "nodes").write_bytes(b"\0" * 32 + (log / "nodes").read_bytes()[32:]),
        lambda log: (log / "nodes").write_bytes((log / "nodes").read_bytes()[:-32] + b"\0" * 32),
        lambda log: (log / "material").write_bytes(b""),
        lambda log: (log / "origin").write_text("ferrygate/ferry_low/ferry_low/1/" + "0" * 64 + "\n"),
        shutil.rmtree,
    ],
    ids=["cut", "altered", "nodes cut", "leaf node altered", "root altered", "material", "origin", "gone"],
)  # fmt: skip
def test_a_damaged_log_does_not_start(tmp_path: Path, harm) -> None:
    logs = Logs(tmp_path).start()
    logs.cross(4)
    logs.second()
    logs.stop()
    harm(tmp_path / "low" / "log-000001")
    logs.open_journal()
    with pytest.raises(Unavailable, match="damaged"):
        logs.open_log()
    logs.journal.close()


def test_a_queue_that_is_never_emptied_closes_the_lanes(tmp_path: Path) -> None:
    logs = Logs(tmp_path).start()
    logs.queue._waiting = 65_536
    with pytest.raises(Unavailable, match="cannot be written"):
        logs.add()
    logs.queue._waiting = 0
    logs.stop()


def test_a_log_shorter_than_the_witnessed_one_is_an_alarm(tmp_path: Path) -> None:
    """Somebody put an older log in the place of the newer one."""
    logs = Logs(tmp_path).start()
    logs.cross(3)
    logs.second()
    logs.stop()
    shutil.copytree(tmp_path / "low", tmp_path / "older")
    shutil.copy(tmp_path / "journal.sqlite", tmp_path / "older.sqlite")
    logs.start()
    logs.cross(3)
    logs.second()
    logs.stop()
    shutil.rmtree(tmp_path / "low")
    shutil.move(tmp_path / "older", tmp_path / "low")
    shutil.move(tmp_path / "older.sqlite", tmp_path / "journal.sqlite")
    logs.start()
    logs.cross(1)
    for _ in range(4):
        logs.second()
    assert logs.own.refused in ("behind_witness", "split_view")
    assert NOW_MS
    logs.stop()


def test_a_log_that_was_begun_anew_is_an_alarm_until_the_witness_forgets(tmp_path: Path) -> None:
    """The files were lost without a copy; the operator begins a new log, and nothing hides it."""
    logs = Logs(tmp_path, most_leaves=4).start()
    for _ in range(4):
        logs.cross(3)
        logs.second()
        logs.second()
    logs.stop()
    shutil.rmtree(tmp_path / "low")
    for path in tmp_path.glob("journal.sqlite*"):
        path.unlink()
    logs.logged.clear()
    logs.start()
    logs.cross(1)
    logs.second()
    assert logs.own.refused == "behind_witness"
    assert logs.own.uncosigned == 1
    logs.peer.close()
    shutil.rmtree(tmp_path / "high")
    logs.open_peer()
    for _ in range(2):
        logs.second()
    assert (logs.own.refused, logs.own.uncosigned) == ("", 0)
    logs.stop()


def test_a_cosignature_of_leaves_that_a_power_cut_put_back_is_no_alarm(tmp_path: Path) -> None:
    """It was on its way while the files and the journal's word of them were lost; the leaves wait in the queue again."""
    before = tmp_path / "before"
    before.mkdir()
    logs = Logs(before).start()
    logs.cross(3)
    logs.second()
    logs.cross(2)
    logs.own._files.close()
    logs.journal.close()
    logs.peer.close()
    shutil.copytree(before, tmp_path / "after")
    logs.start()
    logs.settle()
    head = logs.own.head_to_send(5000.0, NOW_MS)
    assert head is not None
    reply = logs.peer.offered(head, now_ms=NOW_MS)
    assert isinstance(reply, Cosignature)
    logs.stop()
    cut = Logs(tmp_path / "after", logs.kit)
    cut.low, cut.high = logs.low, logs.high
    cut.start()
    assert (cut.own.size, cut.own.waiting) == (3, 2)
    cut.own.cosigned(reply)
    assert (cut.own.refused, cut.own.cosigned_size) == ("", 3)
    cut.peer.close()
    shutil.rmtree(tmp_path / "after" / "high")
    shutil.copytree(before / "high", tmp_path / "after" / "high")
    cut.open_peer()
    for _ in range(3):
        cut.second()
    assert (cut.own.refused, cut.own.uncosigned, cut.own.size) == ("", 0, 5)
    cut.stop()
