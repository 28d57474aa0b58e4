"""The wage clerk's workbook: every row, a few spoilt, and taken by the hall's own reader of headings."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from dmz.workers.workbook.template import make_template
from ops.visitor.wage_workbook import (
    SERVICE,
    SPOILT_EVERY,
    Employee,
    Roster,
    careless,
    raised,
    read_roster,
    spoilt,
    workbook,
)
from tests.support.workbook_edit import heading_row, read_cells
from wire_formats.catalogue import service
from wire_formats.identifiers import id_number_fault

GOOD = "11010519491231002X"


def _roster(count: int) -> Roster:
    return Roster("2024", tuple(Employee(GOOD, f"张{n}", "5000.00") for n in range(count)))


def test_the_workbook_has_every_row_and_a_few_spoilt() -> None:
    book = zipfile.ZipFile(io.BytesIO(workbook(careless(_roster(2 * SPOILT_EVERY)))))
    strings = book.read("xl/sharedStrings.xml").decode()
    assert "110105194912310020" in strings
    assert GOOD in strings
    assert "2024" in strings
    assert book.read("xl/worksheets/sheet1.xml").decode().count("<row ") >= 2 * SPOILT_EVERY


def test_the_clerk_fills_in_what_the_hall_hands_out() -> None:
    """The two are written apart; titles, form fields and headings stand in the same cells."""
    handed_out = read_cells(make_template(service(SERVICE), "en"))
    filled = read_cells(workbook(_roster(2)))
    head = heading_row(handed_out)
    assert heading_row(filled) == head
    for cell in ("A1", "A2", *(f"{column}{head}" for column in "ABC")):
        assert filled[cell] == handed_out[cell]
    assert [filled[f"{column}{head + 2}"] for column in "ABC"] == [GOOD, "张1", "5000.00"]


def test_only_some_rows_are_spoilt() -> None:
    roster = _roster(2 * SPOILT_EVERY + 1)
    wrong = [n for n, row in enumerate(careless(roster).rows, start=1) if id_number_fault(row.id_number) is not None]
    assert wrong == [SPOILT_EVERY, 2 * SPOILT_EVERY]


def test_a_spoilt_number_is_wrong() -> None:
    assert id_number_fault(GOOD) is None
    assert id_number_fault(spoilt(GOOD)) is not None
    assert spoilt("110105194912310020") != "110105194912310020"


@pytest.mark.parametrize(
    ("wage", "higher"), [("5000.00", "5000.07"), ("4999.95", "5000.02"), ("12", "12.07"), ("0.5", "0.57")]
)
def test_wages_are_raised_to_the_fen(wage: str, higher: str) -> None:
    rows = raised(Roster("2024", (Employee(GOOD, "张", wage),) * 3), 2, fen=7).rows
    assert [row.wage for row in rows] == [higher, higher]


def test_a_roster_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(f"year,2024\n{GOOD},张三,5000.00\n", encoding="utf-8")
    assert read_roster(path) == Roster("2024", (Employee(GOOD, "张三", "5000.00"),))
    path.write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="no roster"):
        read_roster(path)
