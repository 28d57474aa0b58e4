"""The life of one request: headers, failures, browsers that go away, and bounds."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from ops.runtime.inner_site import BoundedFactory, InnerFactory, SiteResource
from wire_formats.inner_web.replies import KEEP, Reply
from wire_formats.inner_web.requests import WebRequest


class Talk(StringTransport):
    """One browser's connection."""

    aborted = False
    shown: Any = None

    def abortConnection(self) -> None:
        self.aborted = True

    def getPeerCertificate(self) -> Any:
        return self.shown


class Pages:
    """Gives what a test puts in."""

    also_shown = "img-src data:; "

    def __init__(self) -> None:
        self.reply: Any = Reply(200, b"page")
        self.heard: list[int] = []
        self.told: list[str] = []
        self.asked: list[WebRequest] = []

    async def serve(self, request: WebRequest) -> Reply:
        self.asked.append(request)
        if isinstance(self.reply, Deferred):
            reply: Reply = await self.reply
            return reply
        if isinstance(self.reply, Exception):
            raise self.reply
        made: Reply = self.reply
        return made

    def failed(self, error: Exception, request: WebRequest) -> Reply:
        self.told.append(f"failed {type(error).__name__}")
        return Reply(500, b"sorry")

    def unwritten(self, error: Exception) -> None:
        self.told.append(f"unwritten {type(error).__name__}")

    def begun(self) -> Any:
        return lambda reply: self.heard.append(reply.status)


class Bench:
    """A site, and browsers that talk to it without a network."""

    def __init__(self, *, body_bytes: int = 100, most: int = 2) -> None:
        self.pages = Pages()
        self.factory = BoundedFactory(
            InnerFactory(SiteResource(self.pages), body_bytes=body_bytes, reactor=MemoryReactorClock()), most=most
        )

    def connect(self) -> tuple[Any, Talk] | None:
        protocol = self.factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        if protocol is None:
            return None
        talk = Talk()
        protocol.makeConnection(talk)
        return protocol, talk

    def send(self, data: bytes) -> tuple[Any, Talk]:
        connected = self.connect()
        assert connected is not None
        connected[0].dataReceived(data)
        return connected


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def headers(talk: Talk) -> list[tuple[str, str]]:
    head, _, _ = talk.value().partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[1:]
    return [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]


def test_every_reply_carries_the_security_headers_once() -> None:
    bench = Bench()
    _, talk = bench.send(GET)
    found = headers(talk)
    told = dict(found)
    assert len(told) == len(found)
    assert told["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert (told["cache-control"], told["x-frame-options"], told["content-length"]) == ("no-store", "DENY", "4")
    assert talk.value().endswith(b"\r\n\r\npage")
    assert bench.pages.heard == [200]


def test_a_replys_own_headers_stand_in_place_of_the_frames() -> None:
    bench = Bench()
    own = (KEEP, ("Content-Security-Policy", "default-src 'none'"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    bench.pages.reply = Reply(303, b"", own)
    _, talk = bench.send(GET)
    found = headers(talk)
    assert [value for name, value in found if name == "set-cookie"] == ["a=1", "b=2"]
    assert [value for name, value in found if name == "cache-control"] == [KEEP[1]]
    assert [value for name, value in found if name == "content-security-policy"] == ["default-src 'none'"]


def test_head_gets_the_length_and_no_body() -> None:
    _, talk = Bench().send(GET.replace(b"GET", b"HEAD"))
    assert ("content-length", "4") in headers(talk)
    assert talk.value().endswith(b"\r\n\r\n")


def test_what_escapes_becomes_a_page() -> None:
    bench = Bench()
    bench.pages.reply = RuntimeError("nobody may read this")
    _, talk = bench.send(GET)
    assert b" 500 " in talk.value().partition(b"\r\n")[0] and b"nobody" not in talk.value()
    assert (bench.pages.told, bench.pages.heard) == (["failed RuntimeError"], [500])


def test_a_reply_that_cannot_be_written_cuts_the_connection() -> None:
    bench = Bench()
    bench.pages.reply = Reply(200, b"page", (("X-Name", "\u4e2d"),))
    _, talk = bench.send(GET)
    assert bench.pages.told == ["unwritten UnicodeEncodeError"]
    assert talk.aborted and talk.value() == b""


def test_a_browser_that_went_away_gets_nothing_and_is_counted() -> None:
    bench = Bench()
    bench.pages.reply = waiting = Deferred[Reply]()
    protocol, talk = bench.send(GET)
    protocol.connectionLost(Failure(ConnectionDone()))
    waiting.callback(Reply(200, b"late"))
    assert (talk.value(), bench.pages.heard, bench.pages.told) == (b"", [200], [])


@pytest.mark.parametrize(
    "head", [b"Content-Length: 101\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"]
)
def test_a_body_of_unknown_or_too_great_length_is_refused_before_it_is_read(head: bytes) -> None:
    bench = Bench(body_bytes=100)
    _, talk = bench.send(b"POST / HTTP/1.1\r\nHost: x\r\n" + head)
    assert talk.value().startswith(b"HTTP/1.1 413 ")
    assert talk.disconnecting and bench.pages.heard == []


def test_one_connection_too_many_is_closed_at_once() -> None:
    bench = Bench(most=2)
    first, second = bench.connect(), bench.connect()
    assert first is not None and second is not None
    assert bench.connect() is None
    first[0].connectionLost(Failure(ConnectionDone()))
    assert bench.connect() is not None


def test_a_request_is_read_into_a_value() -> None:
    bench = Bench()
    fields = b"Host: a\r\nX-Twice: 1\r\nx-twice: 2\r\nCookie: a=1; b=2\r\nCookie: c=3\r\n"
    bench.send(b"POST /way?x=%20 HTTP/1.1\r\n" + fields + b"Content-Length: 3\r\n\r\nabc")
    (asked,) = bench.pages.asked
    assert (asked.method, asked.target, asked.path, asked.body) == ("POST", b"/way?x=%20", b"/way", b"abc")
    assert (asked.headers[b"host"], asked.headers[b"x-twice"]) == (b"a", b"2")
    assert asked.cookies == {b"a": b"1", b"b": b"2", b"c": b"3"}
    assert asked.certificate is None


def test_a_certificate_that_cannot_be_read_counts_as_none() -> None:
    class Strange:
        def to_cryptography(self) -> None:
            raise ValueError("not X.509")

    class Shown:
        def to_cryptography(self) -> str:
            return "the certificate"

    for shown, expected in ((Strange(), None), (Shown(), "the certificate")):
        bench = Bench()
        connected = bench.connect()
        assert connected is not None
        connected[1].shown = shown
        connected[0].dataReceived(GET)
        assert bench.pages.asked[0].certificate == expected


def test_a_form_with_a_file_is_taken_apart() -> None:
    bench = Bench(body_bytes=300)
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n\0\r\n\r\n--b--\r\n'
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    bench.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    (asked,) = bench.pages.asked
    assert asked.parts == {b"file": [b"\0\r\n"]}
