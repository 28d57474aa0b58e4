"""Clients that are slow on purpose, at a real edge: each is cut at its deadline and none holds a worker or a place."""

from __future__ import annotations

import contextlib
import ssl

import pytest

from tests.support.edge_bench import get, post, read_answer

SETTINGS = """children = 1
head_s = 1
idle_s = 6
body_bytes_per_s = 200000
connections = 60
address_connections = 40
certificate_connections = 12
address_new_per_s = 1000
"""


def _trickle(connection: ssl.SSLSocket, first: bytes, drop: bytes) -> int:
    """Send a little now and then, always before any time-out of silence; gives the status that ends it."""
    connection.sendall(first)
    connection.settimeout(0.2)
    for _ in range(100):
        with contextlib.suppress(TimeoutError, ssl.SSLWantReadError):
            return read_answer(connection).status
        connection.sendall(drop)
    return 0


@pytest.mark.parametrize(
    ("first", "drop", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n", "header_deadline"),
        (b"G", b"E", "header_deadline"),
        (post("/", b"a=" + b"b" * 60_000)[:-60_000], b"b", "body_too_slow"),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\na\r\n",
            "body_too_slow",
        ),
    ],
)
def test_a_trickle_does_not_put_off_the_deadline(bench, client, first, drop, reason):
    with contextlib.closing(bench.connect("unit", client)) as connection:
        assert _trickle(connection, first, drop) == 408
    bench.wait_for(lambda: reason in [line["reason"] for line in bench.events("request_answered")])
    assert bench.events("worker_reached") == []


def test_silence_after_the_handshake_ends_without_a_word(bench, client):
    with contextlib.closing(bench.connect("unit", client)) as connection:
        assert connection.recv(1) == b""


def test_slow_clients_hold_neither_workers_nor_places_and_are_gone_afterwards(bench, client):
    others = [bench.authority.client("unit", f"U{number}") for number in range(4)]
    with contextlib.ExitStack() as stack:
        for number in range(36):
            connection = stack.enter_context(contextlib.closing(bench.connect("unit", others[number % 4])))
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert bench.ask("unit", client, get("/good")).status == 200
    bench.wait_for(lambda: _serves(bench, client))
    for _ in range(45):
        assert bench.ask("unit", client, get("/again")).status == 200


def test_connections_over_the_address_limit_are_closed_before_any_handshake(bench, client):
    with contextlib.ExitStack() as stack:
        refused = 0
        for number in range(45):
            raw = stack.enter_context(bench.plain("unit"))
            if number >= 40:
                raw.settimeout(5)
                with contextlib.suppress(ConnectionError):
                    assert raw.recv(1) == b""
                refused += 1
        assert refused == 5
    bench.wait_for(lambda: _serves(bench, client))


def _serves(bench, client) -> bool:
    with contextlib.suppress(OSError, ssl.SSLError):
        return bool(bench.ask("unit", client, get("/after")).status == 200)
    return False


def test_connections_over_a_certificates_limit_are_told_so(bench, client):
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(contextlib.closing(bench.connect("unit", client))) for _ in range(13)]
        held[-1].sendall(get("/", "Accept-Language: en"))
        answer = read_answer(held[-1])
        assert (answer.status, b"FG-3002" in answer.body) == (429, True)
        held[0].sendall(get("/"))
        assert read_answer(held[0]).status == 200


def test_a_connection_that_goes_away_inside_its_body_is_logged_and_reaches_nobody(bench, client):
    with contextlib.closing(bench.connect("unit", client)) as connection:
        form = "application/x-www-form-urlencoded"
        connection.sendall(post("/lost", b"a=" + b"b" * 100, form, "Expect: 100-continue")[:-102])
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    bench.wait_for(lambda: "client_left" in [line["reason"] for line in bench.events("request_answered")])
    assert "/lost" not in [event["path"] for event in bench.events("worker_reached")]
