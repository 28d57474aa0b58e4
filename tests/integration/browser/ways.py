"""What every user does the same way: signing in, setting the first password."""

from __future__ import annotations

from ops.visitor.accounts import Known
from tests.support.web_browser import WebBrowser
from tests.support.web_system import WebSystem

NEW_PASSWORD = "seven bridges, one river"


def sign_in(browser: WebBrowser, system: WebSystem, account: Known) -> None:
    """Sign in for the first time, set a password of one's own, arrive at the home page."""
    browser.open(system.url(account.window))
    browser.fill({"user_name": account.user_name, "password": account.password})
    browser.click_button()
    assert browser.path == "/password", browser.text()
    set_password(browser, account.password)
    assert browser.path == "/", browser.text()


def set_password(browser: WebBrowser, old: str) -> None:
    """Fill in the password page."""
    browser.fill({"old_password": old, "new_password": NEW_PASSWORD, "new_password_again": NEW_PASSWORD})
    browser.click_button()


def counts(browser: WebBrowser) -> dict[str, str]:
    """Give the figures of a batch's result page."""
    return {
        pair.find_element("tag name", "dt").text: pair.find_element("tag name", "dd").text
        for pair in browser.all("dl.counts > div")
    }
