"""How many requests may be under way at once: as many as take not much longer than usual (pure).

Where the time goes is not known here: it may be a worker, the exchange database, a ferry or the core. But whichever it
is, when more is asked of it than it can do, everything takes longer, and what is let in beyond that only waits inside,
where nobody can choose any more. So the limit follows what is seen: every WINDOW_S it is lowered when half of the
answers took more than ``stretch`` times their usual, and raised when somebody had to wait and they did not (additive
increase, multiplicative decrease). What began before the limit was last lowered does not tell what the lower one does,
and is not looked at. Each priority is looked at by itself, since many quick pages of strangers would hide
what those who are signed in wait for.

Answers may be slow for a reason that is not our load: another program on the machine, a core that has become slower.
Then a lower limit only makes fewer people wait equally long. So when answers are still too slow at the lowest limit,
what is seen there becomes the measure (``pace``): nobody could have been answered faster, and the limit may rise again
as far as that stays true. While that measure holds, it is taken anew every PACE_S: some windows at the lowest limit.

While nobody need be refused, ``calm`` may be under way whatever the limit says: those who come then wait inside or
outside alike, and inside they share bundles and commits. The limit is found meanwhile, and holds once somebody is
refused.

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
#: A window with fewer answers goes on, at most for so long.
LEAST_ANSWERS: Final = 8
LONGEST_WINDOW_S: Final = 1.0
MOST_ANSWERS: Final = 1_024
#: A priority is judged by so many answers, gathered over several windows; until then the limit is not raised.
_SPEAKS: Final = 4
#: Lowered to no less than this share at once; raised by this share, and by this much at least.
_LOWEST_SHARE: Final = 0.5
_RAISE: Final = 0.1
_LEAST_RAISE: Final = 0.25
#: So many under way, and no more than so many asked within QUIET_S, are "little going on".
_FEW: Final = 2
_FEW_ASKED: Final = 5
QUIET_S: Final = 0.25
#: The new measure is taken from so many windows, and leaves this much room.
_MEASURED: Final = 4
_ROOM: Final = 1.05
_AGES: Final = 0.7
PACE_S: Final = 10.0
_MOST_PACE: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class LimiterBounds:
    """Its figures.

    Attributes:
        least: the lowest limit.
        calm: how many may be under way in any case while nobody need be refused.
        most: the highest limit.
        stretch: how many times as long as usual half of the requests may take.
        parked_s: when a request under way gives its place away.
    """

    least: int = 2
    calm: int = 16
    most: int = 256
    stretch: float = 2.0
    parked_s: float = 1.0


@dataclass(slots=True, eq=False)
class Place:
    """A request under way."""

    priority: Priority
    began_s: float
    alone: bool
    within: bool
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
        self._limit = float(min(max(bounds.calm, bounds.least), bounds.most))
        self._places: deque[Place] = deque()
        self._stretches: dict[Priority, list[float]] = {priority: [] for priority in Priority}
        self._answers = 0
        self._window_s = self._pace_s = now_s
        self._wanted = False
        self._lowered_s = self._heard_s = now_s
        self._within = True
        self._at_lowest: list[float] = []
        self._resumes_at: float | None = None
        self._asked: deque[float] = deque([float("-inf")] * _FEW_ASKED, maxlen=_FEW_ASKED)
        self.pace = 1.0
        self.usual = UsualTimes()
        self.in_flight = 0

    @property
    def limit(self) -> int:
        """How many requests may be under way under overload."""
        return int(self._limit)

    def has_place(self, now_s: float, *, overloaded: bool) -> bool:
        """Tell whether one more may begin.

        Args:
            now_s: the time.
            overloaded: whether requests of its priority are being refused.
        """
        self._park(now_s)
        self._asked.append(now_s)
        limit = self.limit
        if self.in_flight < limit:
            return True
        self._wanted = True
        return not overloaded and self.in_flight < self._bounds.calm

    def begin(self, priority: Priority, now_s: float) -> Place:
        """Take a place; the caller has asked ``has_place``."""
        self.in_flight += 1
        alone = self.in_flight <= _FEW and now_s - self._asked[0] >= QUIET_S
        place = Place(priority, now_s, alone=alone, within=self.in_flight <= self.limit)
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
            if counts and place.began_s >= self._lowered_s and self._answers < MOST_ANSWERS:
                self._within = self._within and place.within
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
        seen, allowed = self._seen(now_s), self._bounds.stretch * self.pace
        if self._resumes_at is not None or (seen > allowed and self._limit <= self._bounds.least):
            self._measure(seen, now_s)
        elif seen > allowed:
            self._at_lowest = []
            self._lower(self._limit * max(allowed / seen, _LOWEST_SHARE), now_s)
        elif self.pace > 1.0 and now_s - self._pace_s >= PACE_S:
            self._resumes_at = self._limit
            self._lower(0.0, now_s)
        elif self._wanted and not any(self._stretches.values()):
            self._raise(self._limit + max(_LEAST_RAISE, self._limit * _RAISE))
        self._answers = 0
        self._within = True
        self._window_s, self._wanted = now_s, False
        self._park(now_s)

    def _seen(self, now_s: float) -> float:
        """Give how slow answers were, for the priority for which they were slowest; who has too few is heard later."""
        longest = max(self._stretches.values(), key=len)
        seen = 0.0
        for stretches in self._stretches.values():
            if len(stretches) >= _SPEAKS or stretches is longest:
                seen = max(seen, statistics.median(stretches))
                stretches.clear()
        if now_s - self._heard_s >= LONGEST_WINDOW_S:
            self._forget(now_s)
        elif not any(self._stretches.values()):
            self._heard_s = now_s
        return seen

    def _forget(self, now_s: float) -> None:
        """Begin anew: what was seen so far tells nothing of now."""
        for stretches in self._stretches.values():
            stretches.clear()
        self._heard_s = now_s

    def _measure(self, seen: float, now_s: float) -> None:
        """Take what is seen at the lowest limit for the best there is, as long as nothing was let in beyond it."""
        self._at_lowest = [*self._at_lowest, seen] if self._within else []
        if len(self._at_lowest) >= _MEASURED:
            # The best of them: a disk or a collector that stopped everybody for a moment is no measure.
            self.pace = min(max(min(self._at_lowest) / self._bounds.stretch * _ROOM, 1.0), _MOST_PACE)
        elif self._within:
            return
        elif self._resumes_at is not None:
            # Somebody was let in beyond the limit (``calm``): an old measure that cannot be taken anew counts for less.
            self.pace = max(self.pace * _AGES, 1.0)
        self._pace_s = now_s
        self._at_lowest = []
        if self._resumes_at is not None:
            self._raise(self._resumes_at)
            self._resumes_at = None

    def _lower(self, limit: float, now_s: float) -> None:
        self._limit = max(limit, self._bounds.least)
        self._lowered_s = now_s
        self._forget(now_s)

    def _raise(self, limit: float) -> None:
        self._limit = min(limit, self._bounds.most)
