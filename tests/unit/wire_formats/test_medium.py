"""The form of a manifest: one encoding, bounded, and nothing that does not fit together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.machines import NOW_MS, MachineAuthority
from tests.support.media_kit import HIGH_SEAL, LOW_SEAL
from wire_formats import cbor, medium
from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError
from wire_formats.medium import CHUNK_BYTES, PAGE_ENTRIES, Entry, MediumStatement

PERSONS = MachineAuthority("Persons")
LI, WANG = PERSONS.operator("li"), PERSONS.operator("wang")


def entry(sequence: int, lane: str = "bulk", size: int = 10) -> Entry:
    kind = "notice" if lane == "control" else "bundle"
    return Entry(lane, DropName(7, sequence, "ferry_low", kind), size, hashlib.sha256(bytes([sequence % 256])).digest())


def statement(entries: list[Entry], **changes: Any) -> MediumStatement:
    made = MediumStatement(
        direction="inbound", sender="ferry_low", recipient="ferry_high", recipient_key=HIGH_SEAL.public.digest,
        serial="WH-0001", export=bytes(16), epoch=NOW_MS, sequence=1, previous=medium.FIRST, files=len(entries),
        size=sum(one.size for one in entries), root=medium.entries_root(entries), lanes=medium.count_lanes(entries),
        made_ms=NOW_MS, expires_ms=NOW_MS + 1000,
    )  # fmt: skip
    return replace(made, **changes)


def encoded(entries: list[Entry], told: MediumStatement | None = None) -> bytes:
    told = told or statement(entries)
    return medium.encode_manifest([medium.sign_statement(told, key) for key in (LI, WANG)], entries)


@pytest.mark.parametrize("count", [1, 2, PAGE_ENTRIES, PAGE_ENTRIES + 1])
def test_a_manifest_is_read_back_to_the_byte(count: int) -> None:
    plain = encoded([entry(number) for number in range(1, count + 1)])
    parsed = medium.parse_manifest(plain)
    assert medium.encode_manifest(parsed.signatures, parsed.entries) == plain
    assert len(parsed.entries) == count


ENTRIES = [entry(1, "interactive"), entry(2, "interactive"), entry(1), entry(1, "control")]


def pages(change: Callable[[list[Any]], Any]) -> bytes:
    value: Any = cbor.decode(encoded(ENTRIES))
    value[2] = change(value[2])
    return cbor.encode(value)


@pytest.mark.parametrize(
    ("entries", "changes", "kind"),
    [
        (ENTRIES, {"files": 3}, Kind.DIGEST_MISMATCH),
        (ENTRIES, {"size": 39}, Kind.DIGEST_MISMATCH),
        (ENTRIES, {"lanes": (1, 2, 1)}, Kind.DIGEST_MISMATCH),
        (ENTRIES, {"root": bytes(32)}, Kind.DIGEST_MISMATCH),
        (ENTRIES[::-1], {}, Kind.NOT_CANONICAL),
        ([ENTRIES[0], ENTRIES[0]], {}, Kind.NOT_CANONICAL),
        ([entry(1, size=MAX_BUNDLE_BYTES + 1)], {}, Kind.TOO_LARGE),
        ([entry(1, size=-1)], {"size": 1}, Kind.TOO_LARGE),
        (ENTRIES, {"expires_ms": NOW_MS}, Kind.MALFORMED),
        (ENTRIES, {"expires_ms": NOW_MS + medium.MAX_LIFE_MS + 1}, Kind.MALFORMED),
        (ENTRIES, {"serial": "wh-0001"}, Kind.MALFORMED),
        (ENTRIES, {"serial": "../../etc"}, Kind.MALFORMED),
        (ENTRIES, {"direction": "sideways"}, Kind.MALFORMED),
        (ENTRIES, {"sequence": 0}, Kind.MALFORMED),
        (ENTRIES, {"lanes": (2, 1)}, Kind.MALFORMED),
    ],
)
def test_what_does_not_fit_is_refused(entries: list[Entry], changes: dict[str, Any], kind: Kind) -> None:
    with pytest.raises(PeerError) as refused:
        medium.parse_manifest(encoded(entries, statement(entries, **changes)))
    assert refused.value.kind is kind


def test_pages_have_one_form() -> None:
    for change in (
        lambda _: [],
        lambda found: [*found, []],
        lambda found: [found[0][:2], found[0][2:]],
        lambda found: [[*found[0], b"\x84"]],
        lambda found: [[*found[0], cbor.encode(["bulk", "../x", 1, bytes(32)])]],
        lambda found: [[cbor.encode(["bulk", "x", 1, bytes(32), 0])]],
        lambda found: found[0],
        lambda found: found * 5,
    ):
        with pytest.raises(PeerError):
            medium.parse_manifest(pages(change))


def test_both_sign_the_same_statement() -> None:
    other = replace(statement(ENTRIES), sequence=2)
    signatures = [medium.sign_statement(statement(ENTRIES), LI), medium.sign_statement(other, WANG)]
    with pytest.raises(PeerError, match="different statements"):
        medium.parse_manifest(medium.encode_manifest(signatures, ENTRIES))
    for wrong in (signatures[:1], [*signatures, signatures[0]]):
        with pytest.raises(PeerError, match="two signatures"):
            medium.parse_manifest(medium.encode_manifest(wrong, ENTRIES))


def test_a_signature_is_for_manifests_only() -> None:
    from wire_formats.cose import sign1

    told = medium.encode_statement(statement(ENTRIES))
    plain = medium.encode_manifest([sign1(told, LI), sign1(told, WANG)], ENTRIES)
    trust = PERSONS.trust([LI, WANG])
    with pytest.raises(PeerError) as refused:
        medium.verify_operators(medium.parse_manifest(plain), trust, now_ms=NOW_MS)
    assert refused.value.kind is Kind.BAD_SIGNATURE


def test_a_manifest_opens_for_its_recipient_only() -> None:
    sealed = medium.seal_manifest(encoded(ENTRIES), HIGH_SEAL.public)
    medium.open_manifest(sealed, HIGH_SEAL)
    with pytest.raises(PeerError) as refused:
        medium.open_manifest(sealed, LOW_SEAL)
    assert refused.value.kind is Kind.BAD_SEAL


@given(st.binary(max_size=400))
def test_any_bytes_give_a_manifest_or_a_peer_error(data: bytes) -> None:
    for parse in (medium.parse_manifest, medium.parse_statement, lambda raw: medium.open_manifest(raw, HIGH_SEAL)):
        with pytest.raises(PeerError):
            parse(data)


@given(st.text(max_size=40))
def test_serials(text: str) -> None:
    try:
        medium.check_serial(text)
    except PeerError:
        return
    assert text.isascii()
    assert "/" not in text


@pytest.mark.parametrize(
    ("size", "chunks"), [(0, 0), (1, 1), (CHUNK_BYTES, 1), (CHUNK_BYTES + 1, 2), (medium.MAX_CONTENT_BYTES, 3815)]
)
def test_sizes_of_content(size: int, chunks: int) -> None:
    assert medium.chunk_count(size) == chunks
    assert medium.content_size(size) == size + 48 * chunks


def test_a_chunk_is_bound_to_its_place_and_its_medium() -> None:
    sealed = medium.seal_chunk(b"x", HIGH_SEAL.public, bytes(16), 3)
    assert medium.open_chunk(sealed, HIGH_SEAL, bytes(16), 3) == b"x"
    for export, index in ((bytes(16), 2), (b"y" * 16, 3)):
        with pytest.raises(PeerError):
            medium.open_chunk(sealed, HIGH_SEAL, export, index)


def test_lanes_are_those_of_the_transports() -> None:
    from ferry.transports.port import TRANSPORT_LANES

    assert medium.MEDIUM_LANES == TRANSPORT_LANES
