"""Puts the authority together and runs it: the desk, the deny list's pace, the revocation lists.

Everything that touches the ledger or a key runs in one thread of its own, in order; the
reactor only moves bytes. The number of waiting calls is bounded.

Source: DESIGN "Zones and packages".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from ca import crl
from ca.authority import Authority, open_authority
from ca.deny_publisher import DenyPace, DenyPublisher
from ca.desk import Desk, refusal
from ca.desk_server import DeskFactory, listen, outcome_of
from ca.metrics import CaMetrics
from ca.profile_table import load_profiles
from ca.settings import CaSettings
from wire_formats.collaborators import Clock, Randomness
from wire_formats.desk_messages import Question, encode_answer
from wire_formats.errors import HallError, Kind, Unavailable
from wire_formats.instants import SECOND_MS

#: Looks that may fail in a row before the role calls itself unhealthy.
FAILED_LOOKS: Final = 3
_R = TypeVar("_R")


class CaService:
    """The running authority.

    Args:
        settings: of the role.
        authority: opened ledger and keys.
        reactor: Twisted's reactor.
        clock: wall-clock time.
        metrics: the role's figures.
    """

    log = Logger()

    def __init__(
        self, settings: CaSettings, authority: Authority, *, reactor: Any, clock: Clock, metrics: CaMetrics
    ) -> None:
        self._settings = settings
        self._authority = authority
        self._reactor = reactor
        self._clock = clock
        self._metrics = metrics
        pace = DenyPace(heartbeat_s=settings.heartbeat_s, snapshot_s=settings.snapshot_s)
        self._publisher = DenyPublisher(
            authority.ledger,
            authority.deny_key,
            settings.deny_drop,
            copy=settings.deny_copy,
            clock=clock,
            metrics=metrics,
            pace=pace,
        )
        self._desk = Desk(authority.slips, authority.revoker, clock=clock, after_revocation=self._publisher.look)
        self._factory = DeskFactory(
            self.ask,
            most=settings.desk_connections,
            idle_s=settings.desk_idle_s,
            clock=reactor,
            metrics=metrics,
        )
        self._pool = ThreadPool(minthreads=0, maxthreads=1, name="ca")
        self._waiting = 0
        self._port: Any = None
        self._next_look: Any = None
        self._looking: Deferred[None] | None = None
        self._failed_looks = 0
        self._crl_due_ms = 0
        self._crl_holds = 0
        self._stopped = False

    async def start(self) -> None:
        """Give up what a crash left half done, publish the deny list, open the desk.

        Raises:
            SettingsError: another desk answers at the socket.
            Unavailable: the ledger does not answer.
        """
        self._pool.start()
        await self._in_thread(self._first)
        self._port = listen(self._reactor, self._settings.socket, self._factory)
        self._plan_look()

    async def stop(self) -> None:
        """Close the desk, finish the question at work, close the ledger."""
        self._stopped = True
        if self._next_look is not None and self._next_look.active():
            self._next_look.cancel()
        if self._port is not None:
            await self._port.stopListening()
            self._factory.close_all()
        if self._looking is not None:
            await self._looking
        if self._pool.started:
            await self._in_thread(self._authority.ledger.close)
            self._pool.stop()

    def health(self) -> tuple[bool, tuple[str, ...]]:
        """Return whether the role can work, and if not, why."""
        reasons = []
        if self._port is None or self._stopped:
            reasons.append("desk is not open")
        if self._failed_looks >= FAILED_LOOKS:
            reasons.append("deny list is not published")
        return not reasons, tuple(reasons)

    async def ask(self, question: Question) -> bytes:
        """Answer a question from the socket.

        A fault of our own is not answered: it is logged, and the connection ends.
        """
        begun = self._reactor.seconds()
        outcome = "bug"
        try:
            encoded = await self._question(question)
            outcome = outcome_of(encoded)
        except HallError as error:
            encoded = encode_answer(refusal(question.request_id, error))
            outcome = outcome_of(encoded)
        finally:
            name = type(question).__name__.lower()
            self._metrics.answered(name, outcome, self._reactor.seconds() - begun)
        return encoded

    async def _question(self, question: Question) -> bytes:
        """Queue a question; only questions are limited, never the deny list or the stop."""
        if self._waiting >= self._settings.desk_waiting:
            raise Unavailable(Kind.BUSY, "too many questions are waiting", 1)
        self._waiting += 1
        try:
            return await self._in_thread(self._desk.answer, question)
        finally:
            self._waiting -= 1

    async def _in_thread(self, function: Callable[..., _R], *args: object) -> _R:
        result: _R = await deferToThreadPool(self._reactor, self._pool, function, *args)
        return result

    def _first(self) -> None:
        self._authority.issuer.reconcile()
        self._publisher.look()
        self._write_lists()

    def _plan_look(self) -> None:
        if not self._stopped:
            self._next_look = self._reactor.callLater(self._settings.look_ms / SECOND_MS, self._start_look)

    def _start_look(self) -> None:
        looking = Deferred.fromCoroutine(self._in_thread(self._regular))
        self._looking = looking
        looking.addCallbacks(self._looked, self._look_failed)
        looking.addCallback(lambda _: self._plan_look())

    def _looked(self, _result: None) -> None:
        self._looking = None
        self._failed_looks = 0

    def _look_failed(self, failure: Failure) -> None:
        """The next look may succeed; three failures in a row make the role unhealthy."""
        self._looking = None
        self._failed_looks += 1
        if isinstance(failure.value, HallError):
            self.log.warn("ca_look_failed", code=failure.value.code, reason=failure.value.private)
        else:
            self.log.failure("ca_look_failed", failure=failure)

    def _regular(self) -> None:
        self._publisher.look()
        self._desk.forget_old()
        if self._clock.now_ms() >= self._crl_due_ms:
            self._authority.issuer.reconcile()
            self._write_lists()
        elif crl.newest_revocation(self._authority.ledger) > self._crl_holds:
            # The staff window reads the list: a lost card must not open it for the rest of the hour.
            self._write_lists()

    def _write_lists(self) -> None:
        now = self._clock.now_ms()
        # Read first: what is revoked while the lists are being written is written at the next look.
        self._crl_holds = crl.newest_revocation(self._authority.ledger)
        self._crl_due_ms = now + self._settings.crl_s * SECOND_MS
        for authority in self._authority.authorities.values():
            crl.write_crl(self._authority.ledger, authority, self._settings.crl_folder, now_ms=now)


def build_ca(
    settings: CaSettings, *, reactor: Any, clock: Clock, randomness: Randomness, registry: CollectorRegistry
) -> CaService:
    """Put the `ca` role together; nothing is opened to others before `start`.

    Raises:
        SettingsError: a key, certificate or secret file cannot be used.
        Unavailable: the ledger does not answer.
    """
    metrics = CaMetrics(registry, tuple(load_profiles()))
    authority = open_authority(settings, clock=clock, randomness=randomness, metrics=metrics)
    return CaService(settings, authority, reactor=reactor, clock=clock, metrics=metrics)
