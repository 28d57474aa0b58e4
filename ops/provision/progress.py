"""Progress lines of a set-up: what is done, how far, how long it took."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from wire_formats.collaborators import Clock

_WIDTH: Final = 24
_EVERY_MS: Final = 200


class ProgressLines:
    """Prints one line per step; on a terminal a long step shows a bar that moves.

    Args:
        clock: for durations.
        out: where to print.
    """

    def __init__(self, clock: Clock, out: TextIO = sys.stdout) -> None:
        self._clock = clock
        self._out = out
        self._bars = out.isatty()
        self._printed_ms = 0

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """Name a step and, when it ends, say how long it took."""
        began_ms = self._clock.now_ms()
        if self._bars:
            self._put(f"  {words} ...")
        yield
        took = (self._clock.now_ms() - began_ms) / 1000
        self._put(f"  {words:<48} {took:5.1f} s", end="\n")

    def bar(self, words: str, done: int, of: int) -> None:
        """Show how far a long step is (on a terminal only)."""
        now_ms = self._clock.now_ms()
        if not self._bars or of <= 0 or now_ms - self._printed_ms < _EVERY_MS:
            return
        self._printed_ms = now_ms
        filled = min(_WIDTH, _WIDTH * done // of)
        self._put(f"  {words:<20} [{'#' * filled}{'.' * (_WIDTH - filled)}] {done:,} / {of:,}")

    def _put(self, line: str, *, end: str = "") -> None:
        clear = "\r\x1b[2K" if self._bars else ""
        if self._bars or end:
            self._out.write(f"{clear}{line}{end}")
            self._out.flush()
