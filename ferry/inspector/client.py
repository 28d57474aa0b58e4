"""An inspector at the other end of a Unix socket (implements ``port.InspectionPort``).

Questions are written as they come and answered in order.  When the connection ends, or an answer does not come within
ten seconds, no answer comes any more, and the connection is made anew.  The oldest question without an answer is the
one that was worked on: it alone may be the cause, and its asker learns that; the others may be asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from ferry.inspector.frames import FrameReader, NotScanned, Question, Verdict, encode_question, parse_answer
from ferry.inspector.port import InspectorLostError, NotReachedError, Pending, settled
from wire_formats.bundle import Item
from wire_formats.errors import Kind, PeerError, Unavailable

#: The inspector ends itself a little earlier when one question takes too long.
ANSWER_WITHIN_S: Final = 12.0
AGAIN_AFTER_S: Final = 0.2
_RETRY_S: Final = 1
#: Questions that may wait for their answers; each lane asks one at a time.
_MOST_WAITING: Final = 16


class _Ticket:
    """One question under way (implements ``port.Pending``)."""

    def __init__(self, wake: Callable[[], None], count: int) -> None:
        self._wake = wake
        self._found: Sequence[Verdict] | NotScanned | None = None
        self._lost: InspectorLostError | NotReachedError | None = None
        self.count = count

    def verdicts(self) -> Sequence[Verdict] | None:
        """Give the verdicts, or None.

        Raises:
            InspectorLostError: they will not come.
            NotReachedError: the inspector ended over another question.
            NoScannerError: the virus scanner does not answer.
        """
        if self._lost is not None:
            raise self._lost
        return None if self._found is None else settled(self._found)

    def answer(self, found: Sequence[Verdict] | NotScanned) -> None:
        """Take the verdicts in."""
        self._found = found
        self._wake()

    def lose(self, why: InspectorLostError | NotReachedError) -> None:
        """Note that there will be none."""
        self._lost = why
        self._wake()


class _Conversation(Protocol):
    """One connection to the inspector."""

    def __init__(self, far: FarInspector) -> None:
        self._far = far
        self._reader = FrameReader()

    def connectionMade(self) -> None:
        """Begin to ask."""
        self._far.connected(self)

    def dataReceived(self, data: bytes) -> None:
        """Take answers in; an inspector that talks nonsense is left."""
        try:
            for content in self._reader.feed(data):
                answer = parse_answer(content)
                self._far.answered(answer.ticket, answer.verdicts)
        except PeerError as error:
            self._far.distrust(error)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """No answer comes any more."""
        self._far.disconnected(self)


class _Factory(ClientFactory):
    noisy = False

    def __init__(self, far: FarInspector) -> None:
        self._far = far

    def buildProtocol(self, addr: Any) -> _Conversation:
        """Give the conversation of a new connection."""
        return _Conversation(self._far)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:  # noqa: N802 - Twisted calls it
        """Try again a little later."""
        self._far.later()


class FarInspector:
    """Asks an inspector in another process.

    Args:
        socket: where it listens.
        reactor: connects, and time.
    """

    log = Logger()

    def __init__(self, socket: Path, reactor: Any) -> None:
        self._socket = socket
        self._reactor = reactor
        self._factory = _Factory(self)
        self._talk: _Conversation | None = None
        self._waiting: dict[int, _Ticket] = {}
        self._next = 0
        self._again: Any = None
        self._alarm: Any = None
        self._stopped = False
        self._not_scanned = ""

    @property
    def trouble(self) -> str:
        """Why nothing can be inspected now."""
        if self._talk is None:
            return "no inspector"
        return f"virus scanner: {self._not_scanned}" if self._not_scanned else ""

    def start(self) -> None:
        """Connect, and connect anew whenever the connection ends."""
        self._stopped = False
        self._connect()

    def stop(self) -> None:
        """End the connection for good."""
        self._stopped = True
        for call in (self._again, self._alarm):
            if call is not None and call.active():
                call.cancel()
        if self._talk is not None:
            self._talk.transport.abortConnection()  # type: ignore[union-attr]

    def ask(self, items: Sequence[Item], *, now_ms: int, wake: Callable[[], None]) -> Pending:
        """Write a question.

        Raises:
            Unavailable: BUSY: not connected, or too much is asked already.
        """
        if self._talk is None or len(self._waiting) >= _MOST_WAITING:
            raise Unavailable(Kind.BUSY, "no inspector" if self._talk is None else "inspector is busy", _RETRY_S)
        self._next += 1
        ticket = self._waiting[self._next] = _Ticket(wake, len(items))
        self._talk.transport.write(encode_question(Question(self._next, now_ms, tuple(items))))  # type: ignore[union-attr]
        self._watch()
        return ticket

    # What a conversation tells

    def connected(self, talk: _Conversation) -> None:
        """Note a new connection."""
        self._talk = talk
        self.log.info("inspector_found")

    def answered(self, number: int, found: Sequence[Verdict] | NotScanned) -> None:
        """Note an answer.

        Raises:
            PeerError: nobody asked, or it is not one verdict per item.
        """
        ticket = self._waiting.get(number)
        not_scanned = found if isinstance(found, NotScanned) else None
        if ticket is None or (not_scanned is None and ticket.count != len(found)):
            raise PeerError(Kind.MALFORMED, "an answer without its question")
        self._not_scanned = not_scanned.reason if not_scanned is not None and not not_scanned.guilty else ""
        del self._waiting[number]
        self._watch()
        ticket.answer(found)

    def distrust(self, error: PeerError) -> None:
        """Leave an inspector whose answers cannot be read."""
        self.log.error("inspector_distrusted", reason=error.private)
        self._hang_up()

    def disconnected(self, talk: _Conversation) -> None:
        """Note the end of a connection, and make another."""
        if self._talk is not talk:
            return
        self._talk = None
        lost, self._waiting = self._waiting, {}
        self._watch()
        if not self._stopped:
            self.log.warn("inspector_lost", count=len(lost))
            self.later()
        working_on = next(iter(lost), None)
        for number, ticket in lost.items():
            ticket.lose(InspectorLostError() if number == working_on else NotReachedError())

    def later(self) -> None:
        """Connect in a moment."""
        if not self._stopped:
            self._again = self._reactor.callLater(AGAIN_AFTER_S, self._connect)

    def _connect(self) -> None:
        self._reactor.connectUNIX(str(self._socket), self._factory)

    def _watch(self) -> None:
        """Give the oldest question its time, and no answer longer than that."""
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()
        self._alarm = self._reactor.callLater(ANSWER_WITHIN_S, self._hang_up) if self._waiting else None

    def _hang_up(self) -> None:
        if self._talk is not None:
            self._talk.transport.abortConnection()  # type: ignore[union-attr]
