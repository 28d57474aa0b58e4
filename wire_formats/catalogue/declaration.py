"""Declarations: the annual wage, one person or a workbook (B10, B13 to B16)."""

from __future__ import annotations

from typing import Final

from wire_formats.bilingual import Label
from wire_formats.catalogue.entry import TRANSACTION_LIFE_MS, Page, Service, ServiceKind
from wire_formats.catalogue.words import ID_NUMBER, PERSON, REASON, REFERENCE, STATE, WAGE, YEAR, amount, count
from wire_formats.field_faults import WARNINGS
from wire_formats.field_kinds import ROW_NUMBER, Rows, Whole
from wire_formats.fields import Code, Text

_WORD: Final = "[a-z_]{2,32}"
_CODE: Final = Text(name="code", label=Label("错误代码", "Code"), grammar=_WORD, most=32)

WAGE_DECLARE: Final = Service(
    code="wage.declare",
    version=1,
    title=Label("年度缴费工资申报（单人）", "Annual wage declaration (one person)"),
    summary=Label("申报一名职工的年度缴费工资", "Declare one employee's monthly wage for a contribution year"),
    kind=ServiceKind.TRANSACTION,
    windows=("unit",),
    page=Page.FORM,
    fields=(YEAR, ID_NUMBER, PERSON, WAGE),
    answer=(
        REFERENCE,
        STATE,
        amount("base", Label("核定缴费基数", "Base set")),
        Code(
            name="warning",
            label=Label("提示", "Notice"),
            choices=WARNINGS,
            grammar=_WORD,
            most=32,
            required=False,
        ),
        REASON,
    ),
    life_ms=TRANSACTION_LIFE_MS,
    rows=("B10", "B17"),
)
WAGE_BATCH: Final = Service(
    code="wage.batch",
    version=1,
    title=Label("批量年度工资申报", "Annual wage declaration (workbook)"),
    summary=Label("下载 Excel 模板，填写后上传", "Download the Excel template, fill it in, upload it"),
    kind=ServiceKind.TRANSACTION,
    windows=("unit",),
    page=Page.BATCH,
    fields=(
        YEAR,
        Rows(
            name="rows",
            label=Label("职工工资", "Wages"),
            columns=(ID_NUMBER, PERSON, WAGE),
            most=500,
            most_in_batch=50_000,
            numbered=True,
        ),
    ),
    answer=(
        REFERENCE,
        STATE,
        count("rows_total", Label("总行数", "Rows")),
        count("rows_done", Label("成功", "Done")),
        count("rows_unchanged", Label("未变更", "Unchanged")),
        count("rows_failed", Label("失败", "Failed")),
        Rows(
            name="failures",
            label=Label("失败人员", "Failed rows"),
            columns=(ROW_NUMBER, _CODE, Whole(name="value", label=Label("参数", "Value"), most=2**50, required=False)),
            least=0,
            most=2000,
        ),
        Rows(
            name="warnings",
            label=Label("提示", "Notices"),
            columns=(
                ROW_NUMBER,
                Code(name="code", label=Label("提示", "Notice"), choices=WARNINGS, grammar=_WORD, most=32),
            ),
            least=0,
            most=2000,
        ),
    ),
    lane="bulk",
    life_ms=TRANSACTION_LIFE_MS,
    rows=("B13", "B14", "B15", "B16"),
)
DECLARATION_SERVICES: Final = (WAGE_DECLARE, WAGE_BATCH)
