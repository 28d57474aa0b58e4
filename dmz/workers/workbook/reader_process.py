"""Starts the reader child, feeds it one workbook, collects its rows, and kills it when it takes too long.

Bounded: children at a time, callers waiting for one, wall-clock time, bytes of output. The child's output is
parsed as hostile bytes: a taken-over child can at worst invent the rows of the file its own user uploaded, and
every row is checked again behind the gap.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from dmz.workers.workbook.limits import MIB, WorkbookLimits
from dmz.workers.workbook.sheet import Row, Sheet, parse_end_line, parse_row_line
from wire_formats.errors import Kind, PeerError, Unavailable

CHILD = Path(__file__).with_name("reader_child.py")
ROWS_PER_SLICE = 500


@dataclass(frozen=True)
class ReaderBounds:
    """How much reading may go on.

    Attributes:
        children: Reader processes at a time.
        waiting: Uploads waiting for a process; more are refused.
        seconds: Wall-clock time of one child.
        output_bytes: What one child may write.
        retry_after_s: What a refused user is told.
    """

    children: int = 2
    waiting: int = 8
    seconds: float = 30.0
    output_bytes: int = 48 * MIB
    retry_after_s: int = 20


class _Child(ProcessProtocol):
    """One run; ``done`` fires with the output lines or fails with PeerError."""

    def __init__(self, data: bytes, bounds: ReaderBounds) -> None:
        self.done: Deferred[bytes] = Deferred()
        self._data = data
        self._bounds = bounds
        self._output = bytearray()
        self._failure: PeerError | None = None

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._data)
        self.transport.closeStdin()
        self._data = b""

    def outReceived(self, data: bytes) -> None:
        self._output += data
        if len(self._output) > self._bounds.output_bytes:
            self.kill(PeerError(Kind.TOO_LARGE, "workbook: reader wrote too much"))

    def errReceived(self, data: bytes) -> None:
        """Dropped: a traceback may quote cells."""

    def kill(self, reason: PeerError) -> None:
        """End the child now; the run fails with ``reason``."""
        self._failure = self._failure or reason
        self.end()

    def end(self) -> None:
        """End the child if it still runs."""
        try:
            if self.transport is not None:
                self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            return

    def processEnded(self, reason: Failure) -> None:  # noqa: N802  Twisted's name
        if self.done.called:
            return
        if self._failure is None and not reason.check(ProcessDone):
            self._failure = PeerError(Kind.BAD_WORKBOOK, "workbook: reader ended by a limit or a fault")
        if self._failure is not None:
            self.done.errback(self._failure)
        else:
            self.done.callback(bytes(self._output))


class WorkbookReader:
    """Reads foreign workbooks in child processes."""

    log = Logger()

    def __init__(self, reactor: Any, bounds: ReaderBounds = ReaderBounds()) -> None:
        """Take its collaborators.

        Args:
            reactor: Provides IReactorProcess and IReactorTime.
            bounds: How much may go on at a time.
        """
        self._processes: IReactorProcess = reactor
        self._time: IReactorTime = reactor
        self._bounds = bounds
        self._turns = DeferredSemaphore(bounds.children)
        self._inside = 0
        self._limits = WorkbookLimits()

    async def read(self, data: bytes) -> Sheet:
        """Read one workbook in a fresh child.

        Args:
            data: The uploaded file, at most ``WorkbookLimits.file_bytes``.

        Raises:
            PeerError: the file is refused, or the child hit a limit.
            Unavailable: too many uploads wait already.
        """
        if len(data) > self._limits.file_bytes:
            raise PeerError(Kind.TOO_LARGE, "workbook: file too large")
        if self._inside >= self._bounds.children + self._bounds.waiting:
            raise Unavailable(Kind.BUSY, "workbook readers busy", self._bounds.retry_after_s)
        self._inside += 1
        try:
            await self._turns.acquire()
            try:
                output = await self._run(data)
            finally:
                self._turns.release()
            return await self._parse(output)
        finally:
            self._inside -= 1

    async def _run(self, data: bytes) -> bytes:
        child = _Child(data, self._bounds)
        self._processes.spawnProcess(child, sys.executable, [sys.executable, "-I", "-S", str(CHILD)], env={}, path="/")
        timer = self._time.callLater(
            self._bounds.seconds, child.kill, PeerError(Kind.BAD_WORKBOOK, "workbook: reader took too long")
        )
        try:
            return await child.done
        finally:
            # Also when the worker stops and this wait is cancelled: no child outlives its reason.
            child.end()
            if timer.active():
                timer.cancel()

    async def _parse(self, output: bytes) -> Sheet:
        """Parse in slices, so that one upload never holds the reactor for long."""
        lines = output.splitlines()
        if not lines:
            raise PeerError(Kind.BAD_WORKBOOK, "workbook: reader said nothing")
        count, merged, sheets = parse_end_line(lines.pop())
        if count != len(lines):
            raise PeerError(Kind.MALFORMED, "reader child: rows missing")
        rows: list[Row] = []
        for start in range(0, count, ROWS_PER_SLICE):
            rows.extend(parse_row_line(line) for line in lines[start : start + ROWS_PER_SLICE])
            await pause(self._time)
        return Sheet(tuple(rows), merged, sheets)


class pause:  # noqa: N801  reads as a verb at its use
    """``await pause(reactor)``: let the reactor serve others, then go on."""

    def __init__(self, time: IReactorTime) -> None:
        self._time = time

    def __await__(self) -> Generator[Deferred[None], None, None]:
        turn: Deferred[None] = Deferred()
        self._time.callLater(0, turn.callback, None)
        yield from turn.__await__()
