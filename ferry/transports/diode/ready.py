"""What arrived whole and waits for the half, and how much the link loses."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

from ferry.transports.port import Waiting
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError

#: Files of one lane that may wait.
MOST_READY: Final = 65_536
#: Meters that the loss is reckoned over.
_METERS: Final = 30


class ReadyFiles:
    """Whole files of one lane.

    Args:
        most_bytes: how many bytes may wait.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._round: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._files)

    def add(self, name: DropName, data: bytes) -> bool:
        """Let a file wait; gives False when there is no room, and the file is dropped."""
        text = str(name)
        before = self._files.get(text)
        size = self._bytes + len(data) - (len(before) if before is not None else 0)
        if size > self._most or (before is None and len(self._files) >= MOST_READY):
            return False
        self._files[text] = data
        self._bytes = size
        return True

    def waiting(self, *, most: int) -> Waiting:
        """List the next files of a round, in order of their names."""
        found = self._next(most)
        if not found and self._files:
            self._round = deque(sorted(self._files))
            found = self._next(most)
        return Waiting.of(found)

    def read(self, name: DropName | str, *, limit: int) -> bytes:
        """Give a file.

        Raises:
            PeerError: TOO_LARGE.
            FileNotFoundError: it is gone.
        """
        try:
            data = self._files[str(name)]
        except KeyError:
            raise FileNotFoundError(str(name)) from None
        if len(data) > limit:
            raise PeerError(Kind.TOO_LARGE, "file too large")
        return data

    def remove(self, name: DropName | str) -> None:
        """Drop a file; it may be gone already."""
        data = self._files.pop(str(name), None)
        if data is not None:
            self._bytes -= len(data)

    def _next(self, most: int) -> list[str]:
        found: list[str] = []
        while self._round and len(found) < most:
            name = self._round.popleft()
            if name in self._files:
                found.append(name)
        return found


class LossMeter:
    """How much of what was sent lately did not arrive, by what fillers tell."""

    def __init__(self) -> None:
        self._run = 0
        self._received = 0
        self._seen: deque[tuple[int, int]] = deque(maxlen=_METERS)

    def came(self, count: int) -> None:
        """Note datagrams that came."""
        self._received += count

    def told(self, run: int, sent: int) -> None:
        """Note what a filler says; another run begins anew."""
        if run != self._run:
            self._run = run
            self._seen.clear()
        if not self._seen or sent > self._seen[-1][0]:
            self._seen.append((sent, self._received))

    @property
    def loss(self) -> float:
        """Share of datagrams lost between the oldest and the newest filler remembered."""
        if len(self._seen) < 2:
            return 0.0
        (first_sent, first), (last_sent, last) = self._seen[0], self._seen[-1]
        return min(1.0, max(0.0, 1.0 - (last - first) / (last_sent - first_sent)))
