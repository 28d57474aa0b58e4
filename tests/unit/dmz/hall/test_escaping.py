"""Nothing that comes from outside is ever written as markup, wherever it is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.hall import kept_input
from dmz.hall.backend_port import Outcome, Reason
from dmz.hall.batch_port import BatchState, NoticeCount, RowError, RowNotice
from dmz.messages import Upload
from tests.support.hall_backend import identifier_of
from tests.support.hall_bench import PASSWORD, UNIT, Browser, header, text_of
from tests.support.hall_gallery import GOOD_EMPLOYEE, TOKEN, full_bench
from tests.support.page_reader import PageReader
from wire_formats.errors import PeerError

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)' autofocus='",
    "</textarea><svg onload=alert(1)>",
    "</title><b>",
    "{{ 7 * 7 }}",
    "{% include '/etc/passwd' %}",
    "{page.csrf}",
    "javascript:alert(1)",
    "<!-- -->",
    "&lt;b&gt;",
    "]]>",
]
hostile = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(alphabet="<>\"'&/=`{}%a !\u2028\u00a0漢", min_size=1, max_size=40),
    st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=40),
)


def check(page: str, text: str) -> None:
    """The page is well formed, holds only our own elements, and none of the text's markup."""
    reader = PageReader(page)
    for element in reader.elements:
        assert element.tag not in ("script", "img", "iframe", "object", "style")
        assert not any(name.startswith("on") for name in element.attributes)
        assert "autofocus" not in element.attributes
    for start in ("<script", "<img", "<svg onload", "</title><b>", "<!-- "):
        assert start not in page
    if text == "{{ 7 * 7 }}":
        assert ">49<" not in page and '"49"' not in page


@pytest.fixture(scope="module")
def unit() -> Browser:
    return full_bench().browser(UNIT, signed_in=True)


@settings(max_examples=60, deadline=None)
@given(text=hostile)
def test_what_is_typed_comes_back_escaped_and_unchanged(unit: Browser, text: str) -> None:
    form = dict.fromkeys(GOOD_EMPLOYEE, text) | {"csrf": unit.csrf, "form_token": TOKEN, "draft": ""}
    page = text_of(unit.post("/s/employee.add", form | {"action": "check"}))
    check(page, text)
    shown = PageReader(page).by_id("f-name")
    assert shown is not None
    # Parsers of HTML turn CR and NUL into other characters; nothing else may change.
    if not set(text) & {"\r", "\x00"} and text.isprintable():
        assert shown.attributes["value"] == text


@settings(max_examples=60, deadline=None)
@given(text=hostile)
def test_what_others_say_is_shown_escaped(unit: Browser, text: str) -> None:
    backend = unit.bench.backend
    sent = unit.post(
        "/b/wage.batch",
        {"csrf": unit.csrf, "form_token": TOKEN[:-1] + "x"},
        (Upload("workbook", text, "application/zip", b"PK"),),
    )
    reference = next(iter(backend.batches))
    owner, view, _ = backend.batches[reference]
    errors = (RowError(3, text, text, text, text),)
    told = {"notices": (RowNotice(4, text, text, text),), "noted": (NoticeCount(text, 1, text, text),)}
    changed = replace(view, file_name=text, state=BatchState.DONE, rows=2, failed=1, notice_total=1, **told)  # type: ignore[arg-type]
    backend.batches[reference] = (owner, changed, errors)
    check(text_of(unit.follow(sent)), text)
    receipt = unit.post("/s/employee.add", GOOD_EMPLOYEE | {"csrf": unit.csrf, "form_token": TOKEN, "action": "submit"})
    place = header(receipt, "Location")
    number = next(r for r in backend.progresses if identifier_of(r) in place)
    owner, progress = backend.progresses[number]
    refused = replace(
        progress,
        outcome=Outcome.REFUSED,
        reasons=(Reason(text, text, text, text),),
        answer={"reference": text, "state": text, "reason": text},
    )
    backend.progresses[number] = (owner, refused)
    check(text_of(unit.get(place)), text)


@settings(max_examples=40, deadline=None)
@given(text=hostile)
def test_addresses_cannot_carry_markup_in(unit: Browser, text: str) -> None:
    for path in (f"/{text}", f"/r/{text}", f"/s/{text}"):
        answer = unit._send("GET", path)
        assert answer.status in (200, 303, 404, 405)
        if answer.status != 303:
            check(text_of(answer), text)
    site = unit.bench.browser("unit")
    check(text_of(site._send("GET", "/login", query=(("next", text), ("note", text)))), text)
    wrong = {"user_name": text, "password": text, "next": text, "kept": text}
    page = text_of(site.post("/login", wrong))
    check(page, text)


@settings(max_examples=40, deadline=None)
@given(texts=st.dictionaries(st.sampled_from(sorted(GOOD_EMPLOYEE)), st.text(max_size=300), max_size=8))
def test_kept_input_survives_whatever_was_typed(texts: dict[str, str]) -> None:
    packed = kept_input.pack(kept_input.KeptInput("employee.add", texts))
    if packed:
        assert kept_input.unpack(packed) == ("employee.add", texts)
    else:
        assert any("\ud800" <= c <= "\udfff" for text in texts.values() for c in text)


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_-]{0,80}", fullmatch=True)))
def test_any_other_kept_field_is_a_peer_error(text: str) -> None:
    try:
        kept_input.unpack(text)
    except PeerError:
        return
    assert kept_input.pack(kept_input.unpack(text)) == text


def test_passwords_are_never_kept_or_shown(unit: Browser) -> None:
    lost = unit.bench.browser(UNIT)
    lost.cookies["__Host-fg-unit"] = "gone"
    page = text_of(lost.post("/password", {"old_password": PASSWORD, "csrf": "x"}))
    assert PASSWORD not in page
