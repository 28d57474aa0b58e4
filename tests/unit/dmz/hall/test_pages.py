"""Every page in both languages: well formed, reachable, labelled, script-free, small."""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import parse_qsl, urlsplit

import pytest

from dmz.hall.frame import LATE_MINUTES
from dmz.hall.route_table import ROUTES
from dmz.hall.router import Router
from dmz.messages import HallResponse
from tests.support.hall_bench import UNIT, Bench, text_of
from tests.support.hall_gallery import gallery
from tests.support.page_reader import Element, PageReader
from wire_formats.bilingual import LANGUAGES

ROUTER = Router()
NAMES = sorted(gallery("en"))
BOTH = [(name, language) for name in NAMES for language in LANGUAGES]


@cache
def pages(language: str) -> dict[str, HallResponse]:
    return gallery(language)


@cache
def read(name: str, language: str) -> PageReader:
    return PageReader(text_of(pages(language)[name]))


def window_of(name: str) -> str:
    if name.startswith("site-"):
        return "site"
    return next(
        (w for w in ("community", "person") if name.endswith(w)), "person" if name == "password-first" else UNIT
    )


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_is_well_formed_and_says_its_language(name: str, language: str) -> None:
    page = read(name, language)
    assert page.doctype.lower() == "doctype html"
    assert page.all("html")[0].attributes["lang"] == language
    assert len(page.all("h1")) == 1 and page.all("h1")[0].text.strip()
    assert len(page.all("main")) == 1 and page.all("header") and page.all("footer")
    identities = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(identities) == len(set(identities))
    assert dict(pages(language)[name].headers)["Content-Language"] == language


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_has_no_script_and_no_inline_style(name: str, language: str) -> None:
    page = read(name, language)
    assert not page.all("script") and not page.all("style") and not page.all("iframe")
    for element in page.elements:
        assert "style" not in element.attributes
        assert not any(key.startswith("on") for key in element.attributes)
        assert not element.attributes.get("href", "").lower().startswith(("javascript:", "data:"))


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_every_input_has_a_label_and_every_reference_a_target(name: str, language: str) -> None:
    page = read(name, language)
    labelled = {e.attributes["for"] for e in page.all("label")}
    for element in page.elements:
        kind = element.attributes.get("type", "")
        if element.tag in ("input", "select", "textarea") and kind != "hidden":
            assert element.attributes["id"] in labelled
        if kind in ("radio", "checkbox"):
            group = element.inside("fieldset")
            assert group is not None and group.children[0].tag == "legend"
        for attribute in ("aria-describedby", "aria-labelledby", "for"):
            for identity in element.attributes.get(attribute, "").split():
                assert page.by_id(identity) is not None, (attribute, identity)
        if element.tag in ("a", "button"):
            assert element.text.strip() or element.attributes.get("aria-label"), element
        if element.tag == "button" and "form" in element.attributes:
            assert page.by_id(element.attributes["form"]) is not None


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_every_link_leads_somewhere_and_only_sends_what_its_route_allows(name: str, language: str) -> None:
    page, window = read(name, language), window_of(name)
    for link in page.all("a") + page.all("meta", **{"http-equiv": "refresh"}):
        address = link.attributes.get("href") or link.attributes["content"].partition("url=")[2]
        parts = urlsplit(address)
        if parts.fragment and not parts.path:
            assert page.by_id(parts.fragment) is not None, address
            continue
        target = "site" if address.startswith("https://localhost:8443") else window
        if parts.scheme and target == window:
            continue  # another window's home
        found = ROUTER.find(target, "GET", parts.path)
        allowed = {param.name: param for param in found.route.query}
        for key, value in parse_qsl(parts.query, keep_blank_values=True):
            assert re.fullmatch(allowed[key].pattern, value), (address, key)


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_every_form_sends_only_what_its_route_allows(name: str, language: str) -> None:
    page, window = read(name, language), window_of(name)
    for form in page.all("form"):
        found = ROUTER.find(window, form.attributes["method"].upper(), form.attributes["action"])
        allowed = {param.name: param for param in found.route.form}
        for field in _fields_of(page, form):
            key = field.attributes["name"]
            if field.attributes.get("type") == "file":
                assert key in found.route.uploads
                continue
            value = field.attributes.get("value", "")
            assert len(value) <= allowed[key].max_length
            if allowed[key].pattern:
                assert re.fullmatch(allowed[key].pattern, value), (form.attributes["action"], key, value)
        if found.route.signed_in:
            assert any(field.attributes["name"] == "csrf" for field in _fields_of(page, form))


def _fields_of(page: PageReader, form: Element) -> list[Element]:
    mine = form.attributes.get("id")
    return [
        element
        for element in page.elements
        if "name" in element.attributes
        and element.tag in ("input", "select", "textarea", "button")
        and (element.inside("form") is form or (mine is not None and element.attributes.get("form") == mine))
    ]


@pytest.mark.parametrize(("name", "language"), BOTH)
def test_no_page_shows_python(name: str, language: str) -> None:
    page = read(name, language)
    words = page.all("body")[0].text
    for sign in ("None", "Undefined", "<dmz", "{'", "Label(", "{name}", "{count}", "{{"):
        assert sign not in words, sign


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_one_language_hold_no_words_of_the_other(language: str) -> None:
    # The English pages may hold Chinese names of persons and units, nothing else.
    if language == "en":
        for name in ("site-home", "site-help", "site-certificate", "login", "password", "form", "help-unit"):
            words = read(name, language).all("main")[0].text
            assert not re.search(r"[\u4e00-\u9fff]", words), name


@pytest.mark.parametrize("name", ["site-home", "home-unit", "login", "form"])
def test_the_first_page_is_small(name: str) -> None:
    from pathlib import Path

    files = Path(__file__).parents[4] / "dmz" / "static" / "files"
    css = (files / "hall.css").stat().st_size
    for language in LANGUAGES:
        assert len(pages(language)[name].body) + css + (files / "mark.svg").stat().st_size < 30_000


def test_errors_come_first_and_lead_to_their_fields() -> None:
    page = read("form-errors", "en")
    summary = page.by_id("summary")
    assert summary is not None and summary.attributes["tabindex"] == "-1" and summary.attributes["role"] == "alert"
    links = [e.attributes["href"][1:] for e in page.all("a") if e.inside("div") is summary]
    assert links == ["f-id_number", "f-name", "f-household-10", "f-origin-new", "f-start_month", "f-wage"]
    assert all(page.by_id(identity) is not None for identity in links)
    assert page.all("title")[0].text.startswith("Error: ")
    kept = page.form_values("entry")
    assert kept["id_number"] == "110105194912310021" and kept["start_month"] == "7月" and kept["wage"] == "much"
    invalid = page.by_id("f-wage")
    assert invalid is not None and invalid.attributes["aria-invalid"] == "true"


def test_the_warning_before_the_time_out_needs_a_class_of_the_style_sheet() -> None:
    from pathlib import Path

    css = (Path(__file__).parents[4] / "dmz" / "static" / "files" / "hall.css").read_text("utf-8")
    for minutes in LATE_MINUTES:
        assert f".late-{minutes} {{ animation-delay: {minutes * 60}s; }}" in css
    bars = [e for e in read("form", "en").all("div") if e.attributes.get("class", "").startswith("late ")]
    assert bars[0].attributes["class"] == "late late-25"


def test_only_pages_that_wait_refresh_themselves() -> None:
    for name in NAMES:
        refreshes = bool(read(name, "en").all("meta", **{"http-equiv": "refresh"}))
        waits = name in {"receipt-stored", "receipt-crossed", "receipt-slow", "batch-reading", "batch-under-way"}
        assert refreshes == waits, name


def test_every_page_route_is_in_the_gallery() -> None:
    shown = {route.path for route in ROUTES if route.method == "GET"}
    downloads = {"/b/wage.batch/template", "/batch/{id}/failed", "/batch/{id}/notices", "/language"}
    same_shape = {"/s/wage.declare", "/s/case.withdraw", "/s/case.result"}
    seen = {"/", "/certificate", "/help", "/accessibility", "/login", "/password", "/r/{id}", "/sent", "/c/{id}"}
    seen |= {"/c/{id}/withdraw", "/drafts", "/batch/{id}", "/b/wage.batch", "/s/employee.add", "/s/unit.profile"}
    seen |= {"/s/unit.assessed", "/s/person.contributions", "/s/case.list"}
    assert shown == seen | downloads | same_shape


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_declared_form_and_search_shows_itself(language: str) -> None:
    bench = Bench()
    for route in ROUTES:
        if route.service and route.method == "GET" and "template" not in route.path:
            for window in route.windows:
                answer = bench.browser(window, language, signed_in=True).get(route.path)
                assert answer.status in (200, 404), (route.path, text_of(answer))
                PageReader(text_of(answer))
