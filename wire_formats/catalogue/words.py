"""Code lists that several services share, with the standard's field codes as comments."""

from __future__ import annotations

from typing import Final

from wire_formats.bilingual import Label
from wire_formats.field_kinds import Flag, IdNumber, Money, Month, Reference, Whole
from wire_formats.fields import Choice, PersonName, Sensitivity, Text

#: aae140, insurance kinds of the reference product.
INSURANCES: Final[dict[str, Label]] = {
    "110": Label("养老保险", "Pension"),
    "210": Label("失业保险", "Unemployment"),
    "310": Label("医疗保险", "Medical"),
    "410": Label("工伤保险", "Work injury"),
    "510": Label("生育保险", "Maternity"),
}

#: aac009, household type.
HOUSEHOLDS: Final[dict[str, Label]] = {
    "10": Label("非农业户口", "Urban household"),
    "20": Label("农业户口", "Rural household"),
    "30": Label("港澳台", "Hong Kong, Macao or Taiwan"),
    "40": Label("外籍", "Foreign national"),
}

#: Districts of Wuhan by the code of the administrative division (GB/T 2260).
DISTRICTS: Final[dict[str, Label]] = {
    "420102": Label("江岸区", "Jiang'an"),
    "420103": Label("江汉区", "Jianghan"),
    "420104": Label("硚口区", "Qiaokou"),
    "420105": Label("汉阳区", "Hanyang"),
    "420106": Label("武昌区", "Wuchang"),
    "420107": Label("青山区", "Qingshan"),
    "420111": Label("洪山区", "Hongshan"),
    "420112": Label("东西湖区", "Dongxihu"),
    "420113": Label("汉南区", "Hannan"),
    "420114": Label("蔡甸区", "Caidian"),
    "420115": Label("江夏区", "Jiangxia"),
    "420116": Label("黄陂区", "Huangpi"),
    "420117": Label("新洲区", "Xinzhou"),
}

#: aab034, agency: each district has one, its code is the district's with 01.
DISTRICT_AGENCY_END: Final = "01"
AGENCIES: Final[dict[str, Label]] = {
    code + DISTRICT_AGENCY_END: Label(f"{name.zh}社会保险管理处", f"{name.en} District Social Insurance Agency")
    for code, name in DISTRICTS.items()
}

#: Class of a trade's risk of work injury: 1 the least, 8 the greatest.
RISK_CLASSES: Final[dict[str, Label]] = {
    str(number): Label(f"{numeral}类", f"Class {number}") for number, numeral in enumerate("一二三四五六七八", start=1)
}

#: Desk of an agency that handles a case (科室).
DEPARTMENTS: Final[dict[str, Label]] = {
    "registration": Label("登记科", "Registration"),
    "general": Label("综合科", "General affairs"),
    "community": Label("社会服务科", "Community services"),
}

#: aab051, state of a unit.
UNIT_STATES: Final[dict[str, Label]] = {
    "active": Label("参保缴费", "Taking part"),
    "suspended": Label("暂停参保", "Suspended"),
    "closed": Label("终止参保", "Ended"),
}

#: Life of a case as users see it (B21, X3).
CASE_STATES: Final[dict[str, Label]] = {
    "submitted": Label("已提交，待审核", "Submitted, waiting for review"),
    "reviewing": Label("审核中", "In review"),
    "rechecking": Label("复核中", "In second review"),
    "effective": Label("已生效", "Effective"),
    "partly_effective": Label("部分生效", "Partly effective"),
    "refused": Label("未通过", "Refused"),
    "withdrawn": Label("已退单", "Withdrawn"),
    "audited": Label("已稽核", "Audited"),
}

INSURANCE: Final = Choice(name="insurance", label=Label("险种", "Insurance"), choices=INSURANCES, required=False)
ID_NUMBER: Final = IdNumber(name="id_number", label=Label("身份证件号码", "ID number"))
PERSON: Final = PersonName(name="name", label=Label("姓名", "Name"))
WAGE: Final = Money(
    name="wage",
    label=Label("月缴费工资（元）", "Monthly wage (yuan)"),
    hint=Label("上年度月平均工资，如 5000 或 5000.50", "Last year's average monthly wage, like 5000 or 5000.50"),
    least_fen=1,
    most_fen=100_000_000,
    sensitivity=Sensitivity.PERSONAL,
)
YEAR: Final = Whole(
    name="year",
    label=Label("缴费年度", "Contribution year"),
    hint=Label("四位年份，如 2024", "Four digits, like 2024"),
    least=2006,
    most=2099,
)
FROM_MONTH: Final = Month(
    name="from_month", label=Label("起始月份", "From month"), hint=Label("如 2024-01", "Like 2024-01")
)
TO_MONTH: Final = Month(name="to_month", label=Label("截止月份", "To month"), hint=Label("如 2024-12", "Like 2024-12"))
REFERENCE: Final = Reference(name="reference", label=Label("受理编号", "Reference number"))
USER_NAME: Final = Text(
    name="user_name",
    label=Label("用户名", "User name"),
    grammar="[A-Za-z0-9_-]{1,40}",
    most=40,
    sensitivity=Sensitivity.PERSONAL,
)

# Parts of answers.
STATE: Final = Choice(name="state", label=Label("状态", "State"), choices=CASE_STATES)
MONTH: Final = Month(name="month", label=Label("费款所属期", "Month"))
INSURANCE_ROW: Final = Choice(name="insurance", label=Label("险种", "Insurance"), choices=INSURANCES)
SUBMITTED: Final = Text(name="submitted_at", label=Label("提交时间", "Submitted"), most=20)
DECIDED: Final = Text(name="decided_at", label=Label("办结时间", "Decided"), most=20, required=False)
REASON: Final = Text(name="reason", label=Label("原因", "Reason"), most=500, lines=True, required=False)


def count(name: str, label: Label) -> Whole:
    """Declare a count in an answer."""
    return Whole(name=name, label=label, most=100_000_000)


def amount(name: str, label: Label) -> Money:
    """Declare an amount in an answer."""
    return Money(name=name, label=label, most_fen=(1 << 53) - 1, sensitivity=Sensitivity.PERSONAL)


def flag(name: str, label: Label) -> Flag:
    """Declare a truth value in an answer."""
    return Flag(name=name, label=label)
