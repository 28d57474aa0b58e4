"""Staff operators, desks, random draws, monthly close, announcements, agreements, appointments, feedback.

Source: catalogue A5-A7, D1-D13, X2-X8, X11.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Table

from core.db.columns import (
    ACCOUNT_ID_LENGTH,
    CASE_ID_LENGTH,
    DISTRICT_LENGTH,
    INSERT_ONLY,
    METADATA,
    blob,
    district,
    flag,
    instant,
    month,
    one_of,
    person_id,
    text,
    unit_id,
    whole,
)
from core.db.states import AppointmentState, FeedbackState, NoticeState, OperatorLevel, OperatorState, PeriodState

staff_operator = Table(
    "staff_operator",
    METADATA,
    text("operator_id", 32, "aae011 经办人编号", key=True),
    text("user_name", 64, "登录名, lower case"),
    text("display_name", 100, "姓名"),
    text("level", 16, "层级"),
    text("parent_operator_id", 32, "operator one level up", nullable=True),
    text("district", DISTRICT_LENGTH, "行政区划代码; 000000 = the city"),
    text("department", 20, "科室: registration 登记科, general 综合科, community 社服科", nullable=True),
    text("roles", 100, "环节 allowed, separated by blanks", default=""),
    text("phone", 20, "联系电话 shown to applicants", nullable=True),
    text("state", 10, "状态", default=OperatorState.ACTIVE.value),
    text("password_hash", 200, "argon2id of the peppered password", nullable=True),
    text("certificate_sha256", 64, "operator card certificate", nullable=True),
    flag("on_duty", "takes part in draws"),
    flag("must_change", "password must be changed"),
    instant("created_at", "时间"),
    whole("version", "optimistic lock", default=1),
    one_of("level", OperatorLevel),
    one_of("state", OperatorState),
    Index(None, "user_name", unique=True),
    Index(None, "district", "state"),
)

desk = Table(
    "desk",
    METADATA,
    district(),
    text("desk_id", 32, "柜组编号", key=True),
    text("name", 50, "柜组名称"),
    flag("active", "takes part in draws"),
)

desk_member = Table(
    "desk_member",
    METADATA,
    district(),
    text("desk_id", 32, "柜组编号", key=True),
    text("operator_id", 32, "aae011 经办人", key=True),
    text("role", 12, "环节 this member does"),
    ForeignKeyConstraint(["district", "desk_id"], ["desk.district", "desk.desk_id"]),
    ForeignKeyConstraint(["operator_id"], ["staff_operator.operator_id"]),
)

draw_key = Table(
    "draw_key",
    METADATA,
    text("day", 8, "YYYYMMDD", key=True),
    blob("commitment", "SHA-256 of the day key, published in the morning"),
    blob("secret", "day key, revealed the next day"),
    instant("committed_at", "时间"),
    instant("revealed_at", "时间", nullable=True),
)

period_lock = Table(
    "period_lock",
    METADATA,
    district(),
    month("period", "业务期", key=True),
    text("state", 8, "月结状态"),
    text("operator_id", 32, "aae011 经办人", nullable=True),
    instant("changed_at", "时间"),
    one_of("state", PeriodState),
)

review_flow = Table(
    "review_flow",
    METADATA,
    text("service", 40, "service code", key=True),
    whole("version", "版本", key=True),
    text("roles", 60, "环节 in order, separated by blanks"),
    whole("audit_per_mille", "post-audit sample, per thousand", default=50),
    whole("due_hours", "办理期限, working hours per step", default=8),
    instant("valid_from", "时间"),
    info={INSERT_ONLY: True},
)

notice = Table(
    "notice",
    METADATA,
    text("notice_id", 32, "公告编号", key=True),
    text("district", DISTRICT_LENGTH, "行政区划代码; 000000 = all"),
    text("title", 100, "标题"),
    text("body", 8000, "内容"),
    text("state", 10, "状态"),
    text("operator_id", 32, "aae011 经办人"),
    instant("published_at", "时间", nullable=True),
    instant("changed_at", "时间"),
    one_of("state", NoticeState),
)

agreement = Table(
    "agreement",
    METADATA,
    district(),
    text("agreement_id", 32, "协议编号", key=True),
    text("kind", 10, "service 开户协议, proxy 代办协议"),
    text("account_id", ACCOUNT_ID_LENGTH, "account it allows", nullable=True),
    unit_id(key=False, nullable=True),
    person_id(key=False, nullable=True),
    text("operator_id", 32, "aae011 经办人"),
    instant("signed_at", "签订时间"),
    instant("expires_at", "到期时间"),
    instant("ended_at", "终止时间", nullable=True),
)

appointment_slot = Table(
    "appointment_slot",
    METADATA,
    district(),
    text("department", 20, "科室", key=True),
    text("day", 8, "YYYYMMDD", key=True),
    text("starts", 4, "HHMM", key=True),
    whole("places", "总数"),
    whole("places_left", "空余"),
    CheckConstraint("places_left >= 0 AND places_left <= places", name="no_overbooking"),
)

appointment = Table(
    "appointment",
    METADATA,
    district(),
    text("appointment_id", 32, "预约编号", key=True),
    text("department", 20, "科室"),
    text("day", 8, "YYYYMMDD"),
    text("starts", 4, "HHMM"),
    text("account_id", ACCOUNT_ID_LENGTH, "account"),
    text("state", 10, "状态"),
    instant("booked_at", "时间"),
    one_of("state", AppointmentState),
    Index(None, "account_id"),
)

feedback = Table(
    "feedback",
    METADATA,
    district(),
    text("feedback_id", 32, "反馈编号", key=True),
    text("account_id", ACCOUNT_ID_LENGTH, "account that reported"),
    text("case_id", CASE_ID_LENGTH, "case it is about", nullable=True),
    text("subject", 100, "标题"),
    text("body", 2000, "内容"),
    text("state", 10, "状态"),
    whole("level", "1 district, 2 settlement centre, 3 information centre", default=1),
    instant("due_at", "答复期限"),
    instant("created_at", "时间"),
    one_of("state", FeedbackState),
    CheckConstraint("level BETWEEN 1 AND 3", name="level"),
)

feedback_step = Table(
    "feedback_step",
    METADATA,
    district(),
    text("feedback_id", 32, "反馈编号", key=True),
    whole("step_no", "第几步, 1 first", key=True),
    whole("level", "level that acted"),
    text("operator_id", 32, "aae011 经办人", nullable=True),
    text("note", 2000, "答复"),
    text("state", 10, "state reached"),
    instant("at", "时间"),
    one_of("state", FeedbackState),
    ForeignKeyConstraint(["district", "feedback_id"], ["feedback.district", "feedback.feedback_id"]),
    info={INSERT_ONLY: True},
)

access_log = Table(
    "access_log",
    METADATA,
    district(),
    person_id(),
    text("access_id", 32, "128 random bits, hex", key=True),
    text("operator_id", 32, "who looked (staff)", nullable=True),
    text("account_id", ACCOUNT_ID_LENGTH, "who looked (account)", nullable=True),
    text("purpose", 40, "service code or page"),
    text("case_id", CASE_ID_LENGTH, "case it was for", nullable=True),
    instant("at", "时间"),
    Index(None, "person_id", "at"),
    info={INSERT_ONLY: True},
)
