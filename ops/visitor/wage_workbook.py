"""A wage clerk's work: the unit's roster, and the template filled in as the clerk would.

The hall writes its template with code of its own (dmz/workers/workbook/template): a visitor may not import a zone, and
what is filled in from the declarations alone shows that the hall reads what people send, not only what it wrote itself.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final, NamedTuple

import xlsxwriter

from wire_formats.catalogue import service

SERVICE: Final = "wage.batch"
#: Every so-many-th row is spoilt, so that the failed rows can be seen, corrected and sent again.
SPOILT_EVERY: Final = 2_500
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


class Employee(NamedTuple):
    """One row of a roster; the monthly wage in yuan."""

    id_number: str
    name: str
    wage: str


class Roster(NamedTuple):
    """The year to declare, and the unit's employees."""

    year: str
    rows: tuple[Employee, ...]


def read_roster(path: Path) -> Roster:
    """Read what set-up wrote: a line with the year, then identity number, name, wage.

    Raises:
        OSError: there is no such file.
        ValueError: it is something else.
    """
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    if len(lines) < 2 or lines[0][:1] != ["year"]:
        raise ValueError(f"{path} is no roster")
    return Roster(lines[0][1], tuple(Employee(*line[:3]) for line in lines[1:]))


def careless(roster: Roster) -> Roster:
    """Give the roster with a wrong check digit in a few identity numbers, as a careless clerk would type them."""
    return Roster(
        roster.year,
        tuple(
            row._replace(id_number=spoilt(row.id_number)) if number % SPOILT_EVERY == 0 else row
            for number, row in enumerate(roster.rows, start=1)
        ),
    )


def raised(roster: Roster, count: int, *, fen: int) -> Roster:
    """Give the first ``count`` employees with every wage raised by ``fen``, so that declarations differ."""
    rows = []
    for row in roster.rows[:count]:
        yuan, _, cents = row.wage.partition(".")
        wage_fen = int(yuan) * 100 + int(cents.ljust(2, "0")) + fen
        rows.append(row._replace(wage=f"{wage_fen // 100}.{wage_fen % 100:02d}"))
    return Roster(roster.year, tuple(rows))


def workbook(roster: Roster) -> bytes:
    """Fill in the service's template with every row of the roster."""
    declared = service(SERVICE)
    table = declared.table
    assert table is not None
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, _OPTIONS) as book:
        sheet = book.add_worksheet("数据 Data")
        sheet.write_string(0, 0, f"{declared.title.zh} {declared.title.en}")
        at = 1
        for field in declared.form_fields:
            sheet.write_string(at, 0, f"{field.label.zh} {field.label.en}")
            sheet.write_string(at, 1, roster.year)
            at += 1
        at += 1
        for column, field in enumerate(table.columns):
            star = "*" if field.required else ""
            sheet.write_string(at, column, f"{field.label.zh}{star}\n{field.label.en}{star}")
        for number, row in enumerate(roster.rows, start=1):
            for column, text in enumerate(row):
                sheet.write_string(at + number, column, text)
    return target.getvalue()


def spoilt(identity: str) -> str:
    """Give the number with another check symbol."""
    return identity[:-1] + ("0" if identity[-1] != "0" else "1")
