"""One declaration from the empty form to the printed receipt."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.web_browser import WebBrowser
from tests.support.web_system import WebSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
HOPS = (
    "Stored by the hall",
    "Signed and sealed, waiting for the ferry",
    "Checked by the ferry, outer side",
    "Across the gap",
    "Processed by the core",
    "Result back in the hall",
)
WRONG = {"year": "20x4", "id_number": "110105194912310021", "name": "", "wage": "much"}


def _right(system: WebSystem) -> dict[str, str]:
    roster = system.roster(60)
    identity, name, wage = roster.rows[-1]
    return {"year": roster.year, "id_number": identity, "name": name, "wage": wage}


def test_mistakes_are_listed_mended_checked_sent_and_followed(system: WebSystem, clerk: WebBrowser) -> None:
    clerk.open(system.url("unit", "/s/wage.declare"))
    clerk.fill(WRONG)
    clerk.click_button("check")
    assert clerk.driver.title.startswith("Error")
    links = clerk.all("#summary a")
    assert len(links) == len(WRONG)
    for link in links:
        target = (link.get_attribute("href") or "").rpartition("#")[2]
        link.click()
        assert clerk.focused.get_attribute("id") == target
        assert clerk.focused.get_attribute("aria-invalid") == "true"
        told = clerk.one(f"#{target}-error").text
        assert link.text in told
    assert clerk.one("[name=wage]").get_attribute("value") == "much"  # what was typed stays

    right = _right(system)
    clerk.fill(right)
    clerk.click_button("check")
    assert clerk.heading == "Check your answers"
    for text in (right["name"], right["id_number"], right["year"]):
        assert text in clerk.text(".facts")
    clerk.click(clerk.all(".facts button[value=edit]")[1])
    assert clerk.driver.current_url.endswith("#f-id_number")
    assert clerk.one("[name=name]:not([type=hidden])").get_attribute("value") == right["name"]
    clerk.click_button("check")
    clerk.click_button("submit")

    assert clerk.path.startswith("/r/")
    assert clerk.heading == "Receipt"
    clerk.wait_until_settled()
    assert [step.text for step in clerk.all(".way li b")] == list(HOPS)
    assert [step.get_attribute("class") for step in clerk.all(".way li")].count("ahead") == 0
    assert clerk.text(".slip .tag") == "Done"
    reference = clerk.text(".slip .ref")
    clerk.click_link("Sent from here")
    assert reference in clerk.text("main table")


def test_enter_in_a_field_goes_to_the_check_page_and_the_keyboard_sends_it(
    system: WebSystem, clerk: WebBrowser
) -> None:
    clerk.open(system.url("unit", "/s/wage.declare"))
    right = _right(system)
    for name in ("year", "id_number", "name", "wage"):
        clerk.tab_to(f"[name={name}]")
        clerk.press(right[name])
    clerk.press_and_wait(Keys.ENTER)
    assert clerk.heading == "Check your answers"
    clerk.tab_to("main button[value=submit]:not(.unseen)")
    clerk.press_and_wait(Keys.ENTER)
    assert clerk.path.startswith("/r/")
    clerk.wait_until_settled()


def test_the_language_changes_and_the_page_stays(system: WebSystem, clerk: WebBrowser) -> None:
    clerk.open(system.url("unit", "/s/wage.declare"))
    for language in ("zh-CN", "en", "zh-CN"):
        clerk.fill({"name": f"半途 {language}"})
        clerk.click(clerk.one("header .tools button"))
        assert clerk.path == "/s/wage.declare"
        assert clerk.one("html").get_attribute("lang") == language
        assert clerk.one("[name=name]").get_attribute("value") == f"半途 {language}"
    for path in ("/", "/sent", "/b/wage.batch", "/s/unit.profile", "/drafts", "/password"):
        clerk.open(system.url("unit", path))
        chinese = clerk.heading
        clerk.click(clerk.one("header .tools [lang=en]"))
        assert (clerk.path, clerk.one("html").get_attribute("lang")) == (path, "en")
        english = clerk.heading
        assert english.isascii()
        assert english != chinese
        clerk.click(clerk.one("header .tools [lang=zh-CN]"))


def test_the_receipt_prints_without_the_ways_around_it(system: WebSystem, clerk: WebBrowser) -> None:
    clerk.open(system.url("unit", "/s/wage.declare"))
    clerk.fill(_right(system))
    clerk.click_button("check")
    clerk.click_button("submit")
    clerk.wait_until_settled()
    with clerk.on_paper():
        for hidden in ("header .tools", "nav", ".crumbs", "main .acts"):
            assert not any(element.is_displayed() for element in clerk.all(hidden)), hidden
        for shown in (".slip .ref", ".way li", "header .brand"):
            assert clerk.one(shown).is_displayed(), shown
        assert clerk.script("return getComputedStyle(document.querySelector('header')).backgroundColor") in (
            "rgba(0, 0, 0, 0)",
            "rgb(255, 255, 255)",
        )
    paper = clerk.printed()
    assert paper.startswith(b"%PDF-")
    assert len(paper) > 10_000
    assert b"/Count 1" in paper  # one sheet


def test_a_draft_is_kept_and_comes_back(system: WebSystem, clerk: WebBrowser) -> None:
    clerk.open(system.url("unit", "/s/wage.declare"))
    clerk.fill({"name": "王小梅", "wage": "12,34x"})
    clerk.click_button("save")
    assert "Draft saved" in clerk.text()
    clerk.open(system.url("unit", "/drafts"))
    clerk.click(clerk.driver.find_element(By.CSS_SELECTOR, "main a[href*='draft=']"))
    assert clerk.one("[name=wage]").get_attribute("value") == "12,34x"
