"""What happened in a schedule, line by line, and what was found wrong: the same for the same seed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from twisted.logger import LogLevel, globalLogPublisher

if TYPE_CHECKING:
    from tests.simulation.scheduler import Process, Scheduler


class Killed(BaseException):
    """The process has ended in the middle of what it did; nothing in it may catch this and go on."""


MOST_LINES: Final = 20_000
_PID: Final = re.compile(r"\.(bundle|notice)\.\d+")
_SHOWN: Final = frozenset({"lane", "way", "state", "reason", "count", "sequence", "epoch", "worker", "code", "service"})


class Trace:
    """The lines of one schedule.

    Args:
        start_s: instant that is shown as zero.
        loud: whether disk operations are shown as well.
    """

    def __init__(self, start_s: float, *, loud: bool = False) -> None:
        self.loud = loud
        self.lines: list[str] = []
        self.faults: list[str] = []
        self.process: Process | None = None
        self.scheduler: Scheduler | None = None
        self._start_s = start_s

    def note(self, text: str) -> None:
        """Add a line."""
        if len(self.lines) < MOST_LINES:
            self.lines.append(self._line(text))

    def fault(self, text: str) -> None:
        """Something that must never be; the schedule fails."""
        self.faults.append(self._line(text))
        self.note(f"WRONG: {text}")

    def operation(self, text: str) -> None:
        """One operation of a disk."""
        if self.loud:
            self.note(_PID.sub(r".\1", text))

    def observe(self, event: dict[str, Any]) -> None:
        """A log line of the product (implements ``twisted.logger.ILogObserver``)."""
        process = self.process
        if process is not None and not process.alive:
            return
        level = event["log_level"]
        text = str(event.get("log_format"))
        if level is LogLevel.critical:
            failure = event.get("log_failure")
            if failure is None or failure.check(Killed):
                return  # a Deferred of a process that died is forgotten; the line before it says so without a failure
            self.fault(f"log: {text}\n{failure.getTraceback()}")
        elif level is not LogLevel.debug:
            words = (f"{key}={event[key]}" for key in sorted(_SHOWN & event.keys()))
            self.note(f"{level.name} {text} {' '.join(words)}")

    def listen(self) -> None:
        globalLogPublisher.addObserver(self.observe)  # type: ignore[arg-type]

    def deafen(self) -> None:
        globalLogPublisher.removeObserver(self.observe)  # type: ignore[arg-type]

    def _line(self, text: str) -> str:
        now = 0.0
        if self.scheduler is not None:
            now = self.scheduler.now + (self.process.spent if self.process else 0.0) - self._start_s
        who = self.process.name if self.process is not None else "world"
        return f"{now:12.6f} {who:8} {text}"
