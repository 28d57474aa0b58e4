"""Reference data loaded by an administrator (official notices), and the hash-chained audit log.

The rows shipped with the product stand in core/reference/*.toml; these tables add to them.
Source: RULES, Reference data to ship; catalogue E19, F11.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Table

from core.db.columns import INSERT_ONLY, METADATA, blob, fen, flag, instant, month, text, whole

reference_rate = Table(
    "reference_rate",
    METADATA,
    text("insurance", 3, "aae140 险种", key=True),
    text("scheme", 12, "standard, flexible, or injury class 1..8", key=True),
    month("first_month", "from this month", key=True),
    month("last_month", "to this month, NULL = still", nullable=True),
    whole("employer_basis_points", "单位费率"),
    whole("employee_basis_points", "个人费率"),
    fen("employee_fixed_fen", "个人定额 (大额医疗 7.00)"),
    flag("verified", "checked against the official notice"),
    text("source", 200, "where the figure was read"),
    text("loaded_by", 32, "aae011 经办人"),
    instant("loaded_at", "时间"),
)

reference_base = Table(
    "reference_base",
    METADATA,
    text("pooling_area", 10, "aaa027 统筹区", key=True),
    month("first_month", "from this month", key=True),
    month("last_month", "to this month, NULL = still", nullable=True),
    fen("average_wage_fen", "社平工资, monthly"),
    fen("floor_fen", "缴费基数下限"),
    fen("ceiling_fen", "缴费基数上限"),
    flag("verified", "checked against the official notice"),
    flag("illustrative", "a made-up example, must not be used for real assessments"),
    text("source", 200, "where the figure was read"),
    text("loaded_by", 32, "aae011 经办人"),
    instant("loaded_at", "时间"),
    CheckConstraint("floor_fen <= ceiling_fen", name="limits"),
)

reference_code = Table(
    "reference_code",
    METADATA,
    text("list_name", 20, "which code list: insurance, household, nation …", key=True),
    text("code", 12, "code", key=True),
    month("first_month", "from this month", key=True),
    month("last_month", "to this month, NULL = still", nullable=True),
    text("label_zh", 100, "中文"),
    text("label_en", 100, "English"),
    flag("verified", "checked"),
    text("source", 200, "where it was read"),
)

audit_entry = Table(
    "audit_entry",
    METADATA,
    text("chain", 20, "which chain: accounts, staff, intake", key=True),
    whole("entry_no", "1 first, no gaps", key=True),
    blob("previous", "hash of the entry before"),
    blob("entry", "canonical JSON of the event"),
    blob("entry_hash", "SHA-256(previous ‖ entry)"),
    instant("at", "时间"),
    info={INSERT_ONLY: True},
)
