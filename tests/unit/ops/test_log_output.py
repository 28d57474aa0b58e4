"""Log lines: allowed fields only, bounded, rotated, never raising."""

from __future__ import annotations

import json
import resource
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from ops.runtime.log_output import MOST_LINE_BYTES, JsonLines, RotatingFile, describe, describe_failure, plain
from wire_formats.errors import Kind, Refused
from wire_formats.log_fields import ALLOWED


class _Clock:
    def now_ms(self) -> int:
        return 1_331_000_000_000


def _lines() -> tuple[list[dict[str, Any]], Logger]:
    lines: list[dict[str, Any]] = []
    observer = JsonLines(lambda line: lines.append(json.loads(line)), clock=_Clock(), role="core")
    return lines, Logger(namespace="core.intake", observer=observer)


def test_a_line_has_event_and_allowed_fields() -> None:
    lines, log = _lines()
    log.info("bundle_taken", lane="interactive", count=3)
    assert lines == [
        {
            "time": "2012-03-06T02:13:20.000Z",
            "role": "core",
            "level": "info",
            "part": "core.intake",
            "event": "bundle_taken",
            "lane": "interactive",
            "count": 3,
        }
    ]


class Numbers(IntEnum):
    """Written as a number."""

    ONE = 1


class Words(StrEnum):
    """Written as a text."""

    WORD = "word"


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=400),
    st.text(st.characters(), max_size=20),
    st.binary(max_size=40),
    st.floats(),
    st.sampled_from([Numbers.ONE, Words.WORD]),
    st.lists(st.text(st.characters(), max_size=5), max_size=3),
)


@given(st.dictionaries(st.sampled_from(["reason", "count", "file", "password"]), _VALUES))
def test_a_line_is_what_the_json_of_the_library_would_be(fields: dict[str, Any]) -> None:
    written: list[str] = []
    observer = JsonLines(written.append, clock=_Clock(), role="core")
    event = {"log_format": "bundle_taken", "log_level": LogLevel.info, "log_namespace": "core.intake", **fields}
    observer(event)
    line = {"time": "2012-03-06T02:13:20.000Z", "role": "core", **(describe(event) or {})}
    assert written == [json.dumps(line, ensure_ascii=False, separators=(",", ":"))]


def test_other_fields_leave_only_their_names() -> None:
    lines, log = _lines()
    log.warn("login_failed", password="secret-1", name="张三", count=1)
    assert lines[0]["redacted"] == ["name", "password"]
    assert "secret-1" not in json.dumps(lines)
    assert "张三" not in json.dumps(lines, ensure_ascii=False)


def test_the_text_of_an_exception_is_not_written() -> None:
    lines, log = _lines()
    try:
        int("420102-199001011234")
    except ValueError:
        log.failure("background_failed", holder="x")
    assert lines[0]["failure"]["type"] == "ValueError"
    assert "420102" not in json.dumps(lines)


def test_the_private_reason_of_a_hall_error_is_written() -> None:
    told = describe_failure(Refused(Kind.LOCKED_OUT, "five failures"))
    assert (told["code"], told["reason"]) == ("FG-2004", "five failures")


def test_library_noise_is_dropped_and_its_warnings_keep_no_text() -> None:
    assert describe({"log_format": "Starting factory {f!r}", "log_level": LogLevel.info}) is None
    told = describe({"log_format": "odd thing: {x}", "log_level": LogLevel.warn, "x": "private"})
    assert told is not None
    assert told["event"] == "library_message"
    assert "private" not in json.dumps(told)


def test_an_unhandled_error_is_a_line() -> None:
    told = describe({"log_format": "", "log_level": LogLevel.critical, "log_failure": Failure(KeyError("x"))})
    assert told is not None
    assert (told["event"], told["failure"]["type"]) == ("unhandled_error", "KeyError")


def test_control_characters_and_types() -> None:
    assert plain("a\nb\x1b[0m") == "a?b?[0m"
    assert plain(b"\x01\x02") == "0102"
    assert plain(object()) == "object"
    assert plain(Path("/a")) == "/a"


@given(st.dictionaries(st.sampled_from(sorted(ALLOWED)), st.text(max_size=5_000), max_size=40))
def test_every_line_is_one_bounded_json_line(fields: dict[str, str]) -> None:
    written: list[str] = []
    observer = JsonLines(written.append, clock=_Clock(), role="core")
    observer({"log_format": "thing_done", "log_level": LogLevel.info, "log_namespace": "x", **fields})
    assert len(written) == 1
    assert len(written[0].encode()) <= MOST_LINE_BYTES
    assert "\n" not in written[0]
    assert json.loads(written[0])["event"] == "thing_done"


def test_rotation_keeps_a_bounded_number_of_files(tmp_path: Path) -> None:
    path = tmp_path / "core.log"
    out = RotatingFile(path, most_bytes=100, keep=2)
    for number in range(50):
        out(f"line {number:04d} " + "x" * 30)
    out.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["core.log", "core.log.1", "core.log.2"]
    assert "line 0049" in path.read_text()
    assert all(p.stat().st_size <= 100 for p in tmp_path.iterdir())


def test_a_full_disk_loses_lines_and_counts_them() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    out = RotatingFile(Path("/dev/full"), most_bytes=10_000, keep=1)
    out("one")
    out("two")
    assert out.lost == 2
    out.close()


def test_a_short_write_leaves_no_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "core.log"
    out = RotatingFile(path, most_bytes=10_000, keep=1)
    out("one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        out("two, of which a part fits")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    out("three")
    out.close()
    assert path.read_text() == "one\nthree\n"
    assert out.lost == 1
