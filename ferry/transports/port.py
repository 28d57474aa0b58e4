"""What a transport promises: to carry named files one way, in lanes, whole or not at all.

It may lose, double, delay and reorder files; it may not be trusted with anything else, since every
file is signed and numbered.  It never blocks and keeps no promise of order or of durability: the
spool and the acknowledgements on the opposite direction do that.

``Outlet`` is the sending end and learns nothing of the receiver, so that a diode fits: a sender over
a diode spreads ``put`` into datagrams, a sender to media collects files until an export.  ``Inlet``
is the receiving end.  The two ends may be different machines.

Source: DESIGN "Ferry halves share nothing but the transport"; research, sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from wire_formats.drop import DropName, parse_name
from wire_formats.errors import PeerError

#: Lanes of one direction; ``control`` carries heartbeats, acknowledgements and notices.
TRANSPORT_LANES: Final = ("interactive", "bulk", "control")


class Waiting(NamedTuple):
    """What waits at an inlet.

    Attributes:
        names: well-formed names.
        strange: names outside the grammar; never opened as bundles.
    """

    names: list[DropName]
    strange: list[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Waiting:
        """Tell well-formed names from strange ones, each in the order given."""
        found = cls([], [])
        for text in texts:
            try:
                found.names.append(parse_name(text))
            except PeerError:
                found.strange.append(text)
        return found


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What one end of a transport tells an operator about itself.

    Attributes:
        kind: the transport's name.
        figures: names and values, in the order to show them.
        lanes: the same for each lane that has any.
        troubles: what is wrong, one sentence each with the remedy.
    """

    kind: str
    figures: dict[str, int | float | str] = field(default_factory=dict)
    lanes: dict[str, dict[str, int | float]] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()


class Outlet(Protocol):
    """The sending end of one direction."""

    def prepare(self) -> None:
        """Make ready to send; called once before the first ``put``."""

    def put(self, lane: str, name: DropName, data: bytes) -> None:
        """Hand a file over; one of the same name that still waits is replaced.

        Raises:
            Unavailable: no room now; nothing is visible at the other end.
        """

    def carrying(self, lane: str) -> Container[DropName]:
        """Give what this end still has in hand, or on its way by hand: to put it again now would be in vain.

        Empty where a file that was put is out of our hands at once.
        """

    def report(self) -> LinkReport:
        """Tell how this end is."""

    def close(self) -> None:
        """Give back what ``prepare`` took; what still waits may be lost.  Calling it again does nothing."""


class Inlet(Protocol):
    """The receiving end of one direction."""

    def prepare(self) -> None:
        """Make ready to receive; called once before the first listing."""

    def waiting(self, lane: str, *, most: int) -> Waiting:
        """List at most ``most`` of what waits; repeated calls go round through everything.

        A listed file may be gone when it is read, and a listing is empty only when nothing waits.
        """

    def read(self, lane: str, name: DropName | str, *, limit: int) -> bytes:
        """Read one waiting file.

        Raises:
            PeerError: too large, or not a plain file.
            FileNotFoundError: it is gone.
            Unavailable: it cannot be read now, for a reason on our side.
        """

    def remove(self, lane: str, name: DropName | str) -> bool:
        """Take a file that was dealt with off the transport; it may be gone already.

        Returns:
            False when it cannot be removed.
        """

    def depth(self, lane: str) -> int:
        """Give about how many files wait."""

    def watch(self, lane: str, on_arrival: Callable[[], None]) -> Callable[[], None]:
        """Call ``on_arrival`` soon after a file comes, and at least every 500 ms.

        Returns:
            A function that stops the watch.
        """

    def report(self) -> LinkReport:
        """Tell how this end is."""

    def close(self) -> None:
        """Give back what ``prepare`` took.  Calling it again does nothing."""
