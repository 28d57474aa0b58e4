"""A wage clerk's workbook: template, upload, failed rows, correction."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.visitor.wage_workbook import spoilt
from tests.integration.browser.ways import counts
from tests.support import office
from tests.support.web_browser import WebBrowser
from tests.support.web_system import WebSystem
from tests.support.workbook_edit import heading_row, read_cells, table_cells, write_cells

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
ROWS = 40
SPOILT = (3, 17, 31)
LOW = 8


def _template(clerk: WebBrowser, system: WebSystem) -> Path:
    clerk.open(system.url("unit"))
    clerk.click(clerk.one("main a[href='/b/wage.batch']"))
    clerk.one("main a[href='/b/wage.batch/template']").click()
    return clerk.downloaded()


def _send(clerk: WebBrowser, path: Path) -> None:
    assert clerk.path == "/b/wage.batch"
    clerk.upload(path)
    clerk.click_button()
    assert clerk.path.startswith("/batch/"), clerk.text()
    clerk.wait_until_settled()


def test_upload_mend_the_failed_rows_upload_again(system: WebSystem, clerk: WebBrowser, tmp_path: Path) -> None:
    roster = system.roster(ROWS)
    template = _template(clerk, system)
    assert template.name.endswith(".xlsx")
    empty = read_cells(template.read_bytes())
    first = heading_row(empty) + 1
    rows = [(spoilt(row[0]) if at in SPOILT else row[0], row[1], row[2]) for at, row in enumerate(roster.rows)]
    rows[LOW] = (rows[LOW][0], rows[LOW][1], "100")
    filled = tmp_path / "工资 2024 wages.xlsx"
    filled.write_bytes(write_cells(template.read_bytes(), {"B2": roster.year} | table_cells(rows, first=first)))
    _send(clerk, filled)

    assert clerk.heading == "Finished; some rows need mending"
    assert counts(clerk) == {"Rows": "40", "Accepted": "37", "To be mended": "3"}
    assert filled.name in clerk.text(".facts")
    listed = [row.text for row in clerk.all("section[aria-labelledby=errors] tbody tr")]
    assert len(listed) == len(SPOILT)
    assert [row.split()[0] for row in listed] == [str(first + at) for at in SPOILT]

    assert "Of these, raised to the lower limit of the contribution base: " in clerk.text()
    noted = [row.text for row in clerk.all("section[aria-labelledby=notices] tbody tr")]
    assert f"{first + LOW} Below the lower limit of the base; the limit was used" in noted
    clerk.one("main a[href$='/notices']").click()
    told = read_cells(clerk.downloaded().read_bytes())
    assert rows[LOW][0] in told.values()

    clerk.one("main a[href$='/failed']").click()
    failed = clerk.downloaded().read_bytes()
    cells = read_cells(failed)
    again = heading_row(cells) + 1
    assert [cells[f"B{again + number}"] for number in range(3)] == [rows[at][1] for at in SPOILT]
    assert all(cells[f"D{again + number}"] for number in range(3))
    mended = tmp_path / "mended.xlsx"
    right = {f"A{again + number}": roster.rows[at][0] for number, at in enumerate(SPOILT)}
    mended.write_bytes(write_cells(failed, right))
    clerk.click_link("Upload again")
    _send(clerk, mended)
    assert clerk.heading == "Finished"
    assert counts(clerk) == {"Rows": "3", "Accepted": "3", "To be mended": "0"}
    second = clerk.text(".slip .ref")
    clerk.open(system.url("unit", "/sent"))
    newest, before = [line.text for line in clerk.all("main table tbody tr")[:2]]
    assert second in newest
    assert newest.endswith(" 3 Done")
    assert before.endswith(" 37 Some rows need mending")


def test_a_workbook_that_libreoffice_wrote_is_read(system: WebSystem, clerk: WebBrowser, tmp_path: Path) -> None:
    reason = office.why_not()
    if reason:
        pytest.skip(reason)
    roster = system.roster(ROWS + 5)
    template = _template(clerk, system)
    first = heading_row(read_cells(template.read_bytes())) + 1
    filled = tmp_path / "office.xlsx"
    office.type_into(template, filled, {"B2": roster.year} | table_cells(roster.rows[ROWS:], first=first))
    _send(clerk, filled)
    assert clerk.heading == "Finished"
    assert counts(clerk) == {"Rows": "5", "Accepted": "5", "To be mended": "0"}


def test_files_that_are_no_workbooks_are_refused_on_the_page(
    system: WebSystem, clerk: WebBrowser, tmp_path: Path
) -> None:
    clerk.open(system.url("unit", "/b/wage.batch"))
    clerk.click_button()
    assert "Choose a file to upload" in clerk.text("#summary")
    old = tmp_path / "old.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    clerk.upload(old)
    clerk.click_button()
    assert "Only .xlsx files are taken" in clerk.text("#summary")
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04" + bytes(600))
    _send(clerk, broken)
    assert clerk.heading == "The file was not accepted"
    assert "No row was handled." in clerk.text()
