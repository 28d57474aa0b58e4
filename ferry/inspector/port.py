"""What the high half asks of an inspector; and the one that works in the same process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ferry.inspection import Inspector, NotOpened
from ferry.inspector.frames import Refusal, Verdict
from wire_formats.bundle import Item
from wire_formats.errors import PeerError
from wire_formats.request import parse_header


class InspectorLostError(Exception):
    """The inspector ended, or hung, over what it was given: the bundle may be the cause."""


class Pending(Protocol):
    """A question that was asked."""

    def verdicts(self) -> Sequence[Verdict] | None:
        """Give the verdicts, one per item; None while they are not here.

        Raises:
            InspectorLostError: they will not come.
        """


class InspectionPort(Protocol):
    """An inspector."""

    def ask(self, items: Sequence[Item], *, now_ms: int, wake: Callable[[], None]) -> Pending:
        """Have items inspected; ``wake`` is called when the verdicts have come, or will not.

        Raises:
            Unavailable: no inspector is there now.
        """

    @property
    def trouble(self) -> str:
        """Why nothing can be inspected now; empty when all is well."""

    def start(self) -> None:
        """Begin to look for the inspector."""

    def stop(self) -> None:
        """Ask no more."""


def judge(inspector: Inspector, item: Item, *, now_ms: int) -> Verdict:
    """Inspect one item as it came, and give what was found; raises nothing."""
    try:
        return inspector.inspect(parse_header(item.header), item, now_ms=now_ms)
    except PeerError as error:
        return Refusal(error.kind, error.private, damaged=isinstance(error, NotOpened))


class _Found:
    """Verdicts that are here already."""

    def __init__(self, found: Sequence[Verdict]) -> None:
        self._found = found

    def verdicts(self) -> Sequence[Verdict]:
        """Give them."""
        return self._found


class NearInspector:
    """Inspects in the same process (implements ``InspectionPort``): for tests and simulations.

    Args:
        inspector: the rules and the key.
    """

    trouble = ""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    def ask(self, items: Sequence[Item], *, now_ms: int, wake: Callable[[], None]) -> Pending:
        """Inspect at once."""
        return _Found([judge(self._inspector, item, now_ms=now_ms) for item in items])

    def start(self) -> None:
        """Nothing to look for."""

    def stop(self) -> None:
        """Nothing to end."""
