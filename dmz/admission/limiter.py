"""How many requests may be under way at once: as many as take not much longer than usual (pure).

Where the time goes is not known here: it may be a worker, the exchange database, a ferry or the core. But whichever it
is, when more is asked of it than it can do, everything takes longer, and what is let in beyond that only waits inside,
where nobody can choose any more. So the limit follows what is seen: every WINDOW_S it is lowered when half of the
answers took more than ``stretch`` times their usual, and raised when somebody had to wait and they did not (additive
increase, multiplicative decrease).

Answers may be slow for a reason that is not our load: another program on the machine, a core that has become slower.
Then a lower limit only makes fewer people wait equally long. So lowering is an experiment: when half the limit has not
made answers faster, the limit is put back, and what is seen becomes the measure (``pace``). Every PACE_S that is taken
back a little, so that it is tried again.

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
from typing import Final, NamedTuple

from dmz.admission.usual_times import UsualTimes

WINDOW_S: Final = 0.1
#: A window with fewer answers goes on, at most for so long.
LEAST_ANSWERS: Final = 8
LONGEST_WINDOW_S: Final = 1.0
MOST_ANSWERS: Final = 1_024
#: Lowered to no less than this share at once; raised by this share, and by one at least.
_LOWEST_SHARE: Final = 0.8
_RAISE: Final = 0.05
#: So many under way are "little going on".
_FEW: Final = 2
#: An experiment is over at this share of the limit; it has helped if answers then take less than this share.
_HALF: Final = 0.5
_HELPED: Final = 0.85
#: The new measure leaves this much room.
_ROOM: Final = 1.1
PACE_S: Final = 5.0
_PACE_BACK: Final = 0.8
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

    began_s: float
    alone: bool
    over: bool = False
    parked: bool = False


class _Experiment(NamedTuple):
    """Where lowering began."""

    limit: float
    stretch: float


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
        self._stretches: list[float] = []
        self._window_s = self._pace_s = now_s
        self._wanted = False
        self._experiment: _Experiment | None = None
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

    def begin(self, now_s: float) -> Place:
        """Take a place; the caller has asked ``has_place``."""
        self.in_flight += 1
        place = Place(now_s, self.in_flight <= _FEW)
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
            if counts and len(self._stretches) < MOST_ANSWERS:
                stretch = self.usual.note(kind, now_s - place.began_s, alone=place.alone)
                self._stretches.append(stretch)
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
        return len(self._stretches) >= (LEAST_ANSWERS if age_s < LONGEST_WINDOW_S else 1)

    def _close_window(self, now_s: float) -> None:
        if now_s - self._pace_s >= PACE_S:
            self.pace = max(1.0, self.pace * _PACE_BACK)
            self._pace_s = now_s
        seen = statistics.median(self._stretches)
        if seen > self._bounds.stretch * self.pace:
            self._slow(seen, now_s)
        else:
            self._experiment = None
            if self._wanted:
                self._set_limit(self._limit + max(1.0, self._limit * _RAISE))
        self._stretches.clear()
        self._window_s, self._wanted = now_s, False
        self._park(now_s)

    def _slow(self, seen: float, now_s: float) -> None:
        """Lower the limit, unless that has just been tried in vain."""
        tried = self._experiment
        if tried is None:
            tried = self._experiment = _Experiment(self._limit, seen)
        if self._limit <= max(tried.limit * _HALF, self._bounds.least):
            if seen > tried.stretch * _HELPED:
                self.pace = min(seen / self._bounds.stretch * _ROOM, _MOST_PACE)
                self._pace_s = now_s
                self._set_limit(tried.limit)
                self._experiment = None
                return
            self._experiment = _Experiment(self._limit, seen)
        share = self._bounds.stretch * self.pace / seen
        self._set_limit(self._limit * max(share, _LOWEST_SHARE))

    def _set_limit(self, limit: float) -> None:
        self._limit = min(max(limit, self._bounds.least), self._bounds.most)
