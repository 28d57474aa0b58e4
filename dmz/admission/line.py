"""Who waits for a place, who is next, and who has waited long enough to be told no (pure).

Served by priority. Within one priority a short line is served in order of arrival, and may wait for ``patience_s``: a
burst, or a worker that is being replaced, is nobody's overload. A line longer than ``burst`` is one: nobody can be
served in time any more by waiting for his turn. From then on the newest goes first, no more than ``narrow`` may wait,
and whoever has waited for ``target_s`` is refused, until ``calm_s`` have gone by without that. So those who are served
are served at once, and the others learn at once that they are not. Of what stands before him each priority sees only
its own and better ones: a crowd of strangers changes nothing for those who are signed in.

Source: Nichols and Jacobson, "Controlling Queue Delay" (CoDel: a standing queue is told from a burst, and judged by the
time in it); Maurer, "Fail at Scale" (newest first under overload, with a short time limit).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from dmz.switch.wait_queue import Priority

T = TypeVar("T")
_ORDER: Final = tuple(Priority)


@dataclass(frozen=True, slots=True)
class LineBounds:
    """Its figures.

    Attributes:
        most: who waits, in all.
        burst: who may wait before a line counts as overload.
        narrow: who may wait under overload: enough that no place stays free.
        patience_s: how long one waits at most.
        target_s: the same under overload.
        calm_s: how long overload is remembered.
    """

    most: int = 256
    burst: int = 32
    narrow: int = 4
    patience_s: float = 5.0
    target_s: float = 0.025
    calm_s: float = 5.0


class _Waiting(NamedTuple, Generic[T]):
    entry: T
    since_s: float


class Refusal(NamedTuple, Generic[T]):
    """Who is refused."""

    entry: T
    priority: Priority


class Line(Generic[T]):
    """Everybody who waits.

    Args:
        bounds: its figures.
    """

    def __init__(self, bounds: LineBounds) -> None:
        self._bounds = bounds
        self._lines: dict[Priority, deque[_Waiting[T]]] = {priority: deque() for priority in _ORDER}
        self._count = 0
        self._overloaded_until_s = dict.fromkeys(_ORDER, float("-inf"))

    def __len__(self) -> int:
        return self._count

    def is_overloaded(self, priority: Priority, now_s: float) -> bool:
        """Tell whether more of this priority and better ones is asked than can be served."""
        return now_s < self._overloaded_until_s[priority]

    def ahead(self, priority: Priority) -> int:
        """Count who waits with this priority or a better one."""
        return sum(len(self._lines[each]) for each in _ORDER[: priority + 1]) if self._count else 0

    def push(self, entry: T, priority: Priority, now_s: float) -> Refusal[T] | None:
        """Let somebody wait.

        Returns:
            Who is refused because there is no room (perhaps the new one), or None.
        """
        refusal = None
        if self.is_overloaded(priority, now_s) and self.ahead(priority) >= self._bounds.narrow:
            self._mark(priority, now_s)
            refusal = self._oldest(priority)
        elif len(self) >= self._bounds.most:
            worst = next(each for each in reversed(_ORDER) if self._lines[each])
            refusal = self._oldest(worst) if worst >= priority else None
        else:
            self._append(entry, priority, now_s)
            return None
        if refusal is None:
            return Refusal(entry, priority)
        self._append(entry, priority, now_s)
        return refusal

    def first(self) -> Priority | None:
        """Give the priority of whose turn it is; None: nobody waits."""
        return next((priority for priority, line in self._lines.items() if line), None)

    def pop(self, now_s: float) -> T | None:
        """Take whose turn it is."""
        for priority, line in self._lines.items():
            if line:
                newest_first = self.is_overloaded(priority, now_s)
                self._count -= 1
                return (line.pop() if newest_first else line.popleft()).entry
        return None

    def overdue(self, now_s: float) -> list[Refusal[T]]:
        """Take out everybody who has waited long enough."""
        refused: list[Refusal[T]] = []
        for priority, line in self._lines.items():
            overloaded = self.is_overloaded(priority, now_s)
            limit_s = self._bounds.target_s if overloaded else self._bounds.patience_s
            while line and now_s - line[0].since_s >= limit_s:
                refused.append(Refusal(line.popleft().entry, priority))
                self._count -= 1
                if overloaded:
                    self._mark(priority, now_s)
        return refused

    def remove(self, entry: T) -> None:
        """Take somebody out who has gone; nothing happens if he no longer waits."""
        for line in self._lines.values():
            for index, waiting in enumerate(line):
                if waiting.entry is entry:
                    del line[index]
                    self._count -= 1
                    return

    def _append(self, entry: T, priority: Priority, now_s: float) -> None:
        self._lines[priority].append(_Waiting(entry, now_s))
        self._count += 1
        for each in _ORDER[priority:]:
            if self.ahead(each) > self._bounds.burst:
                self._mark(each, now_s)
                break

    def _oldest(self, priority: Priority) -> Refusal[T] | None:
        """Take out who has waited longest of a priority."""
        line = self._lines[priority]
        if not line:
            return None
        self._count -= 1
        return Refusal(line.popleft().entry, priority)

    def _mark(self, priority: Priority, now_s: float) -> None:
        """Remember overload, for this priority and all lower ones."""
        for each in _ORDER[priority:]:
            self._overloaded_until_s[each] = now_s + self._bounds.calm_s
