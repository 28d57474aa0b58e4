"""The request parser: every smuggling form has its refusal; any bytes, however cut, give the same result."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.edge import http_fields
from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.http_fields import (
    parse_any_header_line,
    parse_any_request_line,
    parse_header_line,
    parse_request_line,
)
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


_TARGET_PIECES = st.sampled_from(
    [b"/", b"/", b"a", b"Z9", b".", b"..", b"~", b"_", b"-", b"%2e", b"%", b"?a=b", b"*", b";", b"\\", b"\xe4", b" "]
)
_VERSIONS = st.sampled_from(
    [b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1\r"]
)
_METHODS = st.sampled_from([b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"get", b"GET\x00", b""])


def judged(parse_line, line):
    """Give what a parser says of a line: the value, or the reason of its refusal."""
    try:
        return parse_line(line)
    except RefusalError as refusal:
        return refusal.reason


@settings(max_examples=1_000)
@given(_METHODS, st.lists(_TARGET_PIECES, max_size=8), _VERSIONS, st.binary(max_size=2))
def test_a_plain_request_line_is_read_as_rule_by_rule(method, pieces, version, more):
    target = b"".join(pieces)
    for line in (b"GET /" + target + b" HTTP/1.1", b" ".join((method, b"/" + target, version)) + more):
        assert judged(parse_request_line, line) == judged(parse_any_request_line, line)


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


def test_lines_that_come_again_are_remembered_within_bounds_and_never_a_secret():
    http_fields._known_lines.clear()
    for _ in range(2):
        assert parse_header_line(b"User-Agent: a") == ("user-agent", "a")
        assert parse_header_line(b"Cookie: secret=1") == ("cookie", "secret=1")
        assert parse_header_line(b"Referer: https://x/?secret") == ("referer", "https://x/?secret")
        assert parse_header_line(b"Accept: " + b"a" * 300) == ("accept", "a" * 300)
    assert list(http_fields._known_lines) == [b"User-Agent: a"]
    for number in range(5_000):
        parse_header_line(b"Accept-Language: x%d" % number)
        assert len(http_fields._known_lines) <= 1_024
    with pytest.raises(RefusalError):
        parse_header_line(b"User-Agent : a")


_NAMES = st.sampled_from(
    [b"Cookie", b"cookie", b"Referer", b"X-CSRF-Token", b"Origin", b"Content-Length", b"Host", b"X-A", b"co_ok"]
)
_VALUES = st.lists(
    st.sampled_from([b"a", b" ", b"\t", b"~", b"\x7f", b"\x00", b"\r", b"\xe4\xb8\xad", b"\xa0", b"\x1f", b":", b'"'])
).map(b"".join)


@given(_NAMES, st.sampled_from([b": ", b":", b" :", b":\t", b":  "]), _VALUES)
def test_a_header_line_of_a_usual_name_is_read_as_by_its_syntax(name, colon, value):
    def judged(parse):
        try:
            return parse(name + colon + value)
        except RefusalError as refusal:
            return refusal.reason

    assert judged(parse_header_line) == judged(parse_any_header_line)


_HEAD_PIECES = st.sampled_from(
    [
        b"GET / HTTP/1.1",
        b"POST /x HTTP/1.0",
        b"Host: a",
        b"Host : a",
        b"Cookie: a=1",
        b"Accept-Language: en",
        b"",
        b"\r",
        b"x",
    ]
    + [b"Content-Length: 3", b"Transfer-Encoding: chunked", b" folded: 1", b"A: \x00", b"A: " + b"v" * 3_000]
)


@given(st.lists(st.tuples(_HEAD_PIECES, st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])), max_size=12))
def test_a_head_that_comes_whole_is_read_as_line_by_line(pieces):
    message = b"".join(piece + end for piece, end in pieces) + b"\r\n\r\n"

    def read(*portions):
        parser = RequestParser(GrammarLimits(headers=4), MemoryBudget(1 << 20))
        try:
            for portion in portions:
                if parser.feed(portion) is State.WAITING:
                    break
        except RefusalError as refusal:
            return refusal.reason, parser.fields
        return parser.state, parser.fields, parser.head and parser.head.headers

    assert read(message) == read(*[message[at : at + 1] for at in range(len(message))])
