"""Fair shares: work conserving, in order within a unit, bounded, a newcomer within a round, equal costs in any stretch."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_formats.errors import Kind, Unavailable
from wire_formats.fair_queue import LEAST_COST, FairQueue, cost_of

UNITS = st.sampled_from("ABCDEF")
COSTS = st.integers(1, 50)
#: A unit and a cost: a request comes; None: one is taken.
STEPS = st.lists(st.one_of(st.tuples(UNITS, COSTS), st.none()), max_size=200)
Request = tuple[str, int, int]


def drained(queue: FairQueue[Request]) -> list[Request]:
    return [queue.take() for _ in range(len(queue))]


@given(STEPS)
def test_whatever_comes_goes_once_and_each_unit_keeps_its_order(steps: list[Any]) -> None:
    queue: FairQueue[Request] = FairQueue(1_000)
    waiting: dict[str, deque[Request]] = {unit: deque() for unit in "ABCDEF"}
    for number, step in enumerate([*steps, *[None] * len(steps)]):
        if step is not None:
            request = (step[0], step[1], number)
            queue.add(step[0], step[1], request)
            waiting[step[0]].append(request)
        elif len(queue):
            # Work conserving: as long as anything waits, something is given.
            first = queue.first()
            taken = queue.take()
            assert taken is first
            assert taken == waiting[taken[0]].popleft()
        assert len(queue) == sum(map(len, waiting.values()))
        assert {unit: queue.waiting(unit) for unit in waiting} == {unit: len(own) for unit, own in waiting.items()}
    assert not len(queue)


@given(st.lists(st.tuples(UNITS, COSTS), min_size=1, max_size=80))
def test_units_that_wait_are_served_alike_in_any_stretch(requests: list[tuple[str, int]]) -> None:
    queue: FairQueue[Request] = FairQueue(1_000)
    for number, (unit, cost) in enumerate(requests):
        queue.add(unit, cost, (unit, cost, number))
    left = Counter(unit for unit, _ in requests)
    largest = {unit: max(cost for one, cost in requests if one == unit) for unit in left}
    served: list[tuple[dict[str, int], set[str]]] = [({}, set(left))]
    for unit, cost, _ in drained(queue):
        before = served[-1][0]
        left[unit] -= 1
        served.append(({**before, unit: before.get(unit, 0) + cost}, {one for one in left if left[one]}))
    for start in range(0, len(served), 5):
        for end in range(start, len(served), 3):
            # What waits at the end of a stretch waited through it, since all came before the first was served.
            waiting = served[end][1]
            got = {unit: served[end][0].get(unit, 0) - served[start][0].get(unit, 0) for unit in waiting}
            for one in got:
                for other in got:
                    assert abs(got[one] - got[other]) <= largest[one] + largest[other]


@given(st.dictionaries(UNITS, st.integers(1, 60), min_size=1), st.integers(0, 80), COSTS)
def test_a_newcomer_is_served_within_a_round(backlog: dict[str, int], taken: int, cost: int) -> None:
    queue: FairQueue[Request] = FairQueue(1_000)
    for unit, count in backlog.items():
        for number in range(count):
            queue.add(unit, cost, (unit, cost, number))
    for _ in range(min(taken, len(queue))):
        queue.take()
    queue.add("newcomer", cost, ("newcomer", cost, 0))
    before = drained(queue).index(("newcomer", cost, 0))
    # Its own cost and one request of each, all of the same cost here.
    assert before <= 2 * len(backlog)


@given(st.lists(UNITS, max_size=300), st.integers(1, 20))
def test_nobody_who_asks_first_fills_more_than_the_places_left(asking: list[str], most: int) -> None:
    queue: FairQueue[str] = FairQueue(most)
    for unit in asking:
        try:
            queue.check_room(unit)
        except Unavailable as refused:
            assert refused.retry_after_s
            busy = queue.waiting(unit) > 0 or len(queue) < most
            assert refused.kind is (Kind.UNIT_BUSY if busy else Kind.BUSY)
            continue
        queue.add(unit, 1, unit)
        assert queue.waiting(unit) <= most - len(queue) + 1
    assert len(queue) <= most


def test_one_unit_alone_may_fill_half_and_a_newcomer_still_finds_a_place() -> None:
    queue: FairQueue[int] = FairQueue(100)
    with pytest.raises(Unavailable) as refused:
        for number in range(100):
            queue.check_room("flood")
            queue.add("flood", 1, number)
    assert (refused.value.kind, queue.waiting("flood")) == (Kind.UNIT_BUSY, 50)
    queue.check_room("newcomer")
    for number in range(50):
        queue.add("newcomer", 1, number)
    with pytest.raises(Unavailable) as full:
        queue.add("newcomer", 1, 0)
    assert full.value.kind is Kind.BUSY


def test_a_unit_that_slept_saves_up_nothing() -> None:
    queue: FairQueue[str] = FairQueue(1_000)
    for _ in range(100):
        queue.add("awake", 10, "awake")
    for _ in range(50):
        queue.take()
    for _ in range(50):
        queue.add("slept", 10, "slept")
    served = Counter(queue.take() for _ in range(40))
    assert abs(served["awake"] - served["slept"]) <= 2


def test_large_requests_are_paid_for() -> None:
    queue: FairQueue[str] = FairQueue(1_000)
    for _ in range(10):
        queue.add("sheets", cost_of(400_000), "sheet")
    for _ in range(300):
        queue.add("forms", cost_of(900), "form")
    served = [queue.take() for _ in range(210)]
    assert 1 <= served.count("sheet") <= 3
    assert cost_of(0) == LEAST_COST
