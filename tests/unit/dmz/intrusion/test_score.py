"""The ledger of offenders: bounded, decaying, and nobody is banned who has not offended enough."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.edge.connection_limits import Rate
from dmz.intrusion.score import Bounds, OffenderLedger, ScoreRules, Standing
from dmz.intrusion.subjects import Subject

RULES = ScoreRules(
    address=Bounds(50, 100), certificate=Bounds(100, 200), half_life_ms=600_000, slowed=Rate(1.0, 3), capacity=8
)
SUBJECTS = st.sampled_from([f"192.0.2.{i}" for i in range(12)] + [bytes([i]) * 32 for i in range(4)])
STEPS = st.lists(st.tuples(SUBJECTS, st.integers(1, 50), st.integers(0, 900_000)), max_size=60)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_the_ledger_is_bounded_and_bans_only_for_enough_points(steps):
    ledger, now = OffenderLedger(RULES), 0
    given_points: dict[Subject, int] = {}
    for subject, points, wait in steps:
        now += wait
        given_points[subject] = given_points.get(subject, 0) + points
        judged = ledger.offend(subject, points, now)
        bounds = RULES.certificate if isinstance(subject, bytes) else RULES.address
        assert judged.score <= given_points[subject] + 1e-6, "a score never exceeds what was given"
        if judged.after is Standing.BANNED:
            assert given_points[subject] >= bounds.ban
            assert ledger.score(subject, now) == 0
            given_points[subject] = 0
        assert len(ledger) <= RULES.capacity
        assert len(ledger.throttled) <= RULES.capacity
        assert all(ledger.score(throttled, 0) > 0 for throttled in ledger.throttled)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 99), st.lists(st.integers(0, 10_000_000), min_size=1, max_size=10))
def test_decay_is_monotone_and_halves_in_a_half_life(points, waits):
    ledger = OffenderLedger(RULES)
    ledger.offend("192.0.2.1", points, 1_000)
    scores = [ledger.score("192.0.2.1", 1_000 + sum(waits[:count])) for count in range(len(waits) + 1)]
    assert scores == sorted(scores, reverse=True)
    assert all(score >= 0 for score in scores)
    assert abs(ledger.score("192.0.2.1", 601_000) - points / 2) < 1e-9
    assert ledger.score("192.0.2.1", 0) == points, "a clock that steps back lets nothing decay"


@given(SUBJECTS, st.integers(0, 10**12))
def test_whoever_never_offended_is_clear(subject, now):
    ledger = OffenderLedger(RULES)
    assert (ledger.score(subject, now), ledger.wait_s(subject, now), subject in ledger.throttled) == (0.0, 0.0, False)


def test_standing_goes_up_by_offences_and_down_by_time():
    ledger = OffenderLedger(RULES)
    assert ledger.offend("a", 49, 0).after is Standing.CLEAR
    judged = ledger.offend("a", 1, 0)
    assert (judged.before, judged.after, judged.score) == (Standing.CLEAR, Standing.THROTTLED, 50.0)
    assert [ledger.wait_s("a", 0) for _ in range(4)] == [0.0, 0.0, 0.0, 1.0]
    # Hysteresis: at half the bound he is clear again.
    assert ledger.wait_s("a", 599_000) == 0.0 and "a" in ledger.throttled
    assert ledger.wait_s("a", 600_001) == 0.0 and "a" not in ledger.throttled
    ledger.offend("a", 49, 600_001)
    assert ledger.offend("a", 30, 600_001).after is Standing.BANNED
    assert "a" not in ledger.throttled


def test_a_certificate_has_its_own_bounds_and_others_are_untouched():
    ledger = OffenderLedger(RULES)
    assert ledger.offend(b"c" * 32, 199, 0).after is Standing.THROTTLED
    assert ledger.offend(b"c" * 32, 1, 0).after is Standing.BANNED
    assert ledger.score("192.0.2.1", 0) == 0


def test_the_quietest_is_forgotten_first():
    ledger = OffenderLedger(RULES)
    for index in range(9):
        ledger.offend(f"host-{index}", 60, index)
        ledger.offend("host-0", 1, index)
    assert ledger.score("host-0", 9) > 0
    assert ledger.score("host-1", 9) == 0 and "host-1" not in ledger.throttled
