"""Moves of a case, by the one table in core.rules.case_states.

Source: catalogue B21, B22; RULES, Workflow ("退单 until a reviewer opens it").
"""

from __future__ import annotations

from core.rules.case_states import FINAL_STATES, TRANSITIONS, CaseEvent, CaseState
from wire_formats.errors import Kind, Refused


def advance(state: CaseState, event: CaseEvent, *, opened: bool = False) -> CaseState:
    """Return the state after an event.

    Args:
        state: stored state.
        event: what happens.
        opened: whether a reviewer (of any check) has opened the case; then it can no longer be withdrawn.

    Raises:
        Refused: CONFLICT, the event does not fit the state.
    """
    if event is CaseEvent.WITHDRAW and opened:
        raise Refused(Kind.CONFLICT, "case was opened by a reviewer")
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Refused(Kind.CONFLICT, f"{event.value} does not fit state {state.value}") from None


def may_withdraw(state: CaseState, *, opened: bool) -> bool:
    """Tell whether the applicant may still take the case back (for showing a button; `advance` decides)."""
    return not opened and (state, CaseEvent.WITHDRAW) in TRANSITIONS


def is_final(state: CaseState) -> bool:
    """Tell whether nothing can happen to the case any more."""
    return state in FINAL_STATES


def has_effect(state: CaseState) -> bool:
    """Tell whether the case's business effect is in force."""
    return state in (CaseState.EFFECTIVE, CaseState.AUDITING, CaseState.AUDITED, CaseState.DISPUTED)
