"""Which cases a rule approves at once and which a person reviews (VIP 自动审核 / 人工审核).

Approval by rule: the unit is VIP, its credit is good enough, and the service is one of those the rule covers.
Cases approved by rule are to be sampled for post-audit (稽核): `drawn_for_audit` is the rule; nothing draws yet.
Source: catalogue B17, B18; RULES, Workflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.rules.case_states import Approval

RULE_SERVICES: Final = frozenset({"employee.add", "wage.declare", "wage.batch"})
LEAST_CREDIT: Final = 60
"""Credit level (0..100) from which a VIP unit's cases are approved by rule."""
PER_MILLE: Final = 1000


@dataclass(frozen=True, slots=True)
class UnitStanding:
    """What the rule knows of a unit."""

    vip: bool
    credit_level: int
    active: bool


def approval_of(service: str, standing: UnitStanding) -> Approval:
    """Return how a case of this service from this unit becomes effective."""
    trusted = standing.vip and standing.active and standing.credit_level >= LEAST_CREDIT
    return Approval.BY_RULE if trusted and service in RULE_SERVICES else Approval.BY_REVIEW


def drawn_for_audit(draw: bytes, per_mille: int) -> bool:
    """Tell whether a case approved by rule is drawn for post-audit.

    Args:
        draw: at least 8 unpredictable bytes belonging to this case alone.
        per_mille: sample size, 0 to 1000.

    Raises:
        ValueError: too few bytes or a sample out of range.
    """
    if len(draw) < 8 or not 0 <= per_mille <= PER_MILLE:
        raise ValueError("draw needs 8 bytes and a sample of 0..1000 per mille")
    # 64 bits over 1000: the bias is below 1e-16.
    return int.from_bytes(draw[:8], "big") % PER_MILLE < per_mille
