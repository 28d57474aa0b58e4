"""Objects become whole from whatever order their datagrams come in, and memory stays bounded whatever comes."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferry.transports.diode.coding import LARGEST_BLOCK, block_count, block_of
from ferry.transports.diode.datagram import COPIES, RAPTORQ, Header, Opener, Sealer, parse
from ferry.transports.diode.framing import ObjectFraming, unpack_object
from ferry.transports.diode.reassembly import (
    INCOMPLETE_S,
    MOST_FINISHED,
    MOST_OBJECTS,
    OBJECT_COST,
    Finished,
    Reassembly,
    Whole,
)
from wire_formats.errors import PeerError

SIZE = 256
SYMBOL = SIZE - 56
KEY = bytes(32)
LANE_BYTES = 200_000


class Table:
    """A reassembly with what it lost."""

    def __init__(self, lane_bytes: int = LANE_BYTES) -> None:
        self.lost: list[int] = []
        self.inside = Reassembly(SYMBOL, lane_bytes, self.lost.append)
        self.opener = Opener(KEY, "inbound", 1)

    def add(self, datagram: bytes, now_s: float = 0.0) -> Whole | None:
        header = parse(memoryview(datagram), size=SIZE)
        if (header.run, header.object) in self.inside.finished:
            return None  # as the inlet does, before it looks at the tag
        return self.inside.add(header, self.opener.payload(header, memoryview(datagram)), now_s)


def framing(loss: float = 0.05, *, coded: bool = True) -> ObjectFraming:
    return ObjectFraming(Sealer(KEY, "inbound", 1, size=SIZE), loss=loss, gap_s=0.005, coded=coded)


def datagrams(made: ObjectFraming, data: bytes, lane: int = 2) -> tuple[list[bytes], list[bytes]]:
    """Give what is sent at once, and what is sent later."""
    now: list[bytes] = []
    later: list[bytes] = []
    for portion in made.portions(lane, data):
        now += portion.now
        for _, repeats in portion.later:
            later += repeats
    return now, later


def body(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("size", [2, SYMBOL, SYMBOL + 1, 8 * SYMBOL, 8 * SYMBOL + 1, 40_000, 100_001])
@pytest.mark.parametrize("coded", [True, False], ids=["raptorq", "copies only"])
def test_an_object_becomes_whole(size: int, coded: bool) -> None:
    table, (now, _) = Table(), datagrams(framing(coded=coded), body(size))
    found = [whole for datagram in now if (whole := table.add(datagram)) is not None]
    assert found == [Whole(2, body(size), False)]
    assert table.inside.held(2) == (0, 0)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 90_000), st.integers(0, 1 << 30))
def test_any_order_and_any_loss_that_leaves_enough(size: int, seed: int) -> None:
    chance = random.Random(seed)
    table, (now, later) = Table(), datagrams(framing(), body(size))
    every = now + later
    chance.shuffle(every)
    kept = [datagram for datagram in every if chance.random() > 0.03]
    found = [whole for datagram in kept if (whole := table.add(datagram)) is not None]
    assert [whole.data for whole in found] == [body(size)]


def test_what_is_lost_comes_from_repair_symbols() -> None:
    table, (now, later) = Table(), datagrams(framing(), body(30_000))
    found = [whole for datagram in now[4:] + later if (whole := table.add(datagram)) is not None]
    assert found == [Whole(2, body(30_000), True)]


def test_what_is_lost_comes_from_a_second_copy() -> None:
    table, (now, later) = Table(), datagrams(framing(), body(3 * SYMBOL))
    found = [whole for datagram in [now[0], now[2], *later] if (whole := table.add(datagram)) is not None]
    assert found == [Whole(2, body(3 * SYMBOL), True)]


def test_more_of_a_finished_object_is_known() -> None:
    table, (now, _) = Table(), datagrams(framing(), b"small")
    assert table.add(now[0]) is not None
    assert (1, 1) in table.inside.finished


def test_the_oldest_incomplete_objects_make_room() -> None:
    table, made = Table(), framing()
    firsts = [datagrams(made, body(50_000))[0] for _ in range(5)]
    for now in firsts:
        table.add(now[0])
    assert table.lost == [2, 2]
    assert table.inside.held(2) == (3, 3 * (50_000 + OBJECT_COST))
    assert [whole for datagram in firsts[4] if (whole := table.add(datagram)) is not None]


def test_lanes_have_budgets_of_their_own() -> None:
    table, made = Table(), framing()
    table.add(datagrams(made, body(30_000), lane=1)[0][0])
    for _ in range(20):
        table.add(datagrams(made, body(50_000), lane=2)[0][0])
    assert table.inside.held(1)[0] == 1
    assert set(table.lost) == {2}


def test_an_object_larger_than_the_budget_is_not_begun() -> None:
    table = Table(lane_bytes=10_000)
    table.add(datagrams(framing(), body(20_000))[0][0])
    assert (table.inside.held(2), table.lost) == ((0, 0), [2])


def test_what_stays_incomplete_expires() -> None:
    table, made = Table(), framing()
    table.add(datagrams(made, body(20_000))[0][0], 0.0)
    table.add(datagrams(made, body(20_000))[0][0], 5.0)
    table.inside.expire(INCOMPLETE_S + 1)
    assert table.inside.held(2)[0] == 1
    assert table.lost == [2]
    table.inside.expire(-1.0)
    assert table.inside.held(2)[0] == 0, "a clock that was set back makes nothing stay for ever"


def test_a_flood_of_objects_stays_within_the_count() -> None:
    table = Table(lane_bytes=1 << 30)
    for number in range(1, MOST_OBJECTS + 50):
        header = Header(2, COPIES, 1, number, number, 2 * SYMBOL, 0, 0, 0)
        table.inside.add(header, memoryview(bytes(SYMBOL)), 0.0)
    assert table.inside.held(2)[0] == MOST_OBJECTS
    assert len(table.lost) == 49


def contradictions() -> Iterator[Header]:
    yield Header(2, COPIES, 1, 2, 1, 20_000, 0, 0, 1)
    yield Header(2, RAPTORQ, 1, 2, 1, 20_001, LARGEST_BLOCK, 0, 1)
    yield Header(2, RAPTORQ, 1, 2, 1, 20_000, 50, 0, 1)


@pytest.mark.parametrize("header", list(contradictions()))
def test_what_contradicts_the_first_datagram_is_passed_over(header: Header) -> None:
    table, (now, _) = Table(), datagrams(framing(), body(20_000))
    table.add(now[0])
    assert table.inside.add(header, memoryview(bytes(SYMBOL)), 0.0) is None
    assert [whole.data for datagram in now[1:] if (whole := table.add(datagram))] == [body(20_000)]


def test_hostile_symbols_under_good_tags_give_garbage_or_nothing_within_bounds() -> None:
    """A low half that was taken over knows the key; the bundle's signatures are what its garbage fails at."""
    chance = random.Random(5)
    table = Table()
    for _ in range(3000):
        size = chance.choice([2, 500, 20_000, 100_000])
        scheme = chance.choice([COPIES, RAPTORQ])
        symbols = -(-size // SYMBOL)
        largest = chance.choice([1, 30, 180, 512]) if scheme == RAPTORQ else 0
        block = chance.randrange(-(-symbols // largest)) if largest else 0
        symbol = chance.randrange(1 << 16) if largest else chance.randrange(symbols)
        header = Header(chance.randrange(3), scheme, 1, 1, chance.randrange(1, 40), size, largest, block, symbol)
        table.inside.add(header, memoryview(chance.randbytes(SYMBOL)), 0.0)
        for lane in range(3):
            assert table.inside.held(lane)[1] <= LANE_BYTES


def test_finished_remembers_the_last_of_each_run() -> None:
    finished = Finished()
    for number in range(1, MOST_FINISHED + 2):
        finished.add((1, number))
    assert (1, 1) not in finished
    assert (1, 2) in finished
    for run in range(2, 7):
        finished.add((run, 1))
    assert (1, 2) not in finished, "four runs are remembered"


@settings(deadline=None)
@given(st.integers(1, 1 << 24), st.sampled_from([8, 200, 1416]), st.integers(1, 512))
def test_blocks_cover_the_object_without_gaps(size: int, symbol: int, largest: int) -> None:
    count = block_count(size, symbol, largest)
    picked = sorted({0, count // 2, count - 1})
    blocks = {index: block_of(size, symbol, largest, index) for index in picked}
    assert blocks[0].offset == 0
    last = blocks[count - 1]
    assert last.offset + last.size == size
    for index, block in blocks.items():
        assert 1 <= block.symbols <= largest
        assert block.size > (block.symbols - 1) * symbol
        if index + 1 < count:
            assert block.offset + block.size == block_of(size, symbol, largest, index + 1).offset


@pytest.mark.parametrize("data", [b"", b"\x05", b"\x05name", b"\x03\xff\xfe\xfd", b"\x00content"])
def test_an_object_without_a_name_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        unpack_object(data)
