"""A real browser as a citizen has it: Chromium with his certificate imported, the city's root trusted, nothing else.

Each browser has a home of its own with a fresh NSS database; TLS is verified as everywhere.  Which certificate to show
is answered by the policy AutoSelectCertificateForUrls, since nobody is there to click; the policy file lies in a mount
namespace that only this browser sees, so the machine is not changed.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
DESKTOP = (1280, 900)
PHONE = (390, 844)
WAIT_S = 90.0
_POLL_S = 0.1
_TRIES = 5
_LAID_OUT_S = 5.0
#: In one look: two would see two pages, the one before a refresh and the one after it.
_SETTLED = """
return document.readyState === "complete" && document.querySelector("h1") !== null
  && document.querySelector("meta[http-equiv='refresh']") === null;
"""
_CHROMIUM = "/usr/bin/chromium"
_POLICIES = "/etc/chromium"
_NEEDED = {
    _CHROMIUM: "chromium",
    "/usr/bin/chromedriver": "chromium-driver",
    "/usr/bin/certutil": "libnss3-tools",
    "/usr/bin/pk12util": "libnss3-tools",
    "/usr/bin/unshare": "util-linux",
}
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_DRIVER = """#!/bin/sh
exec unshare -m sh -ec '
mount -t tmpfs none {policies}
mkdir -p {policies}/policies/managed
cp "{home}/policy.json" {policies}/policies/managed/ferrygate.json
exec /usr/bin/chromedriver "$@"' chromedriver "$@"
"""


def why_not() -> str:
    """Say in one line why no browser can be started on this machine; "" if one can."""
    missing = sorted({package for path, package in _NEEDED.items() if not Path(path).exists()})
    if missing:
        return f"no browser tests: apt-get install {' '.join(missing)}"
    if not Path(_POLICIES).is_dir():
        return f"no browser tests: this Chromium has no {_POLICIES} (Debian's package chromium has it)"
    trial = subprocess.run(
        ["/usr/bin/unshare", "-m", "mount", "-t", "tmpfs", "none", _POLICIES], capture_output=True, check=False
    )
    if trial.returncode != 0:
        return "no browser tests: the certificate policy needs a mount namespace (root and unshare -m)"
    return ""


class Home:
    """A user's home folder with his certificates.

    Args:
        folder: made here.
        root_certificate: trusted for web sites.
    """

    def __init__(self, folder: Path, root_certificate: Path) -> None:
        self.folder = folder
        self._database = folder / ".pki" / "nssdb"
        self._database.mkdir(parents=True)
        self.downloads.mkdir()
        self._run("certutil", "-N", "--empty-password")
        self._run("certutil", "-A", "-n", "city root", "-t", "C,,", "-i", str(root_certificate))

    @property
    def downloads(self) -> Path:
        """Where the browser puts files."""
        return self.folder / "downloads"

    def import_certificate(self, pkcs12: Path, password: str) -> None:
        """Import what the user downloaded, as the help page says."""
        self._run("pk12util", "-i", str(pkcs12), "-W", password, "-K", "")

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [f"/usr/bin/{program}", "-d", f"sql:{self._database}", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


class WebBrowser:
    """One user before one browser.

    Args:
        driver: of Chromium.
        home: his files.
    """

    def __init__(self, driver: webdriver.Chrome, home: Home) -> None:
        self.driver = driver
        self.home = home
        self._seen: list[str] = []

    # going somewhere

    def open(self, url: str) -> None:
        """Type an address."""
        self.driver.get(url)
        self._note_console()

    def click(self, element: WebElement | str) -> None:
        """Click and wait for the next page.

        Args:
            element: what is clicked; on a page that refreshes itself, its selector.
        """
        if isinstance(element, str):
            self._leaving(lambda: self.one(element).click())
        else:
            self._leaving(element.click)

    def press(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def press_and_wait(self, *keys: str) -> None:
        """Press keys that lead to another page."""
        self._leaving(lambda: self.press(*keys))

    def click_button_for_download(self) -> None:
        """Click the main area's button when a file is the answer."""
        self.one("main form button:not(.unseen)").click()

    def click_link(self, text: str) -> None:
        """Click the link with this text."""
        self._leaving(lambda: self.driver.find_element(By.LINK_TEXT, text).click())

    def click_button(self, value: str = "") -> None:
        """Click the main area's visible button, by its value if it has several."""
        wanted = f"main form button[value='{value}']" if value else "main form button"
        self.click(f"{wanted}:not(.unseen)")

    # looking

    def one(self, selector: str) -> WebElement:
        """Give the first element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """Give all elements."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "main") -> str:
        """Give an element's visible text; if the page refreshes itself meanwhile, the next one's."""
        return self._steadily(lambda: self.one(selector).text)

    @property
    def heading(self) -> str:
        """The page's heading."""
        return self.text("h1")

    @property
    def path(self) -> str:
        """The address without scheme, host, query and fragment."""
        return "/" + self.driver.current_url.split("/", 3)[3].split("?")[0].split("#")[0]

    @property
    def focused(self) -> WebElement:
        """The element that has the focus."""
        return self.driver.switch_to.active_element

    def script(self, code: str, *arguments: object) -> Any:
        """Ask the page something (our means of looking, not part of the page)."""
        return self.driver.execute_script(code, *arguments)

    def devtools(self, command: str, **parameters: object) -> Mapping[str, Any]:
        """Send a DevTools command."""
        return cast("Mapping[str, Any]", self.driver.execute_cdp_cmd(command, parameters))

    # filling in

    def fill(self, values: Mapping[str, str]) -> None:
        """Type into fields, replacing what stands there."""
        for name, value in values.items():
            field = self.one(f"[name='{name}']:not([type=hidden])")
            field.clear()
            field.send_keys(value)

    def upload(self, path: Path) -> None:
        """Choose a file."""
        self.one("input[type=file]").send_keys(str(path))

    def tab_to(self, selector: str, *, most: int = 60) -> list[str]:
        """Press Tab until an element has the focus; gives the tags passed."""
        passed: list[str] = []
        for _ in range(most):
            self.press(Keys.TAB)
            if self.script("return document.activeElement.matches(arguments[0])", selector):
                return passed
            passed.append(self.focused.tag_name)
        raise AssertionError(f"Tab never reached {selector}: {passed}")

    # waiting

    def wait_for(self, selector: str, limit_s: float = WAIT_S) -> None:
        """Wait until the page, which may refresh itself, shows an element."""
        self._wait(lambda: bool(self.all(selector)), limit_s)

    def wait_until_settled(self, limit_s: float = WAIT_S) -> None:
        """Wait, doing nothing, until the page no longer refreshes itself."""
        self._wait(lambda: bool(self.script(_SETTLED)), limit_s)
        self._note_console()

    def downloaded(self, limit_s: float = WAIT_S) -> Path:
        """Wait for the one file in the download folder; take it out of the way of the next."""
        files: list[Path] = []

        def there() -> bool:
            files[:] = [path for path in self.home.downloads.iterdir() if path.is_file()]
            names = [path.name for path in files]
            return bool(names) and not any(name.endswith((".crdownload", ".tmp")) or name[0] == "." for name in names)

        self._wait(there, limit_s)
        (found,) = files
        kept = self.home.folder / f"{len(list(self.home.folder.iterdir()))}-{found.name}"
        return found.rename(kept)

    def _wait(self, done: Callable[[], bool], limit_s: float) -> None:
        end = time.monotonic() + limit_s
        while True:
            last = ""
            try:
                if done():
                    return
            except WebDriverException as error:  # between two pages
                last = f" ({type(error).__name__})"
            if time.monotonic() >= end:
                raise AssertionError(f"nothing after {limit_s} s at {self.driver.current_url}{last}: {self.text()}")
            time.sleep(_POLL_S)

    def _leaving(self, act: Callable[[], None]) -> None:
        """Do something that loads a page and wait until that has happened."""

        def acted() -> None:
            self.script("window.left = true")
            act()

        self._steadily(acted)
        self._wait(lambda: bool(self.script("return !window.left && document.readyState === 'complete'")), WAIT_S)
        self._note_console()

    def _steadily(self, act: Callable[[], T]) -> T:
        """Find something and use it; once more when the page has refreshed itself in between."""
        for _ in range(_TRIES):
            try:
                return act()
            except StaleElementReferenceException:
                continue
        return act()

    # judging

    def _note_console(self) -> None:
        for entry in self.driver.get_log("browser"):
            told = f"{self.path}: {entry['level']}: {entry['message']}"
            # A page that explains a mistake has a 4xx status; the console notes that, and it is no fault.
            page_status = "Failed to load resource: the server responded with a status of 4" in told
            if entry["level"] in ("WARNING", "SEVERE") and (not page_status or "/static/" in told):
                self._seen.append(told)

    def complaints(self) -> list[str]:
        """Give what the browser's console has said since the last call: warnings and errors, beside the status of error pages."""
        self._note_console()
        seen, self._seen = self._seen, []
        return seen

    @contextmanager
    def size(self, width: int, height: int, *, phone: bool = False) -> Iterator[None]:
        """Be a screen of another size for a while."""
        before = self._width()
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )
        try:
            self._laid_out(lambda: self._width() != before or before == width)
            yield
        finally:
            self.devtools("Emulation.clearDeviceMetricsOverride")
            self._laid_out(lambda: self._width() == before)

    def _width(self) -> int:
        return int(self.script("return document.documentElement.clientWidth"))

    def _laid_out(self, done: Callable[[], bool]) -> None:
        """Wait a little until the page knows of its new size; the browser tells it a moment later."""
        with suppress(AssertionError):
            self._wait(done, _LAID_OUT_S)

    @contextmanager
    def on_paper(self) -> Iterator[None]:
        """Show the page as it is printed."""
        self.devtools("Emulation.setEmulatedMedia", media="print")
        try:
            yield
        finally:
            self.devtools("Emulation.setEmulatedMedia", media="")

    def printed(self) -> bytes:
        """Print the page."""
        return base64.b64decode(self.devtools("Page.printToPDF", preferCSSPageSize=True)["data"])

    def shoot(self, path: Path) -> None:
        """Take a picture of the whole page."""
        shot = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browsing(
    home: Home, origins: Sequence[str], *, languages: str = "en-US,en", scripts: bool = True
) -> Iterator[WebBrowser]:
    """Start a browser for this home.

    Args:
        home: of the user.
        origins: where to show the (only) certificate without asking.
        languages: what the browser prefers.
        scripts: whether scripts are allowed.
    """
    choices = [json.dumps({"pattern": origin, "filter": {}}) for origin in origins]
    (home.folder / "policy.json").write_text(json.dumps({"AutoSelectCertificateForUrls": choices}), encoding="utf-8")
    launcher = home.folder / "chromedriver"
    launcher.write_text(_DRIVER.format(policies=_POLICIES, home=home.folder), encoding="utf-8")
    launcher.chmod(0o755)
    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM
    profile = home.folder / "profile"
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={DESKTOP[0]},{DESKTOP[1]}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    preferences: dict[str, object] = {
        "intl.accept_languages": languages,
        "download.default_directory": str(home.downloads),
    }
    if not scripts:
        preferences["profile.managed_default_content_settings.javascript"] = 2
    options.add_experimental_option("prefs", preferences)
    # A temporary folder of its own, since it leaves something there; short, for a socket's path.
    with tempfile.TemporaryDirectory(prefix="fg", ignore_cleanup_errors=True) as own:
        environment = {**os.environ, "HOME": str(home.folder), "TMPDIR": own}
        driver = webdriver.Chrome(options=options, service=Service(executable_path=str(launcher), env=environment))
        try:
            yield WebBrowser(driver, home)
        finally:
            driver.quit()
            shutil.rmtree(profile, ignore_errors=True)
