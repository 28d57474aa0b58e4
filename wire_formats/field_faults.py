"""Everything that can be wrong with one field, as stable codes with words in both languages.

Codes are public: the failed-rows workbook prints them, help pages explain them, tests name them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from wire_formats.bilingual import Label

FAULTS: Final[dict[str, Label]] = {
    "missing": Label("请填写“{label_zh}”", "Enter {label_en}"),
    "too_long": Label("“{label_zh}”最多 {most} 个字符", "{label_en} must be {most} characters or fewer"),
    "too_short": Label("“{label_zh}”至少 {least} 个字符", "{label_en} must be at least {least} characters"),
    "symbols": Label("“{label_zh}”含有不允许的字符", "{label_en} has characters that are not allowed"),
    "control": Label("“{label_zh}”含有不可见的控制字符", "{label_en} has invisible control characters"),
    "not_integer": Label("“{label_zh}”应为整数", "{label_en} must be a whole number"),
    "too_small": Label("“{label_zh}”不得小于 {least}", "{label_en} must be {least} or more"),
    "too_large": Label("“{label_zh}”不得大于 {most}", "{label_en} must be {most} or less"),
    "not_money": Label(
        "“{label_zh}”应为金额，如 5000 或 5000.50", "{label_en} must be an amount, like 5000 or 5000.50"
    ),
    "not_month": Label("“{label_zh}”应为年月，如 2026-07", "{label_en} must be a month, like 2026-07"),
    "not_day": Label("“{label_zh}”应为日期，如 2026-07-01", "{label_en} must be a date, like 2026-07-01"),
    "not_choice": Label("请从列表中选择“{label_zh}”", "Select {label_en} from the list"),
    "not_flag": Label("请选择“是”或“否”：{label_zh}", "Select yes or no for {label_en}"),
    "not_reference": Label("“{label_zh}”不是有效的受理编号", "{label_en} is not a valid reference number"),
    "id_length": Label("“{label_zh}”应为 18 位", "{label_en} must have 18 characters"),
    "id_symbol": Label("“{label_zh}”只能是数字，末位可为 X", "{label_en} must be digits; the last may be X"),
    "id_date": Label("“{label_zh}”中的出生日期不存在", "{label_en} contains a birth date that does not exist"),
    "id_check": Label("“{label_zh}”校验位不符，请核对", "{label_en} has a wrong check digit; compare it with the card"),
    "id_scientific": Label(
        "“{label_zh}”被表格软件改成了科学计数法，请把该列设为文本后重新填写",
        "{label_en} became scientific notation in the spreadsheet; format the column as text and type it again",
    ),
    "credit_length": Label("“{label_zh}”应为 18 位", "{label_en} must have 18 characters"),
    "credit_symbol": Label("“{label_zh}”含有不允许的字符", "{label_en} has characters that are not allowed"),
    "credit_check": Label("“{label_zh}”校验位不符，请核对", "{label_en} has a wrong check character"),
    "rows_none": Label("“{label_zh}”至少要有一行", "{label_en} must have at least one row"),
    "rows_many": Label("“{label_zh}”最多 {most} 行", "{label_en} must have {most} rows or fewer"),
    "date_serial": Label(
        "“{label_zh}”被表格软件改成了日期序号，请把该列设为文本后重新填写",
        "{label_en} was turned into a date number by the spreadsheet; format the column as text and type it again",
    ),
    "leading_zero": Label(
        "“{label_zh}”开头的 0 被表格软件去掉了，请把该列设为文本后重新填写",
        "{label_en} lost its leading zeros in the spreadsheet; format the column as text and type it again",
    ),
    "formula": Label("“{label_zh}”不能是公式，请粘贴为数值", "{label_en} must not be a formula; paste it as a value"),
    "merged": Label("“{label_zh}”在合并单元格中，请取消合并", "{label_en} is in a merged cell; unmerge it"),
    "doubled": Label(
        "同一身份证件号码在表中出现多次（首次在第 {first} 行）",
        "The same ID number is in the sheet twice (first in row {first})",
    ),
    "cell_error": Label("“{label_zh}”是表格错误值", "{label_en} is a spreadsheet error value"),
    # Found by the core, row by row
    "person_unknown": Label("本单位没有此人的参保记录", "This person is not enrolled with your unit"),
    "name_differs": Label("姓名与参保记录不一致", "The name differs from the enrolment record"),
    "person_suspended": Label("此人已停保", "This person's enrolment is suspended"),
    "already_enrolled": Label("此人已在本单位参保", "This person is already enrolled with your unit"),
    "enrolled_elsewhere": Label(
        "此人在其他单位参保，需先办理停保",
        "This person is enrolled with another unit; that enrolment must be suspended first",
    ),
    "wage_zero": Label("缴费工资不得为零", "The wage must not be zero"),
    "password_wrong": Label("原密码不正确", "The present password is wrong"),
    "password_same": Label("新密码不得与原密码相同", "The new password must differ from the present one"),
    "password_differs": Label("两次输入的新密码不一致", "The two new passwords differ"),
    "password_short": Label("密码至少 {least} 个字符", "The password must have at least {least} characters"),
    "password_common": Label("密码过于常见", "The password is too common"),
    "password_derived": Label(
        "密码不得由用户名、证件号码等推出", "The password must not be derived from your user name or ID number"
    ),
    "case_unknown": Label("没有此受理编号的业务", "There is no case with this reference number"),
    "case_opened": Label(
        "审核人员已开始处理，不能退单", "A reviewer has opened this case; it can no longer be withdrawn"
    ),
    "case_ended": Label("该业务已办结，不能退单", "This case is closed; it cannot be withdrawn"),
}

WARNINGS: Final[dict[str, Label]] = {
    "id_area": Label("身份证件号码的地区码未收录，请核对", "The area of this ID number is not known; please check"),
    "credit_organisation": Label(
        "信用代码中的组织机构代码校验位不符", "The organisation code inside has a wrong check character"
    ),
    "full_width": Label("已把全角字符转换为半角", "Full-width characters were converted"),
    "clamped_low": Label("低于缴费基数下限，按下限计算", "Below the lower limit of the base; the limit was used"),
    "clamped_high": Label("高于缴费基数上限，按上限计算", "Above the upper limit of the base; the limit was used"),
    "unchanged": Label("与已申报的工资相同，未作变更", "The same wage was already declared; nothing changed"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field: a code of ``FAULTS`` and the values its words need."""

    code: str
    values: dict[str, int] = field(default_factory=dict)


class FieldFault(Exception):
    """Raised by a field's own parser; ``checking`` collects them."""

    def __init__(self, code: str, **values: int) -> None:
        super().__init__(code)
        self.fault = Fault(code, values)


def words(fault: Fault, label: Label, written: Callable[[int], object] = int) -> Label:
    """Give the words of a fault for the field with this label.

    Args:
        fault: code and values.
        label: of the field.
        written: how a value of this field is written for people.

    Unknown codes give the code itself, so that an older reader of a newer answer stays honest.
    """
    text = FAULTS.get(fault.code) or WARNINGS.get(fault.code) or Label(fault.code, fault.code)
    values: dict[str, object] = {"least": "…", "most": "…", "first": "…"}
    values |= {name: written(value) for name, value in fault.values.items()}
    filled = text.fill(label_zh=label.zh, label_en=_lower_first(label.en), **values)
    return Label(filled.zh, filled.en[:1].upper() + filled.en[1:])


def _lower_first(text: str) -> str:
    """Let an English label stand inside a sentence; abbreviations keep their capitals."""
    if len(text) > 1 and text[0].isupper() and text[1].islower():
        return text[0].lower() + text[1:]
    return text
