"""The ends that a half does not have where there is only one way."""

from __future__ import annotations

from collections.abc import Callable, Container

from ferry.transports.port import LinkReport, Waiting
from wire_formats.drop import DropName
from wire_formats.errors import Kind, Unavailable


class ClosedEnd:
    """Nothing leaves and nothing comes (implements ``port.Outlet`` and ``port.Inlet``)."""

    def prepare(self) -> None:
        """Nothing to make ready."""

    def put(self, lane: str, name: DropName, data: bytes) -> None:
        """Refuse.

        Raises:
            Unavailable: always.
        """
        raise Unavailable(Kind.BUSY, "there is no way in this direction")

    def carrying(self, lane: str) -> Container[DropName]:
        """Nothing is in hand."""
        return ()

    def waiting(self, lane: str, *, most: int) -> Waiting:
        """Nothing ever waits."""
        return Waiting([], [])

    def read(self, lane: str, name: DropName | str, *, limit: int) -> bytes:
        """Nothing is there.

        Raises:
            FileNotFoundError: always.
        """
        raise FileNotFoundError(str(name))

    def remove(self, lane: str, name: DropName | str) -> bool:
        """It is gone."""
        return True

    def depth(self, lane: str) -> int:
        """Nothing waits."""
        return 0

    def watch(self, lane: str, on_arrival: Callable[[], None]) -> Callable[[], None]:
        """Nothing to watch."""
        return lambda: None

    def report(self) -> LinkReport:
        """Nothing to tell."""
        return LinkReport("none")

    def close(self) -> None:
        """Nothing is held."""
