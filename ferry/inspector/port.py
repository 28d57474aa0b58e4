"""What the high half asks of an inspector; and the one that works in the same process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from ferry.inspection import Inspector, NotOpened
from ferry.inspector.frames import NotScanned, Refusal, Verdict
from ferry.inspector.scanning import Scanner
from wire_formats.bundle import Item
from wire_formats.errors import Kind, PeerError, Unavailable
from wire_formats.request import parse_header

_RETRY_S: Final = 1


class InspectorLostError(Exception):
    """The inspector ended, or hung, over what it was given: the bundle may be the cause."""


class NotReachedError(Unavailable):
    """The inspector ended over another question, asked before: nothing speaks against these items."""

    def __init__(self) -> None:
        super().__init__(Kind.BUSY, "inspector lost", _RETRY_S)


class NoScannerError(Unavailable):
    """Nothing may pass now: the virus scanner does not answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(Kind.BUSY, f"virus scanner: {reason}", _RETRY_S)


class Pending(Protocol):
    """A question that was asked."""

    def verdicts(self) -> Sequence[Verdict] | None:
        """Give the verdicts, one per item; None while they are not here.

        Raises:
            InspectorLostError: they will not come.
            NotReachedError: not these, but the next time they may.
            NoScannerError: not now; nothing speaks against the items.
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


def settled(found: Sequence[Verdict] | NotScanned) -> Sequence[Verdict]:
    """Give the verdicts of an answer.

    Raises:
        NoScannerError: the virus scanner does not answer.
        InspectorLostError: it failed over these items, as an inspector would that died over them.
    """
    if not isinstance(found, NotScanned):
        return found
    if found.guilty:
        raise InspectorLostError
    raise NoScannerError(found.reason)


def look(
    inspector: Inspector, scanner: Scanner | None, items: Sequence[Item], *, now_ms: int
) -> tuple[Verdict, ...] | NotScanned:
    """Inspect items, and have what passed scanned where there is a scanner; raises nothing."""
    verdicts = tuple(judge(inspector, item, now_ms=now_ms) for item in items)
    return verdicts if scanner is None else scanner.scan_all(verdicts)


def judge(inspector: Inspector, item: Item, *, now_ms: int) -> Verdict:
    """Inspect one item as it came, and give what was found; raises nothing."""
    try:
        return inspector.inspect(parse_header(item.header), item, now_ms=now_ms)
    except PeerError as error:
        return Refusal(error.kind, error.private, damaged=isinstance(error, NotOpened))


class _Found:
    """Verdicts that are here already."""

    def __init__(self, found: Sequence[Verdict] | NotScanned) -> None:
        self._found = found

    def verdicts(self) -> Sequence[Verdict]:
        """Give them.

        Raises:
            InspectorLostError: the scanner failed over these items.
            NoScannerError: it does not answer.
        """
        return settled(self._found)


class NearInspector:
    """Inspects in the same process (implements ``InspectionPort``): for tests and simulations.

    Args:
        inspector: the rules and the key.
        scanner: asks clamd; None for no scanner.
    """

    trouble = ""

    def __init__(self, inspector: Inspector, scanner: Scanner | None = None) -> None:
        self._inspector = inspector
        self._scanner = scanner

    def ask(self, items: Sequence[Item], *, now_ms: int, wake: Callable[[], None]) -> Pending:
        """Inspect at once."""
        return _Found(look(self._inspector, self._scanner, items, now_ms=now_ms))

    def start(self) -> None:
        """Nothing to look for."""

    def stop(self) -> None:
        """Nothing to end."""
