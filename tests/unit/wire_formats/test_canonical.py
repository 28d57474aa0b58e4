"""Canonical JSON: one value, one form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_formats.canonical import JsonLimits, decode_json, decode_object, encode_json
from wire_formats.errors import Kind, PeerError

_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
_LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT
VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4), max_leaves=12
)
_DEEP = JsonLimits(size_bytes=1 << 20, depth=16)


@given(VALUES)
def test_round_trip_and_the_standard_reader_agrees(value: object) -> None:
    data = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert decode_json(data, limits=_DEEP) == value == json.loads(data)


@given(st.binary(max_size=120))
def test_any_bytes_give_a_value_with_those_bytes_or_a_peer_error(data: bytes) -> None:
    try:
        value = decode_json(data)
    except PeerError:
        return
    assert encode_json(value) == data


@given(st.text(alphabet='[]{}",:\\0123456789.eE-+truefalsn \u4e2d', max_size=60))
def test_near_json(text: str) -> None:
    test_any_bytes_give_a_value_with_those_bytes_or_a_peer_error.hypothesis.inner_test(text.encode())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"b":1,"a":1}', Kind.NOT_CANONICAL),
        (b'{"a":1,"a":1}', Kind.NOT_CANONICAL),
        (b'{"a": 1}', Kind.NOT_CANONICAL),
        (b'{"a":1} ', Kind.NOT_CANONICAL),
        (b'{"a":1}x', Kind.MALFORMED),
        (b'{"a":1.0}', Kind.MALFORMED),
        (b'{"a":1e3}', Kind.MALFORMED),
        (b'{"a":-0}', Kind.NOT_CANONICAL),
        (b'{"a":9007199254740992}', Kind.MALFORMED),
        (b'{"a":NaN}', Kind.MALFORMED),
        (b'{"a":"\\u0041"}', Kind.NOT_CANONICAL),
        (b'{"a":"\\ud800"}', Kind.MALFORMED),
        (b"\xef\xbb\xbf{}", Kind.MALFORMED),
        (b"[" * 400_000, Kind.MALFORMED),
        (b'{"a":' * 200_000, Kind.MALFORMED),
        (b" " * (1 << 20 | 1), Kind.TOO_LARGE),
    ],
)
def test_hostile_forms(data: bytes, kind: Kind) -> None:
    with pytest.raises(PeerError) as caught:
        decode_json(data)
    assert caught.value.kind is kind


def test_brackets_inside_text_do_not_count_as_depth() -> None:
    value = {"a": '[[[[[[[["{{{{{{\\'}
    assert decode_json(encode_json(value)) == value  # type: ignore[arg-type]


def test_an_object_is_asked_for() -> None:
    with pytest.raises(PeerError):
        decode_object(b"[]")
