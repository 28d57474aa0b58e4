"""From sheet to checked rows, template and failed-rows workbook."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from dmz.workers.workbook.failed_rows import make_failed_rows
from dmz.workers.workbook.interpret import CheckedRow, SheetInterpreter
from dmz.workers.workbook.reader import read_workbook
from dmz.workers.workbook.sheet import CellKind, Range
from dmz.workers.workbook.template import make_template
from tests.support.workbooks import HEADINGS, id_number, raw_workbook, wage_rows, wage_workbook
from wire_formats.bilingual import Label
from wire_formats.catalogue import Page, Service, ServiceKind, service
from wire_formats.errors import Kind, PeerError
from wire_formats.field_kinds import Day, Month, Rows
from wire_formats.fields import Choice

WAGES = service("wage.batch")
CODES = Service(
    code="test.codes",
    version=1,
    title=Label("测试", "Test"),
    summary=Label("测试", "Test"),
    kind=ServiceKind.TRANSACTION,
    windows=("unit",),
    page=Page.BATCH,
    fields=(
        Rows(
            name="rows",
            label=Label("行", "Rows"),
            columns=(
                Choice(
                    name="code",
                    label=Label("代码", "Code"),
                    choices={"01": Label("一", "One"), "02": Label("二", "Two")},
                ),
                Month(name="month", label=Label("月份", "Month"), required=False),
                Day(name="day", label=Label("日期", "Day"), required=False),
            ),
        ),
    ),
    answer=(),
)


def interpret(data: bytes, entry: Service = WAGES) -> list[CheckedRow]:
    interpreter = SheetInterpreter(entry, read_workbook(data))
    return interpreter.rows(0, interpreter.count)


def codes_of(row: CheckedRow) -> dict[str, str]:
    return {finding.field: finding.code for finding in row.findings}


def test_honest_rows_become_bodies() -> None:
    rows = interpret(wage_workbook([[id_number(1), "张三", 5000.1], [id_number(2), "李四", "6,000.50"]]))
    assert [row.findings for row in rows] == [(), ()]
    assert rows[0].body == {"id_number": id_number(1), "name": "张三", "wage": 500_010}
    assert rows[1].body["wage"] == 600_050
    assert [row.number for row in rows] == [5, 6]


def test_the_form_stands_above_the_heading() -> None:
    for year in ("2026", 2026, "２０２６"):
        body, _, findings = SheetInterpreter(WAGES, read_workbook(wage_workbook(wage_rows(1), year=year))).form()
        assert (body, findings) == ({"year": 2026}, ())
    for wrong, code in (("soon", "not_integer"), (None, "missing"), (1999, "too_small")):
        _, _, found = SheetInterpreter(WAGES, read_workbook(wage_workbook(wage_rows(1), year=wrong))).form()
        assert [(one.row, one.field, one.code) for one in found] == [(2, "year", code)]


def test_all_errors_of_every_row() -> None:
    rows = interpret(wage_workbook([["123", "", "much"], [id_number(3), "李四", 1], [None, "无名", "12.345"]]))
    assert codes_of(rows[0]) == {"id_number": "id_length", "name": "missing", "wage": "not_money"}
    assert codes_of(rows[1]) == {}
    assert codes_of(rows[2]) == {"id_number": "missing", "wage": "not_money"}


def test_what_spreadsheets_do_is_named() -> None:
    rows = interpret(
        wage_workbook(
            [
                [420106199003007123, "张三", 5000],
                ["4.20106199003007E+17", "张三", 5000],
                [id_number(7), "李四", ("=", "=1+1", 2)],
                [id_number(8), "王五", 4498.3500000000004],
                ["４２０１０６" + id_number(9)[6:], "赵六", "５０００"],
                [id_number(8), "王五", 1],
            ]
        )
    )
    assert codes_of(rows[0]) == {"id_number": "id_scientific"}
    assert codes_of(rows[1]) == {"id_number": "id_scientific"}
    assert codes_of(rows[2]) == {"wage": "formula"}
    assert rows[3].body["wage"] == 449_835
    assert (codes_of(rows[4]), rows[4].body["wage"], rows[4].warnings) == ({}, 500_000, ("full_width", "full_width"))
    assert codes_of(rows[5]) == {"id_number": "doubled"}
    assert rows[5].findings[0].values == {"first": 8}


def test_lost_zeros_and_date_numbers() -> None:
    cells = '<row r="1"><c t="str"><v>代码</v></c><c t="str"><v>Month</v></c><c t="str"><v>日期 Day</v></c></row>'
    rows = [("<v>1</v>", "<v>46023</v>", "<v>46023</v>"), ("<v>7</v>", "<v>202607</v>", "<v>20260701</v>")]
    for number, values in enumerate(rows, start=2):
        cells += f'<row r="{number}">' + "".join(f"<c>{value}</c>" for value in values) + "</row>"
    found = interpret(raw_workbook(f"<sheetData>{cells}</sheetData>"), CODES)
    assert codes_of(found[0]) == {"code": "leading_zero", "month": "date_serial", "day": "date_serial"}
    assert codes_of(found[1]) == {"code": "not_choice"}
    assert (found[1].body["month"], found[1].body["day"]) == ("2026-07", "2026-07-01")


def test_merged_cells_are_reported_in_every_row_they_touch() -> None:
    sheet = read_workbook(wage_workbook(wage_rows(3)))
    sheet = sheet._replace(merged=(Range(5, 3, 6, 3), Range(1, 1, 1, 3)))
    interpreter = SheetInterpreter(WAGES, sheet)
    assert [codes_of(row) for row in interpreter.rows(0, 9)] == [{"wage": "merged"}, {"wage": "merged"}, {}]


@pytest.mark.parametrize(
    "headings",
    [
        HEADINGS,
        ("ID number", "Name", "Monthly wage (yuan)"),
        ("身份证件号码*\nID number*", " 姓名 / Name ", "月缴费工资(元)"),
    ],
)
def test_headings_in_either_language(headings: tuple[str, ...]) -> None:
    assert interpret(wage_workbook(wage_rows(1), headings=headings))[0].findings == ()


def test_columns_in_another_order_and_unknown_ones_are_fine_but_doubled_or_missing_are_not() -> None:
    data = wage_workbook(
        [["张三", "x", 5000, id_number(1)]], headings=("姓名", "部门", "月缴费工资（元）", "身份证件号码")
    )
    assert interpret(data)[0].findings == ()
    for headings in (("姓名", "部门"), ("姓名", "姓名", "身份证件号码", "月缴费工资（元）"), ("a", "b")):
        with pytest.raises(PeerError) as caught:
            interpret(wage_workbook(wage_rows(1), headings=headings))
        assert caught.value.kind is Kind.BAD_WORKBOOK


def test_blank_rows_are_left_out_and_too_many_refused() -> None:
    rows = interpret(wage_workbook([[id_number(1), "张三", 1], ["  ", "", None], [id_number(2), "李四", 1]]))
    assert [row.number for row in rows] == [5, 7]
    sheet = read_workbook(wage_workbook(wage_rows(1)))
    with pytest.raises(PeerError):
        SheetInterpreter(WAGES, sheet._replace(rows=sheet.rows + sheet.rows[-1:] * 60_000))


def test_template_reads_as_an_empty_form() -> None:
    for language in ("zh-CN", "en"):
        sheet = read_workbook(make_template(WAGES, language))
        interpreter = SheetInterpreter(WAGES, sheet)
        assert (interpreter.count, sheet.sheets) == (0, 2)
        assert set(interpreter.heading.columns) == {"id_number", "name", "wage"}
    assert make_template(WAGES, "en") == make_template(WAGES, "en")


def test_failed_rows_can_be_uploaded_again_and_hold_no_formula() -> None:
    texts = {"id_number": id_number(1), "name": "=HYPERLINK(1)", "wage": "5000"}
    reasons = [Label("姓名", "Name"), Label("姓名", "Name")]
    sheet = read_workbook(make_failed_rows(WAGES, "zh-CN", {"year": "2026"}, [(texts, reasons)]))
    interpreter = SheetInterpreter(WAGES, sheet)
    row = interpreter.rows(0, 1)[0]
    assert (row.texts["name"], codes_of(row)) == ("=HYPERLINK(1)", {"name": "symbols"})
    assert interpreter.form()[0] == {"year": 2026}
    assert all(cell.kind is not CellKind.FORMULA for one in sheet.rows for cell in one.cells.values())


@pytest.mark.slow
def test_libreoffice_files_are_read() -> None:
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("LibreOffice (soffice) is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source.csv"
        lines = ["缴费年度,2026", ",".join(HEADINGS), f'"{id_number(1)}",张三,5000.5', f'"{id_number(2)}",李四,6000']
        source.write_text("\n".join(lines), encoding="utf-8")
        # 44 comma, 34 quote, 76 UTF-8; column 1 as text (format 2).
        filters = ["--infilter=CSV:44,34,76,1,1/2/2/2/3/1"]
        command = [soffice, "--headless", f"-env:UserInstallation=file://{folder}/profile", *filters]
        command += ["--convert-to", "xlsx", "--outdir", str(folder), str(source)]
        subprocess.run(
            command, check=True, capture_output=True, timeout=100, env={"HOME": name, "PATH": "/usr/bin:/bin"}
        )
        interpreter = SheetInterpreter(WAGES, read_workbook((folder / "source.xlsx").read_bytes()))
        rows = interpreter.rows(0, interpreter.count)
    assert [row.findings for row in rows] == [(), ()]
    assert rows[0].body == {"id_number": id_number(1), "name": "张三", "wage": 500_050}
    assert interpreter.form()[0] == {"year": 2026}


def test_ten_thousand_rows_are_interpreted(capsys: pytest.CaptureFixture[str]) -> None:
    data = wage_workbook(wage_rows(10_000))
    began = time.perf_counter()
    sheet = read_workbook(data)
    read = time.perf_counter()
    interpreter = SheetInterpreter(WAGES, sheet)
    rows: list[Any] = interpreter.rows(0, interpreter.count)
    done = time.perf_counter()
    with capsys.disabled():
        print(f"\n[workbook] 10 000 rows: read {read - began:.2f} s, interpreted {done - read:.2f} s")
    assert (len(rows), sum(bool(row.findings) for row in rows)) == (10_000, 0)
