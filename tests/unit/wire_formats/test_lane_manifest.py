"""Manifests and resend lists: what holds and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.machines import NOW_MS, MachineAuthority
from wire_formats import cbor
from wire_formats.bundle import EPOCH_AHEAD_MS
from wire_formats.errors import Kind, PeerError
from wire_formats.lane_manifest import (
    MAX_DIGESTS,
    MAX_LIST_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_MISSING,
    LaneGaps,
    Manifest,
    ResendList,
    parse_manifest,
    parse_resend_list,
    peek_resend_list,
    sign_manifest,
    sign_resend_list,
    verify_manifest,
    verify_resend_list,
)

AUTHORITY = MachineAuthority()
LOW = AUTHORITY.machine("ferry_low", "ferry_low")
HIGH = AUTHORITY.machine("ferry_high", "ferry_high")
TRUST = AUTHORITY.trust([LOW, HIGH])
MANIFEST = Manifest("inbound", "interactive", NOW_MS, 3, 5, (bytes(32), bytes([1] * 32)), 9, NOW_MS)
LIST = ResendList("inbound", (LaneGaps("interactive", NOW_MS, 7, (9, 12)), LaneGaps("bulk", NOW_MS, 0, (1,))), NOW_MS)


def test_what_was_signed_is_read() -> None:
    assert verify_manifest(sign_manifest(MANIFEST, LOW), TRUST, role="ferry_low", now_ms=NOW_MS) == MANIFEST
    signed = sign_resend_list(LIST, HIGH)
    assert verify_resend_list(signed, TRUST, role="ferry_high", now_ms=NOW_MS) == LIST
    assert peek_resend_list(signed) == LIST
    assert LIST.missing == 3


def test_the_largest_ones_fit() -> None:
    many = replace(MANIFEST, digests=(bytes(32),) * MAX_DIGESTS, mark=1 << 40)
    assert len(sign_manifest(many, LOW)) <= MAX_MANIFEST_BYTES
    verify_manifest(sign_manifest(many, LOW), TRUST, role="ferry_low", now_ms=NOW_MS)
    first = (1 << 48) - 1 - MAX_MISSING
    gaps = tuple(range(first, first + MAX_MISSING))
    both = tuple(LaneGaps(lane, NOW_MS, first - 1, gaps) for lane in ("interactive", "bulk"))
    signed = sign_resend_list(ResendList("inbound", both, NOW_MS), HIGH)
    assert len(signed) <= MAX_LIST_BYTES
    verify_resend_list(signed, TRUST, role="ferry_high", now_ms=NOW_MS)


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_flipped_byte_is_refused(at: int) -> None:
    for message, verify, role in (
        (sign_manifest(MANIFEST, LOW), verify_manifest, "ferry_low"),
        (sign_resend_list(LIST, HIGH), verify_resend_list, "ferry_high"),
    ):
        broken = bytearray(message)
        broken[at % len(message)] ^= 1
        with pytest.raises(PeerError):
            verify(bytes(broken), TRUST, role=role, now_ms=NOW_MS)


def test_the_other_half_cannot_sign_it() -> None:
    with pytest.raises(PeerError) as refused:
        verify_manifest(sign_manifest(MANIFEST, HIGH), TRUST, role="ferry_low", now_ms=NOW_MS)
    assert refused.value.kind is Kind.WRONG_ROLE
    with pytest.raises(PeerError):
        verify_resend_list(sign_resend_list(LIST, LOW), TRUST, role="ferry_high", now_ms=NOW_MS)


def test_one_is_not_the_other() -> None:
    with pytest.raises(PeerError):
        verify_manifest(sign_resend_list(LIST, LOW), TRUST, role="ferry_low", now_ms=NOW_MS)


@pytest.mark.parametrize("change", [{"made_ms": NOW_MS + 3_600_000}, {"epoch": NOW_MS + EPOCH_AHEAD_MS + 1}])
def test_another_age_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PeerError) as refused:
        verify_manifest(sign_manifest(replace(MANIFEST, **change), LOW), TRUST, role="ferry_low", now_ms=NOW_MS)
    assert refused.value.kind is Kind.FROM_THE_FUTURE


@pytest.mark.parametrize(
    ("key", "value"),
    [(1, "resend list"), (2, "sideways"), (3, "control"), (5, 0), (5, 6), (6, 4_000), (7, []), (7, [b"short"]),
     (7, "x"), (7, [bytes(32)] * 257), (8, 5), (8, "x")],
)  # fmt: skip
def test_every_field_of_a_manifest_is_bounded(key: int, value: Any) -> None:
    fields: dict[int | str, Any] = {
        1: "manifest",
        2: "inbound",
        3: "bulk",
        4: 5,
        5: 3,
        6: 5,
        7: [bytes(32)] * 2,
        8: 9,
        9: NOW_MS,
    }
    parse_manifest(cbor.encode(fields))
    with pytest.raises(PeerError):
        parse_manifest(cbor.encode({**fields, key: value}))


@pytest.mark.parametrize(
    "lanes",
    [
        "x", ["x"], [["bulk", 5, 7]], [["control", 5, 7, []]], [[1, 5, 7, []]], [["bulk", 0, 7, []]],
        [["bulk", 5, -1, []]], [["bulk", 5, 7, [7]]], [["bulk", 5, 7, [9, 9]]], [["bulk", 5, 7, [11, 9]]],
        [["bulk", 5, 7, [True]]], [["bulk", 5, 7, ["9"]]], [["bulk", 5, 7, list(range(8, 9 + MAX_MISSING))]],
        [["bulk", 5, 7, []], ["bulk", 5, 7, []]], [["bulk", 5, 7, []], ["interactive", 5, 7, []]],
    ],
)  # fmt: skip
def test_every_field_of_a_resend_list_is_bounded(lanes: Any) -> None:
    fields: dict[int | str, Any] = {1: "resend list", 2: "inbound", 3: [["bulk", 5, 7, [9]]], 4: NOW_MS}
    parse_resend_list(cbor.encode(fields))
    with pytest.raises(PeerError):
        parse_resend_list(cbor.encode({**fields, 3: lanes}))
