"""Persons, units and enrolments (人员、单位、参保).

Source: catalogue A1-A3, B1-B6, H1, H3; research domain.md section 4.
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
    flag,
    instant,
    month,
    one_of,
    person_id,
    text,
    unit_id,
    valid_month,
    whole,
)
from core.db.states import EnrolmentKind, EnrolmentState, UnitState

person = Table(
    "person",
    METADATA,
    district(),
    person_id(),
    text("id_type", 2, "aac058 证件类型, 01 = 居民身份证", default="01"),
    text("id_number", 20, "aac002 证件号码"),
    text("name", 50, "aac003 姓名"),
    text("sex", 1, "aac004 性别, 1 male 2 female"),
    whole("birth_day", "aac006 出生日期 YYYYMMDD"),
    text("phone", 20, "aae005 联系电话", nullable=True),
    text("address", 200, "aae006 地址", nullable=True),
    text("household", 2, "aac009 户口性质, 10 城镇 20 农业", default="10"),
    text("participation", 1, "aac008 人员参保状态, 1 正常 2 暂停 4 终止", default="1"),
    month("first_enrolled", "aac049 首次参保年月", nullable=True),
    text("pooling_area", 10, "aaa027 统筹区", nullable=True),
    flag("alive", "aac060 生存状态"),
    text(
        "case_id", CASE_ID_LENGTH, "case that first registered this person, while it may still be undone", nullable=True
    ),
    whole("version", "optimistic lock", default=1),
    instant("changed_at", "aae036 经办时间"),
    Index(None, "person_id", unique=True),
)

person_identity = Table(
    "person_identity",
    METADATA,
    text("id_number", 20, "aac002 证件号码, globally unique: finds the district of a person", key=True),
    text("district", DISTRICT_LENGTH, "行政区划代码"),
    person_id(key=False),
    Index(None, "person_id", unique=True),
)

person_merge = Table(
    "person_merge",
    METADATA,
    district(),
    whole("merge_id", "合并流水号", key=True),
    whole("from_person_id", "aac001 of the record given up"),
    whole("into_person_id", "aac001 of the record kept"),
    text("reason", 200, "aae013 备注"),
    text("operator_id", 32, "aae011 经办人"),
    instant("merged_at", "aae036 经办时间"),
    info={INSERT_ONLY: True},
)

unit = Table(
    "unit",
    METADATA,
    unit_id(),
    text("credit_code", 18, "aab003 统一社会信用代码"),
    text("name", 100, "aab004 单位名称"),
    text("district", DISTRICT_LENGTH, "行政区划代码"),
    text("agency", 12, "aab034 社保经办机构"),
    text("industry", 4, "aab022 行业代码", nullable=True),
    whole("injury_class", "工伤风险类别 1..8", default=1),
    flag("vip", "VIP 单位: approved by rule, sampled afterwards"),
    whole("credit_level", "信用等级 0..100", default=0),
    text("state", 10, "aab051 单位参保状态", default=UnitState.ACTIVE.value),
    text("contact", 50, "aab013 联系人", nullable=True),
    text("phone", 20, "aae005 联系电话", nullable=True),
    text("address", 200, "aae006 地址", nullable=True),
    text("pooling_area", 10, "aaa027 统筹区", nullable=True),
    whole("version", "optimistic lock", default=1),
    instant("changed_at", "aae036 经办时间"),
    one_of("state", UnitState),
    CheckConstraint("injury_class BETWEEN 1 AND 8", name="injury_class"),
    Index(None, "credit_code", unique=True),
    Index(None, "district"),
)

enrolment = Table(
    "enrolment",
    METADATA,
    unit_id(),
    person_id(),
    text("insurance", 3, "aae140 险种", key=True),
    month("since", "aac030 参保起始年月", key=True),
    whole("entry", "aaz159 同月第几条, 0 first", key=True, default=0),
    text("person_district", DISTRICT_LENGTH, "行政区划代码 of the person"),
    text("kind", 10, "参保方式", default=EnrolmentKind.EMPLOYEE.value),
    text("state", 10, "aac031 参保状态"),
    month("until", "终止年月, last month paid", nullable=True),
    fen("wage_fen", "aac040 申报工资"),
    fen("base_fen", "aae180 缴费基数"),
    text("tier", 4, "缴费档次 (flexible only)", nullable=True),
    text("case_id", CASE_ID_LENGTH, "case that made this row; NULL = taken over from the old system", nullable=True),
    whole("version", "optimistic lock", default=1),
    instant("changed_at", "aae036 经办时间"),
    one_of("state", EnrolmentState),
    one_of("kind", EnrolmentKind),
    valid_month("since"),
    CheckConstraint("base_fen >= 0 AND wage_fen >= 0", name="amounts"),
    # One live enrolment per person, insurance and unit: a double add is impossible, whatever the code does.
    Index(
        "uq_enrolment_live",
        "unit_id",
        "person_id",
        "insurance",
        unique=True,
        sqlite_where=sql_text("state IN ('active', 'submitted', 'suspended')"),
        postgresql_where=sql_text("state IN ('active', 'submitted', 'suspended')"),
    ),
    Index(None, "person_id", "insurance"),
    Index(None, "unit_id", "insurance", "state"),
    Index(
        "ix_enrolment_case",
        "case_id",
        sqlite_where=sql_text("case_id IS NOT NULL"),
        postgresql_where=sql_text("case_id IS NOT NULL"),
    ),
)
