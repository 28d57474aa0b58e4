"""Who waits, who is next, who is told no."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.admission.line import Line, LineBounds, Refusal
from dmz.messages import ClientIdentity, HallRequest, Upload
from dmz.switch.wait_queue import Priority, priority_of

SHORT = LineBounds(most=12, burst=4, narrow=9, patience_s=5.0, target_s=0.025, calm_s=5.0)


def drain(line, now_s):
    served = []
    while (entry := line.pop(now_s)) is not None:
        served.append(entry)
    return served


def test_who_is_who():
    holder = ClientIdentity(b"f" * 32, "ca", 1, "urn:ferrygate:account:unit:1", "unit", "1")
    upload = (Upload("f", "a", "x/y", b""),)
    assert priority_of(HallRequest("POST", "unit", "/", client=holder)) is Priority.SUBMISSION
    assert priority_of(HallRequest("GET", "unit", "/", client=holder)) is Priority.PAGE
    assert priority_of(HallRequest("POST", "unit", "/", client=holder, uploads=upload)) is Priority.UPLOAD
    for uploads in ((), upload):
        with_certificate = HallRequest("POST", "unit", "/", client=holder, uploads=uploads)
        assert priority_of(with_certificate, signed_in=False) is Priority.CERTIFIED
        assert priority_of(HallRequest("POST", "site", "/", uploads=uploads), signed_in=False) is Priority.STRANGER
    assert list(Priority) == sorted(Priority), "the order of the enumeration is the order of service"


def test_a_burst_is_served_by_priority_and_arrival():
    line: Line[Any] = Line(SHORT)
    for entry, priority in (("page", 1), ("stranger", 4), ("form", 0), ("page 2", 1)):
        assert line.push(entry, Priority(priority), 0.0) is None
    assert line.overdue(4.9) == []
    assert drain(line, 4.9) == ["form", "page", "page 2", "stranger"]


def test_a_line_that_is_too_long_is_served_newest_first_and_refuses_soon():
    line: Line[Any] = Line(SHORT)
    for number in range(6):
        line.push(number, Priority.PAGE, number / 1_000)
    assert line.is_overloaded(Priority.PAGE, 0.006)
    assert line.pop(0.006) == 5
    assert line.overdue(0.0265) == [Refusal(0, Priority.PAGE), Refusal(1, Priority.PAGE)]
    assert drain(line, 0.0265) == [4, 3, 2]
    assert not line.is_overloaded(Priority.PAGE, 6.0), "some time after the last refusal it is over"


def test_a_crowd_of_strangers_is_no_overload_for_those_who_are_signed_in():
    line: Line[Any] = Line(SHORT)
    for number in range(8):
        line.push(number, Priority.STRANGER, 0.0)
    line.push("signed in", Priority.PAGE, 0.0)
    assert line.is_overloaded(Priority.STRANGER, 0.1) and not line.is_overloaded(Priority.CERTIFIED, 0.1)
    assert {refusal.priority for refusal in line.overdue(0.1)} == {Priority.STRANGER}
    assert drain(line, 0.1) == ["signed in"]


def test_overload_of_the_signed_in_is_overload_for_everybody_below():
    line: Line[Any] = Line(SHORT)
    line.push("stranger", Priority.STRANGER, 0.0)
    for number in range(5):
        line.push(number, Priority.PAGE, 0.0)
    assert not line.is_overloaded(Priority.SUBMISSION, 0.0)
    assert all(line.is_overloaded(each, 0.0) for each in Priority if each >= Priority.PAGE)


def test_a_full_line_refuses_the_lowest_who_waited_longest():
    line: Line[Any] = Line(LineBounds(most=3, burst=9))
    for entry, priority in (("upload", 2), ("stranger", 4), ("stranger 2", 4)):
        line.push(entry, Priority(priority), 0.0)
    assert line.push("page", Priority.PAGE, 0.0) == Refusal("stranger", Priority.STRANGER)
    assert line.push("page 2", Priority.PAGE, 0.0) == Refusal("stranger 2", Priority.STRANGER)
    assert line.push("stranger 3", Priority.STRANGER, 0.0) == Refusal("stranger 3", Priority.STRANGER)
    assert line.push("form", Priority.SUBMISSION, 0.0) == Refusal("upload", Priority.UPLOAD)
    assert drain(line, 0.0) == ["form", "page", "page 2"]


def test_under_overload_a_few_wait_and_the_newest_takes_the_place_of_the_oldest():
    line: Line[Any] = Line(LineBounds(burst=4, narrow=2))
    for number in range(5):
        line.push(number, Priority.PAGE, 0.0)
    assert line.push(5, Priority.PAGE, 0.001) == Refusal(0, Priority.PAGE)
    assert drain(line, 0.001) == [5, 4, 3, 2, 1]
    for number in (6, 7):
        assert line.push(number, Priority.SUBMISSION, 0.002) is None, "forms are not overloaded"
    assert line.push(8, Priority.PAGE, 0.002) == Refusal(8, Priority.PAGE), "better ones fill the line"


def test_who_leaves_is_forgotten():
    line: Line[Any] = Line(SHORT)
    one, other = [1], [1]
    line.push(one, Priority.PAGE, 0.0)
    line.push(other, Priority.PAGE, 0.0)
    line.remove(other)
    line.remove(other)
    assert line.pop(0.0) is one
    assert len(line) == 0


STEPS = st.lists(
    st.tuples(st.sampled_from(["push", "pop", "look", "remove"]), st.sampled_from(list(Priority)), st.integers(0, 60)),
    max_size=120,
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(1, 12), st.integers(0, 12), st.integers(1, 6))
def test_everybody_is_served_refused_or_gone_exactly_once_and_never_late(steps, most, burst, narrow):
    bounds = LineBounds(most=most, burst=burst, narrow=narrow, patience_s=0.5, target_s=0.025, calm_s=1.0)
    line: Line[Any] = Line(bounds)
    now_s = 0.0
    waiting = {}
    for number, (action, priority, milliseconds) in enumerate(steps):
        now_s += milliseconds / 1_000
        gone = []
        if action == "push":
            waiting[number] = (priority, now_s)
            refusal = line.push(number, priority, now_s)
            if refusal is not None:
                assert waiting[refusal.entry][0] is refusal.priority >= priority, "nobody better is refused for him"
                gone = [refusal.entry]
        elif action == "pop":
            entry = line.pop(now_s)
            assert (entry is None) is (not waiting)
            if entry is not None:
                assert waiting[entry][0] is min(each for each, _ in waiting.values()), "the highest is served"
                gone = [entry]
        elif action == "look":
            refused = line.overdue(now_s)
            gone = [refusal.entry for refusal in refused]
            left = {entry: since_s for entry, (_, since_s) in waiting.items() if entry not in gone}
            assert all(now_s - since_s < bounds.patience_s for since_s in left.values())
            assert all(now_s - waiting[entry][1] >= bounds.target_s for entry in gone)
        elif waiting:
            gone = [next(iter(waiting))]
            line.remove(gone[0])
        for entry in gone:
            del waiting[entry]
        assert len(line) == len(waiting) <= most
        states = [line.is_overloaded(each, now_s) for each in Priority]
        assert states == sorted(states), "who is overloaded, all below are too"


@pytest.mark.parametrize("priority", list(Priority))
def test_no_more_than_the_burst_is_never_overload(priority):
    line: Line[Any] = Line(SHORT)
    for number in range(SHORT.burst):
        line.push(number, priority, 0.0)
    assert not line.is_overloaded(priority, 0.0)
