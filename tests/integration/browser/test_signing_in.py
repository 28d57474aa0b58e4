"""At the door: certificates, passwords, and who is turned away how."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.integration.browser.conftest import Browsers
from tests.integration.browser.ways import NEW_PASSWORD, set_password
from tests.support.web_browser import WebBrowser
from tests.support.web_system import WebSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def test_first_sign_in_with_certificate_and_password(system: WebSystem, browsers: Browsers) -> None:
    account = system.account("unit2")
    browser = browsers.start(browsers.home(account))
    browser.open(system.url("unit"))
    assert browser.path == "/login"
    browser.fill({"user_name": account.user_name, "password": "not the password"})
    browser.click_button()
    assert browser.heading == "Sign in"
    assert browser.one("#summary").get_attribute("role") == "alert"
    assert browser.one("[name=user_name]").get_attribute("value") == account.user_name
    assert browser.one("[name=password]").get_attribute("value") == ""

    browser.fill({"password": account.password})
    browser.click_button()
    assert browser.heading == "Set a new password before you go on"
    browser.open(system.url("unit", "/s/wage.declare"))
    assert browser.path == "/password"  # no way round it
    browser.fill({"old_password": account.password, "new_password": "short", "new_password_again": "other"})
    browser.click_button()
    assert len(browser.all("#summary li a")) == 2
    set_password(browser, account.password)
    assert browser.path == "/"
    assert "Your password has been changed" in browser.text()
    assert browser.one("a[href='/s/wage.declare']").is_displayed()

    browser.click(browser.one("form[action='/logout'] button"))
    assert "You have signed out" in browser.text()
    browser.open(system.url("unit", "/sent"))
    assert browser.path == "/login"
    browser.fill({"user_name": account.user_name, "password": NEW_PASSWORD})
    browser.click_button()
    assert browser.path == "/sent"  # on to where he wanted to go


def test_by_keyboard_alone(system: WebSystem, browsers: Browsers) -> None:
    account = system.account("community")
    browser = browsers.start(browsers.home(account))
    browser.open(system.url("community", "/login"))
    browser.press(Keys.TAB)
    skip = browser.focused
    assert skip.text == "Skip to main content"
    assert skip.rect["y"] >= 0
    browser.press(Keys.ENTER)
    assert browser.script("return document.activeElement.id") == "main"
    passed = browser.tab_to("[name=user_name]")
    assert passed == []  # the first stop after the skip link is the first field
    browser.press(account.user_name, Keys.TAB, account.password)
    browser.press_and_wait(Keys.ENTER)
    assert browser.path == "/password"
    for text in (account.password, NEW_PASSWORD, NEW_PASSWORD):
        browser.tab_to("main input[type=password]")
        browser.press(text)
    browser.tab_to("main button")
    browser.press_and_wait(Keys.SPACE)
    assert browser.path == "/"
    browser.tab_to("main a[href^='/s/']")
    visible = "const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth"
    assert browser.script(visible) == "solid3px"
    browser.press_and_wait(Keys.ENTER)
    assert browser.path.startswith("/s/")


def test_without_certificate_the_page_says_what_to_do(system: WebSystem, nobody: WebBrowser) -> None:
    nobody.open(system.url("unit", "/login"))
    assert "certificate" in nobody.heading.lower()
    assert nobody.text(".code") == "FG-2008"
    assert nobody.script("return document.styleSheets[0].cssRules.length") > 100  # it looks like the hall
    nobody.click(nobody.one("main a"))
    assert nobody.driver.current_url == system.url("site")
    assert nobody.one("main a[href='/certificate']").is_displayed()


def test_with_the_certificate_of_another_window_the_page_says_so(system: WebSystem, browsers: Browsers) -> None:
    browser = browsers.start(browsers.home(system.account("person")), languages="zh-CN,zh")
    browser.open(system.url("unit", "/login"))
    assert browser.one("html").get_attribute("lang") == "zh-CN"
    assert (browser.heading, browser.text(".code")) == ("该证书不能用于此窗口", "FG-2011")
    assert browser.one("main a").get_attribute("href") == system.url("site")
    browser.open(system.url("person", "/login"))
    assert browser.heading == "登录"
