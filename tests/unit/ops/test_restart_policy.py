"""The restart policy: delays, crash loops, giving up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ops.supervisor.restart_policy import Death, Decision, RestartLimits, Verdict, decide

LIMITS = RestartLimits()


def _death(at_ms: int, *, lived_ms: int = 100, exit_code: int = 1, was_healthy: bool = True) -> Death:
    return Death(at_ms=at_ms, lived_ms=lived_ms, exit_code=exit_code, was_healthy=was_healthy)


def test_first_death_restarts_soon() -> None:
    assert decide((), _death(5_000), LIMITS) == Decision(Verdict.RESTART, 200, (5_000,))


def test_delay_doubles() -> None:
    recent: tuple[int, ...] = ()
    delays = []
    for at_ms in range(0, 5_000, 1_000):
        decision = decide(recent, _death(at_ms), LIMITS)
        recent = decision.recent_ms
        delays.append(decision.delay_ms)
    assert delays == [200, 400, 800, 1_600, 3_200]


def test_crash_loop_pauses_and_clears_the_history() -> None:
    recent = tuple(range(5))
    assert decide(recent, _death(10), LIMITS) == Decision(Verdict.PAUSE, LIMITS.loop_pause_ms, ())


def test_deaths_outside_the_window_do_not_count() -> None:
    recent = tuple(range(5))
    assert decide(recent, _death(70_000), LIMITS).recent_ms == (70_000,)


def test_a_steady_life_clears_the_history() -> None:
    decision = decide((1, 2, 3), _death(40_000, lived_ms=30_000), LIMITS)
    assert decision == Decision(Verdict.RESTART, 200, (40_000,))


def test_wrong_settings_are_not_tried_again() -> None:
    assert decide((), _death(1, exit_code=2, was_healthy=False), LIMITS).verdict is Verdict.GIVE_UP


def test_exit_code_2_after_health_is_an_ordinary_death() -> None:
    assert decide((), _death(1, exit_code=2, was_healthy=True), LIMITS).verdict is Verdict.RESTART


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 100_000), st.integers(-9, 255)), max_size=60))
def test_delays_and_history_stay_bounded(lives: list[tuple[int, int, int]]) -> None:
    recent: tuple[int, ...] = ()
    now_ms = 0
    for gap_ms, lived_ms, exit_code in lives:
        now_ms += gap_ms + lived_ms
        decision = decide(recent, _death(now_ms, lived_ms=lived_ms, exit_code=exit_code), LIMITS)
        recent = decision.recent_ms
        assert 0 <= decision.delay_ms <= max(LIMITS.most_delay_ms, LIMITS.loop_pause_ms)
        assert len(recent) < LIMITS.loop_deaths
