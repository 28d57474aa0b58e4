"""A form that meets a hall without a free worker comes back with what was typed, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.web_browser import PHONE, WebBrowser
from tests.support.web_system import WebSystem
from tests.support.whole_system import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
TYPED = {"year": "2024", "id_number": "11010519491231002X", "name": "王小梅", "wage": "5000"}


def back(clerk: WebBrowser) -> bool:
    """Press the page's button; gives whether the form is back: an edge may not know the new workers yet."""
    clerk.click_button()
    return "The hall was too busy to answer" in clerk.text()


def test_a_form_comes_back_from_a_busy_hall(system: WebSystem, clerk: WebBrowser, tmp_path: Path) -> None:
    clerk.open(system.url("unit", "/s/wage.declare"))
    clerk.fill(TYPED)
    try:
        with system.whole.without("worker-1", "worker-2"):
            clerk.click_button("check")
            assert "FG-30" in clerk.text()
            clerk.shoot(tmp_path / "busy.png")
            with clerk.size(*PHONE, phone=True):
                assert clerk.script("return document.documentElement.scrollWidth") <= PHONE[0]
                clerk.shoot(tmp_path / "busy-phone.png")
        system.whole.wait_healthy()
        until(lambda: back(clerk), within_s=60, what="the form")
    finally:
        clerk.complaints()  # the browser's console tells of each 503
    clerk.shoot(tmp_path / "back.png")
    for name, text in TYPED.items():
        assert clerk.one(f"[name={name}]:not([type=hidden])").get_attribute("value") == text
    clerk.click_button("check")
    assert clerk.heading == "Check your answers"
