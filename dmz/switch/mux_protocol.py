"""One multiplexed connection on the wire: bytes between a transport and a ``Multiplexer``, no faster than it drains.

What all events of one turn of the reactor have to send goes out together, in one system call, past the transport's own
buffer: Twisted's would arm the poller, wait for it and disarm it for every batch. Only what the socket does not take at
once goes through the transport; until that is gone, nothing more is sent. A reactor without ``at_turn_end`` (a test's)
sends at once.

Source: edge research, section 3 (batched per loop turn).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IPullProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from dmz.switch.multiplex import Multiplexer
from dmz.switch.mux_events import Event
from wire_formats.errors import PeerError

BURST_BYTES: Final = 256 * 1024
#: Less than this is put together before it is sent; no more than these are sent in one go (sendmsg(2), IOV_MAX).
_JOINED_BYTES: Final = 32 * 1024
_MOST_CHUNKS: Final = 512


@implementer(IPullProducer)
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
        self._behind = False
        self._planned = False
        self._receiving = False
        self._closing = False
        self._wrong: PeerError | None = None
        self._wire: Any = None  # Twisted declares ITransport here, which knows no producers

    def connectionMade(self) -> None:
        """Bytes can be written."""
        self._wire = self.transport
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
        """Write what may be written, at the end of the reactor's turn; in ``dataReceived`` after the last event."""
        if self._receiving or self._planned or self._closing or self._wire is None:
            return
        at_turn_end = getattr(self._wire.reactor, "at_turn_end", None)
        if at_turn_end is None:
            self._send()
        else:
            self._planned = True
            at_turn_end(self._turn_ended)

    def _turn_ended(self) -> None:
        self._planned = False
        if not self._closing:
            self._send()

    def _send(self) -> None:
        while not self._behind:
            chunks = self.mux.take_output(BURST_BYTES)
            if not chunks:
                return
            size = sum(map(len, chunks))
            if len(chunks) > 1 and (size < _JOINED_BYTES or len(chunks) > _MOST_CHUNKS):
                chunks = [b"".join(chunks)]
            sent = self._send_some(chunks)
            if sent < size:
                self._wire.write(b"".join(chunks)[sent:])
                self._wire.registerProducer(self, False)  # asks for more at once, which is not yet meant
                self._behind = True

    def _send_some(self, chunks: list[bytes | memoryview]) -> int:
        """Give how much the socket has taken; an error is left to the transport to meet."""
        handle = self._wire.getHandle()
        try:
            sent: int = handle.send(chunks[0]) if len(chunks) == 1 else handle.sendmsg(chunks)
        except OSError:
            return 0
        return sent

    def close(self) -> None:
        """Write what is left to write, then hang up."""
        if not self._closing:
            self._receiving = False
            self._send()
            self._closing = True
            self._wire.unregisterProducer()
            self._wire.loseConnection()

    def abort(self) -> None:
        """Hang up at once."""
        if not self._closing:
            self._closing = True
            self._wire.unregisterProducer()
            self._wire.abortConnection()

    def resumeProducing(self) -> None:
        """The transport has passed on what it was given."""
        if self._behind:
            self._behind = False
            self._wire.unregisterProducer()
            self.flush()

    def stopProducing(self) -> None:
        """The transport is gone; ``connectionLost`` follows."""
        self._behind = True
