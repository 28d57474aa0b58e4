"""Bounds on a foreign workbook. Every figure is a limit on what the reader may hold or walk through."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class WorkbookLimits:
    """What a workbook may be at most; larger is refused, never cut short.

    Attributes:
        file_bytes: The upload itself.
        parts: Entries of the zip container.
        part_bytes: One part, expanded.
        expanded_bytes: All parts together, as declared and as counted while reading.
        ratio: Expanded to compressed size of one part, judged above ``ratio_from_bytes``.
        rows: Highest row number that may carry a value (heading rows included).
        columns: Highest column number that may carry a value.
        cell_chars: Characters in one cell.
        strings: Entries of the shared string table.
        strings_chars: Characters in the shared string table.
        sheet_chars: Characters in all cells together (one shared string may be named by many cells).
        elements: XML elements in one part.
        depth: Nesting of XML elements.
        merged: Merged ranges that are remembered.
        sheets: Sheets in the workbook.
    """

    file_bytes: int = 8 * MIB
    parts: int = 200
    part_bytes: int = 64 * MIB
    expanded_bytes: int = 96 * MIB
    ratio: int = 150
    ratio_from_bytes: int = 1 * MIB
    rows: int = 50_020
    columns: int = 64
    cell_chars: int = 4_000
    strings: int = 400_000
    strings_chars: int = 16 * MIB
    sheet_chars: int = 16 * MIB
    elements: int = 4_000_000
    depth: int = 32
    merged: int = 1_000
    sheets: int = 64
