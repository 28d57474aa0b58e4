"""How many requests may be under way at once: as many as take not much longer than usual (pure).

Where the time goes is not known here: it may be a worker, the exchange database, a ferry or the core. But whichever it
is, when more is asked of it than it can do, everything takes longer, and what is let in beyond that only waits inside,
where nobody can choose any more. So the limit follows what is seen: every WINDOW_S it is lowered when half of the
answers took more than ``stretch`` times their usual, and raised when somebody had to wait and they did not (additive
increase, multiplicative decrease). Each priority is looked at by itself, since many quick pages of strangers would hide
what those who are signed in wait for.

Answers may be slow for a reason that is not our load: another program on the machine, a core that has become slower.
Then a lower limit only makes fewer people wait equally long. So when answers are still too slow at the lowest limit,
what is seen there becomes the measure (``pace``): nobody could have been answered faster, and the limit may rise again
as far as that stays true. While that measure holds, it is taken anew every PACE_S: some windows at the lowest limit.

A request that has been under way for ``parked_s`` waits for somebody rather than works (a core that is being replaced,
a worker that died): it gives its place away, and says nothing of the load. The hard limits of the content switch still
hold for it.

Source: RFC 5681 section 3.1 (additive increase, multiplicative decrease); Envoy, "adaptive concurrency" filter, and
Netflix, concurrency-limits, compare with the time without load in the same way.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass
from typing import Final

from dmz.admission.usual_times import UsualTimes
from dmz.switch.wait_queue import Priority

WINDOW_S: Final = 0.1
#: A window with fewer answers goes on, at most for so long; a priority with fewer says nothing beside others.
LEAST_ANSWERS: Final = 8
LONGEST_WINDOW_S: Final = 1.0
MOST_ANSWERS: Final = 1_024
_SPEAKS: Final = 4
#: Lowered to no less than this share at once; raised by this share, and by one at least.
_LOWEST_SHARE: Final = 0.8
_RAISE: Final = 0.1
#: So many under way are "little going on".
_FEW: Final = 2
#: The new measure leaves this much room; it is taken after so many windows at the lowest limit.
_ROOM: Final = 1.1
_SETTLED: Final = 2
PACE_S: Final = 10.0
_MOST_PACE: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class LimiterBounds:
    """Its figures.

    Attributes:
        least: the lowest limit.
        first: the limit at the start.
        most: the highest.
        stretch: how many times as long as usual half of the requests may take.
        parked_s: when a request under way gives its place away.
    """

    least: int = 4
    first: int = 16
    most: int = 256
    stretch: float = 2.5
    parked_s: float = 1.0


@dataclass(slots=True, eq=False)
class Place:
    """A request under way."""

    priority: Priority
    began_s: float
    alone: bool
    over: bool = False
    parked: bool = False


class ConcurrencyLimiter:
    """Gives places.

    Args:
        bounds: its figures.
        now_s: the time.
    """

    def __init__(self, bounds: LimiterBounds, now_s: float) -> None:
        self._bounds = bounds
        self._limit = float(bounds.first)
        self._places: deque[Place] = deque()
        self._stretches: dict[Priority, list[float]] = {priority: [] for priority in Priority}
        self._answers = 0
        self._window_s = self._pace_s = now_s
        self._wanted = False
        self._lowest = 0
        self._resumes_at: float | None = None
        self.pace = 1.0
        self.usual = UsualTimes()
        self.in_flight = 0

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return int(self._limit)

    def has_place(self, now_s: float) -> bool:
        """Tell whether one more may begin."""
        self._park(now_s)
        if self.in_flight < self.limit:
            return True
        self._wanted = True
        return False

    def begin(self, priority: Priority, now_s: float) -> Place:
        """Take a place; the caller has asked ``has_place``."""
        self.in_flight += 1
        place = Place(priority, now_s, self.in_flight <= _FEW)
        self._places.append(place)
        return place

    def end(self, place: Place, kind: str, now_s: float, *, counts: bool) -> None:
        """Give a place back.

        Args:
            place: taken by ``begin``.
            kind: of the request.
            now_s: the time.
            counts: False for a request whose time says nothing: it was refused, or failed.
        """
        if place.over:
            return
        place.over = True
        if not place.parked:
            self.in_flight -= 1
            if counts and self._answers < MOST_ANSWERS:
                stretch = self.usual.note(kind, now_s - place.began_s, alone=place.alone)
                self._stretches[place.priority].append(stretch)
                self._answers += 1
        age_s = now_s - self._window_s
        if age_s >= WINDOW_S and self._has_enough(age_s):
            self._close_window(now_s)

    def _park(self, now_s: float) -> None:
        places, until = self._places, now_s - self._bounds.parked_s
        while places and (places[0].over or places[0].began_s <= until):
            place = places.popleft()
            if not place.over:
                place.parked = True
                self.in_flight -= 1

    def _has_enough(self, age_s: float) -> bool:
        return self._answers >= (LEAST_ANSWERS if age_s < LONGEST_WINDOW_S else 1)

    def _close_window(self, now_s: float) -> None:
        seen, allowed = self._seen(), self._bounds.stretch * self.pace
        if self._resumes_at is not None or (seen > allowed and self._limit <= self._bounds.least):
            self._measure(seen, now_s)
        elif seen > allowed:
            self._set_limit(self._limit * max(allowed / seen, _LOWEST_SHARE))
        else:
            self._lowest = 0
            if self.pace > 1.0 and now_s - self._pace_s >= PACE_S:
                self._resumes_at = self._limit
                self._set_limit(0.0)
            elif self._wanted:
                self._set_limit(self._limit + max(1.0, self._limit * _RAISE))
        for stretches in self._stretches.values():
            stretches.clear()
        self._answers = 0
        self._window_s, self._wanted = now_s, False
        self._park(now_s)

    def _seen(self) -> float:
        """Give how slow answers were, for the priority for which they were slowest."""
        told = [each for each in self._stretches.values() if each]
        return max(statistics.median(each) for each in told if len(each) >= min(_SPEAKS, max(map(len, told))))

    def _measure(self, seen: float, now_s: float) -> None:
        """Take what is seen at the lowest limit for the best there is, once what began before is over."""
        self._lowest += 1
        if self._lowest < _SETTLED:
            return
        self.pace = min(max(seen / self._bounds.stretch * _ROOM, 1.0), _MOST_PACE)
        self._pace_s, self._lowest = now_s, 0
        if self._resumes_at is not None:
            self._set_limit(self._resumes_at)
            self._resumes_at = None

    def _set_limit(self, limit: float) -> None:
        self._limit = min(max(limit, self._bounds.least), self._bounds.most)
