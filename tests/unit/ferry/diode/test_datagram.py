"""The layout of a datagram: golden bytes, every field's bounds, and that mutations give nothing."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferry.transports.diode.datagram import (
    COPIES,
    FILLER,
    HEADER_BYTES,
    MOST_OBJECT_BYTES,
    RAPTORQ,
    TAG_BYTES,
    Header,
    Opener,
    Sealer,
    meter,
    parse,
    run_key,
)
from wire_formats.errors import Kind, PeerError

KEY = bytes(range(32))
RUN = 0x0102030405060708
SIZE = 256
SYMBOL = SIZE - HEADER_BYTES - TAG_BYTES


def sealer() -> Sealer:
    return Sealer(KEY, "inbound", RUN, size=SIZE)


def opened(datagram: bytes, direction: str = "inbound", key: bytes = KEY) -> tuple[Header, bytes]:
    header = parse(memoryview(datagram), size=SIZE)
    return header, bytes(Opener(key, direction, header.run).payload(header, memoryview(datagram)))


def test_golden_bytes() -> None:
    """Written down so that another implementation can be held against them (docs/diode.md)."""
    datagram = sealer().seal((2, RAPTORQ, 7, 1000, 180, 0, 4), b"payload")
    assert datagram[:HEADER_BYTES].hex() == (
        "46474401" "02" "02" "0100" "0102030405060708" "0000000000000001" "00000007" "000003e8" "00b4" "0000" "00000004"
    )  # fmt: skip
    assert datagram[HEADER_BYTES:-TAG_BYTES] == b"payload" + bytes(SYMBOL - 7)
    assert run_key(KEY, "inbound", RUN).hex() == GOLDEN_KEY
    assert datagram[-TAG_BYTES:].hex() == GOLDEN_TAG


GOLDEN_KEY = "3d39e5e230699592a84a490c9ff4ed7dd7714b582aa828165130af74224e3fa0"
GOLDEN_TAG = "12e423b1c57a7e7086cb0698e0fbc0f1"


def test_what_was_sealed_is_opened() -> None:
    header, payload = opened(sealer().seal((1, COPIES, 9, SYMBOL + 5, 0, 0, 1), b"tail!"))
    assert header == Header(1, COPIES, RUN, 1, 9, SYMBOL + 5, 0, 0, 1)
    assert payload == b"tail!" + bytes(SYMBOL - 5)


def test_a_filler_tells_how_much_was_sent() -> None:
    header, payload = opened(sealer().filler(123_456_789_012))
    assert header.scheme == FILLER
    assert meter(memoryview(payload)) == 123_456_789_012


def test_every_datagram_has_a_number_and_a_tag_of_its_own() -> None:
    made = sealer()
    first, second = made.filler(0), made.filler(0)
    assert first[-TAG_BYTES:] != second[-TAG_BYTES:]
    assert (opened(first)[0].number, opened(second)[0].number) == (1, 2)


@pytest.mark.parametrize(
    ("direction", "key"), [("outbound", KEY), ("inbound", bytes(32))], ids=["reflected", "another key"]
)
def test_a_foreign_datagram_does_not_open(direction: str, key: bytes) -> None:
    with pytest.raises(PeerError) as refused:
        opened(sealer().filler(1), direction, key)
    assert refused.value.kind is Kind.BAD_SIGNATURE


GOOD = (2, RAPTORQ, 1, 100 * SYMBOL, 30, 3, 25)


@pytest.mark.parametrize(
    "header",
    [
        (3, RAPTORQ, 1, 1000, 30, 0, 0),
        (2, 3, 1, 1000, 30, 0, 0),
        (2, 255, 1, 1000, 30, 0, 0),
        (2, RAPTORQ, 0, 1000, 30, 0, 0),
        (2, RAPTORQ, 1, 1, 30, 0, 0),
        (2, RAPTORQ, 1, MOST_OBJECT_BYTES + 1, 30, 0, 0),
        (2, RAPTORQ, 1, 1000, 0, 0, 0),
        (2, RAPTORQ, 1, 1000, 513, 0, 0),
        (2, RAPTORQ, 1, 100 * SYMBOL, 30, 4, 0),
        (2, RAPTORQ, 1, 1000, 30, 0, 1 << 16),
        (2, COPIES, 1, SYMBOL, 0, 0, 1),
        (2, COPIES, 1, SYMBOL, 1, 0, 0),
        (2, COPIES, 1, SYMBOL, 0, 1, 0),
        (0, FILLER, 1, 0, 0, 0, 0),
        (0, FILLER, 0, 9, 0, 0, 0),
        (0, FILLER, 0, 0, 0, 0, 1),
    ],
)
def test_bounds_of_every_field(header: tuple[int, int, int, int, int, int, int]) -> None:
    parse(memoryview(sealer().seal(GOOD, b"")), size=SIZE)
    with pytest.raises(PeerError):
        parse(memoryview(sealer().seal(header, b"")), size=SIZE)


@pytest.mark.parametrize("cut", [0, 1, HEADER_BYTES, SIZE - 1, SIZE + 1])
def test_another_size_is_refused(cut: int) -> None:
    datagram = (sealer().seal(GOOD, b"x") + b"y")[:cut]
    with pytest.raises(PeerError):
        parse(memoryview(datagram), size=SIZE)


def test_number_zero_is_refused() -> None:
    datagram = bytearray(sealer().filler(1))
    datagram[16:24] = bytes(8)
    with pytest.raises(PeerError):
        parse(memoryview(datagram), size=SIZE)


@pytest.mark.parametrize("at", range(SIZE))
def test_one_flipped_byte_at_every_offset(at: int) -> None:
    datagram = bytearray(sealer().seal(GOOD, b"payload"))
    datagram[at] ^= 0x40
    with pytest.raises(PeerError):
        opened(bytes(datagram))


def test_a_run_of_mutations_gives_nothing() -> None:
    chance = random.Random(11)
    good = sealer().seal(GOOD, hashlib.sha256(b"x").digest())
    for _ in range(5000):
        datagram = bytearray(good)
        for _ in range(chance.randrange(1, 5)):
            datagram[chance.randrange(SIZE)] = chance.randrange(256)
        if bytes(datagram) != good:
            with pytest.raises(PeerError):
                opened(bytes(datagram))


@settings(deadline=None)
@given(st.binary(min_size=0, max_size=SIZE + 20))
def test_arbitrary_bytes_never_do_more_than_refuse(data: bytes) -> None:
    with pytest.raises(PeerError):
        opened(data)


@settings(deadline=None)
@given(st.binary(min_size=HEADER_BYTES - 6, max_size=HEADER_BYTES - 6))
def test_arbitrary_headers_are_read_or_refused(rest: bytes) -> None:
    datagram = b"FGD\x01" + rest[:2] + SIZE.to_bytes(2, "big") + rest[2:] + bytes(SIZE)
    try:
        header = parse(memoryview(datagram[:SIZE]), size=SIZE)
    except PeerError:
        return
    assert header.object_bytes <= MOST_OBJECT_BYTES
