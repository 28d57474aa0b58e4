"""Queries: unit data, ledgers, contributions, cases and results (C1, C2, C4, C5, C10)."""

from __future__ import annotations

from typing import Final

from wire_formats.bilingual import Label
from wire_formats.catalogue.entry import Page, Service, ServiceKind
from wire_formats.catalogue.words import (
    AGENCIES,
    CASE_STATES,
    DECIDED,
    DEPARTMENTS,
    DISTRICTS,
    FROM_MONTH,
    ID_NUMBER,
    INSURANCE,
    INSURANCE_ROW,
    MONTH,
    PERSON,
    REASON,
    REFERENCE,
    RISK_CLASSES,
    STATE,
    SUBMITTED,
    TO_MONTH,
    UNIT_STATES,
    amount,
    count,
    flag,
)
from wire_formats.field_kinds import CreditCode, Day, IdNumber, Rows, Whole
from wire_formats.fields import Choice, Code, Text

ALL_WINDOWS: Final = ("unit", "community", "person")
_DAY_HINT: Final = Label("如 2024-07-01", "Like 2024-07-01")

UNIT_PROFILE: Final = Service(
    code="unit.profile",
    version=1,
    title=Label("单位基本资料", "Unit data"),
    summary=Label("单位登记信息与参保人数", "Registration data of the unit and number of persons enrolled"),
    kind=ServiceKind.QUERY,
    windows=("unit",),
    page=Page.SEARCH,
    fields=(),
    answer=(
        Text(name="unit_no", label=Label("单位编号", "Unit number"), most=20),  # aab001
        CreditCode(name="credit_code", label=Label("统一社会信用代码", "Unified credit code")),
        Text(name="unit_name", label=Label("单位名称", "Unit name"), most=120),  # aab004
        Code(name="district", label=Label("所属区", "District"), choices=DISTRICTS, most=40),
        Code(name="agency", label=Label("经办机构", "Agency"), choices=AGENCIES, most=60),  # aab034
        Code(
            name="industry_class",
            label=Label("行业风险类别", "Industry risk class"),
            choices=RISK_CLASSES,
            most=20,
        ),
        flag("vip", Label("免审单位（VIP）", "VIP unit (approved by rule)")),
        Choice(name="unit_state", label=Label("参保状态", "State"), choices=UNIT_STATES),  # aab051
        count("persons", Label("在保人数", "Persons enrolled")),
    ),
    rows=("C4",),
)
UNIT_ASSESSED: Final = Service(
    code="unit.assessed",
    version=1,
    title=Label("应收帐查询", "Assessed ledger"),
    summary=Label("按月、按险种的应缴金额", "Amounts assessed by month and insurance"),
    kind=ServiceKind.QUERY,
    windows=("unit",),
    page=Page.SEARCH,
    fields=(FROM_MONTH, TO_MONTH, INSURANCE),
    answer=(
        Rows(
            name="ledger",
            label=Label("应收帐", "Assessed ledger"),
            columns=(
                MONTH,
                INSURANCE_ROW,
                count("persons", Label("人数", "Persons")),
                amount("base", Label("缴费基数合计", "Total base")),
                amount("employer", Label("单位应缴", "Employer")),
                amount("employee", Label("个人应缴", "Employee")),
                amount("total", Label("合计", "Total")),
                amount("received", Label("其中已到帐", "Of which received")),
            ),
            least=0,
            most=2000,
        ),
        amount("employer_total", Label("单位应缴总计", "Employer, all")),
        amount("employee_total", Label("个人应缴总计", "Employee, all")),
        amount("grand_total", Label("应缴总计", "Total, all")),
    ),
    rows=("C5",),
)
PERSON_CONTRIBUTIONS: Final = Service(
    code="person.contributions",
    version=1,
    title=Label("个人缴费信息", "Contributions of a person"),
    summary=Label("按月、按险种的缴费记录", "Contribution record by month and insurance"),
    kind=ServiceKind.QUERY,
    windows=("unit", "person"),
    page=Page.SEARCH,
    fields=(
        IdNumber(
            name="id_number",
            label=Label("身份证件号码", "ID number"),
            hint=Label(
                "单位查询本单位职工时填写；查询本人可不填", "For an employee of your unit; leave empty for yourself"
            ),
            required=False,
        ),
        FROM_MONTH,
        TO_MONTH,
    ),
    answer=(
        PERSON,
        ID_NUMBER,
        Rows(
            name="months",
            label=Label("缴费记录", "Contributions"),
            columns=(
                MONTH,
                INSURANCE_ROW,
                Text(name="unit_name", label=Label("缴费单位", "Unit"), most=120),
                amount("base", Label("缴费基数", "Base")),  # aae180
                amount("employer", Label("单位缴费", "Employer")),
                amount("employee", Label("个人缴费", "Employee")),
                flag("received", Label("已到帐", "Received")),  # aae078
            ),
            least=0,
            most=2000,
        ),
    ),
    rows=("C10",),
)
CASE_LIST: Final = Service(
    code="case.list",
    version=1,
    title=Label("已办业务", "Handled cases"),
    summary=Label("已提交业务的清单与状态", "What was submitted, and its state"),
    kind=ServiceKind.QUERY,
    windows=ALL_WINDOWS,
    page=Page.SEARCH,
    fields=(
        Day(name="from_day", label=Label("起始日期", "From"), hint=_DAY_HINT, required=False),
        Day(name="to_day", label=Label("截止日期", "To"), hint=_DAY_HINT, required=False),
        Choice(name="state", label=Label("状态", "State"), choices=CASE_STATES, required=False),
        Whole(name="page", label=Label("页码", "Page"), least=1, most=10_000, required=False),
    ),
    answer=(
        Rows(
            name="cases",
            label=Label("业务", "Cases"),
            columns=(
                REFERENCE,
                Text(name="service", label=Label("业务类型", "Service"), grammar="[a-z]+[.][a-z_]+", most=40),
                STATE,
                SUBMITTED,
                DECIDED,
                count("rows_total", Label("人数", "Persons")),
            ),
            least=0,
            most=50,
        ),
        count("total", Label("总数", "In all")),
        Whole(name="page", label=Label("页码", "Page"), least=1, most=10_000),
        count("pages", Label("总页数", "Pages")),
    ),
    rows=("C1", "C3"),
)
CASE_RESULT: Final = Service(
    code="case.result",
    version=2,
    title=Label("审核结果", "Review result"),
    summary=Label("一项业务的进度、结果与原因", "Progress, result and reason of one case"),
    kind=ServiceKind.QUERY,
    windows=ALL_WINDOWS,
    page=Page.SEARCH,
    fields=(REFERENCE,),
    answer=(
        REFERENCE,
        Text(name="service", label=Label("业务类型", "Service"), grammar="[a-z]+[.][a-z_]+", most=40),
        STATE,
        SUBMITTED,
        DECIDED,
        REASON,
        Code(name="desk", label=Label("经办科室", "Desk"), choices=DEPARTMENTS, most=20, required=False),
        Text(name="desk_phone", label=Label("科室电话", "Desk telephone"), most=20, required=False),
        count("rows_total", Label("人数", "Persons")),
        count("rows_done", Label("成功", "Done")),
        count("rows_failed", Label("失败", "Failed")),
        flag("can_withdraw", Label("可以退单", "Can be withdrawn")),
        Rows(
            name="history",
            label=Label("办理过程", "History"),
            columns=(STATE, Text(name="at", label=Label("时间", "Time"), most=20)),
            least=0,
            most=50,
        ),
    ),
    rows=("C2", "B23", "X9"),
)
QUERY_SERVICES: Final = (UNIT_PROFILE, UNIT_ASSESSED, PERSON_CONTRIBUTIONS, CASE_LIST, CASE_RESULT)
