"""One changed byte anywhere in a bundle: refused at the half that meets it, at every offset."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferry.inspection import Inspector
from ferry.lane.checks import INBOUND, OUTBOUND, LaneId, Signers, check_arrived, check_fresh, check_items
from tests.support.ferry_kit import requests
from tests.support.machines import NOW_MS, MachineAuthority
from tests.support.wire_samples import HIGH_HALF, answer_item
from wire_formats.bundle import Item, SealStream, encode_bundle, new_bundle
from wire_formats.catalogue import SERVICES
from wire_formats.drop import DropName
from wire_formats.errors import PeerError
from wire_formats.suites import SigningKey

AUTHORITY = MachineAuthority()
WORKER = AUTHORITY.machine("worker", "worker-1")
CORE = AUTHORITY.machine("core", "core")
LOW = AUTHORITY.machine("ferry_low", "ferry_low")
HIGH = AUTHORITY.machine("ferry_high", "ferry_high")
SIGNERS = Signers(AUTHORITY.trust([WORKER, CORE, LOW, HIGH]), {"worker-1"})
INSPECTOR = Inspector(SERVICES, HIGH_HALF)


def sealed(direction: str, items: list[Item], keys: list[SigningKey]) -> bytes:
    bundle = new_bundle(direction, items)
    for key in keys:
        bundle = SealStream(direction, "interactive", 9).seal(bundle, key, now_ms=NOW_MS)
    return encode_bundle(bundle)


def accept_inbound(data: bytes) -> None:
    """Do all the high half does before it delivers."""
    lane = LaneId(INBOUND, "interactive")
    checked, _ = check_arrived(data, DropName(9, 1, "ferry_low"), lane, SIGNERS, now_ms=NOW_MS)
    items = check_items(checked, lane, SIGNERS)
    for header, item in zip(items.requests, checked.bundle.items, strict=True):
        INSPECTOR.inspect(header, item, now_ms=NOW_MS)


def accept_outbound(data: bytes) -> None:
    """Do all the low half does before it delivers."""
    lane = LaneId(OUTBOUND, "interactive")
    checked, _ = check_arrived(data, DropName(9, 1, "ferry_high"), lane, SIGNERS, now_ms=NOW_MS)
    check_items(checked, lane, SIGNERS)


def accept_fresh(data: bytes) -> None:
    """Do all the low half does with a worker's bundle."""
    lane = LaneId(INBOUND, "interactive")
    check_items(check_fresh(data, DropName(9, 1, "worker-1"), lane, SIGNERS, now_ms=NOW_MS), lane, SIGNERS)


INBOUND_DATA = sealed("inbound", requests(2, now_ms=NOW_MS), [WORKER, LOW])
OUTBOUND_DATA = sealed("outbound", [answer_item(), answer_item()], [CORE, HIGH])


def changed(data: bytes, offset: int, bit: int) -> bytes:
    return data[:offset] + bytes([data[offset] ^ bit]) + data[offset + 1 :]


def test_the_untouched_bundles_pass() -> None:
    accept_inbound(INBOUND_DATA)
    accept_outbound(OUTBOUND_DATA)


@pytest.mark.parametrize("bit", [0x01, 0x80])
def test_every_byte_of_a_request_bundle_counts(bit: int) -> None:
    for offset in range(len(INBOUND_DATA)):
        with pytest.raises(PeerError):
            accept_inbound(changed(INBOUND_DATA, offset, bit))


@pytest.mark.parametrize("bit", [0x01, 0x80])
def test_every_byte_of_an_answer_bundle_counts(bit: int) -> None:
    for offset in range(len(OUTBOUND_DATA)):
        with pytest.raises(PeerError):
            accept_outbound(changed(OUTBOUND_DATA, offset, bit))


def test_every_cut_is_refused() -> None:
    for length in range(len(INBOUND_DATA)):
        with pytest.raises(PeerError):
            accept_inbound(INBOUND_DATA[:length])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_noise_gives_a_peer_error_and_nothing_else(data: bytes) -> None:
    for accept in (accept_inbound, accept_outbound, accept_fresh):
        with pytest.raises(PeerError):
            accept(data)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(INBOUND_DATA)), st.binary(max_size=12), st.integers(0, 12))
def test_inserted_and_replaced_pieces_are_refused(at: int, piece: bytes, dropped: int) -> None:
    data = INBOUND_DATA[:at] + piece + INBOUND_DATA[at + dropped :]
    if data != INBOUND_DATA:
        with pytest.raises(PeerError):
            accept_inbound(data)
