"""What goes between mover and inspector: there and back, cut anywhere, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.inspector.frames import (
    Answer,
    FrameReader,
    NotScanned,
    Question,
    Refusal,
    encode_answer,
    encode_question,
    parse_answer,
    parse_question,
    slices,
)
from wire_formats import cbor
from wire_formats.bundle import Item
from wire_formats.errors import Kind, PeerError

NUMBERS = st.integers(0, 2**40)
ITEMS = st.lists(st.builds(Item, st.binary(max_size=40), st.binary(max_size=60)), max_size=6).map(tuple)
VERDICTS = st.lists(
    st.binary(max_size=40) | st.builds(Refusal, st.sampled_from(list(Kind)), st.text(max_size=40)), max_size=6
).map(tuple)
QUESTIONS = st.builds(Question, NUMBERS, NUMBERS, ITEMS)
ANSWERS = st.builds(Answer, NUMBERS, VERDICTS | st.builds(NotScanned, st.text(max_size=40), st.booleans()))


@given(st.lists(QUESTIONS, max_size=4), st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_questions_come_whole_however_they_are_cut(questions: list[Question], cuts: list[int]) -> None:
    stream = b"".join(encode_question(question) for question in questions)
    reader, found, at, turn = FrameReader(), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += [parse_question(content) for content in reader.feed(stream[at : at + size])]
        at, turn = at + size, turn + 1
    assert found == questions


@given(ANSWERS)
def test_answers_come_back_as_they_were_given(answer: Answer) -> None:
    [content] = FrameReader().feed(encode_answer(answer))
    assert parse_answer(content) == answer


def test_a_frame_that_says_it_is_too_long_is_refused_before_it_comes() -> None:
    with pytest.raises(PeerError, match="too long"):
        list(FrameReader(most=100).feed((101).to_bytes(4, "big")))


def test_a_long_reason_is_cut() -> None:
    [content] = FrameReader().feed(encode_answer(Answer(1, (Refusal(Kind.MALFORMED, "x" * 1000),))))
    verdicts = parse_answer(content).verdicts
    assert not isinstance(verdicts, NotScanned)
    (verdict,) = verdicts
    assert isinstance(verdict, Refusal)
    assert len(verdict.reason) == 200


@pytest.mark.parametrize(
    "value",
    [1, [], [1], [1, 2], [1, 2, 3], [1, 2, [[b""]]], [1, 2, [[b"", "text"]]], [1, "now", []], ["one", 2, []],
     [1, 2, [[b"", b""]] * 257]],
)  # fmt: skip
def test_what_is_no_question_is_refused(value: cbor.Value) -> None:
    with pytest.raises(PeerError):
        parse_question(cbor.encode(value))


@pytest.mark.parametrize(
    "value", [1, [1], ["one", []], [1, 2], [1, [[0]]], [1, [[0, "text"]]], [1, [[7, "no such kind"]]], [1, [[1001, 3]]]]
)
def test_what_is_no_answer_is_refused(value: cbor.Value) -> None:
    with pytest.raises(PeerError):
        parse_answer(cbor.encode(value))


@given(st.binary(max_size=200))
def test_any_octets_give_a_value_or_a_peer_error(data: bytes) -> None:
    for parse in (parse_question, parse_answer):
        try:
            parse(data)
        except PeerError:
            continue


@given(st.integers(0, 300), st.integers(1, 64))
def test_slices_keep_order_and_lose_nothing(count: int, most: int) -> None:
    items = [Item(bytes([index % 256]), b"") for index in range(count)]
    found = list(slices(items, most=most))
    assert [item for run in found for item in run] == items
    assert all(len(run) <= most for run in found)


@given(st.lists(st.integers(0, 300), max_size=40), st.integers(1, 8), st.integers(1, 400))
def test_slices_are_bounded_in_bytes_unless_one_item_alone_is_larger(
    sizes: list[int], most: int, most_bytes: int
) -> None:
    items = [Item(b"", bytes(size)) for size in sizes]
    found = list(slices(items, most=most, most_bytes=most_bytes))
    assert [item for run in found for item in run] == items
    assert all(len(run) == 1 or sum(len(item.content) for item in run) <= most_bytes for run in found)
