from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.switch import frames
from dmz.switch.frames import Frame, FrameDecoder, FrameKind, ResetCode, WorkerState
from wire_formats.errors import PeerError

STREAM_KINDS = [kind for kind in FrameKind if kind <= FrameKind.RESPONSE_END]


@st.composite
def any_frame(draw):
    if draw(st.booleans()):
        payload = draw(st.binary(max_size=200))
        return frames.encode_frame(
            draw(st.sampled_from(STREAM_KINDS)), draw(st.integers(1, frames.MAX_STREAM)), payload
        )
    return draw(
        st.one_of(
            st.builds(frames.encode_reset, st.integers(1, 9), st.sampled_from(ResetCode)),
            st.builds(frames.encode_window, st.integers(1, 9), st.integers(0, 1 << 31)),
            st.builds(frames.encode_ping, st.integers(0, 1 << 63)),
            st.builds(
                frames.encode_pong, st.builds(WorkerState, st.integers(0, 99), st.integers(0, 99), st.booleans())
            ),
            st.builds(frames.encode_goaway, st.integers(0, frames.MAX_STREAM)),
        )
    )


@given(st.lists(any_frame(), max_size=12), st.lists(st.integers(1, 40), min_size=1))
def test_frames_survive_any_cut(encoded, cuts):
    decoder, data, at, found = FrameDecoder(), b"".join(encoded), 0, []
    turn = 0
    while at < len(data):
        step = cuts[turn % len(cuts)]
        found += decoder.feed(data[at : at + step])
        at, turn = at + step, turn + 1
    assert [frames.encode_frame(*frame) for frame in found] == encoded


@given(st.lists(st.binary(max_size=120), max_size=6))
def test_any_bytes_are_frames_or_peer_error(pieces):
    decoder = FrameDecoder()
    try:
        for piece in pieces:
            for frame in decoder.feed(piece):
                assert isinstance(frame, Frame)
    except PeerError:
        pass


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",  # longer than any frame
        b"\x00\x00\x00\x04",  # shorter than any frame
        b"\x00\x00\x00\x05\x63\x00\x00\x00\x01",  # unknown kind
        frames.encode_frame(FrameKind.REQUEST_HEAD, 0, b"abcdef"),  # a message on the connection's stream
        frames.encode_frame(FrameKind.PING, 4, bytes(8)),  # a ping on a stream
        frames.encode_frame(FrameKind.PING, 0, bytes(7)),  # of another size
        frames.encode_frame(FrameKind.RESET, 1, b"a"),
    ],
)
def test_wrong_frames_are_refused(data):
    with pytest.raises(PeerError):
        FrameDecoder().feed(data)


@given(st.binary(max_size=12))
def test_heads_are_read_or_refused(payload):
    try:
        total, piece = frames.read_head(payload)
    except PeerError:
        return
    assert len(piece) <= total <= frames.MAX_MESSAGE_BYTES


def test_values_come_back():
    (pong,) = FrameDecoder().feed(frames.encode_pong(WorkerState(7, 3, True)))
    assert frames.read_pong(pong.payload) == WorkerState(7, 3, True)
    (reset,) = FrameDecoder().feed(frames.encode_reset(5, ResetCode.REFUSED))
    assert frames.read_reset(reset.payload) is ResetCode.REFUSED
    with pytest.raises(PeerError):
        frames.read_reset(b"\x00\x99")
    with pytest.raises(PeerError):
        frames.read_pong(pong.payload[:-1] + b"\x02")
