"""Life of a case (业务办理状态): states, events and the one transition table.

Pure data: the database checks, the staff window and the property tests are all fed from this table.

    saved ──submit──▶ submitted ──open──▶ reviewing ──pass_review──▶ rechecking ──pass_recheck──▶ effective
                          │  └─approve_by_rule (VIP)───────────────────────────────────────────────▲
                          └─withdraw (退单)─▶ withdrawn          effective ──draw──▶ auditing ─▶ audited | disputed

Source: catalogue B17, B18, B21, B22, X2, X3.
"""

from __future__ import annotations

from enum import Enum


class CaseState(Enum):
    """Stored state of a case; the value is what stands in the column."""

    SAVED = "saved"  # 录入保存
    SUBMITTED = "submitted"  # 已提交, waiting for a reviewer
    REVIEWING = "reviewing"  # 审核, opened by the first reviewer
    RECHECKING = "rechecking"  # 复核, first check passed
    EFFECTIVE = "effective"  # 生效
    AUDITING = "auditing"  # 稽核, drawn for post-audit
    AUDITED = "audited"  # 稽核通过
    DISPUTED = "disputed"  # 稽核有疑点
    WITHDRAWN = "withdrawn"  # 退单
    REFUSED = "refused"  # 审核不通过


class CaseEvent(Enum):
    """What can happen to a case."""

    SUBMIT = "submit"
    OPEN = "open"
    PASS_REVIEW = "pass_review"  # noqa: S105 - a verdict, not a secret
    APPROVE_MERGED = "approve_merged"  # 环节合并: a two-stage flow has no second check
    PASS_RECHECK = "pass_recheck"  # noqa: S105 - a verdict, not a secret
    APPROVE_BY_RULE = "approve_by_rule"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    DRAW_FOR_AUDIT = "draw_for_audit"
    PASS_AUDIT = "pass_audit"  # noqa: S105 - a verdict, not a secret
    DISPUTE = "dispute"


TRANSITIONS: dict[tuple[CaseState, CaseEvent], CaseState] = {
    (CaseState.SAVED, CaseEvent.SUBMIT): CaseState.SUBMITTED,
    (CaseState.SAVED, CaseEvent.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.SUBMITTED, CaseEvent.OPEN): CaseState.REVIEWING,
    (CaseState.SUBMITTED, CaseEvent.APPROVE_BY_RULE): CaseState.EFFECTIVE,
    (CaseState.SUBMITTED, CaseEvent.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.SUBMITTED, CaseEvent.REFUSE): CaseState.REFUSED,
    (CaseState.REVIEWING, CaseEvent.PASS_REVIEW): CaseState.RECHECKING,
    (CaseState.REVIEWING, CaseEvent.APPROVE_MERGED): CaseState.EFFECTIVE,
    (CaseState.REVIEWING, CaseEvent.REFUSE): CaseState.REFUSED,
    (CaseState.RECHECKING, CaseEvent.PASS_RECHECK): CaseState.EFFECTIVE,
    (CaseState.RECHECKING, CaseEvent.REFUSE): CaseState.REFUSED,
    # A case approved by rule that no person has opened yet may still be taken back (see cases.advance).
    (CaseState.EFFECTIVE, CaseEvent.WITHDRAW): CaseState.WITHDRAWN,
    (CaseState.EFFECTIVE, CaseEvent.DRAW_FOR_AUDIT): CaseState.AUDITING,
    (CaseState.AUDITING, CaseEvent.PASS_AUDIT): CaseState.AUDITED,
    (CaseState.AUDITING, CaseEvent.DISPUTE): CaseState.DISPUTED,
}

FINAL_STATES = frozenset({CaseState.AUDITED, CaseState.DISPUTED, CaseState.WITHDRAWN, CaseState.REFUSED})


class TaskRole(Enum):
    """Which check a task is (三个环节)."""

    REVIEW = "review"  # 审核
    RECHECK = "recheck"  # 复核
    POST_AUDIT = "post_audit"  # 稽核


class TaskState(Enum):
    """Stored state of a task."""

    WAITING = "waiting"  # drawn, not opened
    OPENED = "opened"  # taken by its operator
    DONE = "done"
    CANCELLED = "cancelled"  # case withdrawn before it was opened


class Verdict(Enum):
    """What a decision says."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    REFUSE = "refuse"
    DISPUTE = "dispute"


class Approval(Enum):
    """How a case becomes effective."""

    BY_RULE = "by_rule"  # VIP 自动审核
    BY_REVIEW = "by_review"  # 人工审核
