"""Wages and the three ledgers: assessed 应收, received 实收, tax 税务, with the personal accounts.

No foreign keys here: these are the tables of hundreds of millions of rows, joined only inside one unit.
Amounts are integer fen, half-up per person x insurance x month (RULES, Arithmetic).
Source: catalogue B7-B13, C5-C13, X13-X15.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, Table
from sqlalchemy import text as sql_text

from core.db.columns import (
    CASE_ID_LENGTH,
    DISTRICT_LENGTH,
    INSERT_ONLY,
    METADATA,
    district,
    fen,
    instant,
    month,
    one_of,
    person_id,
    text,
    unit_id,
    valid_month,
    whole,
)
from core.db.states import PersonalAccountKind, ReceivableKind, ReceivableState, WageState

wage_declaration = Table(
    "wage_declaration",
    METADATA,
    unit_id(),
    whole("year", "缴费年度, the payment year this wage sets the base of", key=True),
    person_id(),
    whole("revision", "第几次申报, 1 first", key=True),
    fen("wage_fen", "aac040 月平均工资"),
    fen("base_fen", "aae180 缴费基数, after clamping between floor and ceiling"),
    fen("prior_wage_fen", "aae123 变更前工资, for taking it back", default=None),
    fen("prior_base_fen", "aae123 变更前基数, for taking it back", default=None),
    text("state", 10, "状态"),
    text("case_id", CASE_ID_LENGTH, "case that declared it; NULL = taken over", nullable=True),
    whole("row_no", "行号 in its sheet, 1 first", default=1),
    instant("declared_at", "aae036 经办时间"),
    one_of("state", WageState),
    CheckConstraint("wage_fen >= 0 AND base_fen >= 0", name="amounts"),
    # At most one effective and one submitted declaration per person and year.
    Index(
        "uq_wage_declaration_live",
        "unit_id",
        "year",
        "person_id",
        "state",
        unique=True,
        sqlite_where=sql_text("state IN ('effective', 'submitted')"),
        postgresql_where=sql_text("state IN ('effective', 'submitted')"),
    ),
    Index(
        "ix_wage_declaration_case",
        "case_id",
        "state",
        sqlite_where=sql_text("case_id IS NOT NULL"),
        postgresql_where=sql_text("case_id IS NOT NULL"),
    ),
)

receivable = Table(
    "receivable",
    METADATA,
    unit_id(),
    month("period", "aae003 费款所属期", key=True),
    person_id(),
    text("insurance", 3, "aae140 险种", key=True),
    text("kind", 10, "应收类型", key=True, default=ReceivableKind.NORMAL.value),
    whole("entry", "同类第几条, 0 first", key=True, default=0),
    month("booked_in", "aae002 费款入账期"),
    fen("base_fen", "aae180 缴费基数"),
    fen("employer_fen", "单位应缴"),
    fen("employee_fen", "个人应缴"),
    text("state", 12, "aae078 到账标志", default=ReceivableState.OPEN.value),
    text("case_id", CASE_ID_LENGTH, "case that assessed it, for supplements and gaps", nullable=True),
    one_of("state", ReceivableState),
    one_of("kind", ReceivableKind),
    valid_month("period"),
    CheckConstraint("base_fen >= 0 AND employer_fen >= 0 AND employee_fen >= 0", name="amounts"),
    Index(None, "person_id", "period"),
)

receipt = Table(
    "receipt",
    METADATA,
    unit_id(),
    whole("receipt_id", "收款流水号", key=True),
    text("channel", 12, "缴费渠道: tax, bank, kiosk"),
    text("bank_reference", 40, "银行流水号"),
    fen("amount_fen", "金额"),
    instant("received_at", "到账时间"),
    month("period", "aae002 入账期"),
    Index(None, "unit_id", "channel", "bank_reference", unique=True),
    info={INSERT_ONLY: True},
)

posting = Table(
    "posting",
    METADATA,
    unit_id(),
    whole("receipt_id", "收款流水号", key=True),
    month("period", "aae003 费款所属期", key=True),
    person_id(),
    text("insurance", 3, "aae140 险种", key=True),
    text("kind", 10, "应收类型", key=True),
    whole("entry", "同类第几条", key=True, default=0),
    fen("amount_fen", "登帐金额"),
    instant("posted_at", "登帐时间"),
    info={INSERT_ONLY: True},
)

tax_ledger = Table(
    "tax_ledger",
    METADATA,
    unit_id(),
    month("period", "aae003 费款所属期", key=True),
    text("insurance", 3, "aae140 险种", key=True),
    fen("due_fen", "税务应征"),
    fen("paid_fen", "税务实征"),
    text("tax_reference", 40, "税票号", nullable=True),
    instant("changed_at", "时间"),
)

late_fee = Table(
    "late_fee",
    METADATA,
    unit_id(),
    whole("fee_id", "滞纳金流水号", key=True),
    month("period", "aae003 费款所属期"),
    text("insurance", 3, "aae140 险种"),
    fen("principal_fen", "欠费本金"),
    whole("days", "滞纳天数"),
    fen("fee_fen", "滞纳金, never above the principal"),
    text("case_id", CASE_ID_LENGTH, "补缴 case", nullable=True),
    instant("computed_at", "计算时间"),
    CheckConstraint("fee_fen <= principal_fen", name="ceiling"),
    info={INSERT_ONLY: True},
)

writeoff = Table(
    "writeoff",
    METADATA,
    unit_id(),
    month("period", "aae003 费款所属期", key=True),
    person_id(),
    text("insurance", 3, "aae140 险种", key=True),
    text("kind", 10, "应收类型", key=True),
    whole("entry", "同类第几条", key=True, default=0),
    text("reason", 200, "注销原因"),
    text("case_id", CASE_ID_LENGTH, "注销 case"),
    instant("written_off_at", "注销时间"),
    info={INSERT_ONLY: True},
)

personal_account_entry = Table(
    "personal_account_entry",
    METADATA,
    district(),
    person_id(),
    text("kind", 8, "养老/医疗个人帐户", key=True),
    whole("entry_no", "第几笔, 1 first", key=True),
    month("period", "aae003 所属期"),
    fen("amount_fen", "记帐金额, negative = taken out"),
    fen("interest_fen", "利息"),
    text("source", 20, "来源: contribution, interest, use, correction"),
    instant("booked_at", "记帐时间"),
    one_of("kind", PersonalAccountKind),
    info={INSERT_ONLY: True},
)

card = Table(
    "card",
    METADATA,
    district(),
    person_id(),
    text("card_number", 20, "aaz500 社保卡号", key=True),
    text("state", 2, "aaz502 卡状态, 1 正常 2 挂失 3 注销", default="1"),
    instant("issued_at", "发卡时间", nullable=True),
)

medical_use = Table(
    "medical_use",
    METADATA,
    district(),
    person_id(),
    whole("use_no", "第几次, 1 first", key=True),
    text("institution", 100, "就诊机构"),
    text("institution_district", DISTRICT_LENGTH, "机构所在区"),
    fen("total_fen", "总费用"),
    fen("account_fen", "个人帐户支付"),
    fen("fund_fen", "统筹支付"),
    instant("used_at", "就诊时间"),
    info={INSERT_ONLY: True},
)
