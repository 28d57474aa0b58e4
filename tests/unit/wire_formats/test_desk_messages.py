from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_formats import cbor
from wire_formats.certificate_names import CERTIFICATE_WINDOWS
from wire_formats.desk_messages import (
    MAX_PKCS12_BYTES,
    MAX_QUESTION_BYTES,
    REASONS,
    STATES,
    DeskRefusal,
    Done,
    Download,
    Enable,
    Entry,
    Issued,
    Prepare,
    Prepared,
    Revoke,
    Status,
    encode_answer,
    encode_question,
    framed,
    parse_answer,
    parse_question,
)
from wire_formats.errors import Kind, PeerError
from wire_formats.instants import LATEST_MS

IDS = st.binary(min_size=16, max_size=16)
NUMBERS = st.from_regex(r"[0-9A-Za-z -]{1,20}", fullmatch=True)
TYPED = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=64)
ACCOUNTS = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)
OPERATORS = st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True)
SECRETS = st.from_regex(r"[0-9A-Z]{12,24}", fullmatch=True)
WINDOWS = st.sampled_from(CERTIFICATE_WINDOWS)
INSTANTS = st.integers(0, LATEST_MS)
SERIALS = st.from_regex(r"[0-9a-f]{32}", fullmatch=True)
DISPLAY = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=64)

QUESTIONS = st.one_of(
    st.builds(Download, IDS, TYPED, TYPED),
    st.builds(Prepare, IDS, ACCOUNTS, WINDOWS, DISPLAY, OPERATORS),
    st.builds(Enable, IDS, NUMBERS, st.from_regex(r"[A-Za-z0-9_/.-]{1,64}", fullmatch=True), OPERATORS),
    st.builds(Revoke, IDS, NUMBERS | SERIALS, st.sampled_from(REASONS), OPERATORS),
    st.builds(Status, IDS, NUMBERS),
)
ANSWERS = st.one_of(
    st.builds(
        Issued,
        IDS,
        st.binary(max_size=200),
        st.binary(min_size=32, max_size=32),
        SERIALS,
        st.just("CN=Ferrygate Issuing CA for Users,O=武汉"),
        WINDOWS,
        ACCOUNTS,
        INSTANTS,
    ),
    st.builds(Prepared, IDS, NUMBERS, SECRETS, SECRETS, INSTANTS),
    st.builds(Done, IDS, st.sampled_from(STATES)),
    st.builds(Entry, IDS, NUMBERS, WINDOWS, ACCOUNTS, st.sampled_from(STATES), st.integers(0, 5)),
    st.builds(DeskRefusal, IDS, st.sampled_from(list(Kind)), st.integers(-1, 5), st.integers(-1, 86_400)),
)


@given(QUESTIONS)
def test_a_question_comes_back_the_same(question):
    data = encode_question(question)
    assert parse_question(data) == question and encode_question(parse_question(data)) == data


@given(ANSWERS)
def test_an_answer_comes_back_the_same(answer):
    data = encode_answer(answer)
    assert parse_answer(data) == answer and encode_answer(parse_answer(data)) == data


@pytest.mark.parametrize("parse", [parse_question, parse_answer])
def test_any_bytes_give_a_value_or_a_peer_error(parse):
    @given(st.binary(max_size=300))
    def run(data):
        try:
            parse(data)
        except PeerError:
            pass

    run()


_SCALARS = st.none() | st.booleans() | st.integers(-5, 1 << 50) | st.binary(max_size=40) | st.text(max_size=40)


@given(
    st.sampled_from(
        ["download", "prepare", "enable", "revoke", "status", "issued", "prepared", "done", "entry", "refused"]
    ),
    st.lists(_SCALARS, max_size=9),
)
def test_any_fields_give_a_value_or_a_peer_error(name, fields):
    data = cbor.encode({1: name, **dict(enumerate(fields, start=2))})
    ways: list[tuple[Any, Any]] = [(parse_question, encode_question), (parse_answer, encode_answer)]
    for parse, encode in ways:
        try:
            value = parse(data)
        except PeerError:
            continue
        assert encode(value) == data


@given(QUESTIONS, st.data())
def test_a_changed_question_is_another_question_or_refused(question, data):
    encoded = bytearray(encode_question(question))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    try:
        assert parse_question(bytes(encoded)) != question
    except PeerError:
        pass


def test_questions_are_not_answers_and_sizes_are_bounded():
    question = encode_question(Status(bytes(16), "N"))
    with pytest.raises(PeerError):
        parse_answer(question)
    with pytest.raises(PeerError):
        parse_question(encode_answer(Done(bytes(16), "enabled")))
    with pytest.raises(PeerError) as refused:
        parse_question(bytes(MAX_QUESTION_BYTES + 1))
    assert refused.value.kind is Kind.TOO_LARGE
    assert framed(question) == len(question).to_bytes(4, "big") + question


@pytest.mark.parametrize(
    "wrong",
    [
        Status(b"short", "N"),
        Status(bytes(16), ""),
        Prepare(bytes(16), "张", "unit", "", "op"),
        Prepare(bytes(16), "1", "bureau", "", "op"),
        Prepare(bytes(16), "1", "unit", "x" * 65, "op"),
        Prepare(bytes(16), "1", "unit", "a\nb", "op"),
        Revoke(bytes(16), "N", "boredom", "op"),
    ],
)
def test_our_own_mistakes_are_not_sent(wrong):
    with pytest.raises(ValueError):
        encode_question(wrong)


def test_a_large_pkcs12_is_not_sent():
    fields = (bytes(32), "0" * 32, "CN=x", "unit", "1", 1)
    assert encode_answer(Issued(bytes(16), bytes(MAX_PKCS12_BYTES), *fields))
    with pytest.raises(ValueError):
        encode_answer(Issued(bytes(16), bytes(MAX_PKCS12_BYTES + 1), *fields))


def test_reprs_show_no_secret():
    assert "CODE" not in repr(Download(bytes(16), "N", "CODE"))
    shown = repr(Prepared(bytes(16), "N", "CODECODECODE", "PASSPASSPASS", 1))
    assert "CODE" not in shown and "PASS" not in shown
    assert "p12" not in repr(Issued(bytes(16), b"p12", bytes(32), "0" * 32, "CN=x", "unit", "1", 1))
