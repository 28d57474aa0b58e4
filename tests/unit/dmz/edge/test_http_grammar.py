"""The request parser: every smuggling form has its refusal; any bytes, however cut, give the same result."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.http_grammar import GrammarLimits, RequestParser, State
from dmz.edge.refusals import Reason, RefusalError
from tests.support.bad_requests import CHUNKED, GET, HEADS, HOST, POST, lines

LIMIT = 1_024


def parse(*portions: bytes, budget: int = 1 << 20, limits: GrammarLimits | None = None):
    """Parse all requests of the portions: heads and bodies, and the refusal at the end if there is one."""
    parser = RequestParser(limits or GrammarLimits(), MemoryBudget(budget))
    found = []
    try:
        for portion in portions:
            state = parser.feed(portion)
            while state in {State.WAITING, State.COMPLETE}:
                if state is State.WAITING:
                    state = parser.accept_body(LIMIT)
                else:
                    found.append((parser.head.method, parser.head.target, parser.head.headers, parser.take_body()))
                    state = parser.next_request()
    except RefusalError as refusal:
        return found, refusal.reason
    return found, None


@pytest.mark.parametrize(("message", "reason"), HEADS, ids=lambda value: getattr(value, "name", None))
def test_refusals(message, reason):
    assert parse(message) == ([], reason)
    if len(message) < 2_000:
        assert parse(*[message[at : at + 1] for at in range(len(message))]) == ([], reason)


def test_good_requests():
    message = (
        lines("GET /a?b=c HTTP/1.1", HOST, "X:  two words \t", "Accept: a", "Accept: b")
        + lines(POST, HOST, "Content-Length: 3", body=b"abc")
        + lines(POST, HOST, CHUNKED, body=b"2\r\nde\r\n00A\r\n0123456789\r\n0\r\n\r\n")
        + lines(POST, HOST, "content-length: 0")
        + lines("HEAD https://A/x HTTP/1.1", HOST)
    )
    found, reason = parse(message)
    assert reason is None
    assert [(method, target.path, body) for method, target, _, body in found] == [
        ("GET", "/a", b""),
        ("POST", "/", b"abc"),
        ("POST", "/", b"de0123456789"),
        ("POST", "/", b""),
        ("HEAD", "/x", b""),
    ]
    assert found[0][2] == (("host", "a"), ("x", "two words"), ("accept", "a"), ("accept", "b"))


def test_keep_alive():
    for version, connection, kept in (
        ("1.1", None, True),
        ("1.1", "close", False),
        ("1.1", "Keep-Alive, CLOSE", False),
        ("1.0", None, False),
        ("1.0", "keep-alive", True),
    ):
        parser = RequestParser(GrammarLimits(), MemoryBudget(1))
        extra = [] if connection is None else [f"Connection: {connection}"]
        parser.feed(lines(f"GET / HTTP/{version}", HOST, *extra))
        assert parser.head.keep_alive is kept


def test_chunk_count_is_limited():
    message = lines(POST, HOST, CHUNKED, body=b"1\r\na\r\n" * 11)
    assert parse(message, limits=GrammarLimits(chunks=10)) == ([], Reason.TOO_MANY_CHUNKS)


def test_memory_grows_with_what_arrived_and_is_given_back():
    budget = MemoryBudget(200_000)
    parser = RequestParser(GrammarLimits(), budget)
    parser.feed(lines(POST, HOST, "Content-Length: 10000000"))
    parser.accept_body(10_000_000)
    assert budget.held_bytes == 0
    parser.feed(b"a" * 100_000)
    assert 100_000 <= budget.held_bytes <= 200_000
    with pytest.raises(RefusalError) as caught:
        parser.feed(b"a" * 150_000)
    assert caught.value.reason is Reason.BODY_MEMORY
    assert budget.held_bytes == 0


PIECES = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"POST /a?b=%20 HTTP/1.1\r\n",
        b"Host: a\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"\x00",
        b" ",
        b":",
        b"Content-Length: 3\r\n",
        b"Content-Length: 10\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"abc",
        b"X-Y: z\r\n",
        b"Connection: close\r\n",
        b"5;x\r\n",
        b"a" * 300,
        b"HTTP/1.0\r\n",
        b"Expect: 100-continue\r\n",
    ]
)
MESSAGES = st.lists(PIECES | st.binary(max_size=12), max_size=24).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(MESSAGES, st.data())
def test_any_bytes_however_cut_give_the_same_result(message, data):
    whole = parse(message)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)), max_size=6)))
    edges = [0, *cuts, len(message)]
    assert parse(*[message[a:b] for a, b in zip(edges, edges[1:], strict=False)]) == whole
    assert parse(*[message[at : at + 1] for at in range(len(message))]) == whole


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8), st.data())
def test_chunked_bodies_round_trip(parts, data):
    parts = [part for part in parts if part]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    message = lines(POST, HOST, CHUNKED, body=coded) + lines(GET, HOST)
    cut = data.draw(st.integers(0, len(message)))
    found, reason = parse(message[:cut], message[cut:])
    assert reason is None
    assert [entry[3] for entry in found] == [b"".join(parts), b""]
