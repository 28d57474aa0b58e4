"""Requests that wait for a free place at a worker (pure).

One queue for a pool, not one per worker: nobody waits behind a slow worker while another one is free. It is served by
priority, then by arrival. When it is full, a request of higher priority takes the place of the youngest of the lowest
priority; otherwise the newcomer is refused. How long one waits is the caller's business (a deadline per request).
"""

from __future__ import annotations

import enum
from collections import deque
from typing import Generic, TypeVar

from dmz.messages import HallRequest

T = TypeVar("T")


class Priority(enum.IntEnum):
    """Who goes first: signed-in users before strangers, interactive work before batch."""

    SUBMISSION = 0
    """Somebody who is signed in has filled in a form."""
    PAGE = 1
    UPLOAD = 2
    """A workbook or picture: heavy, and its sender expects to wait."""
    CERTIFIED = 3
    """Not signed in, but known by a certificate of ours: may be about to sign in."""
    STRANGER = 4
    """Anybody."""


def priority_of(request: HallRequest, *, signed_in: bool = True) -> Priority:
    """Give the priority of a request.

    Args:
        request: any.
        signed_in: whether a worker has confirmed its session (``dmz.admission``); where nobody can tell, all are alike.
    """
    if not signed_in:
        return Priority.STRANGER if request.client is None else Priority.CERTIFIED
    if request.uploads:
        return Priority.UPLOAD
    return Priority.SUBMISSION if request.method == "POST" else Priority.PAGE


class WaitQueue(Generic[T]):
    """A bounded queue with priorities.

    Args:
        most: entries in all.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[Priority, deque[T]] = {priority: deque() for priority in Priority}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def push(self, entry: T, priority: Priority) -> T | None:
        """Add an entry.

        Returns:
            The entry for which there is no place (perhaps the new one), or None.
        """
        if self._count < self._most:
            self._lines[priority].append(entry)
            self._count += 1
            return None
        for lower in reversed(Priority):
            if lower <= priority:
                return entry
            if self._lines[lower]:
                self._lines[priority].append(entry)
                return self._lines[lower].pop()
        return entry

    def pop(self) -> T | None:
        """Take the entry whose turn it is."""
        for line in self._lines.values():
            if line:
                self._count -= 1
                return line.popleft()
        return None

    def remove(self, entry: T) -> None:
        """Take an entry out wherever it stands; nothing happens if it is gone."""
        for line in self._lines.values():
            if entry in line:
                line.remove(entry)
                self._count -= 1
                return
