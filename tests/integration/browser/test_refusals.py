"""Whom the firewall refuses gets his form back, in a real browser; pages of other hosts get nothing out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.web_browser import PHONE, WebBrowser
from tests.support.web_system import WebSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
NASTY = "王<script>alert('1')</script>"
TYPED = {"year": "2024", "id_number": "11010519491231002X", "name": NASTY, "wage": "5000"}


def test_a_refused_form_comes_back_and_can_be_mended(system: WebSystem, clerk: WebBrowser) -> None:
    clerk.open(system.url("unit", "/s/wage.declare"))
    clerk.fill(TYPED)
    clerk.click_button("check")
    assert clerk.heading == "The firewall refused the request"
    assert "The field concerned Name" in clerk.text()
    with clerk.size(*PHONE, phone=True):
        assert clerk.script("return document.documentElement.scrollWidth") <= PHONE[0]
    clerk.click_button()
    assert clerk.driver.title.startswith("Error")
    (link,) = clerk.all("#summary a")
    assert link.text.startswith("Name: not accepted by the firewall")
    link.click()
    assert clerk.focused.get_attribute("name") == "name"
    assert clerk.focused.get_attribute("aria-invalid") == "true"
    for name, text in TYPED.items():
        assert clerk.one(f"[name={name}]:not([type=hidden])").get_attribute("value") == text
    clerk.fill({"name": "王小梅"})
    clerk.click_button("check")
    assert clerk.heading == "Check your answers"


def test_a_page_of_others_can_link_to_the_hall_and_do_nothing_else(
    system: WebSystem, clerk: WebBrowser, tmp_path: Path
) -> None:
    """From a file, which is another site as any: pictures with attacks ban nobody, and its forms lead nowhere."""
    target = system.url("unit")
    pictures = "".join(f'<img src="{target}wp-login.php?{number}=<script>">' for number in range(60))
    form = f'<main><form method="post" action="{target}s/wage.declare"><input name="name"><button>x</button></form>'
    page = tmp_path / "page.html"
    page.write_text(f'<!DOCTYPE html><title>x</title>{form}<a href="{target}">link</a></main>{pictures}')
    clerk.open(page.as_uri())
    clerk.click_button()
    assert "FG-2006" in clerk.text()
    clerk.open(page.as_uri())
    clerk.click_link("link")
    assert clerk.heading != "Access is suspended for a time"
    clerk.open(system.url("unit"))
    assert clerk.path == "/"
    assert clerk.all("main a[href='/s/wage.declare']")
    clerk.complaints()  # the console tells of the pictures that were refused
