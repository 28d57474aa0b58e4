"""Structured logs: one JSON object per line, allowed fields only, bounded length.

A line holds ``time``, ``level``, ``event`` (snake_case), ``role``, ``part`` (the logger) and the
allowed fields of the event.  A field outside ``wire_formats.log_fields`` is left out and only its
name is listed under ``redacted``.  Of an exception only type and places are written, never its text,
because a text may quote what a user typed; HallError's private reason is ours and is written.
"""

from __future__ import annotations

import abc
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

import msgspec
from twisted.logger import ILogObserver, LogLevel
from twisted.python.failure import Failure
from zope.interface import implementer

from wire_formats.collaborators import Clock
from wire_formats.errors import HallError
from wire_formats.instants import iso
from wire_formats.log_fields import ALLOWED

MOST_LINE_BYTES: Final = 4096
MOST_TEXT: Final = 300
MOST_FRAMES: Final = 8
_EVENT: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_PLAIN: Final = frozenset({int, bool, type(None)})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: Keys that twisted.logger and the old log system add to every event.
_OWN_KEYS: Final = frozenset(
    {"format", "message", "time", "system", "isError", "failure", "why", "logLevel", "level", "text"}
    | {"log_format", "log_level", "log_logger", "log_namespace", "log_source", "log_time"}
)
_quick: Final = msgspec.json.Encoder().encode
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
Write = Callable[[str], None]


@implementer(ILogObserver)
class JsonLines:
    """A twisted.logger observer that writes one JSON line per event.

    Args:
        write: takes one line without its end; must not raise.
        clock: for the time of the line.
        role: name of this process.
    """

    def __init__(self, write: Write, *, clock: Clock, role: str) -> None:
        self._write = write
        self._clock = clock
        self._role = role

    def __call__(self, event: dict[str, Any]) -> None:
        """Write one event; noise of libraries below ``warn`` is dropped."""
        line = describe(event)
        if line is None:
            return
        self._write(_bounded({"time": iso(self._clock.now_ms()), "role": self._role, **line}))


def describe(event: dict[str, Any]) -> dict[str, Any] | None:
    """Turn an event into the fields of a line, or None for noise.

    Args:
        event: as twisted.logger gives it.
    """
    level = event.get("log_level", LogLevel.info)
    name = event.get("log_format") or ""
    failure = event.get("log_failure")
    line: dict[str, Any] = {"level": level.name, "part": str(event.get("log_namespace", ""))[:64]}
    if not _EVENT.fullmatch(name):
        if failure is None and level not in (LogLevel.warn, LogLevel.error, LogLevel.critical):
            return None
        line["event"] = "unhandled_error" if failure is not None else "library_message"
    else:
        line["event"] = name
        line.update(_fields(event))
    if isinstance(failure, Failure) and failure.value is not None:
        line["failure"] = describe_failure(failure.value)
    return line


def describe_failure(error: BaseException) -> dict[str, Any]:
    """Describe an exception without its text: type, code, places (innermost last)."""
    told: dict[str, Any] = {"type": type(error).__qualname__, "places": _places(error.__traceback__)}
    if isinstance(error, HallError):
        told["code"] = error.code
        told["reason"] = plain(error.private)
    elif isinstance(error, OSError):
        told["reason"] = plain(error.strerror or "")
    if error.__cause__ is not None:
        told["cause"] = type(error.__cause__).__qualname__
    return told


def plain(value: Any) -> Any:
    """Make a value safe for a line: short, without control characters, of a plain type."""
    if isinstance(value, int) or value is None:  # bool is an int
        return value
    if isinstance(value, str):
        return _CONTROL.sub("?", value[:MOST_TEXT])
    if isinstance(value, bytes):
        return value[:32].hex()
    if isinstance(value, Path):
        return _CONTROL.sub("?", str(value)[:MOST_TEXT])
    if isinstance(value, list | tuple):
        return [plain(item) for item in value[:16]]
    return type(value).__name__


def _fields(event: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    redacted: list[str] = []
    for key, value in event.items():
        if key in ALLOWED:
            kind = value.__class__
            as_it_is = kind in _PLAIN or (
                kind is str and len(value) <= MOST_TEXT and value.isascii() and value.isprintable()
            )
            fields[key] = value if as_it_is else plain(value)
        elif key not in _OWN_KEYS and not key.startswith("log_"):
            redacted.append(key[:32])
    if redacted:
        fields["redacted"] = sorted(redacted)[:16]
    return fields


def _places(traceback: TracebackType | None) -> list[str]:
    places: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-MOST_FRAMES:]


def _text(line: dict[str, Any]) -> str:
    """Encode a line; the quick encoder takes no integer beyond 64 bits and no half of a surrogate pair."""
    try:
        return _quick(line).decode()
    except (ValueError, OverflowError, TypeError):
        return _encode(line)


def _bounded(line: dict[str, Any]) -> str:
    text = _text(line)
    if len(text) <= MOST_LINE_BYTES // 4 or len(text.encode("utf-8", "replace")) <= MOST_LINE_BYTES:
        return text
    kept = {key: line[key] for key in ("time", "role", "level", "part", "event") if key in line}
    return _encode({**kept, "reason": "line too long"})


class LineWriter(abc.ABC):
    """Writes lines; those that are only added wait for the next write, or for ``flush``."""

    def __init__(self) -> None:
        self.lost = 0
        self._lock = threading.Lock()  # zones log from their threads, too
        self._waiting: list[str] = []

    def __call__(self, line: str) -> None:
        """Write what waits and one line more; what cannot be written is counted in ``lost``."""
        with self._lock:
            lines, self._waiting = [*self._waiting, line], []
            self._write(lines)

    def add(self, line: str) -> int:
        """Let a line wait; gives how many do."""
        with self._lock:
            self._waiting.append(line)
            return len(self._waiting)

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            lines, self._waiting = self._waiting, []
            if lines:
                self._write(lines)

    @abc.abstractmethod
    def _write(self, lines: list[str]) -> None:
        """Write lines and count what is lost."""


class StreamWriter(LineWriter):
    """Writes lines to an open text stream, for example stdout."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream

    def _write(self, lines: list[str]) -> None:
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self.lost += len(lines)


class RotatingFile(LineWriter):
    """Writes lines to a file that is renamed to ``.1``, ``.2`` ... when it is full.

    Args:
        path: the file; its folder must exist.
        most_bytes: size at which a new file is begun.
        keep: how many full files are kept, at least 1.
    """

    def __init__(self, path: Path, *, most_bytes: int, keep: int) -> None:
        super().__init__()
        self._path = path
        self._most_bytes = most_bytes
        self._keep = keep
        self._file = path.open("ab", buffering=0)
        self._size = self._file.tell()

    def _write(self, lines: list[str]) -> None:
        data = "\n".join(lines).encode("utf-8", "replace") + b"\n"
        if len(lines) > 1 and self._size + len(data) > self._most_bytes:
            for line in lines:
                self._write([line])
            return
        try:
            if self._size + len(data) > self._most_bytes and self._size > 0:
                self._rotate()
            written = self._file.write(data)
            if written != len(data):
                # The disk took a part only: a torn line would spoil the next one, too.
                self.lost += data.count(b"\n", written)
                written = data.rfind(b"\n", 0, written) + 1
                self._file.truncate(self._size + written)
            self._size += written
        except (OSError, ValueError):
            self.lost += len(lines)

    def close(self) -> None:
        """Close the file; later lines are lost and counted."""
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._file = self._path.open("ab", buffering=0)
        self._size = 0

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
