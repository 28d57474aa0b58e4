"""The journal: epochs, lives, memory of a receiver, what a crash leaves, and pruning."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from ferry.journal import RECEIVED_WAY, SENT_WAY, Entry, Journal, Numbered
from ferry.lane.checks import LaneId
from ferry.lane.crossing import Author, State
from ferry.lane.inbox import Inbox
from wire_formats.errors import Bug, Unavailable

LANE = LaneId("inbound", "interactive")
OTHER = LaneId("inbound", "bulk")


def digest(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def numbered(number: int) -> Numbered:
    return Numbered(Author(b"k" * 32, 1, number), digest(number), 9, number, digest(-number), 3, 100)


def sent(journal: Journal, number: int) -> Entry:
    [entry] = journal.receive(SENT_WAY, LANE, [digest(number)], now_ms=1)
    journal.passed(entry, numbered(number), State.SENT, now_ms=2)
    return entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_epochs_only_grow_whatever_the_clock_says(path: Path) -> None:
    journal = Journal(path, keep_rows=10)
    assert journal.begin_epoch(LANE, now_ms=1000) == 1000
    journal.close()
    journal = Journal(path, keep_rows=10)
    assert journal.begin_epoch(LANE, now_ms=5) == 1001
    assert journal.begin_epoch(LANE, now_ms=5, above=7000) == 7001
    assert journal.begin_epoch(OTHER, now_ms=5) == 5


def test_a_crossing_is_found_by_its_author_and_acknowledged(path: Path) -> None:
    journal = Journal(path, keep_rows=10)
    sent(journal, 1)
    found = journal.by_author(SENT_WAY, LANE, numbered(1).author)
    assert found is not None
    assert (found.state, found.root) == (State.SENT, digest(1))
    assert journal.by_author(RECEIVED_WAY, LANE, numbered(1).author) is None
    journal.finish(LANE, 9, [1], State.ACKED, now_ms=3)
    assert journal.counts() == {"sent.acked": 1}
    with journal.reading() as database:
        assert database.execute("SELECT leaf FROM crossings").fetchall() == [(digest(-1),)]


def test_what_is_not_committed_is_gone_after_a_crash_and_the_file_is_known(path: Path) -> None:
    journal = Journal(path, keep_rows=10)
    sent(journal, 1)
    # A process that dies takes its uncommitted group with it.
    journal._database.close()
    again = Journal(path, keep_rows=10)
    [entry] = again.receive(SENT_WAY, LANE, [digest(1)], now_ms=5)
    assert (entry.state, entry.met_before, entry.attempts) == (State.RECEIVED, True, 0)
    again.suspect(entry)
    [entry] = again.receive(SENT_WAY, LANE, [digest(1)], now_ms=5)
    assert entry.attempts == 1
    again.clear(entry)
    [entry] = again.receive(SENT_WAY, LANE, [digest(1)], now_ms=5)
    assert entry.attempts == 0


def test_no_state_is_skipped(path: Path) -> None:
    journal = Journal(path, keep_rows=10)
    entry = sent(journal, 1)
    held = entry._replace(state=State.HELD)
    with pytest.raises(Bug):
        journal.passed(held, numbered(1), State.SENT, now_ms=1)
    with pytest.raises(Bug):
        journal.finish(LANE, 9, [1], State.REJECTED, now_ms=1)


def test_a_receiver_remembers(path: Path) -> None:
    journal = Journal(path, keep_rows=10)
    inbox = Inbox()
    for number in (1, 2, 4, 7):
        inbox.settle(5, number, digest(number))
    journal.save_inbox(LANE, inbox)
    journal.close()
    restored = Journal(path, keep_rows=10).load_inbox(LANE)
    assert (restored.epoch, restored.cumulative, restored.gaps()) == (5, 2, (3, 5, 6))
    assert Journal(path, keep_rows=10).load_inbox(OTHER).epoch == 0


def test_pruning_keeps_what_is_unfinished_or_held(path: Path) -> None:
    journal = Journal(path, keep_rows=5)
    for number in range(1, 41):
        sent(journal, number)
    journal.finish(LANE, 9, range(3, 41), State.ACKED, now_ms=3)
    journal.finish(LANE, 9, [2], State.HELD, now_ms=3)
    assert journal.prune() == 33
    assert journal.counts() == {"sent.sent": 1, "sent.held": 1, "sent.acked": 5}
    assert journal.prune() == 0


def test_rubbish_does_not_make_the_journal_grow(path: Path) -> None:
    journal = Journal(path, keep_rows=100)
    for batch in range(100):
        numbers = range(batch * 100, batch * 100 + 100)
        for entry in journal.receive(RECEIVED_WAY, LANE, [digest(number) for number in numbers], now_ms=1):
            journal.set_aside(entry, State.QUARANTINED, "malformed", now_ms=2)
        journal.prune()
        assert journal.counts()["received.quarantined"] <= 100 + 500
    assert journal.counts()["received.quarantined"] >= 100


def test_pruning_keeps_up_with_a_flood_of_files(path: Path) -> None:
    journal = Journal(path, keep_rows=1000)
    for flood in range(6):
        entries = journal.receive(RECEIVED_WAY, LANE, [digest(4000 * flood + n) for n in range(4000)], now_ms=1)
        for entry in entries:
            journal.set_aside(entry, State.QUARANTINED, "malformed", now_ms=1)
        journal.prune()
    assert journal.counts()["received.quarantined"] == 1000


def test_a_journal_that_cannot_write_says_so_and_goes_on_later(path: Path) -> None:
    journal = Journal(path, keep_rows=5)
    journal._database.execute("PRAGMA busy_timeout = 1")
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        journal.receive(SENT_WAY, LANE, [digest(1)], now_ms=1)
    blocker.execute("ROLLBACK")
    assert len(journal.receive(SENT_WAY, LANE, [digest(1)], now_ms=1)) == 1
