"""Enums stored in the production database outside the life of a case (that one is core.rules.case_states)."""

from __future__ import annotations

from enum import Enum
from typing import Final


class UnitState(Enum):
    """State of a unit (aab051)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class EnrolmentState(Enum):
    """State of one person's enrolment in one insurance at one unit (aac031)."""

    SUBMITTED = "submitted"  # waits for review, pays nothing yet
    ACTIVE = "active"  # 参保缴费
    SUSPENDED = "suspended"  # 暂停缴费
    ENDED = "ended"  # 终止参保
    WITHDRAWN = "withdrawn"  # its case was withdrawn or refused


LIVE_ENROLMENTS: Final = (EnrolmentState.ACTIVE.value, EnrolmentState.SUBMITTED.value, EnrolmentState.SUSPENDED.value)
"""Stored states of an enrolment that has not come to an end."""


class EnrolmentKind(Enum):
    """How a person is enrolled."""

    EMPLOYEE = "employee"
    FLEXIBLE = "flexible"  # 灵活就业


class WageState(Enum):
    """State of a declared wage."""

    SUBMITTED = "submitted"
    EFFECTIVE = "effective"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class ReceivableKind(Enum):
    """Why a month is assessed."""

    NORMAL = "normal"  # 正常应缴
    SUPPLEMENT = "supplement"  # 补收
    GAP = "gap"  # 中断期补缴


class ReceivableState(Enum):
    """State of an assessed month (aae078)."""

    OPEN = "open"  # 未到账
    PAID = "paid"  # 已到账
    WRITTEN_OFF = "written_off"  # 已注销


class PersonalAccountKind(Enum):
    """Which personal account an entry belongs to."""

    PENSION = "pension"
    MEDICAL = "medical"


class AccountKind(Enum):
    """Whom a login account acts for."""

    UNIT = "unit"
    COMMUNITY = "community"
    PERSON = "person"


class AccountState(Enum):
    """State of a login account."""

    ACTIVE = "active"
    DISABLED = "disabled"


class BindingState(Enum):
    """State of a certificate bound to an account."""

    BOUND = "bound"
    REVOKED = "revoked"


class PeriodState(Enum):
    """State of a month in a district (月结)."""

    OPEN = "open"
    CLOSED = "closed"


class FeedbackState(Enum):
    """State of a problem report."""

    OPEN = "open"
    ANSWERED = "answered"
    ESCALATED = "escalated"
    CLOSED = "closed"


class NoticeState(Enum):
    """State of an announcement."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class AppointmentState(Enum):
    """State of an appointment."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    KEPT = "kept"
    MISSED = "missed"


class HeldState(Enum):
    """State of something intake would not run."""

    HELD = "held"
    RELEASED = "released"
    DISCARDED = "discarded"


class OperatorLevel(Enum):
    """Level of a staff operator (分层帐号): everyone acts only on the next level."""

    ROOT = "root"  # 结算中心
    DISTRICT_ADMIN = "district_admin"  # 区管理员
    OPERATOR = "operator"  # 经办人员


class OperatorState(Enum):
    """State of a staff operator."""

    ACTIVE = "active"
    DISABLED = "disabled"
