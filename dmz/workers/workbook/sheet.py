"""A sheet as plain values: what the reader returns and what crosses from the child to its parent.

A row on the pipe is one line of JSON, ``[number, [[column, kind, text], ...]]``; the last line is an object,
``{"end": rows, "merged": [[r1, c1, r2, c2], ...], "sheets": n}`` or ``{"error": kind, "private": text}``.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import NamedTuple

from wire_formats.errors import Kind, PeerError


class CellKind(Enum):
    """How the cell was stored; a number and the same digits as text are different things to a checker."""

    TEXT = "s"
    NUMBER = "n"
    FLAG = "b"
    FAULT = "e"
    DATE = "d"
    FORMULA = "f"


class Cell(NamedTuple):
    """One cell with a value: its kind and its raw text, exactly as stored."""

    kind: CellKind
    text: str


class Row(NamedTuple):
    """One row that has at least one value; ``cells`` maps column number (from 1) to cell."""

    number: int
    cells: dict[int, Cell]


class Range(NamedTuple):
    """A rectangle of cells, corners included, counted from 1."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


class Sheet(NamedTuple):
    """Rows of the one sheet that was read, merged ranges on it, and how many sheets the workbook has."""

    rows: tuple[Row, ...]
    merged: tuple[Range, ...]
    sheets: int


_KINDS = {kind.value: kind for kind in CellKind}
MAX_COLUMN = 16_384
MAX_ROW = 1_048_576


def row_line(row: Row) -> str:
    """One row as a line for the pipe, without line end."""
    return json.dumps(
        [row.number, [[column, cell.kind.value, cell.text] for column, cell in row.cells.items()]],
        ensure_ascii=True,
        separators=(",", ":"),
    )


def end_line(sheet: Sheet) -> str:
    """The closing line of a sheet."""
    return json.dumps({"end": len(sheet.rows), "merged": [list(area) for area in sheet.merged], "sheets": sheet.sheets})


def error_line(kind: Kind, private: str) -> str:
    """The closing line when the workbook is refused."""
    return json.dumps({"error": int(kind), "private": private[:200]})


def parse_row_line(line: bytes) -> Row:
    """Read one row line; the child read hostile bytes, so its word is hostile too.

    Raises:
        PeerError: anything but the exact form.
    """
    value = _load(line)
    if not isinstance(value, list) or len(value) != 2:
        raise _bad("row line")
    number, cells = value
    if not _whole(number, MAX_ROW) or not isinstance(cells, list) or len(cells) > MAX_COLUMN:
        raise _bad("row number or cells")
    found: dict[int, Cell] = {}
    for entry in cells:
        if not isinstance(entry, list) or len(entry) != 3:
            raise _bad("cell entry")
        column, kind, text = entry
        if not _whole(column, MAX_COLUMN) or not isinstance(text, str):
            raise _bad("cell position or text")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise _bad("cell kind")
        found[column] = Cell(_KINDS[kind], text)
    return Row(number, found)


def parse_end_line(line: bytes) -> tuple[int, tuple[Range, ...], int]:
    """Read the closing line: row count, merged ranges, number of sheets.

    Raises:
        PeerError: the child refused the workbook (with the child's kind), or the line is malformed.
    """
    value = _load(line)
    if not isinstance(value, dict):
        raise _bad("closing line")
    if "error" in value:
        raise _child_error(value)
    count, merged, sheets = value.get("end"), value.get("merged"), value.get("sheets")
    if not isinstance(count, int) or not isinstance(sheets, int) or not isinstance(merged, list):
        raise _bad("closing values")
    return count, tuple(_range(area) for area in merged), sheets


def _range(area: object) -> Range:
    if not isinstance(area, list) or len(area) != 4 or not all(_whole(part, MAX_ROW) for part in area):
        raise _bad("merged range")
    return Range(*area)


def _child_error(value: dict[str, object]) -> PeerError:
    number = value["error"]
    try:
        kind = Kind(number) if isinstance(number, int) else Kind.MALFORMED
    except ValueError:
        kind = Kind.MALFORMED
    return PeerError(kind, str(value.get("private", ""))[:200])


def _whole(value: object, limit: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= limit


def _load(line: bytes) -> object:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _bad("not JSON") from error
    return value


def _bad(what: str) -> PeerError:
    return PeerError(Kind.MALFORMED, f"reader child: {what}")
