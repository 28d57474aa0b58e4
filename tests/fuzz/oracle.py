"""What must hold for any bytes at the front door; a broken rule is a ``Fault``.

1. Bytes give requests, and perhaps one refusal; nothing else is raised by parser, request builder or firewall.
2. The result does not depend on how the bytes were cut.
3. What was accepted holds nothing that could be read in two ways, fits the frame to a worker, and comes back from it.
4. Written again as a canonical message it is accepted, and is the same request.
5. An independent parser (h11), where it accepts the bytes, finds the same requests in them.
6. No memory stays reserved.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

import h11

from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.http_fields import RequestHead
from dmz.edge.http_grammar import GrammarLimits, RequestParser, State
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.request_builder import Peer, build_request
from dmz.edge.settings import EdgeSettings
from dmz.edge.watch_port import is_foreign, is_link
from dmz.messages import FORWARDED_HEADERS, ClientIdentity, HallRequest, Window, decode_request, encode_request
from dmz.waf.hall_routes import hall_route_table
from dmz.waf.verdict import Verdict
from tests.fuzz import canonical
from tests.support.hall_firewall import hall_firewall

_NO: Final = Path("unused")
#: Of the edge whose decisions this module repeats; see ``tests.fuzz.sockets``.
SETTINGS: Final = EdgeSettings(_NO, _NO, _NO, _NO, _NO, _NO, _NO, upload_bytes=1024)
REQUEST_ID: Final = "0" * 32
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BODY_LIMIT: Final = SETTINGS.body_limit(hall_route_table().takes_files)
_TOO_LONG_WHEN_WRITTEN_AGAIN: Final = frozenset(
    {Reason.REQUEST_LINE_TOO_LONG, Reason.HEADERS_TOO_LARGE, Reason.TOO_MANY_HEADERS, Reason.BODY_TOO_LARGE}
)


class Fault(AssertionError):
    """A rule of this module is broken."""


@dataclass(frozen=True)
class Reading:
    """What bytes meant.

    Attributes:
        requests: accepted by parser and builder, with the head and the body they came from.
        end: the word of the refusal, or "" when the bytes ended inside or behind a message.
    """

    requests: tuple[tuple[HallRequest, RequestHead, bytes], ...]
    end: str


class FrontDoor:
    """Parser, request builder and firewall as the edge uses them, without sockets."""

    def __init__(self) -> None:
        self._firewall = hall_firewall()
        self.outcomes: Counter[str] = Counter()

    def examine(self, data: bytes, window: Window, chance: random.Random) -> Reading:
        """Check every rule for some bytes.

        Raises:
            Fault: one is broken.
        """
        reading = read([data], window)
        cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randint(1, 3)))
        edges = [0, *cuts, len(data)]
        if chance.random() < 0.01:
            edges = list(range(len(data) + 1))
        if read([data[a:b] for a, b in zip(edges, edges[1:], strict=False)], window) != reading:
            raise Fault(f"the result depends on the cuts {cuts}")
        for request, _, _ in reading.requests:
            verdict = self.judge(request)
            self.outcomes["passed" if verdict.allowed else f"firewall {verdict.rule}"] += 1
            check_request(request)
            self._check_again(request, verdict)
        if reading.requests:
            self._check_against_h11(data, reading)
        self.outcomes[reading.end or ("whole" if reading.requests else "unfinished")] += 1
        return reading

    def judge(self, request: HallRequest) -> Verdict:
        """Give the firewall's verdict.

        Raises:
            Fault: there is none, or the request is another one behind the frame to a worker.
        """
        try:
            verdict = self._firewall.check(request)
            framed = decode_request(encode_request(request))
        except Exception as error:
            raise Fault(f"firewall or frame: {type(error).__name__}: {error}") from error
        if framed != request:
            raise Fault("another request comes out of the frame")
        return verdict

    def _check_again(self, request: HallRequest, verdict: Verdict) -> None:
        again = read([canonical.write(request)], request.window)
        if len(again.requests) != 1:
            if again.end in {reason.word for reason in _TOO_LONG_WHEN_WRITTEN_AGAIN}:
                self.outcomes["canonical form too long"] += 1
                return
            raise Fault(f"not accepted again: {again.end}")
        if again.requests[0][0] != request:
            raise Fault(f"another request when written again: {again.requests[0][0]} instead of {request}")
        if self._firewall.check(again.requests[0][0]) != verdict:
            raise Fault("another verdict when written again")

    def _check_against_h11(self, data: bytes, reading: Reading) -> None:
        found = _read_with_h11(data, len(reading.requests))
        for (_, head, body), (method, headers, other) in zip(reading.requests, found, strict=False):
            if (head.method, body) != (method, other) or headers != len(head.headers):
                raise Fault(f"h11 reads {method} with {headers} headers and body {other!r}")
        self.outcomes["confirmed by h11"] += len(found)


def read(portions: list[bytes], window: Window) -> Reading:
    """Parse and build all requests of some bytes.

    Raises:
        Fault: something else than a refusal was raised, or memory stays reserved.
    """
    budget = MemoryBudget(1 << 22)
    parser = RequestParser(GrammarLimits(), budget)
    found: list[tuple[HallRequest, RequestHead, bytes]] = []
    end = ""
    try:
        for portion in portions:
            state = parser.feed(portion)
            while state in {State.WAITING, State.COMPLETE}:
                head = cast("RequestHead", parser.head)
                if state is State.WAITING:
                    state = parser.accept_body(_admit(head, window))
                    continue
                body = parser.take_body()
                request = build_request(head, body, _peer(window), REQUEST_ID, SETTINGS.form_limits())
                found.append((request, head, body))
                state = parser.next_request()
    except RefusalError as refusal:
        end = refusal.reason.word
    except Exception as error:
        raise Fault(f"{type(error).__name__}: {error}") from error
    parser.release()
    if budget.held_bytes:
        raise Fault(f"{budget.held_bytes} bytes stay reserved")
    return Reading(tuple(found), end)


def check_request(request: HallRequest) -> None:
    """Make sure that an accepted request can be read in one way only.

    Raises:
        Fault: it cannot.
    """
    path = request.path
    if not path.startswith("/") or "//" in path or "\\" in path or ";" in path or {".", ".."} & set(path.split("/")):
        raise Fault(f"path {path!r}")
    if not request.headers.keys() <= FORWARDED_HEADERS or "host" not in request.headers:
        raise Fault(f"headers {sorted(request.headers)}")
    texts = [path, *request.headers.values()]
    texts += [text for pairs in (request.query, request.form, request.cookies) for pair in pairs for text in pair]
    texts += [text for upload in request.uploads for text in (upload.name, upload.filename, upload.content_type)]
    if any(_CONTROL.search(text) for text in texts):
        raise Fault("a control character in an accepted request")
    if any("/" in upload.filename or "\\" in upload.filename for upload in request.uploads):
        raise Fault("a path in a file's name")


def _admit(head: RequestHead, window: Window) -> int:
    """Give the most bytes of a body, for a TLS session with ``localhost``."""
    if is_foreign(head.fields) and not is_link(head.method, head.fields):
        raise RefusalError(Reason.FOREIGN_PAGE)
    if head.host.name != "localhost":
        raise RefusalError(Reason.HOST_UNKNOWN)
    return _BODY_LIMIT(window, head.target.path, head.fields.get("content-type", "")) if head.method == "POST" else 0


def _peer(window: Window) -> Peer:
    client = None if window == "site" else replace(_CLIENT, window=window)
    return Peer(window, "127.0.0.1", client, resumed=False)


def _read_with_h11(data: bytes, most: int) -> list[tuple[str, int, bytes]]:
    """Give method, number of headers and body of each request that h11 finds before it refuses or wants more."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    found: list[tuple[str, int, bytes]] = []
    try:
        while len(found) < most:
            event = connection.next_event()
            if not isinstance(event, h11.Request):
                return found
            method, headers, body = event.method.decode(), len(event.headers), b""
            while isinstance(event := connection.next_event(), h11.Data):
                body += event.data
            if not isinstance(event, h11.EndOfMessage):
                return found
            found.append((method, headers, body))
            connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            connection.send(h11.EndOfMessage())
            connection.start_next_cycle()
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        return found
    return found


_CLIENT: Final = ClientIdentity(bytes(32), "ca", 5, "urn:ferrygate:account:unit:U1", "unit", "U1")
