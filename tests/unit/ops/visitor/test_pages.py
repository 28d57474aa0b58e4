"""Pages as a visitor reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.visitor.pages import Page

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


def test_the_state_of_a_receipt() -> None:
    assert Page('<span class="n">1</span><span class="tag good"> On  its way</span>').state() == "On its way"
    assert Page("<p>nothing</p>").state() == ""
