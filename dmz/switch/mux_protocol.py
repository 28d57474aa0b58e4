"""One multiplexed connection on the wire: bytes between a transport and a ``Multiplexer``, no faster than it drains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from dmz.switch.multiplex import Multiplexer
from dmz.switch.mux_events import Event
from wire_formats.errors import PeerError

BURST_BYTES: Final = 256 * 1024


@implementer(IPushProducer)
class MuxProtocol(Protocol):
    """Owns one connection.

    Args:
        mux: this end's streams.
        on_event: called for every event, in order.
        on_lost: called once when the connection is gone; with the PeerError if the other end broke the rules.
        on_made: called once when bytes can be written.
    """

    def __init__(
        self,
        mux: Multiplexer,
        on_event: Callable[[Event], None],
        on_lost: Callable[[PeerError | None], None],
        on_made: Callable[[MuxProtocol], None] | None = None,
    ) -> None:
        self.mux = mux
        self._on_event = on_event
        self._on_lost = on_lost
        self._on_made = on_made
        self._paused = False
        self._receiving = False
        self._closing = False
        self._wrong: PeerError | None = None
        self._wire: Any = None  # Twisted declares ITransport here, which knows no producers

    def connectionMade(self) -> None:
        """Ask the transport to say when it is full."""
        self._wire = self.transport
        self._wire.registerProducer(self, True)
        if self._on_made is not None:
            self._on_made(self)

    def dataReceived(self, data: bytes) -> None:
        """Take bytes; what they cause to be sent is written in one go."""
        if self._closing:
            return
        self._receiving = True
        try:
            for event in self.mux.receive(data):
                self._on_event(event)
        except PeerError as error:
            self._wrong = error
            self.abort()
        finally:
            self._receiving = False
        self.flush()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the owner."""
        self._closing = True
        self._on_lost(self._wrong)

    def flush(self) -> None:
        """Write what may be written now; within ``dataReceived`` it waits for the end of the batch."""
        if self._receiving or self._closing or self._wire is None:
            return
        while not self._paused:
            chunks = self.mux.take_output(BURST_BYTES)
            if not chunks:
                return
            self._wire.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    def close(self) -> None:
        """Write what is left to write, then hang up."""
        if not self._closing:
            self._receiving = False
            self.flush()
            self._closing = True
            self._wire.unregisterProducer()
            self._wire.loseConnection()

    def abort(self) -> None:
        """Hang up at once."""
        if not self._closing:
            self._closing = True
            self._wire.unregisterProducer()
            self._wire.abortConnection()

    def pauseProducing(self) -> None:
        """The transport is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The transport has drained."""
        self._paused = False
        self.flush()

    def stopProducing(self) -> None:
        """The transport is gone; ``connectionLost`` follows."""
        self._paused = True
