"""What leaves when: priorities, repeats at their time, bounded queues, and a rate that no burst exceeds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferry.transports.diode.pacing import BUCKET_S, TokenBucket
from ferry.transports.diode.schedule import BULK_SHARE, MOST_WAITING, Portion, Schedule
from wire_formats.errors import Kind, Unavailable

CONTROL, INTERACTIVE, BULK = 0, 1, 2


class Letters:
    """Makes one datagram of each byte, and one copy of each 5 ms later."""

    def __init__(self, gap_s: float = 0.005) -> None:
        self.gap_s = gap_s

    def portions(self, lane: int, data: bytes) -> Iterator[Portion]:
        made = [b"%d%c" % (lane, letter) for letter in data]
        yield Portion(made, [(self.gap_s, made)] if self.gap_s else [])


def once(most: int = 1000) -> Schedule:
    return Schedule(Letters(0.0), most)


def test_control_goes_before_interactive_before_bulk() -> None:
    schedule = once()
    schedule.put(BULK, "b", b"xx")
    schedule.put(INTERACTIVE, "i", b"yy")
    schedule.put(CONTROL, "c", b"zz")
    assert schedule.take(0.0, 6) == [b"0z", b"0z", b"1y", b"1y", b"2x", b"2x"]
    assert schedule.take(0.0, 6) == []
    assert schedule.empty


def test_bulk_has_one_datagram_in_nine_while_interactive_waits() -> None:
    schedule = once(100_000)
    schedule.put(BULK, "b", b"x" * 1000)
    schedule.put(INTERACTIVE, "i", b"y" * 9000)
    taken = [one for _ in range(900) for one in schedule.take(0.0, 1)]
    assert taken.count(b"2x") == 900 // BULK_SHARE


def test_bulk_has_everything_when_nobody_else_waits() -> None:
    schedule = once()
    schedule.put(BULK, "b", b"x" * 50)
    assert len(schedule.take(0.0, 64)) == 50


def test_copies_leave_at_their_time_and_before_anything_new() -> None:
    schedule = Schedule(Letters(), 1000)
    schedule.put(INTERACTIVE, "one", b"a")
    assert schedule.take(0.0, 10) == [b"1a"]
    assert not schedule.wants(0.004)
    assert schedule.next_due() == pytest.approx(0.005)
    assert not schedule.empty
    schedule.put(INTERACTIVE, "two", b"b")
    assert schedule.take(0.005, 10) == [b"1a", b"1b"]
    assert schedule.take(0.010, 10) == [b"1b"]
    assert schedule.empty
    assert schedule.next_due() is None


def test_the_same_name_is_replaced_until_it_is_begun() -> None:
    schedule = once()
    schedule.put(CONTROL, "c", b"old")
    schedule.put(CONTROL, "c", b"n")
    assert schedule.queued(CONTROL) == (1, 1)
    assert schedule.take(0.0, 10) == [b"0n"]


def test_a_full_queue_refuses_and_keeps_what_it_has() -> None:
    schedule = once(10)
    schedule.put(BULK, "a", bytes(8))
    with pytest.raises(Unavailable) as refused:
        schedule.put(BULK, "b", bytes(3))
    assert refused.value.kind is Kind.STORAGE_FULL
    assert schedule.queued(BULK) == (1, 8)
    schedule.put(INTERACTIVE, "b", bytes(3))
    schedule.put(BULK, "a", bytes(10))
    assert schedule.queued(BULK) == (1, 10)


def test_an_object_that_is_leaving_still_counts() -> None:
    schedule = once(10)
    schedule.put(BULK, "a", bytes(10))
    schedule.take(0.0, 3)
    with pytest.raises(Unavailable):
        schedule.put(BULK, "b", bytes(1))
    schedule.take(0.0, 10)
    schedule.take(0.0, 1)
    schedule.put(BULK, "b", bytes(1))


def test_the_number_of_small_files_is_bounded() -> None:
    schedule = once(1 << 20)
    for index in range(MOST_WAITING):
        schedule.put(CONTROL, str(index), b"x")
    with pytest.raises(Unavailable):
        schedule.put(CONTROL, "one more", b"x")


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 0.05), st.integers(1, 64)), min_size=1, max_size=200), st.integers(1, 1000))
def test_no_burst_exceeds_the_rate(turns: list[tuple[float, int]], megabits: int) -> None:
    """In every stretch of time at most what the rate gives, and one bucket."""
    rate, packet = megabits * 125_000.0, 1500
    bucket, now, left = TokenBucket(rate, least=2 * packet), 0.0, []
    for wait_s, wanted in turns:
        now += wait_s
        count = min(wanted, int(bucket.granted(now) // packet))
        bucket.spend(count * packet)
        left.append((now, count * packet))
    for first in range(len(left)):
        sent = 0
        for at, size in left[first:]:
            sent += size
            assert sent <= rate * (at - left[first][0]) + bucket.size + 1


def test_the_bucket_is_a_few_milliseconds_of_the_rate() -> None:
    assert TokenBucket(37_500_000.0, least=3000).size == 37_500_000.0 * BUCKET_S
    assert TokenBucket(1000.0, least=3000).size == 3000


def test_a_clock_set_back_grants_nothing_twice() -> None:
    bucket = TokenBucket(1000.0, least=100)
    bucket.granted(50.0)
    bucket.spend(100)
    assert bucket.granted(10.0) == 0
    assert bucket.granted(10.05) == pytest.approx(50)


def test_the_wait_is_until_enough_is_there() -> None:
    bucket = TokenBucket(1000.0, least=100)
    bucket.granted(0.0)
    assert bucket.wait_s(100) == 0.0
    bucket.spend(100)
    assert bucket.wait_s(50) == pytest.approx(0.05)
    assert bucket.wait_s(10_000) == pytest.approx(0.1)
