"""How many may be under way: what the limit follows, and where it stops."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.admission.limiter import ConcurrencyLimiter, LimiterBounds
from dmz.admission.usual_times import LEAST_S, MOST_KINDS, UsualTimes, kind_of
from dmz.messages import HallRequest
from dmz.switch.wait_queue import Priority

PAGE = Priority.PAGE


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/", "GET "),
        ("GET", "/s/unit.profile", "GET s/unit.profile"),
        ("POST", "/s/wage.declare", "POST s/wage.declare"),
        ("GET", "/b/wage.declare/template", "GET b/wage.declare"),
        ("GET", "/case/123", "GET case"),
        ("GET", "/receipt/00112233", "GET receipt"),
    ],
)
def test_kinds(method, path, kind):
    assert kind_of(HallRequest(method, "unit", path)) == kind


def test_usual_is_what_it_takes_alone_and_load_does_not_change_it():
    usual = UsualTimes()
    for _ in range(50):
        usual.note("q", 0.014, alone=True)
    assert usual.note("q", 0.056, alone=False) == pytest.approx(4.0, rel=0.05)
    for _ in range(1_000):
        usual.note("q", 0.5, alone=False)
    assert usual.usual_s("q") == pytest.approx(0.014, rel=0.05)
    for _ in range(400):
        usual.note("q", 0.028, alone=True)
    assert usual.usual_s("q") == pytest.approx(0.028, rel=0.05), "a slower core is learnt when little is going on"


def test_before_it_was_seen_alone_the_shortest_counts():
    usual = UsualTimes()
    for took_s in (0.4, 0.1, 0.3):
        usual.note("q", took_s, alone=False)
    assert usual.usual_s("q") == 0.1
    usual.note("q", 0.2, alone=True)
    assert usual.usual_s("q") == 0.2


def test_kinds_are_bounded_and_noise_is_no_stretch():
    usual = UsualTimes()
    for number in range(MOST_KINDS + 50):
        usual.note(str(number), 0.01, alone=True)
    assert len(usual) == MOST_KINDS and usual.usual_s("0") is None
    assert usual.note("fast", 0.0001, alone=True) == usual.note("fast", LEAST_S, alone=True) == 1.0


@settings(max_examples=100)
@given(st.lists(st.floats(0.001, 2.0), min_size=1, max_size=60))
def test_usual_stays_among_what_was_seen(times):
    usual = UsualTimes()
    for took_s in times:
        usual.note("q", took_s, alone=True)
    assert max(LEAST_S, min(times)) - 1e-9 <= usual.usual_s("q") <= max(LEAST_S, *times) + 1e-9


def test_a_place_that_only_waits_is_given_away():
    limiter = ConcurrencyLimiter(LimiterBounds(calm=2, parked_s=1.0), 0.0)
    waits = limiter.begin(PAGE, 0.0)
    works = limiter.begin(PAGE, 0.5)
    assert not limiter.has_place(0.9, overloaded=False)
    assert limiter.has_place(1.0, overloaded=False) and limiter.in_flight == 1
    limiter.end(waits, "q", 8.0, counts=True)
    assert limiter.in_flight == 1, "it has no place to give back any more"
    assert limiter.usual.usual_s("q") is None, "and tells nothing of the load"
    limiter.end(works, "q", 0.6, counts=True)
    limiter.end(works, "q", 0.6, counts=True)
    assert limiter.in_flight == 0


def test_what_failed_tells_nothing_of_the_load():
    limiter = ConcurrencyLimiter(LimiterBounds(), 0.0)
    for number in range(100):
        limiter.end(limiter.begin(PAGE, number), "q", number + 0.9, counts=False)
    assert limiter.limit == LimiterBounds().calm


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400), st.booleans()), max_size=150)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(1, 5), st.integers(0, 20), st.integers(1, 30))
def test_never_more_than_the_limit_and_the_limit_within_its_bounds(steps, least, more, calm):
    bounds = LimiterBounds(least=least, calm=calm, most=least + more + 5)
    limiter = ConcurrencyLimiter(bounds, 0.0)
    now_s, running = 0.0, []
    for action, milliseconds, counts in steps:
        now_s += milliseconds / 1_000
        before = limiter.in_flight
        if action < 2:
            overloaded = action == 0
            if limiter.has_place(now_s, overloaded=overloaded):
                running.append(limiter.begin(PAGE, now_s))
                assert limiter.in_flight <= (limiter.limit if overloaded else max(limiter.limit, calm))
        elif running:
            limiter.end(running.pop(milliseconds % len(running)), "q", now_s, counts=counts)
            assert limiter.in_flight <= before
        assert 0 <= limiter.in_flight <= len(running)
        assert least <= limiter.limit <= bounds.most


class BackEnd:
    """Shares its capacity equally among who is in it; everybody also waits a while for something that is nobody's load.

    Args:
        capacity_per_s: requests it can do in a second.
    """

    def __init__(self, capacity_per_s, *, alone_s=0.010, bounds=None):
        self.capacity_per_s, self.alone_s, self.slow_s = capacity_per_s, alone_s, 0.0
        self.overloaded = True
        self.limiter = ConcurrencyLimiter(bounds or LimiterBounds(), 0.0)
        for number in range(60):  # a calm morning
            at_s = number * 0.1
            self.limiter.end(self.limiter.begin(PAGE, at_s), "q", at_s + alone_s, counts=True)
        self.now_s = 10.0
        self.running = []

    def serve(self, arrivals_per_s, seconds, skip_s=0.0):
        """Let requests come at a rate; gives the sorted times of who was let in after the first ``skip_s``."""
        step_s, taken = 0.0005, []
        due_s = began_s = self.now_s
        while self.now_s < began_s + seconds:
            self.now_s += step_s
            while due_s <= self.now_s:
                due_s += 1 / arrivals_per_s
                if self.limiter.has_place(self.now_s, overloaded=self.overloaded):
                    self.running.append([self.alone_s, self.slow_s, self.now_s, self.limiter.begin(PAGE, self.now_s)])
            busy = [job for job in self.running if job[0] > 0]
            share = min(1.0, self.capacity_per_s * self.alone_s / len(busy)) if busy else 0.0
            for job in self.running:
                job[0 if job[0] > 0 else 1] -= share * step_s if job[0] > 0 else step_s
            for job in [job for job in self.running if job[0] <= 0 and job[1] <= 0]:
                self.running.remove(job)
                self.limiter.end(job[3], "q", self.now_s, counts=True)
                if self.now_s > began_s + skip_s:
                    taken.append(self.now_s - job[2])
        return sorted(taken)


@pytest.mark.parametrize("times", [2, 3, 8])
def test_under_overload_who_is_let_in_takes_little_longer_and_nothing_is_idle(times):
    end = BackEnd(400)
    taken = end.serve(times * 400, 10.0, skip_s=2.0)
    assert taken[int(len(taken) * 0.99)] <= 4 * 0.010
    assert len(taken) >= 0.9 * 8.0 * 400, "the capacity is used"
    assert end.limiter.usual.usual_s("q") == pytest.approx(0.010, rel=0.3)


def test_below_saturation_everybody_is_let_in():
    end = BackEnd(400)
    assert len(end.serve(300, 5.0)) >= 0.99 * 300 * 5.0 - 5


def test_slowness_that_is_not_our_load_costs_nobody_his_place():
    end = BackEnd(400)
    end.slow_s = 0.100
    taken = end.serve(300, 20.0, skip_s=10.0)
    assert len(taken) >= 0.8 * 300 * 10.0, "a lower limit would make fewer wait equally long"
    end.slow_s = 0.0
    taken = end.serve(1_200, 90.0, skip_s=85.0)
    assert taken[int(len(taken) * 0.99)] <= 4 * 0.010, "when it is over, the old measure holds again"


def test_overload_of_a_slow_back_end_is_overload():
    end = BackEnd(400)
    end.slow_s = 0.030
    taken = end.serve(1_200, 30.0, skip_s=10.0)
    assert len(taken) >= 2 * 20.0 * LimiterBounds().least / 0.040, "more than at the lowest limit"
    assert taken[len(taken) // 2] <= 2 * 0.040


def window(limiter, at_s, *answers):
    """Answers of one window, beside some that go on."""
    others = [limiter.begin(PAGE, at_s) for _ in range(3)]
    for priority, took_s in answers:
        limiter.end(limiter.begin(priority, at_s - took_s), priority.name, at_s, counts=True)
    for other in others:
        limiter.end(other, "other", at_s, counts=False)


def test_many_quick_strangers_do_not_hide_what_the_signed_in_wait_for():
    limiter = ConcurrencyLimiter(LimiterBounds(), 0.0)
    strangers = [(Priority.STRANGER, 0.006)] * 9
    for number in range(20):
        window(limiter, 1.0 + number / 5, (PAGE, 0.02), *strangers)
    assert limiter.limit == LimiterBounds().calm
    for number in range(8):
        window(limiter, 6.0 + number / 5, (PAGE, 0.08), *strangers)
    assert limiter.limit < LimiterBounds().calm, "few as they are, they are heard"


def test_the_limit_does_not_rise_before_the_few_have_been_heard():
    limiter = ConcurrencyLimiter(LimiterBounds(calm=6), 0.0)
    at_s = 0.0

    def answers(pages: int) -> None:
        nonlocal at_s
        at_s += 0.2
        asked = [PAGE] * pages + [Priority.STRANGER] * (6 - pages)
        for _ in range(3):
            places = [limiter.begin(priority, at_s) for priority in asked]
            limiter.has_place(at_s, overloaded=True)  # somebody would like to come in, too
            for place in places:
                limiter.end(place, "q", at_s + 0.01, counts=True)

    answers(pages=1)
    before = limiter.limit
    for _ in range(4):
        answers(pages=1)
    assert limiter.limit > before == 6, "when they have been heard, and all was well"


def test_a_busy_hall_that_refuses_nobody_is_not_held_back_but_its_limit_is_known():
    end = BackEnd(400)
    end.overloaded = False
    taken = end.serve(1_200, 5.0, skip_s=1.0)
    assert taken[len(taken) // 2] >= 0.9 * LimiterBounds().calm / 400
    assert end.limiter.limit <= 6 and end.limiter.pace == 1.0
    end.overloaded = True
    taken = end.serve(1_200, 5.0, skip_s=0.1)
    assert taken[int(len(taken) * 0.99)] <= 4 * 0.010


def test_a_stop_of_everything_for_a_moment_is_no_measure():
    end = BackEnd(400)
    end.serve(1_200, 5.0)
    end.slow_s = 0.200
    end.serve(1_200, 0.7)
    end.slow_s = 0.0
    taken = end.serve(1_200, 5.0, skip_s=0.5)
    assert end.limiter.pace < 1.5
    assert taken[int(len(taken) * 0.99)] <= 4 * 0.010


def test_a_measure_that_cannot_be_taken_anew_grows_old():
    end = BackEnd(400)
    end.slow_s = 0.100
    end.serve(300, 10.0)
    measured = end.limiter.pace
    assert measured > 3
    end.overloaded = False  # those who come now are let in beyond the limit, so nothing can be measured
    end.serve(900, 60.0)
    assert end.limiter.pace < 0.8 * measured
    assert end.limiter.limit == LimiterBounds().least, "and the next overload begins carefully"
