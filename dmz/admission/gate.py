"""Admission control around firewall and content switch: a place at once, after a wait, or an honest refusal.

It stands before the firewall, since judging what is then refused would take the time that is missing. Style sheets and
pictures have servers of their own and pass by.
"""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from dmz.admission.limiter import ConcurrencyLimiter, Place
from dmz.admission.line import Line, Refusal
from dmz.admission.metrics import AdmissionMetrics, Entry
from dmz.admission.overloaded import OverloadedError
from dmz.admission.session_marks import SessionMarks, session_key
from dmz.admission.settings import AdmissionSettings
from dmz.admission.usual_times import kind_of
from dmz.answering import Answerer, Answering, Cancel, Done, answerer_of, nothing
from dmz.messages import HallRequest, HallResponse, Handler
from dmz.switch.content_switch import STATIC_PREFIX
from dmz.switch.reactor_port import SwitchReactor
from dmz.switch.wait_queue import Priority, priority_of
from wire_formats.collaborators import Clock
from wire_formats.instants import SECOND_MS

#: How often the line is looked at while somebody waits.
LOOK_S: Final = 0.01
_FAILED: Final = 500


class _Guest:
    """One request at the gate: it waits (``place`` is None), is inside, or is over."""

    __slots__ = ("_gate", "_over", "cancel_inner", "done", "place", "priority", "request", "since_s")

    def __init__(
        self, gate: AdmissionGate, request: HallRequest, done: Done, priority: Priority, since_s: float
    ) -> None:
        self._gate = gate
        self._over = False
        self.request = request
        self.done = done
        self.priority = priority
        self.since_s = since_s
        self.place: Place | None = None
        self.cancel_inner: Cancel = nothing

    def answered(self, outcome: HallResponse | BaseException) -> None:
        """Leave with an answer, or with the error that came instead."""
        self._over = True
        self._gate.answered(self, outcome)

    def refused(self, error: OverloadedError) -> None:
        """Leave without having been inside."""
        self._over = True
        self.done(error)

    def cancel(self) -> None:
        """Leave early; nothing happens when it is over."""
        if not self._over:
            self._over = True
            self._gate.left(self)


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


class AdmissionGate(Answering):
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
        inner: Handler | Answerer,
        ranks: Ranks,
        settings: AdmissionSettings,
        *,
        reactor: SwitchReactor,
        metrics: AdmissionMetrics,
    ) -> None:
        self._inner = answerer_of(inner)
        self._ranks = ranks
        self._reactor = reactor
        self._metrics = metrics
        self._limiter = ConcurrencyLimiter(settings.limiter, reactor.seconds())
        self._line: Line[_Guest] = Line(settings.line)
        self._told = dict.fromkeys(Priority, False)
        self._timer: IDelayedCall | None = None
        self._filling = False
        metrics.places.set_function(lambda: self._limiter.limit)
        metrics.pace.set_function(lambda: self._limiter.pace)
        metrics.in_flight.set_function(lambda: self._limiter.in_flight)
        metrics.waiting.set_function(lambda: len(self._line))

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        """Have a request answered.

        The error may be ``OverloadedError``: there is no room, the request was not handed on; or one of ``inner``.
        """
        if request.path.startswith(STATIC_PREFIX):
            return self._inner.begin(request, done)
        now_s = self._reactor.seconds()
        guest = _Guest(self, request, done, self._ranks.priority_of(request), now_s)
        # Who waits already was not let in: whoever comes now waits behind or before him, by his priority.
        if not self._line.ahead(guest.priority) and self._has_place(guest.priority, now_s):
            self._metrics.entries[guest.priority, Entry.AT_ONCE].inc()
            self._let_in(guest, now_s)
            return guest.cancel
        refusal = self._line.push(guest, guest.priority, now_s)
        if refusal is not None:
            self._refuse(refusal)
        self._look_later()
        return guest.cancel

    # --- what a guest says ---------------------------------------------------------

    def answered(self, guest: _Guest, outcome: HallResponse | BaseException) -> None:
        """His request was answered, or failed."""
        response = outcome if isinstance(outcome, HallResponse) else None
        self._leave(guest, counts=response is not None and response.status < _FAILED)
        if response is not None:
            self._ranks.note(guest.request, response)
        guest.done(outcome)

    def left(self, guest: _Guest) -> None:
        """He does not want the answer any more."""
        if guest.place is None:
            self._line.remove(guest)
            self._waited(guest, Entry.LEFT)
        elif not guest.place.over:
            guest.cancel_inner()
            self._leave(guest, counts=False)

    def _let_in(self, guest: _Guest, now_s: float) -> None:
        guest.place = self._limiter.begin(guest.priority, now_s)
        try:
            guest.cancel_inner = self._inner.begin(guest.request, guest.answered)
        except Exception as error:  # noqa: BLE001 - his own failure; he gives his place back
            guest.answered(error)

    def _leave(self, guest: _Guest, *, counts: bool) -> None:
        assert guest.place is not None
        self._limiter.end(guest.place, kind_of(guest.request), self._reactor.seconds(), counts=counts)
        if len(self._line):
            self._fill()

    def _waited(self, guest: _Guest, end: Entry) -> None:
        self._metrics.entries[guest.priority, end].inc()
        self._metrics.seconds[guest.priority].observe(max(0.0, self._reactor.seconds() - guest.since_s))

    def _refuse(self, refusal: Refusal[_Guest]) -> None:
        guest, priority = refusal
        self._waited(guest, Entry.SHED)
        guest.refused(OverloadedError(priority, guest.request.request_id))

    def _fill(self) -> None:
        """Give free places to whose turn it is; who is answered at once makes no recursion."""
        if self._filling:
            return
        self._filling = True
        now_s = self._reactor.seconds()
        while (priority := self._line.first()) is not None and self._has_place(priority, now_s):
            guest = self._line.pop(now_s)
            if guest is not None:
                self._waited(guest, Entry.WAITED)
                self._let_in(guest, now_s)
        self._filling = False

    def _has_place(self, priority: Priority, now_s: float) -> bool:
        return self._limiter.has_place(now_s, overloaded=self._line.is_overloaded(priority, now_s))

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
