"""The main job's reading of pages, and its workbook."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.demo.declaration import SPOILT_EVERY, Roster, read_roster, spoilt, workbook
from ops.demo.pages import Page
from wire_formats.identifiers import id_number_fault

FORM = """<main><h1>Sign in</h1><form method="post" action="/login"><input name="user_name" value="a&amp;b">
<input type="hidden" name="csrf" value="x"><input type="file" name="f"><input type="checkbox" name="c" checked>
<select name="s"><option value="1"><option value="2" selected></select>
<button name="action" value="check">Go</button></form><div role="alert">Wrong <b>name</b></div><a href="/x" class="n">x</a></main>"""


def test_a_form_is_read_as_a_browser_would_send_it() -> None:
    page = Page(FORM)
    form = page.form("/login")
    assert form.values == {"user_name": "a&b", "csrf": "x", "c": "on", "s": "2"}
    assert form.buttons == [("action", "check")]
    assert page.heading() == "Sign in"
    assert page.problem() == "Wrong name"
    assert page.links == [("/x", "n")]
    with pytest.raises(LookupError):
        page.form("/other")


@given(st.text(max_size=500))
def test_any_text_is_a_page(text: str) -> None:
    Page(text)
    Page(f"<form action=/a>{text}</p></form></div>")


def _roster(count: int) -> Roster:
    return Roster("2024", tuple(("11010519491231002X", f"张{n}", "5000.00") for n in range(count)))


def test_the_workbook_has_every_row_and_a_few_spoilt() -> None:
    book = zipfile.ZipFile(io.BytesIO(workbook(_roster(2 * SPOILT_EVERY), spoil=True)))
    strings = book.read("xl/sharedStrings.xml").decode()
    assert "110105194912310020" in strings
    assert "11010519491231002X" in strings
    assert "2024" in strings
    assert book.read("xl/worksheets/sheet1.xml").decode().count("<row ") >= 2 * SPOILT_EVERY


def test_a_spoilt_number_is_wrong() -> None:
    assert id_number_fault("11010519491231002X") is None
    assert id_number_fault(spoilt("11010519491231002X")) is not None
    assert spoilt("110105194912310020") != "110105194912310020"


def test_a_roster_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("year,2024\n11010519491231002X,张三,5000.00\n", encoding="utf-8")
    assert read_roster(path) == Roster("2024", (("11010519491231002X", "张三", "5000.00"),))
    path.write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="no roster"):
        read_roster(path)
