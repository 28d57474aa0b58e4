"""Wage workbooks from a unit's roster, as a clerk would fill in the template."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final, NamedTuple

import xlsxwriter

from wire_formats.catalogue import service

SERVICE: Final = "wage.batch"
_OPTIONS: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}


class Employee(NamedTuple):
    """One row of the roster."""

    id_number: str
    name: str
    wage: str


class Roster(NamedTuple):
    """The year to declare, and the unit's employees."""

    year: str
    employees: tuple[Employee, ...]


def read_roster(path: Path) -> Roster:
    """Read ``roster.csv``: a line with the year, then identity number, name, wage."""
    with path.open(encoding="utf-8", newline="") as file:
        first, *rest = csv.reader(file)
    return Roster(first[1], tuple(Employee(*line[:3]) for line in rest))


def wage_workbook(roster: Roster, rows: int, *, raise_fen: int = 0) -> bytes:
    """Make a workbook of the first ``rows`` employees.

    Args:
        roster: whose employees.
        rows: how many.
        raise_fen: added to every wage, so that workbooks differ.
    """
    declared = service(SERVICE)
    table = declared.table
    if table is None:
        raise ValueError("the service has no table")
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        sheet = book.add_worksheet("数据 Data")
        sheet.write_string(0, 0, f"{declared.title.zh} {declared.title.en}")
        at = 1
        for field in declared.form_fields:
            sheet.write_string(at, 0, f"{field.label.zh} {field.label.en}")
            sheet.write_string(at, 1, roster.year)
            at += 1
        at += 1
        for column, field in enumerate(table.columns):
            sheet.write_string(at, column, f"{field.label.zh}\n{field.label.en}")
        for number, employee in enumerate(roster.employees[:rows], start=1):
            fen = round(float(employee.wage) * 100) + raise_fen
            cells = (employee.id_number, employee.name, f"{fen // 100}.{fen % 100:02d}")
            for column, text in enumerate(cells):
                sheet.write_string(at + number, column, text)
    return file.getvalue()
