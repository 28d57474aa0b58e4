"""A short campaign of changed envelopes with a fixed seed, and planted faults that it must find."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable
from dataclasses import replace

import pytest

from tests.envelopes.campaign import ASKED, Range, run_piece, sweep, whole_range
from tests.envelopes.doors import Door, Keys, doors, hostile
from tests.envelopes.mutations import ORDER, Envelope
from tests.envelopes.spans import BYTES, head, replaced, spans_of
from tests.support.machines import NOW_MS
from wire_formats import cbor, cose, lane_control
from wire_formats.errors import PeerError

KEYS = Keys()
DOORS = {door.name: door for door in doors(KEYS)}
CHANGES = 6_000


@pytest.mark.parametrize("door", DOORS.values(), ids=lambda door: door.name.replace(" ", "-"))
def test_good_envelopes_are_let_in_and_strangers_are_not(door: Door) -> None:
    for data in door.good:
        door.look(data)
    others = [data for other in DOORS.values() for data in other.good if data not in door.good]
    for data in (*hostile(KEYS), *others):
        with pytest.raises(PeerError):
            door.look(data)


def test_no_changed_envelope_is_let_in() -> None:
    found = run_piece("short", CHANGES)
    assert [fault[1:] for fault in found.faults] == []
    assert found.inputs == CHANGES
    assert found.asked > CHANGES // 4, "a good part must come as far as the signature"
    assert {door for door, _ in found.outcomes} == set(DOORS)


def test_bits_and_ends_of_every_envelope() -> None:
    found = sweep(0, 1, stride=67)
    assert [fault[1:] for fault in found.faults] == []
    assert found.inputs > 3_000


def test_the_same_seed_changes_the_same_way() -> None:
    at = whole_range()
    first, second = ([at.change(chance) for _ in range(200)] for chance in (random.Random(3), random.Random(3)))
    assert first == second


def test_every_part_of_an_envelope_is_found() -> None:
    data = lane_control.sign_control(lane_control.TreeRefused(2, 9, "split_view", NOW_MS), KEYS.low)
    spans = spans_of(data)
    texts = [data[span.content : span.end] for span in spans]
    assert KEYS.low.kid in texts  # inside of the protected header
    assert b"split_view" in texts  # inside of the payload
    for span in spans:
        assert replaced(data, span.start, span.end, data[span.start : span.end], span.around) == data
        longer = replaced(data, span.start, span.content, head(span.major, span.argument, longer=1), span.around)
        if longer == data:
            continue  # the longest there is
        with pytest.raises(PeerError):
            DOORS["control message"].look(longer)


def test_a_part_that_grows_takes_the_lengths_around_it_along() -> None:
    inner = cbor.encode({1: b"x" * 20, 2: 7})
    data = cbor.encode([inner, 5])
    number = next(span for span in spans_of(data) if data[span.start : span.end] == b"\x07")
    grown = replaced(data, number.start, number.end, cbor.encode(1 << 40), number.around)
    assert cbor.decode(grown) == [cbor.encode({1: b"x" * 20, 2: 1 << 40}), 5]


def _without_signature(data: bytes) -> Hashable:
    return lane_control.parse_control(cose.parse_sign1(data).payload)


def _with_bytes_behind(data: bytes) -> Hashable:
    try:
        return DOORS["control message"].look(data)
    except PeerError:
        return DOORS["control message"].look(data[:-1])


def _with_either_signature(data: bytes) -> Hashable:
    spans = [span for span in spans_of(data) if span.major == BYTES and span.argument == 64]
    if spans:
        at = spans[-1].content + 32
        s = int.from_bytes(data[at : at + 32], "big")
        if ORDER // 2 < s < ORDER:
            data = data[:at] + (ORDER - s).to_bytes(32, "big") + data[at + 32 :]
    return DOORS["control message"].look(data)


def _with_another_error(data: bytes) -> Hashable:
    try:
        return DOORS["control message"].look(data)
    except PeerError as error:
        raise KeyError(error.kind) from error


@pytest.mark.parametrize(
    "look",
    [_without_signature, _with_bytes_behind, _with_either_signature, _with_another_error],
    ids=lambda look: look.__name__,
)
def test_a_door_that_is_broken_is_found_out(look: Callable[[bytes], Hashable]) -> None:
    broken = Range((replace(DOORS["control message"], look=look),))
    assert run_piece("planted", 3_000, broken).faults


def test_a_note_may_carry_lines_of_others_and_nothing_else() -> None:
    door = DOORS["cosigned checkpoint"]
    other = door.good[0] + "\u2014 somebody/else AAAAAAA=\n".encode()
    assert door.look(other) == door.look(door.good[0])
    broken = Range((replace(door, unsigned=()),))
    assert run_piece("lines", 20_000, broken).faults


def test_what_counts_as_asked_is_what_the_product_says() -> None:
    """The words by which the share is counted are those of the checks themselves."""
    control = DOORS["control message"]
    one = Envelope(control.name, control.good[0])
    changed = bytearray(one.data)
    changed[one.signatures[-1].content] ^= 1
    with pytest.raises(PeerError) as refused:
        control.look(bytes(changed))
    assert refused.value.private in ASKED
