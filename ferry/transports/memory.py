"""A transport in memory, for tests: held to the same contract as the real ones.

``loss`` decides over every file, so that a test can lose, double or tear what it likes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container

from ferry.transports.port import TRANSPORT_LANES, LinkReport, Waiting
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError, Unavailable

#: Sees lane, name and bytes of a file, and gives what arrives instead: none, one or several.
Fate = Callable[[str, DropName, bytes], list[bytes]]


def faithful(_lane: str, _name: DropName, data: bytes) -> list[bytes]:
    """Let everything arrive as it was sent."""
    return [data]


class MemoryTransport:
    """Both ends of one direction (implements ``port.Outlet`` and ``port.Inlet``).

    Args:
        capacity: how many files may wait per lane.
        fate: what becomes of each file.
    """

    def __init__(self, *, capacity: int = 10_000, fate: Fate = faithful) -> None:
        self.capacity = capacity
        self.fate = fate
        self._lanes: dict[str, OrderedDict[str, bytes]] = {lane: OrderedDict() for lane in TRANSPORT_LANES}
        self._round: dict[str, list[str]] = {lane: [] for lane in TRANSPORT_LANES}
        self._listeners: dict[str, list[Callable[[], None]]] = {lane: [] for lane in TRANSPORT_LANES}

    def prepare(self) -> None:
        """Nothing to make ready."""

    def put(self, lane: str, name: DropName, data: bytes) -> None:
        """Keep a file until it is removed.

        Raises:
            Unavailable: STORAGE_FULL.
        """
        files = self._lanes[lane]
        if str(name) not in files and len(files) >= self.capacity:
            raise Unavailable(Kind.STORAGE_FULL, "transport is full", 1)
        for piece in self.fate(lane, name, data):
            files[str(name)] = piece
        for listener in list(self._listeners[lane]):
            listener()

    def carrying(self, lane: str) -> Container[DropName]:
        """Nothing: what was put lies before the receiver, or is lost."""
        return ()

    def place(self, lane: str, name: str, data: bytes) -> None:
        """Put a file of any name there, as a hostile hand would."""
        self._lanes[lane][name] = data

    def waiting(self, lane: str, *, most: int) -> Waiting:
        """List the next files of a round."""
        if not self._round[lane]:
            self._round[lane] = sorted(self._lanes[lane])
        taken, self._round[lane] = self._round[lane][:most], self._round[lane][most:]
        return Waiting.of(taken)

    def read(self, lane: str, name: DropName | str, *, limit: int) -> bytes:
        """Read a waiting file.

        Raises:
            PeerError: TOO_LARGE.
            FileNotFoundError: it is gone.
        """
        try:
            data = self._lanes[lane][str(name)]
        except KeyError:
            raise FileNotFoundError(str(name)) from None
        if len(data) > limit:
            raise PeerError(Kind.TOO_LARGE, "file too large")
        return data

    def remove(self, lane: str, name: DropName | str) -> bool:
        """Drop a file; it may be gone already."""
        self._lanes[lane].pop(str(name), None)
        return True

    def depth(self, lane: str) -> int:
        """Count the waiting files."""
        return len(self._lanes[lane])

    def watch(self, lane: str, on_arrival: Callable[[], None]) -> Callable[[], None]:
        """Call ``on_arrival`` at every put."""
        self._listeners[lane].append(on_arrival)

        def stop() -> None:
            if on_arrival in self._listeners[lane]:
                self._listeners[lane].remove(on_arrival)

        return stop

    def report(self) -> LinkReport:
        """Nothing to tell."""
        return LinkReport("memory")

    def close(self) -> None:
        """Nothing is held."""
