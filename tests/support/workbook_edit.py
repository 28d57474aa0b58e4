"""Fills in cells of a downloaded workbook and leaves everything else in it as it was."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SHEET = "xl/worksheets/sheet1.xml"
_STRINGS = "xl/sharedStrings.xml"
_PLACE = re.compile(r"([A-Z]+)([0-9]+)")

Cells = Mapping[str, str]


def read_cells(data: bytes) -> dict[str, str]:
    """Give the texts of the first sheet by place ("A5")."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        strings = [_text(one) for one in ElementTree.fromstring(archive.read(_STRINGS))]
        sheet = ElementTree.fromstring(archive.read(_SHEET))
    found: dict[str, str] = {}
    for cell in sheet.iter(f"{{{_MAIN}}}c"):
        value = cell.find(f"{{{_MAIN}}}v")
        if cell.get("t") == "s" and value is not None:
            found[cell.attrib["r"]] = strings[int(value.text or "0")]
        elif cell.get("t") == "inlineStr":
            found[cell.attrib["r"]] = _text(cell)
        elif value is not None:
            found[cell.attrib["r"]] = value.text or ""
    return found


def write_cells(data: bytes, cells: Cells) -> bytes:
    """Give the workbook with some cells of the first sheet set to texts, styles kept."""
    ElementTree.register_namespace("", _MAIN)
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as archive,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in archive.namelist():
            content = archive.read(name)
            written.writestr(name, _filled(content, cells) if name == _SHEET else content)
    return target.getvalue()


def heading_row(cells: Cells) -> int:
    """Give the number of the row that names the columns."""
    return next(int(place[1:]) for place, text in cells.items() if place.startswith("A") and "\n" in text)


def table_cells(rows: Sequence[Sequence[str]], *, first: int) -> dict[str, str]:
    """Give rows as cells, from a row number on."""
    return {
        f"{chr(ord('A') + column)}{first + number}": text
        for number, row in enumerate(rows)
        for column, text in enumerate(row)
    }


def _filled(content: bytes, cells: Cells) -> bytes:
    sheet = ElementTree.fromstring(content)
    data = sheet.find(f"{{{_MAIN}}}sheetData")
    assert data is not None
    for place, text in cells.items():
        match = _PLACE.fullmatch(place)
        assert match
        row = _child(data, "row", match[2])
        cell = _child(row, "c", place)
        for old in list(cell):
            cell.remove(old)
        cell.set("t", "inlineStr")
        inner = ElementTree.SubElement(cell, f"{{{_MAIN}}}is")
        ElementTree.SubElement(inner, f"{{{_MAIN}}}t").text = text
    for row in data:
        row[:] = sorted(row, key=lambda cell: (len(cell.attrib["r"]), cell.attrib["r"]))
    data[:] = sorted(data, key=lambda row: int(row.attrib["r"]))
    return bytes(ElementTree.tostring(sheet, encoding="UTF-8", xml_declaration=True))


def _child(parent: ElementTree.Element, tag: str, place: str) -> ElementTree.Element:
    for child in parent:
        if child.get("r") == place:
            return child
    return ElementTree.SubElement(parent, f"{{{_MAIN}}}{tag}", {"r": place})


def _text(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{{{_MAIN}}}t"))
