"""Strict streaming reader of .xlsx: bytes to the values of one sheet, or PeerError, nothing else.

Raw text is kept: numbers stay the characters the file holds (``4.20106199003007E+17`` is a finding, not a
rounding). Nothing is allocated by position, so a cell at XFD1048576 costs nothing and is refused when it holds
a value. Empty cells, which office programs write by the thousand, are skipped wherever they are.

Source: ECMA-376 part 1 (SpreadsheetML); research/domain.md section 3; catalogue B13, B14.
"""

from __future__ import annotations

import re

from dmz.workers.workbook.container import Container, open_container
from dmz.workers.workbook.limits import WorkbookLimits
from dmz.workers.workbook.markup import attribute, parse_part
from dmz.workers.workbook.sheet import MAX_COLUMN, MAX_ROW, Cell, CellKind, Range, Row, Sheet
from wire_formats.errors import Kind, PeerError

_REFERENCE = re.compile(r"\A([A-Z]{1,3})([1-9][0-9]{0,6})\Z")
_WHOLE = re.compile(r"\A[0-9]{1,7}\Z")
_CELL_KINDS = {
    None: CellKind.NUMBER, "n": CellKind.NUMBER, "s": CellKind.TEXT, "str": CellKind.TEXT,
    "inlineStr": CellKind.TEXT, "b": CellKind.FLAG, "e": CellKind.FAULT, "d": CellKind.DATE,
}  # fmt: skip
_MACRO_TYPES = ("macroenabled", "vbaproject")


def read_workbook(data: bytes, limits: WorkbookLimits = WorkbookLimits()) -> Sheet:  # noqa: B008  frozen value
    """Read the first visible sheet.

    Args:
        data: The uploaded file, at most ``limits.file_bytes``.
        limits: Bounds on everything the reader walks through.

    Raises:
        PeerError: refused, damaged or too large; nothing else escapes (fuzzed).
    """
    container = open_container(data, limits)
    types = _ContentTypes()
    parse_part(container.open("[Content_Types].xml"), types, limits)
    book_path = _relations(container, "_rels/.rels", limits).by_type("officeDocument")
    folder, _, name = book_path.rpartition("/")
    relations = _relations(container, f"{folder}/_rels/{name}.rels", limits, base=folder)
    book = _Book(limits)
    parse_part(container.open(book_path), book, limits)
    strings = _Strings(limits)
    if relations.has_type("sharedStrings"):
        parse_part(container.open(relations.by_type("sharedStrings")), strings, limits)
    cells = _Cells(strings.values, limits)
    parse_part(container.open(relations.by_id(book.first_visible())), cells, limits)
    return Sheet(tuple(cells.rows), tuple(cells.merged), book.count)


def parse_reference(text: str) -> tuple[int, int]:
    """A cell reference such as ``AB12`` as (row, column), both from 1.

    Raises:
        PeerError: not a reference inside Excel's own limits.
    """
    match = _REFERENCE.match(text)
    if match is None:
        raise PeerError(Kind.MALFORMED, "workbook: odd cell reference")
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    row = int(match[2])
    if column > MAX_COLUMN or row > MAX_ROW:
        raise PeerError(Kind.MALFORMED, "workbook: cell reference beyond the sheet")
    return row, column


class _Silent:
    def end(self, name: str) -> None:
        """Nothing to do."""

    def text(self, data: str) -> None:
        """Nothing to keep."""


class _ContentTypes(_Silent):
    def start(self, _name: str, attributes: dict[str, str]) -> None:
        kind = (attribute(attributes, "ContentType") or "").lower()
        if any(mark in kind for mark in _MACRO_TYPES):
            raise PeerError(Kind.BAD_WORKBOOK, "workbook: macros")


class _Relations(_Silent):
    def __init__(self, base: str) -> None:
        self._base = base
        self._targets: dict[str, str] = {}
        self._types: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name != "Relationship":
            return
        if attribute(attributes, "TargetMode") == "External":
            raise PeerError(Kind.BAD_WORKBOOK, "workbook: external link")
        target = attribute(attributes, "Target") or ""
        path = target[1:] if target.startswith("/") else f"{self._base}/{target}".lstrip("/")
        kind = (attribute(attributes, "Type") or "").rpartition("/")[2]
        self._targets[attribute(attributes, "Id") or ""] = path
        self._types.setdefault(kind, path)

    def has_type(self, kind: str) -> bool:
        return kind in self._types

    def by_type(self, kind: str) -> str:
        if kind not in self._types:
            raise PeerError(Kind.MALFORMED, "workbook: a relation is missing")
        return self._types[kind]

    def by_id(self, identity: str) -> str:
        if identity not in self._targets:
            raise PeerError(Kind.MALFORMED, "workbook: the sheet is missing")
        return self._targets[identity]


def _relations(container: Container, path: str, limits: WorkbookLimits, *, base: str = "") -> _Relations:
    relations = _Relations(base)
    parse_part(container.open(path.lstrip("/")), relations, limits)
    return relations


class _Book(_Silent):
    def __init__(self, limits: WorkbookLimits) -> None:
        self._limits = limits
        self._visible: list[str] = []
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name != "sheet":
            return
        self.count += 1
        if self.count > self._limits.sheets:
            raise PeerError(Kind.TOO_LARGE, "workbook: too many sheets")
        if attribute(attributes, "state") in (None, "visible"):
            self._visible.append(attribute(attributes, "id") or "")

    def first_visible(self) -> str:
        if not self._visible:
            raise PeerError(Kind.MALFORMED, "workbook: no visible sheet")
        return self._visible[0]


class _Strings:
    """The shared string table; rich text is joined, phonetic guides (rPh) are left out."""

    def __init__(self, limits: WorkbookLimits) -> None:
        self.values: list[str] = []
        self._limits = limits
        self._pieces: list[str] = []
        self._inside_text = False
        self._phonetic = 0
        self._chars = 0
        self._own_chars = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        if name == "si":
            self._pieces, self._own_chars = [], 0
        elif name == "rPh":
            self._phonetic += 1
        self._inside_text = name == "t" and not self._phonetic

    def text(self, data: str) -> None:
        if not self._inside_text:
            return
        self._chars += len(data)
        self._own_chars += len(data)
        if self._chars > self._limits.strings_chars or self._own_chars > self._limits.cell_chars:
            raise PeerError(Kind.TOO_LARGE, "workbook: too much text")
        self._pieces.append(data)

    def end(self, name: str) -> None:
        self._inside_text = False
        if name == "rPh":
            self._phonetic -= 1
        elif name == "si":
            self.values.append("".join(self._pieces))
            if len(self.values) > self._limits.strings:
                raise PeerError(Kind.TOO_LARGE, "workbook: too many strings")


class _Cells:
    """The sheet itself. Rows and cells must ascend: a file that jumps back was not made by an office program."""

    def __init__(self, strings: list[str], limits: WorkbookLimits) -> None:
        self.rows: list[Row] = []
        self.merged: list[Range] = []
        self._strings = strings
        self._limits = limits
        self._row = 0
        self._column = 0
        self._values: dict[int, Cell] = {}
        self._kind: str | None = None
        self._formula = False
        self._keep = False
        self._in_row = False
        self._in_cell = False
        self._phonetic = 0
        self._pieces: list[str] = []
        self._chars = 0
        self._total = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._open_row(attributes.get("r"))
        elif name == "c" and self._in_row:
            self._open_cell(attributes)
        elif name == "mergeCell":
            self._merge(attributes.get("ref", ""))
        elif self._in_cell:
            self._inside(name)

    def text(self, data: str) -> None:
        if not self._keep:
            return
        self._chars += len(data)
        if self._chars > self._limits.cell_chars:
            raise PeerError(Kind.TOO_LARGE, "workbook: a cell is too long")
        self._pieces.append(data)

    def end(self, name: str) -> None:
        self._keep = False
        if name == "rPh" and self._in_cell:
            self._phonetic -= 1
        elif name == "c" and self._in_cell:
            self._close_cell()
        elif name == "row" and self._in_row:
            self._in_row = False
            if self._values:
                self.rows.append(Row(self._row, self._values))

    def _open_row(self, number: str | None) -> None:
        if self._in_row:
            raise PeerError(Kind.MALFORMED, "workbook: row inside a row")
        row = self._row + 1
        if number is not None:
            if _WHOLE.match(number) is None:
                raise PeerError(Kind.MALFORMED, "workbook: odd row number")
            row = int(number)
        if not self._row < row <= MAX_ROW:
            raise PeerError(Kind.MALFORMED, "workbook: rows out of order")
        self._row, self._column, self._values, self._in_row = row, 0, {}, True

    def _open_cell(self, attributes: dict[str, str]) -> None:
        if self._in_cell:
            raise PeerError(Kind.MALFORMED, "workbook: cell inside a cell")
        column = self._column + 1
        reference = attributes.get("r")
        if reference is not None:
            row, column = parse_reference(reference)
            if row != self._row or column <= self._column:
                raise PeerError(Kind.MALFORMED, "workbook: cells out of order")
        self._column, self._kind = column, attributes.get("t")
        self._in_cell, self._formula, self._pieces, self._chars = True, False, [], 0

    def _inside(self, name: str) -> None:
        if name == "f":
            self._formula = True
        elif name == "rPh":
            self._phonetic += 1
        self._keep = name == "v" or (name == "t" and not self._phonetic)

    def _close_cell(self) -> None:
        self._in_cell = False
        cell = self._cell("".join(self._pieces))
        if not cell.text and not self._formula:
            return
        self._total += len(cell.text)
        if self._total > self._limits.sheet_chars:
            raise PeerError(Kind.TOO_LARGE, "workbook: too much text")
        if self._row > self._limits.rows or self._column > self._limits.columns:
            raise PeerError(Kind.TOO_LARGE, "workbook: a value too far down or to the right")
        self._values[self._column] = cell

    def _cell(self, text: str) -> Cell:
        if self._kind not in _CELL_KINDS:
            raise PeerError(Kind.MALFORMED, "workbook: unknown cell kind")
        if self._kind == "s" and text:
            if _WHOLE.match(text) is None or int(text) >= len(self._strings):
                raise PeerError(Kind.MALFORMED, "workbook: unknown shared string")
            text = self._strings[int(text)]
        return Cell(CellKind.FORMULA if self._formula else _CELL_KINDS[self._kind], text)

    def _merge(self, text: str) -> None:
        if len(self.merged) >= self._limits.merged:
            raise PeerError(Kind.TOO_LARGE, "workbook: too many merged cells")
        first, _, last = text.partition(":")
        first_row, first_column = parse_reference(first)
        last_row, last_column = parse_reference(last or first)
        self.merged.append(Range(first_row, first_column, last_row, last_column))
