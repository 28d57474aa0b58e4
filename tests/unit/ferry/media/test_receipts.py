"""Receipts: what they say, who may say it, and what they set free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ferry.journal import Journal
from ferry.lane.checks import LaneId
from ferry.lane.inbox import Inbox
from ferry.media.receipts import take_receipt, write_receipt
from ferry.media.states import MediumState
from tests.support.machines import NOW_MS
from tests.support.media_kit import MediaKit, arrived, bundle_name
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.lane_control import Acknowledgement, Heartbeat, sign_control, verify_control
from wire_formats.medium_receipt import MediumReceipt, parse_receipt, sign_receipt, verify_receipt


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[MediaKit]:
    made = MediaKit(tmp_path)
    outlet = made.outlet(made.low)
    for number in (1, 2, 3):
        outlet.put("bulk", bundle_name(number), b"x" * number)
    outlet.close()
    made.export()
    made.take_in()
    yield made
    made.close()


def half_takes(kit: MediaKit, cumulative: int = 3) -> None:
    """Do what the receiving half does: take the files, and note how far the lane has come."""
    for path in (kit.high.folders.arrived / "bulk").glob("*.bundle"):
        path.unlink()
    journal = Journal(kit.high.journal, keep_rows=1000)
    journal.save_inbox(LaneId("inbound", "bulk"), Inbox(epoch=7, cumulative=cumulative))
    journal.close()


def test_a_receipt_comes_back_as_an_acknowledgement(kit: MediaKit) -> None:
    half_takes(kit)
    written = write_receipt(kit.high, "WH-0001", by="zhao")
    assert len(written.data) < 700
    taken = take_receipt(kit.low, written.data, by="li")
    assert (taken.files, taken.serial) == (3, "WH-0001")
    (message,) = arrived(kit.low).values()
    told = verify_control(message, kit.machines, role="ferry_high", now_ms=NOW_MS)
    assert told == Acknowledgement("inbound", "bulk", 7, 3, (), NOW_MS)
    for desk in (kit.low, kit.high):
        medium = desk.register.medium("WH-0001")
        assert medium is not None
        assert medium.state is MediumState.RECEIPTED


def test_what_a_receipt_does_not_name_is_free_for_the_next_medium(kit: MediaKit) -> None:
    half_takes(kit, cumulative=2)
    take_receipt(kit.low, write_receipt(kit.high, "WH-0001", by="zhao").data, by="li")
    outlet = kit.outlet(kit.low)
    carrying = outlet.carrying("bulk")
    assert [number for number in (1, 2, 3) if bundle_name(number) in carrying] == [1, 2]
    outlet.close()


def test_no_receipt_before_the_half_has_taken_everything(kit: MediaKit) -> None:
    with pytest.raises(Unavailable, match="3 files"):
        write_receipt(kit.high, "WH-0001", by="zhao")
    half_takes(kit)
    write_receipt(kit.high, "WH-0001", by="zhao")


def test_a_receipt_before_any_contact_acknowledges_nothing(kit: MediaKit) -> None:
    half_takes(kit)
    kit.high.journal.unlink()
    written = write_receipt(kit.high, "WH-0001", by="zhao")
    assert written.receipt.acknowledgements == (b"", b"")
    take_receipt(kit.low, written.data, by="li")
    assert arrived(kit.low) == {}


def test_no_receipt_for_what_was_not_imported(kit: MediaKit) -> None:
    with pytest.raises(Refused, match="was not imported here"):
        write_receipt(kit.high, "WH-0002", by="zhao")
    with pytest.raises(Refused, match="was not imported here"):
        write_receipt(kit.low, "WH-0001", by="zhao")


def test_the_same_receipt_twice_is_well(kit: MediaKit) -> None:
    half_takes(kit)
    data = write_receipt(kit.high, "WH-0001", by="zhao").data
    take_receipt(kit.low, data, by="li")
    take_receipt(kit.low, data, by="li")
    assert len(arrived(kit.low)) == 1


def test_a_lost_medium_that_was_found_is_receipted(kit: MediaKit) -> None:
    half_takes(kit)
    kit.low.register.move("WH-0001", MediumState.LOST, operator="li", now_ms=NOW_MS)
    take_receipt(kit.low, write_receipt(kit.high, "WH-0001", by="zhao").data, by="li")
    medium = kit.low.register.medium("WH-0001")
    assert medium is not None
    assert medium.state is MediumState.RECEIPTED


def a_receipt(kit: MediaKit, **changes: object) -> MediumReceipt:
    half_takes(kit)
    return replace(write_receipt(kit.high, "WH-0001", by="zhao").receipt, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"direction": "outbound"}, Kind.WRONG_LANE),
        ({"statement": bytes(32)}, Kind.DIGEST_MISMATCH),
        ({"serial": "WH-0002"}, Kind.DIGEST_MISMATCH),
        ({"made_ms": NOW_MS + 10_000_000}, Kind.FROM_THE_FUTURE),
    ],
)
def test_a_receipt_for_something_else_is_refused(kit: MediaKit, changes: dict[str, object], kind: Kind) -> None:
    with pytest.raises(PeerError) as refused:
        take_receipt(kit.low, sign_receipt(a_receipt(kit, **changes), kit.high_key), by="li")
    assert refused.value.kind is kind


def test_a_receipt_of_an_export_we_do_not_know_is_refused(kit: MediaKit) -> None:
    with pytest.raises(Refused, match="no such export"):
        take_receipt(kit.low, sign_receipt(a_receipt(kit, export=bytes(16)), kit.high_key), by="li")


def test_only_the_receiving_half_signs_receipts(kit: MediaKit) -> None:
    receipt = a_receipt(kit)
    for key in (kit.low_key, kit.operators["li"], kit.authority.machine("ferry_high", "ferry_high")):
        with pytest.raises(PeerError):
            take_receipt(kit.low, sign_receipt(receipt, key), by="li")
    assert arrived(kit.low) == {}


@pytest.mark.parametrize(
    "smuggled",
    [
        Heartbeat("inbound", "bulk", 7, 3, bytes(32), NOW_MS),
        Acknowledgement("inbound", "interactive", 7, 3, (), NOW_MS),
        Acknowledgement("outbound", "bulk", 7, 3, (), NOW_MS),
    ],
)
def test_a_receipt_carries_its_lanes_acknowledgements_and_nothing_else(
    kit: MediaKit, smuggled: Heartbeat | Acknowledgement
) -> None:
    receipt = a_receipt(kit, acknowledgements=(b"", sign_control(smuggled, kit.high_key)))
    with pytest.raises(PeerError) as refused:
        take_receipt(kit.low, sign_receipt(receipt, kit.high_key), by="li")
    assert refused.value.kind is Kind.WRONG_LANE


def test_every_flipped_byte_of_a_receipt_is_refused(kit: MediaKit) -> None:
    data = sign_receipt(a_receipt(kit), kit.high_key)
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1 << at % 8
        with pytest.raises(PeerError):
            verify_receipt(bytes(bad), kit.machines, direction="inbound", now_ms=NOW_MS)


def test_a_receipt_has_one_form(kit: MediaKit) -> None:
    from wire_formats import cbor
    from wire_formats.cose import parse_sign1

    payload = parse_sign1(sign_receipt(a_receipt(kit), kit.high_key)).payload
    value = cbor.decode(payload)
    assert isinstance(value, dict)
    parse_receipt(payload)
    for key in value:
        for other in (None, -1, "x", b"", 1 << 60):
            with pytest.raises(PeerError):
                if value[key] == other or (key in (8, 9) and other == b""):
                    raise PeerError(Kind.MALFORMED, "the same")
                parse_receipt(cbor.encode(value | {key: other}))
