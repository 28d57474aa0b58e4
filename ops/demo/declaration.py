"""The demo unit's wage declaration: a workbook as its wage clerk would fill it in."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import xlsxwriter

from wire_formats.catalogue import SERVICES
from wire_formats.field_kinds import Rows

SERVICE: Final = "wage.batch"
#: Every so-many-th row is spoilt, so that the failed rows can be seen, corrected and sent again.
SPOILT_EVERY: Final = 2_500
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


@dataclass(frozen=True, slots=True)
class Roster:
    """The employees of one unit: identity number, name, monthly wage in yuan."""

    year: str
    rows: tuple[tuple[str, str, str], ...]


def read_roster(path: Path) -> Roster:
    """Read what set-up wrote.

    Raises:
        OSError: there is no such file.
        ValueError: it is something else.
    """
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    if len(lines) < 2 or lines[0][:1] != ["year"]:
        raise ValueError(f"{path} is no roster")
    return Roster(lines[0][1], tuple((line[0], line[1], line[2]) for line in lines[1:]))


def workbook(roster: Roster, *, spoil: bool) -> bytes:
    """Fill in the service's template.

    Args:
        roster: the employees.
        spoil: make a wrong check digit in a few identity numbers, as a careless clerk would.
    """
    service = SERVICES[SERVICE]
    table = service.table
    assert isinstance(table, Rows)
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, _OPTIONS)
    sheet = book.add_worksheet("数据 Data")
    sheet.write_string(0, 0, f"{service.title.zh} {service.title.en}")
    at = 1
    for field in service.form_fields:
        sheet.write_string(at, 0, f"{field.label.zh} {field.label.en}")
        sheet.write_string(at, 1, roster.year)
        at += 1
    at += 1
    for column, field in enumerate(table.columns):
        star = "*" if field.required else ""
        sheet.write_string(at, column, f"{field.label.zh}{star}\n{field.label.en}{star}")
    for number, row in enumerate(roster.rows, start=1):
        identity = spoilt(row[0]) if spoil and number % SPOILT_EVERY == 0 else row[0]
        for column, text in enumerate((identity, row[1], row[2])):
            sheet.write_string(at + number, column, text)
    book.close()
    return target.getvalue()


def spoilt(identity: str) -> str:
    """Give the number with another check symbol."""
    return identity[:-1] + ("0" if identity[-1] != "0" else "1")
