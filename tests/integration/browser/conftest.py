"""One installation and a few browsers for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ops.visitor.accounts import Known
from tests.integration.browser.ways import sign_in
from tests.support.web_browser import Home, WebBrowser, browsing, why_not
from tests.support.web_system import WebSystem
from tests.support.whole_system import WholeSystem

WINDOWS = ("unit", "community", "person")


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebSystem]:
    """The whole system; skips visibly where no browser can be started."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    whole = WholeSystem(tmp_path_factory.mktemp("web") / "var")
    try:
        whole.start()
        yield WebSystem(whole)
        whole.stop()
    finally:
        whole.end()


class Browsers:
    """Starts browsers and remembers them."""

    def __init__(self, system: WebSystem, new_folder: Callable[[], Path], stack: ExitStack) -> None:
        self._system = system
        self._new_folder = new_folder
        self._stack = stack
        self.started: list[WebBrowser] = []

    def home(self, account: Known | None = None) -> Home:
        """Make a home, with an account's certificate if one is given."""
        home = Home(self._new_folder(), self._system.root_certificate)
        if account is not None:
            home.import_certificate(account.pkcs12, account.pkcs12_password)
        return home

    def start(self, home: Home, *, languages: str = "en-US,en", scripts: bool = True) -> WebBrowser:
        """Start a browser."""
        origins = [self._system.url(window, "") for window in WINDOWS]
        browser = self._stack.enter_context(browsing(home, origins, languages=languages, scripts=scripts))
        self.started.append(browser)
        return browser


@pytest.fixture(scope="package")
def browsers(system: WebSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsers]:
    """Starts browsers; ends them all."""
    with ExitStack() as stack:
        yield Browsers(system, lambda: tmp_path_factory.mktemp("home") / "user", stack)


@pytest.fixture(autouse=True)
def console_is_silent(browsers: Browsers) -> Iterator[None]:
    """No page anywhere makes the browser complain: no breach of the CSP, nothing missing, no error."""
    yield
    assert [told for browser in browsers.started for told in browser.complaints()] == []


@pytest.fixture(scope="package")
def signed_in_clerk(system: WebSystem, browsers: Browsers) -> WebBrowser:
    """The wage clerk of the largest unit, signed in."""
    account = system.account("unit")
    browser = browsers.start(browsers.home(account))
    sign_in(browser, system, account)
    return browser


@pytest.fixture
def clerk(system: WebSystem, signed_in_clerk: WebBrowser) -> WebBrowser:
    """The clerk on his home page in English, whatever the test before left."""
    signed_in_clerk.open(system.url("unit", "/language?to=en&back=/"))
    return signed_in_clerk


@pytest.fixture(scope="package")
def nobody(browsers: Browsers) -> WebBrowser:
    """Somebody without a certificate."""
    return browsers.start(browsers.home())
