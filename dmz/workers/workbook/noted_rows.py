"""Accepted rows on which the core has a notice, as a workbook: to read and to keep, not to upload again.

Source: catalogue B15.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dmz.workers.workbook.template import both, heading_format, new_book
from wire_formats.bilingual import Label, Language
from wire_formats.catalogue import Service
from wire_formats.errors import Kind, PeerError
from wire_formats.field_kinds import ROW_NUMBER

SHEET = "提示 Notices"
NOTICES = Label("提示", "Notices")
_WIDTHS = (10, 24, 80)
"""Of the row number, of a column of the template, of the notices, in characters."""


@dataclass(frozen=True)
class NotedRow:
    """A row of the user's sheet: its number there, its texts as typed by field name, and the notices on it."""

    number: int
    texts: Mapping[str, str]
    notices: Sequence[Label]


def make_noted_rows(entry: Service, language: Language, rows: Sequence[NotedRow]) -> bytes:
    """A workbook of rows with notices.

    Args:
        entry: The service.
        language: Of the title in the file's properties; every text in the sheet is in both.
        rows: In the order of the user's sheet.

    Raises:
        PeerError: UNKNOWN_SERVICE: the service has no table.
    """
    if entry.table is None:
        raise PeerError(Kind.UNKNOWN_SERVICE, "service without a table")
    target = io.BytesIO()
    book = new_book(target, entry, language)
    sheet = book.add_worksheet(SHEET)
    columns, heading = entry.table.columns, heading_format(book)
    for column, label in enumerate((ROW_NUMBER.label, *(one.label for one in columns), NOTICES)):
        sheet.write_string(0, column, f"{label.zh}\n{label.en}", heading)
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, 0)
    number_width, text_width, notice_width = _WIDTHS
    sheet.set_column(0, 0, number_width)
    sheet.set_column(1, len(columns), text_width)
    sheet.set_column(len(columns) + 1, len(columns) + 1, notice_width)
    for line, row in enumerate(rows, start=1):
        sheet.write_number(line, 0, row.number)
        for column, one in enumerate(columns, start=1):
            # As text: a spreadsheet would round an identity number.
            sheet.write_string(line, column, row.texts.get(one.name, ""))
        sheet.write_string(line, len(columns) + 1, "; ".join(both(notice) for notice in row.notices))
    book.close()
    return target.getvalue()
