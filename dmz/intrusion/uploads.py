"""Uploads are looked at by clamd before a worker gets them, where clamd is set up; its absence is alarmed.

By default uploads pass while clamd does not answer: a workbook is read in a killable child and only its rows go on,
nothing of the file is ever opened inside (DESIGN, invariant 8). ``clamd_required`` refuses them instead.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from dmz.answering import Answerer, Answering, Cancel, Done, answerer_of, awaited
from dmz.intrusion.clamd import ClamdClient
from dmz.intrusion.events import Event, EventTeller, Happening
from dmz.intrusion.metrics import IntrusionMetrics
from dmz.messages import HallRequest, HallResponse, Handler
from wire_formats.clamd import NO_ANSWER, Scanned, ScanVerdict
from wire_formats.errors import Kind, Refused, Unavailable

#: Scans at once; more uploads wait, and the edge's deadline for an answer holds for them, too.
SCANS_AT_ONCE: Final = 4
LOOK_EVERY_S: Final = 15.0
_RETRY_S: Final = 60


class ScannerPresence:
    """Whether clamd answers; tells it once when that changes.

    Args:
        metrics: of this process.
        teller: tells the change.
    """

    def __init__(self, metrics: IntrusionMetrics, teller: EventTeller) -> None:
        self._metrics = metrics
        self._teller = teller
        self.absent = False

    def seen(self, *, answers: bool) -> None:
        """Note whether it answered."""
        if self.absent == (not answers):
            return
        self.absent = not answers
        self._metrics.scanner_absent.set(int(self.absent))
        if self.absent:
            self._teller.tell(Event(Happening.SCANNER_ABSENT, reason=NO_ANSWER))
        else:
            self._teller.tell(Event(Happening.SCANNER_BACK))


class ScanningHandler(Answering):
    """A handler behind the virus scanner.

    Args:
        inner: the content switch.
        clamd: asks it.
        presence: keeps the alarm.
        metrics: of this process.
        required: whether an upload that could not be scanned is refused.
    """

    _log = Logger()

    def __init__(
        self,
        inner: Handler | Answerer,
        clamd: ClamdClient,
        *,
        presence: ScannerPresence,
        metrics: IntrusionMetrics,
        required: bool,
    ) -> None:
        self._inner = answerer_of(inner)
        self._scanning_all = answerer_of(self._scan_all)
        self._clamd = clamd
        self._presence = presence
        self._metrics = metrics
        self._required = required
        self._places = DeferredSemaphore(SCANS_AT_ONCE)
        self._looking: LoopingCall | None = None

    def start(self, reactor: Any) -> None:
        """Look from now on whether clamd is there, also while nobody uploads."""
        self._looking = LoopingCall(lambda: Deferred.fromCoroutine(self._look()))
        self._looking.clock = reactor
        self._looking.start(LOOK_EVERY_S)

    def stop(self) -> None:
        """Look no longer."""
        if self._looking is not None and self._looking.running:
            self._looking.stop()

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        """Have a request answered, unless it brings a virus.

        The error may be ``Refused`` (INFECTED), or ``Unavailable`` (BUSY: not scanned, and the settings require it).
        """
        return (self._scanning_all if request.uploads else self._inner).begin(request, done)

    async def _scan_all(self, request: HallRequest) -> HallResponse:
        for upload in request.uploads:
            if upload.data:
                self._judge(await self._scan(upload.data), request)
        return await awaited(self._inner, request)

    async def _scan(self, data: bytes) -> Scanned:
        await self._places.acquire()
        try:
            scanned = await self._clamd.scan(data)
        finally:
            self._places.release()
        self._metrics.scans[scanned.verdict.value].inc()
        if scanned.verdict is not ScanVerdict.NOT_SCANNED:
            self._presence.seen(answers=True)
        elif scanned.told == NO_ANSWER:
            self._presence.seen(answers=False)
        return scanned

    def _judge(self, scanned: Scanned, request: HallRequest) -> None:
        if scanned.verdict is ScanVerdict.INFECTED:
            self._log.warn("upload_infected", rule=scanned.told, request_id=request.request_id, window=request.window)
            raise Refused(Kind.INFECTED, "infected upload")
        if scanned.verdict is ScanVerdict.NOT_SCANNED:
            self._log.warn("upload_not_scanned", reason=scanned.told, request_id=request.request_id)
            if self._required:
                raise Unavailable(Kind.BUSY, "virus scanner does not answer", _RETRY_S)

    async def _look(self) -> None:
        self._presence.seen(answers=await self._clamd.ping())
