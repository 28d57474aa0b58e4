"""Bundles of older epochs that people are carrying: they keep their numbers while they are under way.

A half that starts anew begins a new epoch and sends what is not acknowledged again under new numbers.  What lies on a
medium cannot be called back, so it waits in the spool under its old name until a receipt speaks of its epoch, or until
it is not under way any more; only then is it sent again.

Source: ferry.media; DESIGN invariant 4.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from wire_formats.drop import DropName


class Away:
    """The names of one lane's bundles that are under way under an older epoch."""

    def __init__(self) -> None:
        self._names: set[DropName] = set()

    def __len__(self) -> int:
        return len(self._names)

    def part(self, names: Iterable[DropName], carried: Container[DropName]) -> list[DropName]:
        """Keep what is under way; gives the others, which have to be sent again now, in their order."""
        self._names.clear()
        again: list[DropName] = []
        for name in names:
            if name in carried:
                self._names.add(name)
            else:
                again.append(name)
        return again

    def settle(self, epoch: int, cumulative: int) -> list[DropName]:
        """Give and forget what a receiver has acknowledged."""
        return self._leave(name for name in self._names if name.epoch == epoch and name.sequence <= cumulative)

    def come_back(self, carried: Container[DropName]) -> list[DropName]:
        """Give and forget what is not under way any more."""
        return self._leave(name for name in self._names if name not in carried)

    def _leave(self, leaving: Iterable[DropName]) -> list[DropName]:
        gone = sorted(leaving)
        self._names.difference_update(gone)
        return gone
