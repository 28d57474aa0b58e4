"""The edge's connection to one worker: kept up, pinged, and used for many requests at once."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IConnector, IDelayedCall
from twisted.internet.protocol import ClientFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

from dmz.answering import Cancel
from dmz.switch.frames import NOT_BEGUN, ResetCode
from dmz.switch.multiplex import Multiplexer
from dmz.switch.mux_events import Event, GoneAway, MessageReceived, MuxLimits, Ponged, StreamReset
from dmz.switch.mux_protocol import MuxProtocol
from dmz.switch.reactor_port import SwitchReactor
from dmz.switch.settings import SwitchSettings
from dmz.switch.worker_health import HealthState, worker_health
from wire_formats.collaborators import Randomness
from wire_formats.errors import PeerError

_CONNECT_LIMIT_S: Final = 2.0
_MS: Final = 1_000


class Ended(enum.Enum):
    """Why an exchange gave no answer."""

    REFUSED = "refused"
    LOST = "lost"
    DEADLINE = "deadline"
    FAILED = "failed"


class ExchangeError(Exception):
    """A worker gave no answer.

    Args:
        ended: why.
        begun: False when it is certain that no handler has seen the request.
    """

    def __init__(self, ended: Ended, *, begun: bool) -> None:
        super().__init__(ended, begun)
        self.ended = ended
        self.begun = begun


#: Hears how an exchange ended: the encoded answer, or why there is none.
OnEnded: TypeAlias = Callable[[bytes | ExchangeError], None]


class _Exchange(NamedTuple):
    on_ended: OnEnded
    deadline_s: float


class WorkerLink:
    """One worker, as this edge reaches it.

    A worker that takes its leave keeps its connection until everything on it is answered; its successor is called at
    once, beside it.

    Args:
        name: of the worker, for logs.
        path: of its socket.
        reactor: for connections and timers.
        settings: deadlines, pauses, limits.
        randomness: for the jitter of reconnections.
        on_state: called with the states before and after each change.
    """

    _log = Logger()

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        reactor: SwitchReactor,
        settings: SwitchSettings,
        randomness: Randomness,
        on_state: Callable[[str, HealthState, HealthState], None],
    ) -> None:
        self.name = name
        self.state = HealthState.DOWN
        self._path = path
        self._reactor = reactor
        self._settings = settings
        self._randomness = randomness
        self._on_state = on_state
        self._health = worker_health(self._enter)
        self._connection: _Connection | None = None
        self._leaving: set[_Connection] = set()
        self._connector: IConnector | None = None
        self._calling = False
        self._pause_ms = settings.reconnect_first_ms
        self._pings = 0
        self._unanswered = False
        self._ping_timer: IDelayedCall | None = None
        self._call_timer: IDelayedCall | None = None
        self._forgive_timer: IDelayedCall | None = None
        self._stopped: Deferred[None] | None = None

    # --- life ----------------------------------------------------------------

    def start(self) -> None:
        """Connect, and stay connected."""
        self._call_timer = None
        self._calling = True
        factory = _LinkFactory(self)
        self._connector = self._reactor.connectUNIX(str(self._path), factory, timeout=_CONNECT_LIMIT_S)

    def stop(self) -> Deferred[None]:
        """Hang up for good; fires when every connection is gone."""
        if self._stopped is None:
            self._stopped = Deferred()
            self._cancel_forgiving()
            for leaving in tuple(self._leaving):
                leaving.protocol.close()
            if self._call_timer is not None:
                self._call_timer.cancel()
                self._call_timer = None
            elif self._connection is not None:
                self._connection.protocol.close()
            elif self._calling and self._connector is not None:
                self._connector.disconnect()
            self._finish()
        return self._stopped

    def eject(self, for_ms: int) -> None:
        """Take no notice of the worker's good health for a while."""
        self._health.eject()
        self._cancel_forgiving()
        self._forgive_timer = self._reactor.callLater(for_ms / _MS, self._health.forgiven)

    # --- exchanges -----------------------------------------------------------

    def exchange(self, message: bytes, deadline_s: float, on_ended: OnEnded) -> Cancel | None:
        """Send a request.

        Args:
            message: the encoded request.
            deadline_s: instant of the reactor's clock until which to wait; then the worker is told to give up.
            on_ended: called once, never before this returns.

        Returns:
            What tells the worker to give up (``on_ended`` is then not called); None when it cannot be reached.
        """
        connection = self._connection
        if connection is None or self.state is not HealthState.UP:
            return None
        cancel = connection.exchange(message, deadline_s, on_ended)
        if connection.protocol.mux.exhausted:
            self.leave(connection)  # stream numbers are used up: finish, and connect anew
        connection.protocol.flush()
        return cancel

    # --- what the connections say ----------------------------------------------

    def connected(self) -> MuxProtocol:
        """Make the protocol of a new connection."""
        self._calling = False
        self._connection = _Connection(self, self._settings.mux, self._reactor)
        return self._connection.protocol

    def not_connected(self) -> None:
        """Try again after a pause."""
        self._calling = False
        if self._stopped is not None:
            self._finish()
            return
        share = 0.5 + self._randomness.bytes(1)[0] / 512
        self._call_timer = self._reactor.callLater(self._pause_ms * share / _MS, self.start)
        self._pause_ms = min(self._pause_ms * 2, self._settings.reconnect_most_ms)

    def made(self) -> None:
        """The new connection can be used."""
        self._unanswered = False
        self._health.connected()
        self._ping()

    def ponged(self, *, draining: bool, connection: _Connection) -> None:
        """A worker gave a sign of life."""
        if connection is not self._connection:
            return
        self._pause_ms = self._settings.reconnect_first_ms
        self._unanswered = False
        if draining:
            self.leave(connection)
        else:
            self._health.pong()

    def leave(self, connection: _Connection) -> None:
        """No new work over this connection: it ends when all is answered, and the worker's successor is called."""
        if connection is self._connection:
            self._health.leaving()
            self._connection = None
            self._leaving.add(connection)
            self._stop_pinging()
            if self._stopped is None:
                self.start()
        connection.leave()

    def lost(self, connection: _Connection, wrong: PeerError | None) -> None:
        """A connection is gone."""
        if wrong is not None:
            self._log.error("worker_broke_protocol", worker=self.name, reason=wrong.private)
        if connection in self._leaving:
            self._leaving.discard(connection)
            connection.fail()
            if self.state is HealthState.DRAINING and not self._leaving:
                self._health.lost()
            self._finish()
            return
        self._connection = None
        self._stop_pinging()
        self._health.lost()
        connection.fail()
        self.not_connected()

    def _ping(self) -> None:
        if self._connection is None:
            return
        if self._unanswered:
            self._health.silent()
        self._unanswered = True
        self._pings += 1
        self._connection.protocol.mux.ping(self._pings)
        self._connection.protocol.flush()
        pause = self._settings.ping_ms if self.state is HealthState.UP else self._settings.probe_ms
        self._ping_timer = self._reactor.callLater(pause / _MS, self._ping)

    def _stop_pinging(self) -> None:
        if self._ping_timer is not None and self._ping_timer.active():
            self._ping_timer.cancel()
        self._ping_timer = None

    def _enter(self, state: HealthState) -> None:
        before, self.state = self.state, state
        self._log.info("worker_state_changed", worker=self.name, state=state.value)
        self._on_state(self.name, before, state)

    def _cancel_forgiving(self) -> None:
        if self._forgive_timer is not None and self._forgive_timer.active():
            self._forgive_timer.cancel()
        self._forgive_timer = None

    def _finish(self) -> None:
        """Tell that everything has ended, if it has, and somebody wants to know."""
        if self._stopped is None or self._stopped.called:
            return
        if self._connection is None and not self._calling and not self._leaving:
            self._stopped.callback(None)


class _Connection:
    """One connection to one process of a worker, with the exchanges on it."""

    def __init__(self, link: WorkerLink, limits: MuxLimits, reactor: SwitchReactor) -> None:
        self._link = link
        self._reactor = reactor
        self._exchanges: dict[int, _Exchange] = {}
        self._timer: IDelayedCall | None = None
        self._timer_s = math.inf
        self._leaving = False
        mux = Multiplexer(at_edge=True, limits=limits)
        self.protocol = MuxProtocol(mux, self._event, self._lost, lambda _: link.made())

    def exchange(self, message: bytes, deadline_s: float, on_ended: OnEnded) -> Cancel:
        """Queue a request; the caller flushes."""
        stream = self.protocol.mux.open(message)
        self._exchanges[stream] = _Exchange(on_ended, deadline_s)
        if deadline_s < self._timer_s:
            self._set_timer(deadline_s)
        return partial(self._cancel, stream)

    def leave(self) -> None:
        """Hang up once everything is answered: the worker waits for us to do it."""
        self._leaving = True
        if not self._exchanges:
            self.protocol.close()

    def fail(self) -> None:
        """The connection is gone, and with it what was under way."""
        self._set_timer(math.inf)
        for stream in list(self._exchanges):
            self._end(stream, ExchangeError(Ended.LOST, begun=self.protocol.mux.has_begun(stream)))

    def _event(self, event: Event) -> None:
        if isinstance(event, MessageReceived):
            self._end(event.stream, event.message)
        elif isinstance(event, StreamReset):
            begun = event.code not in NOT_BEGUN
            self._end(event.stream, ExchangeError(Ended.FAILED if begun else Ended.REFUSED, begun=begun))
        elif isinstance(event, Ponged):
            self._link.ponged(draining=event.state.draining, connection=self)
        elif isinstance(event, GoneAway):
            self._link.leave(self)

    def _set_timer(self, at_s: float) -> None:
        """Look at the deadlines at an instant; one timer serves all exchanges, and most end long before."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer_s = at_s
        delay_s = at_s - self._reactor.seconds()
        self._timer = None if at_s == math.inf else self._reactor.callLater(max(delay_s, 0.0), self._enforce)

    def _enforce(self) -> None:
        """Give up what is over its deadline, and wait for the next one."""
        now_s = self._timer_s
        for stream in [stream for stream, exchange in self._exchanges.items() if exchange.deadline_s <= now_s]:
            self._give_up(stream, ExchangeError(Ended.DEADLINE, begun=True))
        self._set_timer(min((exchange.deadline_s for exchange in self._exchanges.values()), default=math.inf))

    def _give_up(self, stream: int, error: ExchangeError) -> None:
        self.protocol.mux.reset(stream, ResetCode.CANCELLED)
        self.protocol.flush()
        self._end(stream, error)

    def _cancel(self, stream: int) -> None:
        if self._exchanges.pop(stream, None) is not None:
            self.protocol.mux.reset(stream, ResetCode.CANCELLED)
            self.protocol.flush()
            if self._leaving:
                self.leave()

    def _end(self, stream: int, result: bytes | ExchangeError) -> None:
        exchange = self._exchanges.pop(stream, None)
        if exchange is not None:
            exchange.on_ended(result)
            if self._leaving:
                self.leave()

    def _lost(self, wrong: PeerError | None) -> None:
        self._link.lost(self, wrong)


class _LinkFactory(ClientFactory):
    noisy = False

    def __init__(self, link: WorkerLink) -> None:
        self._link = link

    def buildProtocol(self, addr: IAddress | None) -> MuxProtocol:
        return self._link.connected()

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        self._link.not_connected()
