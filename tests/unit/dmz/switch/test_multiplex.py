from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.switch import frames
from dmz.switch.frames import (
    INITIAL_WINDOW_BYTES,
    MAX_MESSAGE_BYTES,
    WIDE_WINDOW_BYTES,
    FrameDecoder,
    FrameKind,
    ResetCode,
    WorkerState,
)
from dmz.switch.multiplex import Multiplexer
from dmz.switch.mux_events import GoneAway, MessageReceived, MuxLimits, Pinged, Ponged, StreamReset
from wire_formats.errors import Bug, PeerError


def pair(**limits):
    return Multiplexer(at_edge=True, limits=MuxLimits(**limits)), Multiplexer(at_edge=False, limits=MuxLimits(**limits))


def pump(one, other, most=256 * 1024):
    """Move bytes both ways until nothing moves; give the events of both ends."""
    events: tuple[list[Any], list[Any]] = ([], [])
    moved = True
    while moved:
        moved = False
        for sender, receiver, seen in ((one, other, events[1]), (other, one, events[0])):
            data = b"".join(sender.take_output(most))
            if data:
                moved = True
                seen += receiver.receive(data)
    return events


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 300_000), min_size=1, max_size=8), st.integers(1_000, 400_000))
def test_messages_of_any_size_arrive_whole(sizes, burst):
    edge, worker = pair()
    sent = {edge.open(bytes([i]) * size): bytes([i]) * size for i, size in enumerate(sizes)}
    _, at_worker = pump(edge, worker, burst)
    assert {event.stream: event.message for event in at_worker} == sent
    for stream, message in sent.items():
        worker.answer(stream, message[::-1] + b"!")
    at_edge, _ = pump(edge, worker, burst)
    assert {event.stream: event.message for event in at_edge} == {s: m[::-1] + b"!" for s, m in sent.items()}
    assert edge.open_streams == worker.open_streams == 0
    assert not edge.wants_to_send and not worker.wants_to_send
    assert edge._free == worker._free == edge.limits.budget_bytes


def ask_wide(edge, worker):
    edge.ping(1)
    (asked,) = worker.receive(b"".join(edge.take_output(1)))
    worker.pong(WorkerState(asked.number, 0, False))
    edge.receive(b"".join(worker.take_output(1)))


def test_ends_that_know_of_wide_windows_need_no_round_trip_for_an_upload():
    edge, worker = pair()
    message = b"u" * WIDE_WINDOW_BYTES
    edge.open(message)
    assert worker.receive(b"".join(edge.take_output(1 << 20))) == [], "not asked yet"
    edge, worker = pair()
    ask_wide(edge, worker)
    stream = edge.open(message)
    assert worker.receive(b"".join(edge.take_output(1 << 20))) == [MessageReceived(stream, message)]
    worker.answer(stream, message)
    assert edge.receive(b"".join(worker.take_output(1 << 20))) == [], "answers have the narrow window"
    assert pump(edge, worker) == ([MessageReceived(stream, message)], [])
    assert edge._free == worker._free == edge.limits.budget_bytes


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 500_000), min_size=1, max_size=5), st.sampled_from(["neither", "edge", "both"]))
def test_a_narrow_end_and_a_wide_one_understand_each_other(sizes, who):
    edge, worker = pair()
    if who == "both":
        ask_wide(edge, worker)
    elif who == "edge":
        edge.ping(1)
        edge.take_output(1)
        edge.receive(frames.encode_pong(WorkerState(1 | frames.ASKS_WIDE, 0, False)))  # an older worker's
    sent = {edge.open(bytes([i]) * size): bytes([i]) * size for i, size in enumerate(sizes)}
    assert {event.stream: event.message for event in pump(edge, worker)[1]} == sent


def test_a_worker_that_was_not_asked_takes_no_more_than_the_narrow_window():
    edge, worker = pair(budget_bytes=MAX_MESSAGE_BYTES)
    worker.receive(frames.encode_head(FrameKind.REQUEST_HEAD, 1, MAX_MESSAGE_BYTES, b"x"))
    edge._window = WIDE_WINDOW_BYTES
    edge._last_stream = 1
    edge.open(b"x" * MAX_MESSAGE_BYTES)
    with pytest.raises(PeerError):
        worker.receive(b"".join(edge.take_output(1 << 20)))


def test_a_short_page_overtakes_a_long_upload():
    edge, worker = pair()
    long = edge.open(b"u" * 12_000_000)
    order = []
    for turn in range(1_000):
        if turn == 5:
            short = edge.open(b"page")
        for event in worker.receive(b"".join(edge.take_output(1))):
            order.append(event.stream)
        edge.receive(b"".join(worker.take_output(1)))
    assert order == [short, long]


def test_memory_is_reserved_whole_and_in_order():
    edge, worker = pair(budget_bytes=MAX_MESSAGE_BYTES)
    streams = [edge.open(b"x" * (12 * 1024 * 1024)) for _ in range(3)]
    held, done = 0, []
    for _ in range(5_000):
        for event in worker.receive(b"".join(edge.take_output(64 * 1024))):
            done.append(event.stream)
        edge.receive(b"".join(worker.take_output(64 * 1024)))
        held = max(held, sum(incoming.received for incoming in worker._incoming.values()))
    assert done == streams
    assert held <= MAX_MESSAGE_BYTES + len(streams) * INITIAL_WINDOW_BYTES


def test_a_sender_beyond_its_window_is_cut_off():
    _, worker = pair(budget_bytes=MAX_MESSAGE_BYTES)
    piece = b"x" * 30_000
    big = MAX_MESSAGE_BYTES
    worker.receive(frames.encode_head(FrameKind.REQUEST_HEAD, 1, big, piece))
    worker.receive(frames.encode_head(FrameKind.REQUEST_HEAD, 2, big, piece))  # no memory left for this one
    worker.receive(frames.encode_frame(FrameKind.REQUEST_BODY, 2, piece))
    with pytest.raises(PeerError):
        worker.receive(frames.encode_frame(FrameKind.REQUEST_BODY, 2, piece))


def test_too_many_streams_are_refused_and_cost_nothing():
    edge, worker = pair(streams=2)
    for _ in range(3):
        edge.open(b"m")
    at_edge, at_worker = pump(edge, worker)
    assert len(at_worker) == 2
    assert at_edge == [StreamReset(3, ResetCode.OVERLOADED)]


def test_a_leaving_worker_answers_what_it_has_seen_and_refuses_the_rest():
    edge, worker = pair()
    first = edge.open(b"one")
    pump(edge, worker)
    worker.go_away()
    second = edge.open(b"two")
    at_edge, at_worker = pump(edge, worker)
    assert GoneAway(first) in at_edge and StreamReset(second, ResetCode.REFUSED) in at_edge
    assert at_worker == []
    worker.answer(first, b"answer")
    assert pump(edge, worker)[0] == [MessageReceived(first, b"answer")]


def test_cancelling_in_the_middle_of_an_upload():
    edge, worker = pair()
    stream = edge.open(b"x" * 1_000_000)
    worker.receive(b"".join(edge.take_output(40_000)))
    assert edge.has_begun(stream)
    edge.reset(stream, ResetCode.CANCELLED)
    at_edge, at_worker = pump(edge, worker)
    assert at_worker == [StreamReset(stream, ResetCode.CANCELLED)] and at_edge == []
    assert worker._free == worker.limits.budget_bytes and worker.open_streams == 0


def test_an_answer_that_crosses_a_reset_is_ignored():
    edge, worker = pair()
    stream = edge.open(b"m")
    pump(edge, worker)
    worker.answer(stream, b"a" * 100_000)
    on_its_way = b"".join(worker.take_output(1_000_000))
    edge.reset(stream, ResetCode.CANCELLED)
    assert edge.receive(on_its_way) == []
    assert pump(edge, worker)[0] == []


def test_signs_of_life_go_before_messages():
    edge, worker = pair()
    edge.open(b"x" * 50_000)
    edge.ping(9)
    (ping, *_) = FrameDecoder().feed(edge.take_output(1)[0])
    assert ping.kind is FrameKind.PING
    assert worker.receive(frames.encode_ping(9)) == [Pinged(9)]
    worker.pong(WorkerState(9, 1, False))
    assert edge.receive(b"".join(worker.take_output(1))) == [Ponged(WorkerState(9, 1, False))]


def test_nothing_was_begun_before_the_first_byte_was_taken():
    edge, _ = pair()
    stream = edge.open(b"m")
    assert not edge.has_begun(stream)
    edge.take_output(1)
    assert edge.has_begun(stream)


@pytest.mark.parametrize(
    "data",
    [
        frames.encode_frame(FrameKind.REQUEST_BODY, 5, b"x"),  # of a stream that never was
        frames.encode_head(FrameKind.RESPONSE_HEAD, 1, 1, b"x"),  # wrong direction
        frames.encode_head(FrameKind.REQUEST_HEAD, 1, 0, b""),  # empty message
        frames.encode_head(FrameKind.REQUEST_HEAD, 1, 1, b"x") * 2,  # a number twice
        frames.encode_head(FrameKind.REQUEST_HEAD, 1, 9, b"x") + frames.encode_frame(FrameKind.REQUEST_END, 1, b"x"),
        frames.encode_head(FrameKind.REQUEST_HEAD, 1, 2, b"x") + frames.encode_frame(FrameKind.REQUEST_BODY, 1, b"x"),
        frames.encode_goaway(1),  # only a worker leaves
        frames.encode_window(3, 1),
    ],
)
def test_frames_out_of_order_end_the_connection(data):
    _, worker = pair()
    with pytest.raises(PeerError):
        worker.receive(data)


@given(
    st.lists(st.tuples(st.sampled_from(FrameKind), st.integers(0, 3), st.binary(max_size=10)), max_size=10),
    st.booleans(),
)
def test_any_frames_give_events_or_peer_error(given_frames, at_edge):
    mux = Multiplexer(at_edge=at_edge)
    if at_edge:
        mux.open(b"m")
    try:
        for kind, stream, payload in given_frames:
            mux.receive(frames.encode_frame(kind, stream, payload))
    except PeerError:
        pass


def test_misuse_is_a_bug():
    edge, worker = pair()
    with pytest.raises(Bug):
        worker.open(b"m")
    with pytest.raises(Bug):
        edge.answer(1, b"m")
    with pytest.raises(Bug):
        edge.open(b"")
    worker.answer(77, b"nobody asks")
    assert worker.take_output(1) == []
    with pytest.raises(ValueError):
        MuxLimits(budget_bytes=1)
