"""Registration and cases: add employee, withdraw (B1, B22)."""

from __future__ import annotations

from typing import Final

from wire_formats.bilingual import Label
from wire_formats.catalogue.entry import TRANSACTION_LIFE_MS, Page, Service, ServiceKind
from wire_formats.catalogue.words import HOUSEHOLDS, ID_NUMBER, PERSON, REASON, REFERENCE, STATE, WAGE, amount
from wire_formats.field_kinds import Month
from wire_formats.fields import Choice, Sensitivity, Text

EMPLOYEE_ADD: Final = Service(
    code="employee.add",
    version=1,
    title=Label("增员", "Add an employee"),
    summary=Label("新参保或转入人员加入本单位各险种", "Enrol a new or transferred person in the unit's insurances"),
    kind=ServiceKind.TRANSACTION,
    windows=("unit",),
    page=Page.FORM,
    fields=(
        ID_NUMBER,
        PERSON,
        Choice(name="household", label=Label("户口性质", "Household type"), choices=HOUSEHOLDS),
        Choice(
            name="origin",
            label=Label("增员原因", "Reason"),
            choices={
                "new": Label("新参保", "First enrolment"),
                "moved": Label("由其他单位转入", "Moved from another unit"),
            },
        ),
        Month(
            name="start_month",
            label=Label("起缴月份", "First month"),
            hint=Label("用工之日起 30 日内办理，如 2024-07", "Within 30 days of hiring, like 2024-07"),
        ),
        WAGE,
        Text(
            name="phone",
            label=Label("联系电话", "Telephone"),
            grammar="[0-9][0-9-]{5,18}",
            most=19,
            least=6,
            required=False,
            sensitivity=Sensitivity.PERSONAL,
        ),
        Text(name="note", label=Label("备注", "Note"), most=200, lines=True, required=False),
    ),
    answer=(REFERENCE, STATE, amount("base", Label("缴费基数", "Base")), REASON),
    life_ms=TRANSACTION_LIFE_MS,
    rows=("B1", "B17", "B18", "B21"),
)
CASE_WITHDRAW: Final = Service(
    code="case.withdraw",
    version=1,
    title=Label("退单", "Withdraw a case"),
    summary=Label("审核人员开始处理之前可以退回", "Take a case back before a reviewer opens it"),
    kind=ServiceKind.TRANSACTION,
    windows=("unit", "community", "person"),
    page=Page.FORM,
    fields=(REFERENCE,),
    answer=(REFERENCE, STATE),
    life_ms=TRANSACTION_LIFE_MS,
    rows=("B22",),
)
REGISTRATION_SERVICES: Final = (EMPLOYEE_ADD, CASE_WITHDRAW)
