"""Admission control around firewall and content switch: a place at once, after a wait, or an honest refusal.

It stands before the firewall, since judging what is then refused would take the time that is missing. Style sheets and
pictures have servers of their own and pass by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from dmz.admission.limiter import ConcurrencyLimiter, Place
from dmz.admission.line import Line, Refusal
from dmz.admission.metrics import AdmissionMetrics, Entry
from dmz.admission.overloaded import OverloadedError
from dmz.admission.session_marks import SessionMarks, session_key
from dmz.admission.settings import AdmissionSettings
from dmz.admission.usual_times import kind_of
from dmz.messages import HallRequest, HallResponse, Handler
from dmz.switch.content_switch import STATIC_PREFIX
from dmz.switch.reactor_port import SwitchReactor
from dmz.switch.wait_queue import Priority, priority_of
from wire_formats.collaborators import Clock
from wire_formats.instants import SECOND_MS

#: How often the line is looked at while somebody waits.
LOOK_S: Final = 0.01
_FAILED: Final = 500


@dataclass(slots=True, eq=False)
class _Waiting:
    request_id: str
    place: Deferred[Place]


class Ranks:
    """Tells who goes first.

    Args:
        marks: sessions that workers have confirmed.
        clock: wall clock.
    """

    def __init__(self, marks: SessionMarks, clock: Clock) -> None:
        self._marks = marks
        self._clock = clock

    def priority_of(self, request: HallRequest) -> Priority:
        """Give the priority of a request: by its session if a worker has confirmed it, and by its kind."""
        key = session_key(request)
        return priority_of(request, signed_in=key is not None and self._marks.knows(key, self._now_s()))

    def note(self, request: HallRequest, response: HallResponse) -> None:
        """Learn from a worker's answer."""
        if response.signed_in_s is not None:
            self._marks.note(request, response, self._now_s())

    def _now_s(self) -> int:
        return self._clock.now_ms() // SECOND_MS


class AdmissionGate:
    """A handler that lets in as much as can be answered in time.

    Args:
        inner: the firewall, and all behind it.
        ranks: tells who goes first.
        settings: figures.
        reactor: for time and timers.
        metrics: of this process.
    """

    _log = Logger()

    def __init__(
        self,
        inner: Handler,
        ranks: Ranks,
        settings: AdmissionSettings,
        *,
        reactor: SwitchReactor,
        metrics: AdmissionMetrics,
    ) -> None:
        self._inner = inner
        self._ranks = ranks
        self._reactor = reactor
        self._metrics = metrics
        self._limiter = ConcurrencyLimiter(settings.limiter, reactor.seconds())
        self._line: Line[_Waiting] = Line(settings.line)
        self._told = dict.fromkeys(Priority, False)
        self._timer: IDelayedCall | None = None
        metrics.places.set_function(lambda: self._limiter.limit)
        metrics.in_flight.set_function(lambda: self._limiter.in_flight)
        metrics.waiting.set_function(lambda: len(self._line))

    async def __call__(self, request: HallRequest) -> HallResponse:
        """Have a request answered.

        Raises:
            OverloadedError: there is no room; the request was not handed on.
            HallError: whatever ``inner`` raises.
        """
        if request.path.startswith(STATIC_PREFIX):
            return await self._inner(request)
        priority = self._ranks.priority_of(request)
        now_s = self._reactor.seconds()
        # Who waits already was not let in: whoever comes now waits behind or before him, by his priority.
        if not self._line.ahead(priority) and self._limiter.has_place(now_s):
            place = self._limiter.begin(now_s)
            self._metrics.entries[priority, Entry.AT_ONCE].inc()
        else:
            place = await self._wait(request, priority, now_s)
        counts = False
        try:
            response = await self._inner(request)
            counts = response.status < _FAILED
        finally:
            self._limiter.end(place, kind_of(request), self._reactor.seconds(), counts=counts)
            if len(self._line):
                self._fill()
        self._ranks.note(request, response)
        return response

    async def _wait(self, request: HallRequest, priority: Priority, since_s: float) -> Place:
        entry = _Waiting(request.request_id, Deferred())
        refusal = self._line.push(entry, priority, since_s)
        end = Entry.SHED
        try:
            if refusal is not None:
                self._refuse(refusal)
            self._look_later()
            place = await entry.place
            end = Entry.WAITED
        except CancelledError:
            end = Entry.LEFT
            self._line.remove(entry)
            raise
        finally:
            self._metrics.entries[priority, end].inc()
            self._metrics.seconds[priority].observe(max(0.0, self._reactor.seconds() - since_s))
        return place

    def _refuse(self, refusal: Refusal[_Waiting]) -> None:
        entry, priority = refusal
        entry.place.errback(OverloadedError(priority, entry.request_id))

    def _fill(self) -> None:
        """Give free places to whose turn it is."""
        now_s = self._reactor.seconds()
        while len(self._line) and self._limiter.has_place(now_s):
            entry = self._line.pop(now_s)
            if entry is not None:
                entry.place.callback(self._limiter.begin(now_s))

    def _look_later(self) -> None:
        if self._timer is None:
            self._timer = self._reactor.callLater(LOOK_S, self._look)

    def _look(self) -> None:
        """Refuse whoever has waited long enough; places of those who only wait inside are free again."""
        self._timer = None
        now_s = self._reactor.seconds()
        for refusal in self._line.overdue(now_s):
            self._refuse(refusal)
        self._fill()
        overloaded = self._tell(now_s)
        if len(self._line) or overloaded:
            self._look_later()

    def _tell(self, now_s: float) -> bool:
        """Write down where overload begins and ends; True while there is any."""
        for priority, told in self._told.items():
            overloaded = self._line.is_overloaded(priority, now_s)
            if overloaded is not told:
                self._told[priority] = overloaded
                self._metrics.overloaded[priority].set(overloaded)
                self._log.warn(
                    "admission_overload_changed",
                    reason=priority.name.lower(),
                    state="overloaded" if overloaded else "calm",
                    limit=self._limiter.limit,
                )
        return any(self._told.values())
