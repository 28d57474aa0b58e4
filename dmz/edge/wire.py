"""The seam between a conversation and its transport, which is ``socket_wire``; a test puts another in its place."""

from __future__ import annotations

from typing import Protocol


class Wire(Protocol):
    """A connection as a conversation sees it."""

    @property
    def congested(self) -> bool:
        """Whether what was written has not all been passed on; ``Conversation.drained`` will follow."""

    def write(self, parts: list[bytes]) -> None:
        """Send bytes."""

    def pause(self) -> None:
        """Read no more for now."""

    def resume(self) -> None:
        """Read again."""

    def close(self) -> None:
        """Close when everything written has been passed on."""

    def abort(self) -> None:
        """Close at once."""
