"""What every browser does with an answer, on scripted answers."""

from __future__ import annotations

import pytest

from ops.visitor.browsing import Browsing
from ops.visitor.exchange import MOST_REDIRECTS, Answer, Body, File, PageError
from ops.visitor.pages import Page


class Scripted(Browsing):
    """Answers from a table of path to status, location and body; notes what was asked."""

    def __init__(self, table: dict[str, tuple[int, str, str]]) -> None:
        super().__init__("https://localhost:7002")
        self._table = table
        self.asked: list[tuple[str, Body | None]] = []

    def _ask(self, path: str, body: Body | None) -> Answer:
        self.asked.append((path, body))
        status, location, text = self._table[path]
        return Answer(status, path, {"location": location} if location else {}, text.encode())


FORM = Page('<form action="/s/x" method="post"><input name="csrf" value="c"><input name="a" value="1"></form>')


def test_a_form_is_sent_once_and_its_redirect_loaded() -> None:
    browser = Scripted({"/s/x": (303, "/r/1", ""), "/r/1": (200, "", "there")})
    assert browser.send(FORM.form("/s/x"), {"a": "2"}).text == "there"
    (_, sent), further = browser.asked
    assert sent is not None
    assert sent.content == b"csrf=c&a=2"
    assert further == ("/r/1", None)


def test_a_workbook_goes_with_the_other_fields() -> None:
    browser = Scripted({"/s/x": (200, "", "")})
    browser.upload(FORM.form("/s/x"), {"a": "2"}, File("workbook", "w.xlsx", b"PK"))
    (_, sent) = browser.asked[0]
    assert sent is not None
    assert sent.media_type.startswith("multipart/form-data")
    assert b'name="a"\r\n\r\n2\r\n' in sent.content
    assert b"\r\n\r\nPK\r\n" in sent.content


def test_an_error_page_is_an_answer_to_ask_and_an_error_to_get() -> None:
    browser = Scripted({"/": (503, "", "<h1>Busy</h1>")})
    assert browser.ask("/").status == 503
    with pytest.raises(PageError, match="/: 503 Busy"):
        browser.get("/")


def test_redirects_have_an_end() -> None:
    browser = Scripted({"/": (302, "/", "")})
    with pytest.raises(PageError, match="too many redirects"):
        browser.ask("/")
    assert len(browser.asked) == MOST_REDIRECTS
