"""What an edge's master and the children of one generation tell each other: a few bytes in memory that they share.

A byte is written by one side and read by the other, whole or not at all; nothing waits and nothing can be lost.
"""

from __future__ import annotations

import mmap


class Tidings:
    """Made by the master before it forks; every child has it.

    Args:
        children: how many.
    """

    def __init__(self, children: int) -> None:
        self._children = children
        self._shared = mmap.mmap(-1, 1 + children)

    def serves(self, number: int) -> None:
        """A child accepts connections (told by the child)."""
        self._shared[1 + number] = 1

    def ended(self, number: int) -> None:
        """A child has ended (told by the master)."""
        self._shared[1 + number] = 0

    @property
    def all_serve(self) -> bool:
        """Whether every child accepts connections."""
        return all(self._shared[1:])

    def succeed(self) -> None:
        """Others serve on the same sockets, so who leaves need not hurry (told by the master)."""
        self._shared[0] = 1

    @property
    def succeeded(self) -> bool:
        """Whether they do."""
        return bool(self._shared[0])
