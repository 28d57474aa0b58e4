from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.rules.approval import LEAST_CREDIT, UnitStanding, approval_of, drawn_for_audit
from core.rules.case_states import FINAL_STATES, TRANSITIONS, Approval, CaseEvent, CaseState
from core.rules.cases import advance, has_effect, is_final, may_withdraw
from core.rules.lockout import (
    FORGET_AFTER_MS,
    FREE_FAILURES,
    LONGEST_DELAY_MS,
    Guard,
    after_failure,
    delay_ms,
    wait_ms,
)
from wire_formats.errors import Kind, Refused


class CaseLife(RuleBasedStateMachine):
    """Whatever happens to a case, it moves only along the table and never leaves a final state."""

    def __init__(self) -> None:
        super().__init__()
        self.state = CaseState.SAVED
        self.opened = False
        self.was_effective = False

    @rule(event=st.sampled_from(CaseEvent))
    def happens(self, event: CaseEvent) -> None:
        before = self.state
        try:
            self.state = advance(self.state, event, opened=self.opened)
        except Refused as refused:
            assert refused.kind is Kind.CONFLICT
            return
        assert before not in FINAL_STATES
        if event is CaseEvent.OPEN:
            self.opened = True
        self.was_effective |= self.state is CaseState.EFFECTIVE
        if self.state is CaseState.WITHDRAWN:
            assert not self.opened

    @invariant()
    def effect_only_after_effective(self) -> None:
        if has_effect(self.state):
            assert self.was_effective


TestCaseLife = CaseLife.TestCase


def test_every_state_can_be_reached_and_left_or_is_final() -> None:
    reached = {CaseState.SAVED, *TRANSITIONS.values()}
    left = {state for state, _ in TRANSITIONS}
    assert reached == set(CaseState)
    assert set(CaseState) - left == FINAL_STATES
    assert all(is_final(state) for state in FINAL_STATES)


@pytest.mark.parametrize("state", list(CaseState))
def test_an_opened_case_is_never_withdrawn(state: CaseState) -> None:
    assert not may_withdraw(state, opened=True)
    with pytest.raises(Refused):
        advance(state, CaseEvent.WITHDRAW, opened=True)


def test_vip_is_approved_by_rule_and_others_reviewed() -> None:
    good = UnitStanding(vip=True, credit_level=LEAST_CREDIT, active=True)
    assert approval_of("employee.add", good) is Approval.BY_RULE
    assert approval_of("case.withdraw", good) is Approval.BY_REVIEW
    for standing in (
        UnitStanding(vip=False, credit_level=100, active=True),
        UnitStanding(vip=True, credit_level=LEAST_CREDIT - 1, active=True),
        UnitStanding(vip=True, credit_level=100, active=False),
    ):
        assert approval_of("employee.add", standing) is Approval.BY_REVIEW


@given(st.binary(min_size=8, max_size=32))
def test_sample_limits(draw: bytes) -> None:
    assert drawn_for_audit(draw, 1000)
    assert not drawn_for_audit(draw, 0)


def test_sample_is_about_its_size() -> None:
    import hashlib

    drawn = sum(drawn_for_audit(hashlib.sha256(b"%d" % n).digest(), 50) for n in range(20_000))
    assert 850 < drawn < 1150


def test_draw_needs_bytes() -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        drawn_for_audit(b"short", 1)


def test_first_failures_cost_no_time() -> None:
    assert [delay_ms(count) for count in range(FREE_FAILURES + 1)] == [0] * (FREE_FAILURES + 1)
    assert [delay_ms(FREE_FAILURES + n) for n in (1, 2, 3)] == [2_000, 4_000, 8_000]


@given(st.integers(1, 10_000))
def test_delay_grows_and_is_never_permanent(failures: int) -> None:
    assert delay_ms(failures) <= delay_ms(failures + 1) <= LONGEST_DELAY_MS


@given(st.integers(0, 200), st.integers(0, 10**12))
def test_guard_lets_in_again_after_its_delay(failures: int, now: int) -> None:
    guard = after_failure(Guard(failures, now, now), now)
    assert wait_ms(guard, now) == delay_ms(failures + 1)
    assert wait_ms(guard, now + LONGEST_DELAY_MS) == 0
    assert wait_ms(Guard(), now) == 0


def test_old_failures_are_forgotten() -> None:
    guard = after_failure(Guard(50, 1_000, 0), 1_000 + FORGET_AFTER_MS)
    assert guard.failures == 1
