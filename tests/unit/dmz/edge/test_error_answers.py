"""The page of a refusal: what it tells, in the language asked for, with nothing that could become markup."""

from __future__ import annotations

import pytest

from dmz.edge.error_answers import error_answer
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
