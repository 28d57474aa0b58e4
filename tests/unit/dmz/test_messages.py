"""Frames between edge and worker: round trip, and strict refusal of everything else."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.messages import (
    FORWARDED_HEADERS,
    MAX_SIGNED_IN_S,
    ClientIdentity,
    HallRequest,
    HallResponse,
    Upload,
    check_header,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from wire_formats.errors import PeerError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=5).map(tuple)
CLIENTS = st.builds(
    ClientIdentity,
    fingerprint=st.binary(min_size=32, max_size=32),
    issuer_cn=TEXT,
    serial=st.integers(0, (1 << 160) - 1),
    account_uri=TEXT,
    window=st.sampled_from(["unit", "community", "person"]),
    account=TEXT,
)
REQUESTS = st.builds(
    HallRequest,
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    window=st.sampled_from(["unit", "community", "person", "site"]),
    path=TEXT.map(lambda text: "/" + text),
    query=PAIRS,
    form=PAIRS,
    uploads=st.lists(st.builds(Upload, TEXT, TEXT, TEXT, st.binary(max_size=50)), max_size=3).map(tuple),
    headers=st.dictionaries(st.sampled_from(sorted(FORWARDED_HEADERS)), TEXT),
    cookies=PAIRS,
    client=st.none() | CLIENTS,
    address=TEXT,
    request_id=TEXT,
    resumed=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(REQUESTS)
def test_requests_round_trip(request):
    assert decode_request(encode_request(request)) == request


@given(
    st.integers(200, 599),
    st.lists(st.tuples(st.sampled_from(["X-A", "Set-Cookie"]), st.just("b"))),
    st.binary(),
    st.sampled_from([None, "login_failed", "locked_out", "code_failed"]),
    st.none() | st.integers(0, MAX_SIGNED_IN_S),
)
def test_responses_round_trip(status, headers, body, offence, signed_in_s):
    response = HallResponse(status, tuple(headers), body, offence, signed_in_s)
    assert decode_response(encode_response(response)) == response
    unmarked = decode_response(encode_response(response, marked=False))
    assert unmarked == replace(response, signed_in_s=None)


@pytest.mark.parametrize(
    "items",
    [
        [1, 200, [], b"", None, 60],
        [1, 200, [], b"", None, None],
        [2, 200, [], b"", None],
        [2, 200, [], b"", None, -1],
        [2, 200, [], b"", None, MAX_SIGNED_IN_S + 1],
        [2, 200, [], b"", None, True],
        [2, 200, [], b"", None, None, None],
        [3, 200, [], b"", None, None],
    ],
)
def test_a_mark_stands_in_version_2_only_and_is_a_time(items):
    with pytest.raises(PeerError):
        decode_response(msgspec.msgpack.encode(items))


def test_an_older_edge_asks_in_version_1_and_is_answered_so():
    wire = msgspec.msgpack.decode(encode_request(HallRequest("GET", "unit", "/")))
    older = decode_request(msgspec.msgpack.encode([1, *wire[1:]]))
    assert not older.takes_mark
    answer = HallResponse(200, (), b"", None, 60)
    assert msgspec.msgpack.decode(encode_response(answer, marked=older.takes_mark)) == [1, 200, [], b"", None]


@pytest.mark.parametrize("offence", ["", "LOGIN_FAILED", "anything", 1, False])
def test_a_worker_may_name_known_offences_only(offence):
    with pytest.raises(PeerError):
        decode_response(msgspec.msgpack.encode([1, 200, [], b"", offence]))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=100), REQUESTS, st.data())
def test_any_bytes_are_a_message_or_a_peer_error(noise, request, data):
    good = encode_request(request)
    at = data.draw(st.integers(0, len(good)))
    for payload in (noise, good[:at] + noise + good[at:], good[:at], good + b"\x00", b"\x91" * 5_000 + b"\xc0"):
        for decode in (decode_request, decode_response):
            try:
                decode(payload)
            except PeerError:
                continue


def test_missing_unknown_and_wrong_items_are_refused():
    wire = msgspec.msgpack.decode(encode_request(HallRequest("GET", "unit", "/")))
    for other in (
        wire[:-1],
        [*wire, 1],
        [3, *wire[1:]],
        [1, "PUT", *wire[2:]],
        [*wire[:2], "staff", *wire[3:]],
        [*wire[:-1], 1],
        [*wire[:7], [["x-forwarded-for", "1.2.3.4"]], *wire[8:]],
        [*wire[:7], [["host", "a"], ["host", "b"]], *wire[8:]],
        [*wire[:8], [["c", "v"]] * 17, *wire[9:]],
    ):
        with pytest.raises(PeerError):
            decode_request(msgspec.msgpack.encode(other))


@pytest.mark.parametrize(
    ("name", "value"), [("", "a"), ("a b", "c"), ("a:", "c"), ("a", "b\r\nc"), ("a", "b\x00"), ("a", "é")]
)
def test_header_injection_is_refused(name, value):
    with pytest.raises(PeerError):
        check_header(name, value)
    with pytest.raises(PeerError):
        decode_response(encode_response(HallResponse(200, ((name, value),))))
