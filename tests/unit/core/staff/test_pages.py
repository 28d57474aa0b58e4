"""Every page in both languages: well formed, labelled, without script."""

from __future__ import annotations

import pytest

from core.staff import texts
from tests.support.page_reader import PageReader
from tests.support.staff_bench import StaffBench
from tests.unit.core.staff.test_life import submit
from wire_formats.bilingual import Label, Language


def check_page(html: str, language: str) -> PageReader:
    page = PageReader(html)
    assert page.doctype.lower() == "doctype html"
    assert page.all("html")[0].attributes["lang"] == language
    assert len(page.all("h1")) == 1
    assert page.all("script") == [] and page.all("style") == []
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids)), "an id twice"
    labelled = {e.attributes["for"] for e in page.all("label")}
    for element in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in element.attributes), element
        if element.tag in ("input", "select", "textarea") and element.attributes.get("type") != "hidden":
            assert element.attributes.get("id") in labelled or element.attributes.get("aria-label"), element
        for name in ("aria-describedby", "aria-labelledby"):
            for target in element.attributes.get(name, "").split():
                assert target in ids, f"{name} names nothing: {target}"
        if element.tag in ("a", "button"):
            assert element.text.strip(), element
        if element.tag == "form" and element.attributes.get("method") == "post":
            fields = [e for e in page.all("input", name="csrf") if e.inside("form") is element]
            assert fields or element.attributes["action"] == "/login", "a form without token"
        if element.tag == "table":
            assert any(child.tag == "caption" for child in element.children)
    return page


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page(light_bench: StaffBench, language: Language) -> None:
    _, waiting = submit(light_bench.world)
    rows = [{"row": 2, "id_number": "420102198501011019", "name": "李四甲", "wage": 10_000}]
    _, batch = submit(light_bench.world, "wage.batch", year=2026, rows=rows)
    chen = light_bench.operator("chen")
    browser = light_bench.browser_of(chen, language)
    check_page(browser.get("/login").text, language)
    check_page(browser.post("/login", {"user_name": "chen", "password": "wrong"}).text, language)
    browser.sign_in(chen)
    check_page(browser.get("/password").text, language)
    browser.cookies.clear()
    browser.sign_in_fully(chen)
    for path in (
        "/",
        "/?state=effective&mine=1",
        "/?done=changed",
        "/statistics",
        f"/cases/{waiting}",
        "/nothing",
        "/find?reference=x",
    ):
        check_page(browser.get(path).text, language)
    for case in (waiting, batch):
        browser.act(f"/cases/{case}/open")
        page = check_page(browser.get(f"/cases/{case}?done=open").text, language)
        version = page.all("input", name="version")[0].attributes["value"]
        check_page(browser.act(f"/cases/{case}/check").text, language)
        fields = {"verdict": "refuse", "reason": "<b>&\n原因", "version": version}
        checked = check_page(browser.act(f"/cases/{case}/check", **fields).text, language)
        assert checked.all("textarea")[0].text.lstrip("\n") == "<b>&\n原因", "a reason is shown as it was typed"
        edited = browser.act(f"/cases/{case}/decide", **fields, edit="1")
        assert (
            "&lt;b&gt;&amp;" in check_page(edited.text, language).all("textarea")[0].text
            or "<b>&" in edited.page.all("textarea")[0].text
        )
        browser.act(f"/cases/{case}/decide", **fields)
        check_page(browser.get(f"/cases/{case}").text, language)


def test_language_is_chosen_and_kept(light_bench: StaffBench) -> None:
    browser = light_bench.browser_of(light_bench.operator("chen"), "en-GB,en;q=0.8,zh;q=0.3")
    page = browser.get("/login?note=out")
    assert page.page.all("html")[0].attributes["lang"] == "en"
    (switch,) = page.page.all("a", hreflang="zh-CN")
    answer = browser.get(switch.attributes["href"])
    assert answer.headers["Location"] == "/login?note=out"
    assert "SameSite=Strict" in answer.cookies[0] and answer.cookies[0].startswith("__Host-")
    assert browser.get("/login").page.all("html")[0].attributes["lang"] == "zh-CN"
    assert browser.get("/language/en?back=//evil.example/").headers["Location"] == "/"
    assert browser.get("/language/fr").status == 404


def test_every_text_has_both_languages() -> None:
    for table in (texts.TEXTS, texts.STATES, texts.WINDOWS, texts.ACTORS, texts.WARNINGS):
        for key, label in table.items():
            assert label.zh and label.en, key
            assert set(_places(label.zh)) == set(_places(label.en)), key


def test_districts_are_named_with_their_code_and_unknown_ones_keep_it() -> None:
    assert texts.district("420102") == Label("江岸区（420102）", "Jiang'an (420102)")
    assert texts.district("000000") == Label("行政区划 000000", "District 000000")


@pytest.mark.parametrize(("language", "named"), [("zh-CN", "江岸区（420102）"), ("en", "Jiang'an (420102)")])
def test_the_operators_district_stands_on_every_page(light_bench: StaffBench, language: Language, named: str) -> None:
    browser = light_bench.signed_in(light_bench.operator("chen", changed=True), language)
    assert named in browser.get("/").page.all("div", **{"class": "who"})[0].text


def _places(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]
