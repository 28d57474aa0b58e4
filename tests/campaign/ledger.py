"""What users were told and how often processes were killed, kept in the campaign's folder.

One byte per transaction; a block that was handed out and not told is handed out again, by another life of the worker
or by another run of the campaign.
"""

from __future__ import annotations

import json
import mmap
from collections import deque
from pathlib import Path

BLOCK = 100


class Ledger:
    """The campaign's memory.

    Args:
        root: its folder.
        requests: how many transactions it is about.
    """

    def __init__(self, root: Path, requests: int) -> None:
        self._path = root / "told.bytes"
        self._figures = root / "figures.json"
        if not self._path.exists():
            self._path.write_bytes(bytes(requests))
        elif self._path.stat().st_size < requests:
            with self._path.open("ab") as file:
                file.write(bytes(requests - self._path.stat().st_size))
        self._file = self._path.open("r+b")
        self._told = mmap.mmap(self._file.fileno(), 0)
        self.requests = len(self._told)
        self.told = self._told[:].count(1)
        self.figures: dict[str, float] = json.loads(self._figures.read_text()) if self._figures.exists() else {}
        self._next: deque[int] = deque(
            first for first in range(0, self.requests, BLOCK) if 0 in self._told[first : first + BLOCK]
        )
        self._out: set[int] = set()

    def take(self) -> tuple[int, int] | None:
        """Give the next block to be stored: first number and how many."""
        if not self._next:
            return None
        first = self._next.popleft()
        self._out.add(first)
        return first, min(BLOCK, self.requests - first)

    def was_told(self, first: int, count: int) -> None:
        """Note that the user of a block was told."""
        self._out.discard(first)
        self.told += self._told[first : first + count].count(0)
        self._told[first : first + count] = b"\x01" * count

    def worker_died(self) -> None:
        """Hand out again what nobody was told about."""
        self._next.extendleft(sorted(self._out, reverse=True))
        self._out.clear()

    @property
    def outstanding(self) -> int:
        """Blocks that were handed out and not told."""
        return len(self._out)

    def count(self, what: str, number: float = 1) -> None:
        """Add to a figure."""
        self.figures[what] = self.figures.get(what, 0) + number

    def save(self) -> None:
        """Write everything down."""
        self._told.flush()
        self._figures.write_text(json.dumps(self.figures, indent=1, sort_keys=True))

    def close(self) -> None:
        """Close the files."""
        self.save()
        self._told.close()
        self._file.close()

    def numbers_told(self) -> bytes:
        """One byte per transaction: 1 if its user was told."""
        return self._told[:]
