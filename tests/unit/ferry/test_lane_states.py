"""Outbox, inbox, shares, session and states of a crossing: each rule by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.lane.crossing import State, check_move
from ferry.lane.inbox import WINDOW, Inbox, Verdict
from ferry.lane.outbox import LONGEST_WAIT_S, Outbox
from ferry.lane.session import LaneSession
from ferry.lane.shares import Shares
from wire_formats.bundle import FIRST
from wire_formats.errors import Bug

A, B, C = (bytes([n]) * 32 for n in (1, 2, 3))


def outbox(most: int = 4) -> Outbox:
    return Outbox(epoch=7, most_bundles=most, most_bytes=1000)


def sent(box: Outbox, count: int, now: float = 0.0) -> None:
    for _ in range(count):
        box.add(box.mark + 1, 10, now)
        box.sent(box.mark, now)


def test_credits_close_and_an_acknowledgement_opens_them() -> None:
    box = outbox(most=2)
    sent(box, 2)
    assert not box.has_room()
    assert box.acknowledge(7, 1, (), 1, now_ms=0).settled == (1,)
    assert box.has_room()
    assert (len(box), box.size) == (1, 10)


def test_bytes_close_the_lane_too() -> None:
    box = Outbox(epoch=1, most_bundles=10, most_bytes=15)
    sent(box, 2)
    assert not box.has_room()


def test_an_open_gap_bounds_how_far_the_sender_runs_ahead() -> None:
    box = outbox(most=3)
    sent(box, 3)
    box.acknowledge(7, 0, (1,), 1, now_ms=0)
    assert not box.has_room()


def test_numbers_run_without_gaps() -> None:
    box = outbox()
    with pytest.raises(ValueError, match="without gaps"):
        box.add(2, 1, 0.0)


def test_a_gap_is_due_sooner_than_a_tail_and_both_back_off() -> None:
    box = outbox()
    sent(box, 2)
    assert box.due(0.9, most=9) == []
    box.acknowledge(7, 0, (1,), 1, now_ms=0)
    assert box.due(0.3, most=9) == [1]
    assert box.due(1.0, most=9) == [1, 2]
    box.sent(1, 1.0)
    assert box.due(1.3, most=9) == [2]
    assert box.due(1.5, most=9) == [1, 2]


def test_the_wait_has_a_bound_and_a_clock_set_back_makes_things_due() -> None:
    box = outbox()
    sent(box, 1)
    for _ in range(100):
        box.sent(1, 0.0)
    assert box.due(LONGEST_WAIT_S - 1, most=9) == []
    assert box.due(LONGEST_WAIT_S, most=9) == [1]
    assert box.due(-86_400.0, most=9) == [1]


def test_what_never_reached_the_transport_is_due_at_once() -> None:
    box = outbox()
    box.add(1, 1, 0.0)
    assert box.due(0.0, most=9) == [1]


def test_memory_loss_on_either_side_shows() -> None:
    box = outbox()
    sent(box, 2)
    assert box.acknowledge(8, 0, (), 1, now_ms=0).newer_epoch
    assert box.acknowledge(7, 3, (), 1, now_ms=0).newer_epoch
    box.acknowledge(7, 2, (), 2, now_ms=0)
    assert not box.acknowledge(7, 1, (), 1, now_ms=0).regressed, "an old message is no proof"
    assert box.acknowledge(7, 1, (), 3, now_ms=0).regressed
    assert box.acknowledge(6, 9, (), 4, now_ms=0) == box.acknowledge(6, 0, (), 5, now_ms=0)


def test_gaps_of_an_old_acknowledgement_are_not_believed() -> None:
    box = outbox()
    sent(box, 3)
    box.acknowledge(7, 0, (), 10, now_ms=0)
    box.acknowledge(7, 0, (2,), 9, now_ms=0)
    assert box.missing() == 0
    box.acknowledge(7, 0, (2,), 11, now_ms=0)
    assert box.missing() == 1
    for _ in range(5):
        box.sent(2, 0.0)
    assert box.hopeless(tries=6) == [], "the first was sent before it was missed"
    assert box.hopeless(tries=5) == [2]
    box.acknowledge(7, 0, (), 12, now_ms=0)
    box.acknowledge(7, 0, (2,), 13, now_ms=0)
    assert box.hopeless(tries=1) == [], "what was not missed in between is missed anew"


def settle(box: Inbox, epoch: int, sequence: int, digest: bytes = A) -> None:
    box.settle(epoch, sequence, digest)


def test_an_inbox_knows_gaps_and_the_lost_tail() -> None:
    box = Inbox()
    settle(box, 5, 1)
    settle(box, 5, 3)
    assert (box.cumulative, box.gaps()) == (1, (2,))
    box.heard(5, 6)
    assert box.gaps() == (2, 4, 5, 6)
    assert box.missing() == 4
    settle(box, 5, 2)
    assert (box.cumulative, box.gaps()) == (3, (4, 5, 6))


def test_at_most_32_gaps_are_told() -> None:
    box = Inbox()
    box.heard(1, 1000)
    assert len(box.gaps()) == 32


def test_duplicates_conflicts_and_old_epochs() -> None:
    box = Inbox()
    settle(box, 5, 1, A)
    assert box.judge(5, 1, previous=FIRST, digest=A) is Verdict.DUPLICATE
    assert box.judge(5, 1, previous=FIRST, digest=B) is Verdict.CONFLICT
    assert box.judge(4, 9, previous=FIRST, digest=B) is Verdict.STALE
    assert box.judge(5, 2, previous=A, digest=B) is Verdict.NEW
    assert box.judge(5, 2, previous=C, digest=B) is Verdict.BROKEN_CHAIN
    assert box.judge(5, WINDOW + 2, previous=C, digest=B) is Verdict.BEYOND
    assert box.judge(6, 1, previous=FIRST, digest=B) is Verdict.NEW
    assert box.judge(6, 1, previous=A, digest=B) is Verdict.BROKEN_CHAIN
    assert box.judge(6, WINDOW + 1, previous=A, digest=B) is Verdict.BEYOND


def test_a_newer_epoch_begins_from_nothing() -> None:
    box = Inbox()
    settle(box, 5, 1)
    box.heard(6, 2)
    assert (box.epoch, box.cumulative, box.gaps()) == (6, 0, (1, 2))
    settle(box, 5, 2)
    assert box.gaps() == (1, 2)


def test_an_inbox_restores_what_lay_beyond() -> None:
    box = Inbox(epoch=3, cumulative=4, beyond={6: A})
    assert box.gaps() == (5,)
    settle(box, 3, 5)
    assert box.cumulative == 6


@given(st.lists(st.integers(1, 60), max_size=200))
def test_cumulative_and_gaps_always_agree_with_a_set(numbers: list[int]) -> None:
    box, model = Inbox(), set()
    for number in numbers:
        settle(box, 1, number)
        model.add(number)
    cumulative = next(n for n in range(62) if n + 1 not in model)
    assert box.cumulative == cumulative
    missing = [n for n in range(1, max(model, default=0)) if n not in model]
    assert box.gaps(most=100) == tuple(missing)
    assert box.missing() == len(missing)


def test_the_digests_an_inbox_remembers_are_bounded() -> None:
    box = Inbox()
    for sequence in range(1, 3 * WINDOW):
        settle(box, 1, sequence)
    assert len(box._digests) <= 2 * WINDOW + 1


def test_shares_follow_weights_and_starve_nobody() -> None:
    shares = Shares({"interactive": 4, "bulk": 1})
    turns = {"interactive": 0, "bulk": 0}
    for _ in range(1000):
        party = shares.choose(list(turns))
        assert party
        turns[party] += 1
        shares.charge(party, 1.0)
    assert 780 <= turns["interactive"] <= 820
    assert turns["bulk"] >= 180


def test_a_party_that_slept_saves_up_nothing() -> None:
    shares = Shares({"a": 1, "b": 1})
    for _ in range(100):
        shares.choose(["a"])
        shares.charge("a", 1.0)
    shares.woken("b")
    order = []
    for _ in range(6):
        party = shares.choose(["a", "b"])
        assert party
        order.append(party)
        shares.charge(party, 1.0)
    assert order.count("b") <= 4


def test_shares_with_nobody_ready() -> None:
    assert Shares({"a": 1}).choose([]) is None
    with pytest.raises(ValueError, match="positive"):
        Shares({"a": 0})


def test_a_session_tells_each_change_once() -> None:
    told: list[str] = []
    session = LaneSession(told.append)
    session.observe(heard_s=0.1, ever=False, behind=False)
    assert told == []
    for behind in (False, False, True, True, False):
        session.observe(heard_s=0.1, ever=True, behind=behind)
    session.observe(heard_s=10, ever=True, behind=True)
    session.observe(heard_s=11, ever=True, behind=True)
    session.observe(heard_s=0, ever=True, behind=False)
    assert told == ["alive", "lagging", "alive", "silent", "alive"]
    assert session.state == "alive"


def test_the_life_of_a_crossing() -> None:
    for before, after in ((State.RECEIVED, State.INSPECTED), (State.INSPECTED, State.SENT), (State.SENT, State.ACKED)):
        check_move(before, after)
    for before, after in (
        (State.RECEIVED, State.SENT),
        (State.ACKED, State.SENT),
        (State.HELD, State.INSPECTED),
        (State.REJECTED, State.SENT),
    ):
        with pytest.raises(Bug):
            check_move(before, after)
