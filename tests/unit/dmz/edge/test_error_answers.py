"""The page of a refusal: what it tells, in the language asked for, with nothing that could become markup."""

from __future__ import annotations

import pytest

from dmz.edge.error_answers import error_answer
from dmz.messages import FormBack, FormRefusedError
from tests.support.page_reader import PageReader
from wire_formats.bilingual import Label
from wire_formats.errors import Kind, Refused


@pytest.mark.parametrize("language, field", [("zh-CN", "备注 &lt;1&gt;"), ("en", "Note &lt;1&gt;")])
def test_the_field_is_named_as_the_form_names_it(language, field):
    error = Refused(Kind.FIREWALL, "16010")
    without = error_answer(error, request_id="ab", language=language).body.decode()
    error.field = Label("备注 <1>", "Note <1>")
    page = error_answer(error, request_id="ab", language=language).body.decode()
    assert f"<strong>{field}</strong>" in page
    assert "<strong>" not in without
    assert "16010" not in page


def test_whatever_a_form_to_give_back_holds_is_text():
    error = FormRefusedError(Kind.FIREWALL, "16010")
    error.form = FormBack('/s/x?"><script>', (('a"b', '"><script>alert(1)</script>'), ("kept", "eyJ9"), ("l", "'&<")))
    page = PageReader(error_answer(error, request_id="ab", language="en").body.decode())
    assert not page.all("script")
    (form,) = page.all("form")
    assert (form.attributes["method"], form.attributes["action"]) == ("post", '/s/x?"><script>')
    assert [(each.attributes["name"], each.attributes["value"]) for each in page.all("input")] == list(
        error.form.fields
    )
