"""The empty workbook of a service, made from its declaration: what is downloaded is what is checked.

Sheet 1 has a title, the form's fields, the heading in both languages and formatted rows; sheet 2 tells how to
fill it in.  The main job and the load drivers fill it in with code of their own (ops/visitor/wage_workbook): they may
import no zone.

Source: catalogue B14; research/domain.md section 3 (xlsxwriter).
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from wire_formats.bilingual import Label, Language
from wire_formats.catalogue import Service
from wire_formats.errors import Kind, PeerError
from wire_formats.field_kinds import CreditCode, Day, IdNumber, Money, Month, Rows, Whole
from wire_formats.fields import Choice, Field, PersonName

DATA_SHEET = "数据 Data"
HELP_SHEET = "填写说明 Instructions"
REASONS = Label("失败原因", "Reasons")
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_MADE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
"""A fixed date in the file's properties, so that equal content gives equal bytes."""
_LIST_CHARS = 255
REASON_CHARS = 3_000
"""Less than the reader takes in one cell, so that a failed-rows file always reads again."""
_RULES = (
    Label("只在“数据”表中填写，不要改动标题行。", "Fill in the data sheet only; do not change the heading row."),
    Label("每人一行；身份证件号码列须为文本格式。", "One person per row; keep the ID number column formatted as text."),
    Label("不要使用公式、合并单元格、宏或外部链接。", "Do not use formulas, merged cells, macros or external links."),
    Label("请存为 .xlsx；不接受 .xls 和加密文件。", "Save as .xlsx; .xls and encrypted files are not accepted."),
    Label(
        "上传后可下载失败人员表，改正后再次上传。",
        "After the upload, download the failed rows, correct them and upload that file.",
    ),
)


@dataclass(frozen=True)
class FilledRow:
    """A row to write back: texts by field name, and why it failed."""

    texts: Mapping[str, str]
    reasons: Sequence[Label]


def make_template(entry: Service, language: Language) -> bytes:
    """The empty template.

    Raises:
        PeerError: UNKNOWN_SERVICE: the service has no table.
    """
    return write_workbook(entry, language, form_texts={}, rows=None)


def write_workbook(
    entry: Service, language: Language, *, form_texts: Mapping[str, str], rows: Sequence[FilledRow] | None
) -> bytes:
    """The template, empty or with rows and a column of reasons.

    Args:
        entry: A service with a table.
        language: Which language comes first in the instructions.
        form_texts: The form's fields as typed.
        rows: None for an empty template.

    Raises:
        PeerError: UNKNOWN_SERVICE: the service has no table.
    """
    table = entry.table
    if table is None:
        raise PeerError(Kind.UNKNOWN_SERVICE, "service without a table")
    target = io.BytesIO()
    book = new_book(target, entry, language)
    sheet = book.add_worksheet(DATA_SHEET)
    heading_row = _write_form(book, sheet, entry, form_texts)
    formats = [_cell_format(book, "0.00" if isinstance(one, Money) else "@") for one in table.columns]
    _write_heading(book, sheet, table, heading_row, formats)
    if rows is not None:
        _write_rows(sheet, table, heading_row, formats, rows)
    _write_help(book, entry, language)
    book.close()
    return target.getvalue()


def new_book(target: io.BytesIO, entry: Service, language: Language) -> Workbook:
    """Begin a workbook in which text stays text, whatever it looks like."""
    book = xlsxwriter.Workbook(target, _OPTIONS)
    book.set_properties({"title": entry.title.of(language), "created": _MADE})
    return book


def _write_form(book: Workbook, sheet: Worksheet, entry: Service, texts: Mapping[str, str]) -> int:
    """Title and form fields; the number of the heading row (from 0)."""
    sheet.write_string(0, 0, both(entry.title), book.add_format({"bold": True, "font_size": 14}))
    text = _cell_format(book, "@")
    number = 1
    for one in entry.form_fields:
        sheet.write_string(number, 0, both(one.label))
        sheet.write_string(number, 1, texts.get(one.name, ""), text)
        _validate(sheet, one, (number, 1, number, 1))
        number += 1
    return number + 1


def _write_heading(book: Workbook, sheet: Worksheet, table: Rows, number: int, formats: Sequence[Format]) -> None:
    heading = heading_format(book)
    for column, one in enumerate(table.columns):
        star = "*" if one.required else ""
        sheet.write_string(number, column, f"{one.label.zh}{star}\n{one.label.en}{star}", heading)
        sheet.set_column(column, column, 24, formats[column])
        _validate(sheet, one, (number + 1, column, number + table.most_in_batch, column))
    sheet.write_string(number, len(table.columns), f"{REASONS.zh}\n{REASONS.en}", heading)
    sheet.set_column(len(table.columns), len(table.columns), 40)
    sheet.set_row(number, 32)
    sheet.freeze_panes(number + 1, 0)


def _write_rows(
    sheet: Worksheet, table: Rows, heading: int, formats: Sequence[Format], rows: Sequence[FilledRow]
) -> None:
    """Texts stay texts, in text cells, so that what is typed over them stays text too."""
    for number, row in enumerate(rows, start=heading + 1):
        for column, one in enumerate(table.columns):
            sheet.write_string(number, column, row.texts.get(one.name, ""), formats[column])
        reasons = "; ".join(dict.fromkeys(both(reason) for reason in row.reasons))
        sheet.write_string(number, len(table.columns), reasons[:REASON_CHARS])


def _write_help(book: Workbook, entry: Service, language: Language) -> None:
    sheet = book.add_worksheet(HELP_SHEET)
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
    sheet.set_column(0, 2, 48, wrap)
    number = 0
    for rule in _RULES:
        first, second = (rule.zh, rule.en) if language == "zh-CN" else (rule.en, rule.zh)
        sheet.write_string(number, 0, first, wrap)
        sheet.write_string(number, 1, second, wrap)
        number += 1
    number += 1
    columns = entry.table.columns if entry.table else ()
    for one in (*entry.form_fields, *columns):
        sheet.write_string(number, 0, both(one.label), bold)
        sheet.write_string(number, 1, both(one.hint))
        if isinstance(one, Choice):
            sheet.write_string(number, 2, "; ".join(f"{code} {both(label)}" for code, label in one.choices.items()))
        number += 1


def _validate(sheet: Worksheet, one: Field, area: tuple[int, int, int, int]) -> None:
    """Let the spreadsheet warn early; the check that counts is ours."""
    rule = _rule(one)
    if rule is not None:
        # A person's value is never refused by the spreadsheet for good: it only warns.
        message = one.hint.zh[:200] or one.label.zh
        sheet.data_validation(*area, {**rule, "error_type": "warning", "error_message": message})


def _rule(one: Field) -> dict[str, object] | None:
    if isinstance(one, IdNumber | CreditCode):
        return {"validate": "length", "criteria": "==", "value": 18}
    if isinstance(one, Money):
        limits = (one.least_fen / 100, one.most_fen / 100)
        return {"validate": "decimal", "criteria": "between", "minimum": limits[0], "maximum": limits[1]}
    if isinstance(one, Choice) and len(",".join(one.choices)) <= _LIST_CHARS:
        return {"validate": "list", "source": list(one.choices)}
    if isinstance(one, Whole | Month | Day | PersonName):
        return {"validate": "length", "criteria": "<=", "value": one.max_length}
    return None


def heading_format(book: Workbook) -> Format:
    """How heading cells look: both languages, one under the other."""
    return book.add_format({"bold": True, "text_wrap": True, "border": 1, "bg_color": "#DDE8F3", "valign": "top"})


def _cell_format(book: Workbook, number_format: str) -> Format:
    return book.add_format({"num_format": number_format})


def both(label: Label) -> str:
    """A label in both languages on one line."""
    return f"{label.zh} {label.en}".strip()
