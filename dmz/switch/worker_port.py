"""The worker's end: a Unix socket on which edges send requests and a handler answers them.

Leaving without losing anything (``drain``): the socket file goes, so that the next process can take its name, unless a
successor accepts on the same socket already; each edge is told (GOAWAY), what it had already sent beyond that is
refused as not begun, what is under way is answered, and the edges hang up when they have everything. Only then is the
port empty.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

from dmz.messages import HallRequest, HallResponse, Handler, decode_request, encode_response
from dmz.switch.frames import ResetCode, WorkerState
from dmz.switch.metrics import PortMetrics, PortOutcome
from dmz.switch.multiplex import Multiplexer
from dmz.switch.mux_events import Event, MessageReceived, Pinged, StreamReset
from dmz.switch.mux_protocol import MuxProtocol
from dmz.switch.reactor_port import SwitchReactor
from dmz.switch.settings import PortSettings
from dmz.switch.unix_acceptor import UnixAcceptor, bind_unix
from wire_formats.errors import Bug, HallError, Kind, PeerError

ErrorRenderer: TypeAlias = Callable[[HallRequest, HallError], HallResponse]
_MS: Final = 1_000


class WorkerPort:
    """Serves a handler on a socket.

    Args:
        handler: answers a request; what it raises is rendered.
        render_error: makes the page of an error that the handler let through.
        settings: limits.
        metrics: counters.
        reactor: for the socket and timers.
    """

    _log = Logger()

    def __init__(
        self,
        handler: Handler,
        render_error: ErrorRenderer,
        *,
        settings: PortSettings,
        metrics: PortMetrics,
        reactor: SwitchReactor,
    ) -> None:
        self._handler = handler
        self._render_error = render_error
        self._settings = settings
        self._metrics = metrics
        self._reactor = reactor
        self._connections: set[_Connection] = set()
        self._listening: UnixAcceptor | None = None
        self._drained: Deferred[None] | None = None
        self._timers: list[IDelayedCall] = []
        self._lingering = False
        self.in_flight = 0

    @property
    def draining(self) -> bool:
        """True once ``drain`` was called."""
        return self._drained is not None

    def listen(self, path: Path, inherited: socket.socket | None = None) -> socket.socket:
        """Listen on a Unix socket; a socket file that a dead process left behind is removed.

        Args:
            path: of the socket file.
            inherited: the listening socket of an older process that still serves; used as it is.

        Returns:
            The listening socket, for the next process.

        Raises:
            CannotListenError: somebody listens there, or the path cannot be used.
        """
        listener = inherited or bind_unix(path, self._settings.socket_mode)
        listener.setblocking(False)
        self._listening = UnixAcceptor(listener, path, _PortFactory(self), self._reactor)
        self._log.info("port_listening", file=path.name, state="bound" if inherited is None else "inherited")
        return listener

    def drain(self, *, succeeded: bool = False) -> Deferred[None]:
        """Finish what is under way and take nothing new; fires when every edge has hung up, or after ``drain_ms``.

        Args:
            succeeded: a successor accepts on the same socket: the file stays.
        """
        if self._drained is None:
            self._drained = Deferred()
            self._timers.append(self._reactor.callLater(self._settings.drain_ms / _MS, self._hang_up, at_once=True))
            self._log.info("port_draining", count=self.in_flight)
            if self._listening is not None:
                self._listening.stop(remove=not succeeded)
                self._listening = None
            for connection in list(self._connections):
                connection.go_away()
            self._check_drained()
        return self._drained

    # --- for connections ---------------------------------------------------------

    def accept(self) -> MuxProtocol | None:
        """Make the protocol of a new connection; None turns it away."""
        if self.draining or len(self._connections) >= self._settings.connections:
            return None
        connection = _Connection(self, Multiplexer(at_edge=False, limits=self._settings.mux))
        self._connections.add(connection)
        self._metrics.connections.set(len(self._connections))
        return connection.protocol

    def forget(self, connection: _Connection, wrong: PeerError | None) -> None:
        """A connection is gone."""
        if wrong is not None:
            self._log.error("edge_broke_protocol", reason=wrong.private)
        self._connections.discard(connection)
        self._metrics.connections.set(len(self._connections))
        self._check_drained()

    def handle(self, request: HallRequest) -> Deferred[HallResponse] | None:
        """Have a request answered; None when there is no place.

        The result never fails, except with CancelledError when it is cancelled.
        """
        if self.in_flight >= self._settings.in_flight:
            self._metrics.outcomes[PortOutcome.OVERLOADED].inc()
            return None
        self.in_flight += 1
        self._metrics.in_flight.set(self.in_flight)
        answer = Deferred.fromCoroutine(self._run(request))
        answer.addErrback(self._failed, request)
        return answer.addBoth(self._over)

    async def _run(self, request: HallRequest) -> HallResponse:
        return await self._handler(request)

    def count(self, outcome: PortOutcome) -> None:
        """Count a request's end."""
        self._metrics.outcomes[outcome].inc()

    def _failed(self, failure: Failure, request: HallRequest) -> HallResponse | Failure:
        if failure.check(CancelledError):
            return failure
        self.count(PortOutcome.FAILED)
        if isinstance(failure.value, HallError) and not isinstance(failure.value, Bug):
            error = failure.value
            self._log.info("handler_refused", request_id=request.request_id, code=error.code, reason=error.private)
        else:
            self._log.failure("handler_failed", failure=failure, request_id=request.request_id)
            error = Bug(Kind.BUG, "the handler failed")
        return self._render_error(request, error)

    def _over(self, result: HallResponse | Failure) -> HallResponse | Failure:
        self.in_flight -= 1
        self._metrics.in_flight.set(self.in_flight)
        if self.draining:
            self._reactor.callLater(0, self._check_drained)
        return result

    # --- leaving -----------------------------------------------------------------

    def _check_drained(self) -> None:
        if self._drained is None or self._drained.called:
            return
        if not self._connections:
            for timer in self._timers:
                if timer.active():
                    timer.cancel()
            self._log.info("port_drained", count=self.in_flight)
            self._drained.callback(None)
        elif self.in_flight == 0 and not self._lingering:
            self._lingering = True
            self._timers.append(self._reactor.callLater(self._settings.linger_ms / _MS, self._hang_up, at_once=False))

    def _hang_up(self, *, at_once: bool) -> None:
        for connection in list(self._connections):
            connection.hang_up(at_once=at_once)


class _Connection:
    """One edge."""

    _log = Logger()

    def __init__(self, port: WorkerPort, mux: Multiplexer) -> None:
        self._port = port
        self._mux = mux
        self._running: dict[int, tuple[HallRequest, Deferred[HallResponse]]] = {}
        self.protocol = MuxProtocol(mux, self._event, self._lost)

    def go_away(self) -> None:
        """Tell the edge that nothing new is taken."""
        self._mux.go_away()
        self.protocol.flush()

    def hang_up(self, *, at_once: bool) -> None:
        """Close the connection."""
        if at_once:
            self.protocol.abort()
        else:
            self.protocol.close()

    def _event(self, event: Event) -> None:
        if isinstance(event, MessageReceived):
            self._start(event)
        elif isinstance(event, StreamReset):
            self._give_up(event.stream)
        elif isinstance(event, Pinged):
            self._mux.pong(WorkerState(event.number, self._port.in_flight, self._port.draining))

    def _start(self, event: MessageReceived) -> None:
        try:
            request = decode_request(event.message)
        except PeerError:
            self._port.count(PortOutcome.UNREADABLE)
            self._mux.reset(event.stream, ResetCode.UNREADABLE)
            return
        answer = self._port.handle(request)
        if answer is None:
            self._mux.reset(event.stream, ResetCode.OVERLOADED)
            return
        self._running[event.stream] = (request, answer)
        answer.addCallbacks(self._answer, self._unwanted, callbackArgs=(event.stream,), errbackArgs=(event.stream,))

    def _answer(self, response: HallResponse, stream: int) -> None:
        request, _ = self._running.pop(stream)
        try:
            message = encode_response(response, marked=request.takes_mark)
        except PeerError:
            self._port.count(PortOutcome.FAILED)
            self._mux.reset(stream, ResetCode.FAILED)
        else:
            self._port.count(PortOutcome.ANSWERED)
            self._mux.answer(stream, message)
        self.protocol.flush()

    def _unwanted(self, failure: Failure, stream: int) -> None:
        self._running.pop(stream, None)
        if not failure.check(CancelledError):
            self._log.failure("error_page_failed", failure=failure)
        self._port.count(PortOutcome.UNWANTED)
        self._mux.reset(stream, ResetCode.FAILED)
        self.protocol.flush()

    def _give_up(self, stream: int) -> None:
        """Stop making an answer that nobody waits for; a POST is finished, since it may be half done."""
        running = self._running.get(stream)
        if running is not None and running[0].method != "POST":
            running[1].cancel()

    def _lost(self, wrong: PeerError | None) -> None:
        for stream in list(self._running):
            self._give_up(stream)
        self._port.forget(self, wrong)


class _PortFactory(ServerFactory):
    noisy = False

    def __init__(self, port: WorkerPort) -> None:
        self._port = port

    def buildProtocol(self, addr: IAddress | None) -> MuxProtocol | None:
        return self._port.accept()
