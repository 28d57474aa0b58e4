"""The access log's own lines are those that its events would have given, in order with all others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger

from dmz.edge.access_log import PART, AccessLine, EventLog
from dmz.edge.refusals import Reason
from ops.runtime.access_lines import MOST_WAITING, AccessLines
from ops.runtime.log_output import JsonLines, LineWriter, RotatingFile

LINE = AccessLine("ab" * 16, "unit", "GET", 200, "answered", 0.0123, 4_711, "2001:db8::1", False)


class Clock:
    def now_ms(self):
        return 1_331_000_000_007


class Kept(LineWriter):
    def __init__(self):
        super().__init__()
        self.lines: list[str] = []
        self.writes = 0

    def _write(self, lines):
        self.lines += lines
        self.writes += 1


class Turn:
    def __init__(self):
        self.planned: list[Callable[[], None]] = []
        self.writer = Kept()
        self.log = AccessLines(self.writer, clock=Clock(), role="edge-0", at_turn_end=self.planned.append)

    def end(self):
        planned, self.planned[:] = self.planned[:], []
        for call in planned:
            call()


def of_event(line):
    lines: list[str] = []
    EventLog(Logger(PART, observer=JsonLines(lines.append, clock=Clock(), role="edge-0"))).note(line)
    return lines


@given(
    st.builds(
        AccessLine,
        st.text("0123456789abcdef", min_size=32, max_size=32),
        st.sampled_from(["unit", "community", "person", "site", "plain"]),
        st.sampled_from(["", "GET", "HEAD", "POST"]),
        st.integers(100, 599),
        st.sampled_from(["answered", "client_left", *(reason.word for reason in Reason)]),
        st.floats(0, 1e6),
        st.integers(0, 2**40),
        st.ip_addresses().map(str),
        st.booleans(),
    )
)
def test_a_line_is_what_its_event_gives(line):
    turn = Turn()
    turn.log.note(line)
    turn.end()
    (expected,) = of_event(line)
    assert list(json.loads(turn.writer.lines[0]).items()) == list(json.loads(expected).items())
    assert turn.writer.lines == [expected]


def test_the_lines_of_a_turn_are_one_write_and_another_line_takes_them_along():
    turn = Turn()
    for _ in range(3):
        turn.log.note(LINE)
    assert (turn.writer.lines, len(turn.planned)) == ([], 1)
    turn.end()
    assert (len(turn.writer.lines), turn.writer.writes) == (3, 1)
    turn.log.note(LINE)
    turn.writer("other")
    assert turn.writer.lines[4] == "other"
    turn.end()
    assert len(turn.writer.lines) == 5


def test_no_more_lines_wait_than_is_bounded():
    turn = Turn()
    for _ in range(MOST_WAITING):
        turn.log.note(LINE)
    assert len(turn.writer.lines) == MOST_WAITING


def test_lines_that_fit_no_file_together_are_written_one_by_one(tmp_path: Path):
    out = RotatingFile(tmp_path / "a.log", most_bytes=100, keep=20)
    for number in range(20):
        out.add(f"{number:02d} " + "x" * 30)
    out.flush()
    out.close()
    files = sorted(tmp_path.iterdir())
    assert all(path.stat().st_size <= 100 for path in files)
    assert sorted(line[:2] for path in files for line in path.read_text().splitlines()) == [
        f"{number:02d}" for number in range(20)
    ]
