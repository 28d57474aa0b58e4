"""Workbooks for tests: honest ones by xlsxwriter, hostile ones by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
HEADINGS = ("身份证件号码", "姓名", "月缴费工资（元）")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(number: int) -> str:
    """A well-formed identity number; another one for every number below 365 000."""
    day = number // 1000
    body = f"420106{1960 + day // 336:04d}{day // 28 % 12 + 1:02d}{day % 28 + 1:02d}{number % 1000:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def wage_workbook(rows: Sequence[Sequence[Any]], *, year: Any = "2026", headings: Sequence[str] = HEADINGS) -> bytes:
    """A filled wage template: form field, heading, rows; a tuple ``("=", text)`` writes a formula."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet("Data")
    sheet.write_string(0, 0, "批量年度工资申报")
    sheet.write(1, 0, "缴费年度 Contribution year")
    sheet.write(1, 1, year)
    sheet.write_row(3, 0, headings)
    for number, row in enumerate(rows, start=4):
        for column, value in enumerate(row):
            if isinstance(value, tuple):
                sheet.write_formula(number, column, value[1], None, value[2] if len(value) > 2 else 0)
            elif value is not None:
                sheet.write(number, column, value)
    book.close()
    return target.getvalue()


def wage_rows(count: int, *, start: int = 0) -> list[list[Any]]:
    """Honest rows."""
    return [
        [id_number(start + n), f"张{'一二三四五六七八九十'[n % 10]}", f"{4000 + n % 9000}.50"] for n in range(count)
    ]


def raw_workbook(sheet: str, *, extra: Mapping[str, bytes] | None = None, strings: str | None = None) -> bytes:
    """A minimal workbook around the inner XML of ``<worksheet>``."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" Type="{_RELS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_RELS}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" '
        f'Type="{_RELS}/worksheet" Target="worksheets/sheet1.xml"/>'
        + (f'<Relationship Id="rId2" Type="{_RELS}/sharedStrings" Target="sharedStrings.xml"/>' if strings else "")
        + "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}">{sheet}</worksheet>',
    }
    if strings:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{strings}</sst>'
    data = {name: text.encode() for name, text in parts.items()} | dict(extra or {})
    return zip_of(data)


def zip_of(parts: Mapping[str, bytes]) -> bytes:
    """A zip of these parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return target.getvalue()


def unzip(data: bytes) -> dict[str, bytes]:
    """The parts of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
