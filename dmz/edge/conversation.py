"""The requests of one connection, one after another; knows HTTP, limits and the pipeline, but no socket.

::

    IDLE ──first byte──▶ HEAD ──admitted──▶ BODY ──complete──▶ WORKING ──answer──▶ SENDING ──taken──▶ IDLE │ CLOSING
      any refusal: the page is sent, then LINGER (bytes are thrown away) or CLOSING; then the connection ends

One deadline runs at a time; the listener's sweep calls ``check``. A refusal always ends the connection: after it
nobody can know where the next request begins.

Source: DESIGN "The edge in one paragraph"; RFC 9112 sections 9.3 and 9.6 (persistence, lingering close).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final, ParamSpec

from twisted.logger import Logger
from twisted.python.failure import Failure

from dmz.answering import Cancel
from dmz.edge.access_log import AccessLine
from dmz.edge.admittance import admit
from dmz.edge.answer_flow import SMALL_BYTES, AnswerFlow
from dmz.edge.caller import Caller
from dmz.edge.error_answers import error_answer
from dmz.edge.http_fields import RequestHead
from dmz.edge.http_grammar import RequestParser, State
from dmz.edge.http_response import CONTINUE
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.refused import Refused, refusal_page, tell_refusal
from dmz.edge.request_builder import build_request
from dmz.edge.surroundings import Surroundings
from dmz.edge.wire import Wire
from dmz.messages import HallResponse
from wire_formats.errors import Bug, HallError, Kind, PeerError

_P = ParamSpec("_P")
_WAITING: Final = State.WAITING
_COMPLETE: Final = State.COMPLETE
_LINGER_BYTES: Final = 1024 * 1024
_CLOSING_S: Final = 5.0
#: Status in the access log of a request whose client has gone.
_CLIENT_LEFT: Final = 499


class Phase(Enum):
    """Where a conversation stands."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    WORKING = auto()
    SENDING = auto()
    LINGER = auto()
    CLOSING = auto()
    ENDED = auto()


_IDLE: Final = Phase.IDLE
_RECEIVING: Final[tuple[Phase, ...]] = (Phase.HEAD, Phase.BODY)


class Conversation:
    """The requests of one connection.

    Args:
        wire: the connection.
        caller: who is at the other end.
        around: shared collaborators and limits.
    """

    __slots__ = (
        "_around",
        "_caller",
        "_cancel",
        "_connected",
        "_deadline",
        "_flow",
        "_input_over",
        "_lingered",
        "_pace",
        "_parser",
        "_paused",
        "_phase",
        "_request_id",
        "_requests",
        "_running",
        "_since",
        "_stays",
        "_wire",
    )
    _log = Logger()

    def __init__(self, wire: Wire, caller: Caller, around: Surroundings) -> None:
        self._wire = wire
        self._connected = caller
        self._caller = caller
        self._around = around
        self._pace = around.pace
        self._parser = RequestParser(around.grammar, around.budget)
        self._flow = AnswerFlow(wire, around.answers)
        self._stays = True
        self._phase = Phase.IDLE
        self._since = around.seconds()
        self._deadline = self._since + (around.drain.linger_s if around.drain.draining else around.pace.idle_s)
        self._running = False
        self._paused = False
        self._input_over = False
        self._cancel: Cancel | None = None
        self._request_id = ""
        self._requests = 0
        self._lingered = 0

    def received(self, data: bytes) -> None:
        """Take in decrypted bytes."""
        around = self._around
        if self._phase is _IDLE:
            self._phase = Phase.HEAD
            self._since = around.seconds()
            self._deadline = self._since + self._pace.head_s
        elif not self._expects(len(data)):
            return
        around.metrics.received_bytes.count += len(data)
        self._advance(self._parser.feed, data)

    def _expects(self, count: int) -> bool:
        """Tell whether bytes beyond the beginning of a request are to be parsed now."""
        if self._phase in (Phase.CLOSING, Phase.ENDED):
            return False
        if self._phase is Phase.LINGER:
            self._around.metrics.received_bytes.count += count
            self._lingered += count
            if self._lingered > _LINGER_BYTES:
                self._wire.abort()
            return False
        if self._phase in (Phase.WORKING, Phase.SENDING) and not self._paused:
            self._paused = True
            self._wire.pause()
        return True

    def input_ended(self) -> None:
        """The client sends no more; what it has asked completely is still answered."""
        self._input_over = True
        if not self._running:
            self._end_if_starved()

    def drained(self) -> None:
        """The transport has passed on what was written."""
        if self._phase is Phase.SENDING and self._flow.proceed():
            self._sent()

    def lost(self) -> None:
        """The connection is gone."""
        self._note_left()
        self._phase = Phase.ENDED
        self._parser.release()
        self._flow.release()
        self._give_up()

    def cut(self, reason: Reason) -> None:
        """End the connection at once (revoked certificate)."""
        self._around.metrics.refused(reason)
        self._wire.abort()

    def leave(self) -> None:
        """The process drains: a request on its way is still served; its answer says ``Connection: close``."""
        if self._phase is Phase.IDLE:
            self._deadline = min(self._deadline, self._around.seconds() + self._around.drain.linger_s)

    def check(self, now_s: float) -> None:
        """Enforce the deadline of the present phase; called several times a second."""
        if self._phase is Phase.BODY:
            self._deadline = self._since + self._pace.body_grace_s
            self._deadline += self._parser.body_bytes / self._pace.body_bytes_per_s
        if now_s < self._deadline:
            return
        match self._phase:
            case Phase.IDLE:
                self._close()
            case Phase.HEAD:
                self._refuse(RefusalError(Reason.HEADER_DEADLINE))
            case Phase.BODY:
                self._refuse(RefusalError(Reason.BODY_TOO_SLOW))
            case Phase.WORKING:
                self._give_up()
                self._refuse(RefusalError(Reason.PIPELINE_DEADLINE, retry_after_s=5))
            case Phase.LINGER:
                self._close()
            case Phase.SENDING | Phase.CLOSING:
                self._wire.abort()
            case Phase.ENDED:
                pass

    def _enter(self, phase: Phase, seconds: float) -> None:
        self._phase = phase
        self._since = self._around.seconds()
        self._deadline = self._since + seconds

    def _advance(self, step: Callable[_P, State], *given: _P.args, **named: _P.kwargs) -> None:
        """Parse and answer as far as it goes, without recursion for requests answered at once."""
        if self._running:
            return
        self._running = True
        try:
            state = step(*given, **named)
            while True:
                if state is _WAITING:
                    state = self._admit()
                if state is not _COMPLETE or self._phase not in _RECEIVING:
                    break
                self._start_work()
                if self._phase is not _IDLE:
                    break
                state = self._begin_next()
        except RefusalError as refusal:
            self._refuse(refusal)
        finally:
            self._running = False
        if self._input_over:
            self._end_if_starved()

    def _end_if_starved(self) -> None:
        """The client sends no more, and nothing complete is left to answer."""
        if self._input_over and self._phase in (Phase.IDLE, Phase.HEAD, Phase.BODY, Phase.LINGER):
            self._note_left()
            self._close()

    def _note_left(self) -> None:
        """Write the line of a request, if there is one, whose client did not wait for the answer."""
        if self._phase is Phase.BODY:
            self._name_request()
        if self._phase in (Phase.BODY, Phase.WORKING):
            self._note(self._parser.head, _CLIENT_LEFT, "client_left", 0)

    def _admit(self) -> State:
        """Look at a complete head: who, where, how much; then let its body in."""
        head, around = self._parser.head, self._around
        assert head is not None
        if around.identify is not None:
            self._caller = around.identify(head, self._caller)
        admit(head, self._caller, around)
        limit = 0
        if head.method == "POST":
            content_type = head.fields.get("content-type", "")
            limit = around.body_limit(self._caller.window, head.target.path, content_type)
        state = self._parser.accept_body(limit)
        if state is not _COMPLETE:
            self._enter(Phase.BODY, self._pace.body_grace_s)
            if head.expects_continue and self._parser.body_bytes == 0:
                self._wire.write([CONTINUE])
        return state

    def _start_work(self) -> None:
        head = self._parser.head
        assert head is not None
        self._requests += 1
        self._name_request()
        body = self._parser.take_body()
        request = build_request(head, body, self._caller.peer, self._request_id, self._around.forms)
        self._enter(Phase.WORKING, self._pace.work_s)
        try:
            cancel = self._around.answerer.begin(request, self._worked)
        except Exception as error:  # noqa: BLE001 - our own mistake must not leave a client without an answer
            self._worked(error)
            return
        if self._phase is Phase.WORKING:
            self._cancel = cancel

    def _worked(self, outcome: HallResponse | BaseException) -> None:
        """What stands behind the edge has answered, or failed."""
        self._cancel = None
        head = self._parser.head
        assert head is not None
        try:
            if isinstance(outcome, HallResponse):
                self._answered(outcome, head)
            else:
                self._failed(outcome)
        except Exception:  # noqa: BLE001 - nothing sensible can follow on this connection
            self._log.failure("answer_failed", request_id=self._request_id)
            self._wire.abort()

    def _answered(self, response: HallResponse, head: RequestHead) -> None:
        try:
            self._flow.reserve(0 if head.method == "HEAD" else len(response.body))
        except RefusalError as refusal:
            self._refuse(refusal)
        else:
            self._deliver(response, head, keep_alive=self._may_stay(head), reason="answered")

    def _failed(self, error: BaseException) -> None:
        """A HallError is answered by its page, anything else is our own fault."""
        if isinstance(error, HallError):
            self._refuse(error)
        else:
            self._log.failure("request_failed", failure=Failure(error), request_id=self._request_id)
            self._refuse(Bug(Kind.BUG, "the pipeline failed"))

    def _give_up(self) -> None:
        """Tell what stands behind the edge that nobody waits any more."""
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def _deliver(self, response: HallResponse, head: RequestHead, *, keep_alive: bool, reason: str) -> None:
        """Send an answer to a complete request; what follows on the connection waits until the wire has taken it."""
        self._stays = keep_alive
        if self._send(response, head, keep_alive=keep_alive, reason=reason):
            self._sent()
        else:
            self._enter(Phase.SENDING, self._pace.send_grace_s + len(response.body) / self._pace.send_bytes_per_s)

    def _sent(self) -> None:
        """The wire has taken the whole answer; the transport may still hold a little of it."""
        if self._stays:
            self._next()
        else:
            self._close(SMALL_BYTES / self._pace.send_bytes_per_s)

    def _next(self) -> None:
        self._enter(Phase.IDLE, self._pace.idle_s)
        if not self._running:
            self._advance(self._begin_next)

    def _begin_next(self) -> State:
        """Turn to what may already have come of the next request."""
        if self._paused:
            self._paused = False
            self._wire.resume()
        self._caller = self._connected  # a front's next request is somebody else's, and nobody's until it is read
        state = self._parser.next_request()
        if self._parser.idle:
            if self._around.drain.draining:
                self._close()
        else:
            self._enter(Phase.HEAD, self._pace.head_s)
        return state

    def _refuse(self, error: HallError) -> None:
        """Answer with the page of a refusal and end the connection."""
        if self._phase in (Phase.LINGER, Phase.CLOSING, Phase.ENDED):
            return
        head, head_and_body_read = self._parser.head, self._phase is Phase.WORKING
        if not head_and_body_read:
            self._name_request()
        fields, told = self._parser.fields, self._parser.fields_at_hand
        refused = Refused(error, self._request_id, self._caller, head, fields, told)
        response = refusal_page(refused, self._around)
        if isinstance(error, RefusalError):
            tell_refusal(error.reason, refused, self._around)
        by_edge = isinstance(error, RefusalError)
        if head_and_body_read and not by_edge and head is not None and self._may_stay(head):
            self._deliver(response, head, keep_alive=True, reason=error.word)
            return
        self._send(response, head, keep_alive=False, reason=error.word)
        if head_and_body_read:
            self._close()
        else:
            self._parser.release()
            self._enter(Phase.LINGER, self._pace.linger_s)

    def _may_stay(self, head: RequestHead) -> bool:
        """Tell whether the connection may serve another request."""
        asked = head.keep_alive and not self._around.drain.draining
        return asked and self._requests < self._around.requests_per_connection

    def _send(self, response: HallResponse, head: RequestHead | None, *, keep_alive: bool, reason: str) -> bool:
        """Write an answer, and its line in the log; True when the wire has taken all of it."""
        head_only = head is not None and head.method == "HEAD"
        secure = self._caller.secure
        try:
            first, body = self._around.writer.write(response, head_only=head_only, keep_alive=keep_alive, secure=secure)
        except PeerError as error:
            self._log.error("response_not_writable", request_id=self._request_id, reason=error.private)
            response = error_answer(Bug(Kind.BUG), request_id=self._request_id, language="zh-CN")
            first, body = self._around.writer.write(response, head_only=head_only, keep_alive=keep_alive, secure=secure)
        self._note(head, response.status, reason, len(first) + len(body))
        return self._flow.begin(first, body)

    def _note(self, head: RequestHead | None, status: int, reason: str, size: int) -> None:
        """Write the request's one line in the access log, and count it."""
        around, caller = self._around, self._caller
        took_s = around.seconds() - self._since
        around.metrics.sent_bytes.inc(size)
        around.metrics.answered(caller.entrance, status, took_s)
        method, name, resumed = "" if head is None else head.method, self._request_id, caller.resumed
        line = AccessLine(name, caller.entrance, method, status, reason, took_s, size, caller.address, resumed)
        around.access_log.note(line)

    def _name_request(self) -> None:
        self._request_id = self._around.request_ids.next()

    def _close(self, more_s: float = 0.0) -> None:
        self._enter(Phase.CLOSING, _CLOSING_S + more_s)
        self._parser.release()
        self._wire.close()
