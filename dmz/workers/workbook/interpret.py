"""A sheet becomes checked rows by a service's declaration: all errors of every row, in one go. Pure.

The heading row is found by the template's labels in either language; above it stand the form's own fields, a
label and its value side by side. What spreadsheets do to honest input is named for what it is: an ID number
turned into 4.2E+17, a lost leading zero, a month turned into a date number, formulas, merged cells, the same
person twice. Full-width characters are converted, with a notice.

Source: research/domain.md section 3 (Excel traps); catalogue B13, B15.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from dmz.workers.workbook.sheet import Cell, CellKind, Row, Sheet
from wire_formats.canonical import Json
from wire_formats.catalogue import Service
from wire_formats.checking import FieldError, read_texts
from wire_formats.errors import Kind, PeerError
from wire_formats.field_kinds import Day, IdNumber, Money, Month, Rows, Whole
from wire_formats.fields import Choice, Field, Text, to_half_width

HEADING_WITHIN = 30
"""Rows with content among which the heading is looked for."""
MERGED_CELLS = 100_000
_FOLD = re.compile(r"[\s*/:,、]+")
_SERIALS = (Decimal(20_000), Decimal(80_000))
"""Date numbers of 1954 to 2119; no month or day is written like that."""
_ID_DIGITS_LOST = Decimal(10) ** 15
_MONEY_NOISE = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong in one row; ``field`` is empty for the whole row. Never holds the value."""

    row: int
    field: str
    code: str
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """One row with content: its texts as typed, its wire body if it has no findings."""

    number: int
    texts: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Json] = field(repr=False)
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Heading:
    """Where things are: index of the heading among the rows, its row number, field name to column."""

    index: int
    number: int
    columns: Mapping[str, int]


class SheetInterpreter:
    """Interprets one sheet, slice by slice, so that the caller can let others run in between."""

    def __init__(self, entry: Service, sheet: Sheet) -> None:
        """Find the heading.

        Args:
            entry: A service with a table.
            sheet: From the reader.

        Raises:
            PeerError: BAD_WORKBOOK: no heading, or a required column missing or doubled; TOO_LARGE: too many
                rows or merged cells.
        """
        table = entry.table
        if table is None:
            raise PeerError(Kind.UNKNOWN_SERVICE, "service without a table")
        self._table = table
        self._form_fields = entry.form_fields
        self._sheet = sheet
        self.heading = _find_heading(table, sheet.rows)
        self._data = sheet.rows[self.heading.index + 1 :]
        if len(self._data) > table.most_in_batch:
            raise PeerError(Kind.TOO_LARGE, "workbook: too many rows")
        self._merged = _index_merged(sheet, [row.number for row in self._data])
        self._person = next((one.name for one in table.columns if isinstance(one, IdNumber)), None)
        self._seen: dict[Json, int] = {}

    @property
    def count(self) -> int:
        """Rows below the heading, blank ones included."""
        return len(self._data)

    def form(self) -> tuple[dict[str, Json], dict[str, str], tuple[Finding, ...]]:
        """The form's own fields from above the heading: body, texts as typed, findings."""
        fields = self._form_fields
        texts: dict[str, str] = {}
        places: dict[str, int] = {}
        for row in self._sheet.rows[: self.heading.index]:
            label, value = row.cells.get(1), row.cells.get(2)
            for one in fields:
                if one.name not in texts and label is not None and _names(one, label.text):
                    texts[one.name] = "" if value is None else _number_text(one, value)
                    places[one.name] = row.number
        result = read_texts(fields, texts)
        findings = [_finding(places.get(error.field.name, self.heading.number), error) for error in result.errors]
        return result.body, texts, tuple(findings)

    def rows(self, start: int, stop: int) -> list[CheckedRow]:
        """Check a slice of the rows below the heading; slices are asked for in order. Blank rows are left out."""
        checked = (self._check(row) for row in self._data[start:stop])
        return [row for row in checked if row is not None]

    def _check(self, row: Row) -> CheckedRow | None:
        merged = self._merged.get(row.number, ())
        texts: dict[str, str] = {}
        findings: list[Finding] = []
        readable: list[Field] = []
        for one in self._table.columns:
            column = self.heading.columns.get(one.name, 0)
            cell = row.cells.get(column)
            texts[one.name] = "" if cell is None else cell.text
            code = _spoiled(one, cell)
            if any(first <= column <= last for first, last in merged):
                code = "merged"
            if code:
                findings.append(Finding(row.number, one.name, code, {}))
                continue
            readable.append(one)
            if cell is not None:
                texts[one.name] = _number_text(one, cell)
        if not any(text.strip() for text in texts.values()):
            return None
        result = read_texts(readable, texts)
        findings += [_finding(row.number, error) for error in result.errors]
        findings += self._doubled(row.number, result.body)
        return CheckedRow(row.number, texts, result.body, tuple(findings), result.warnings)

    def _doubled(self, number: int, body: Mapping[str, Json]) -> list[Finding]:
        """The same person twice: the first one stands, the second is reported with the first one's row."""
        if self._person is None or self._person not in body:
            return []
        first = self._seen.setdefault(body[self._person], number)
        return [] if first == number else [Finding(number, self._person, "doubled", {"first": first})]


def _finding(row: int, error: FieldError) -> Finding:
    return Finding(row, error.field.name, error.fault.code, error.fault.values)


def _spoiled(one: Field, cell: Cell | None) -> str:
    """What the spreadsheet did to a cell, as a fault's code, or nothing."""
    if cell is None:
        return ""
    if cell.kind is CellKind.FORMULA:
        return "formula"
    if cell.kind is CellKind.FAULT:
        return "cell_error"
    if cell.kind is not CellKind.NUMBER:
        return ""
    value = _decimal(cell.text)
    if value is None:
        return "cell_error"
    if isinstance(one, IdNumber) and value >= _ID_DIGITS_LOST:
        return "id_scientific"
    if isinstance(one, Month | Day) and _SERIALS[0] <= value <= _SERIALS[1]:
        return "date_serial"
    return "leading_zero" if _lost_zero(one, cell.text) else ""


def _lost_zero(one: Field, digits: str) -> bool:
    """Whether a number would be right as text with zeros in front (a code such as 01)."""
    if not digits.isdigit():
        return False
    if isinstance(one, Choice):
        return digits not in one.choices and any(code.lstrip("0") == digits for code in one.choices)
    if isinstance(one, Text) and one.grammar and len(digits) < one.least:
        return re.fullmatch(one.grammar, digits.rjust(one.least, "0")) is not None
    return False


def _number_text(one: Field, cell: Cell) -> str:
    """A cell's text as its writer saw it: numbers without the noise of binary fractions."""
    if cell.kind is CellKind.DATE:
        return cell.text[:7] if isinstance(one, Month) else cell.text[:10]
    value = _decimal(cell.text) if cell.kind is CellKind.NUMBER else None
    if value is None or value < 0 or value > Decimal(10) ** 14:
        return cell.text
    if isinstance(one, Money):
        rounded = value.quantize(Decimal("0.01"))
        return f"{rounded:f}" if abs(rounded - value) <= _MONEY_NOISE else f"{value:f}"
    if isinstance(one, Whole | Choice | IdNumber | Text | Month | Day) and value == value.to_integral_value():
        return f"{value.to_integral_value():f}"
    return cell.text


def _decimal(text: str) -> Decimal | None:
    if len(text) > 40:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < 30 else None


def fold(text: str) -> str:
    """A heading as it is compared: half-width, lower case, without blanks, stars and slashes."""
    return _FOLD.sub("", to_half_width(text).lower())


def _names(one: Field, text: str) -> bool:
    zh, en = fold(one.label.zh), fold(one.label.en)
    return fold(text) in (zh, en, zh + en, en + zh)


def _find_heading(table: Rows, rows: Sequence[Row]) -> Heading:
    best = Heading(-1, 0, {})
    for index, row in enumerate(rows[:HEADING_WITHIN]):
        columns: dict[str, int] = {}
        for column, cell in row.cells.items():
            for one in table.columns:
                if not _names(one, cell.text):
                    continue
                if one.name in columns:
                    raise PeerError(Kind.BAD_WORKBOOK, f"workbook: two columns for {one.name}")
                columns[one.name] = column
        if len(columns) > len(best.columns):
            best = Heading(index, row.number, columns)
    missing = [one.name for one in table.columns if one.required and one.name not in best.columns]
    if missing:
        raise PeerError(Kind.BAD_WORKBOOK, f"workbook: no column for {missing[0]}")
    return best


def _index_merged(sheet: Sheet, numbers: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """Row number to merged column spans, for rows that have content."""
    found: dict[int, list[tuple[int, int]]] = {}
    total = 0
    for area in sheet.merged:
        for number in numbers[bisect_left(numbers, area.first_row) : bisect_right(numbers, area.last_row)]:
            found.setdefault(number, []).append((area.first_column, area.last_column))
            total += 1
            if total > MERGED_CELLS:
                raise PeerError(Kind.TOO_LARGE, "workbook: too many merged cells")
    return found
