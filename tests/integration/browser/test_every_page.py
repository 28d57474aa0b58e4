"""What holds on every page: structure for assistive technology, phone width, no scripts needed."""

from __future__ import annotations

import pytest

from tests.integration.browser.conftest import Browsers
from tests.integration.browser.ways import sign_in
from tests.support.web_browser import PHONE, WebBrowser
from tests.support.web_system import WebSystem

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
SITE_PAGES = ("/", "/certificate", "/help", "/accessibility", "/no-such-page")
UNIT_PAGES = (
    "/",
    "/password",
    "/help",
    "/sent",
    "/drafts",
    "/s/wage.declare",
    "/s/employee.add",
    "/s/unit.profile",
    "/s/unit.assessed",
    "/s/person.contributions",
    "/s/case.list",
    "/b/wage.batch",
    "/no-such-page",
)
#: Finds what a screen reader would stumble over; gives a list of complaints.
STRUCTURE = """
const wrong = [], say = (what, e) => wrong.push(what + (e ? ": " + e.outerHTML.slice(0, 120) : ""));
const all = (s) => [...document.querySelectorAll(s)];
if (!["en", "zh-CN"].includes(document.documentElement.lang)) say("lang " + document.documentElement.lang);
if (!document.title.trim()) say("no title");
if (!document.querySelector("meta[name=viewport]")) say("no viewport");
for (const [s, n] of [["h1", 1], ["main", 1], ["body > header", 1]])
  if (all(s).length !== n) say(all(s).length + " of " + s);
for (const e of all("input:not([type=hidden]), select, textarea"))
  if (![...e.labels].some((l) => l.textContent.trim())) say("no label", e);
for (const e of all("button, a"))
  if (!e.hidden && !(e.textContent.trim() || e.getAttribute("aria-label"))) say("no name", e);
for (const e of all("[aria-describedby]"))
  for (const id of e.getAttribute("aria-describedby").split(" "))
    if (!document.getElementById(id)) say("described by nothing", e);
for (const e of all("nav, [role=region]"))
  if (!e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")) say("unnamed landmark", e);
for (const e of all("fieldset")) if (!e.querySelector("legend")) say("no legend", e);
for (const e of all("table")) if (!e.querySelector("th[scope]")) say("no heading cells", e);
for (const e of all("img")) if (!e.hasAttribute("alt")) say("no alt", e);
const ids = all("[id]").map((e) => e.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) say("id twice " + id);
let level = 0;
for (const e of all("main h1, main h2, main h3")) {
  const now = Number(e.tagName[1]);
  if (now > level + 1 && level) say("heading level skipped", e);
  level = now;
}
if (all("script, [style], [onclick]").length) say("script or inline style");
return wrong;
"""
#: Elements that stick out of the screen, when the page scrolls sideways; tables that do, although they are stacked on a phone.
WIDER = """
const most = document.documentElement.clientWidth;
const cut = [...document.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth + 1);
if (cut.length) return cut.map((e) => "cut off: " + e.textContent.trim().slice(0, 80));
if (document.documentElement.scrollWidth <= most) return [];
return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > most + 1)
  .map((e) => e.outerHTML.slice(0, 100)).slice(0, 5);
"""
#: Interactive elements too small to be hit with a finger (WCAG 2.5.8: 24 by 24; links inside a sentence excepted).
SMALL = """
return [...document.querySelectorAll("button, input:not([type=hidden]), select, .btn, .tools a, .ways a")]
  .filter((e) => e.tabIndex >= 0).map((e) => [e, e.getBoundingClientRect()])
  .filter(([e, r]) => r.height < 24 || r.width < 24).map(([e, r]) => r.width + "x" + r.height + " " + e.outerHTML.slice(0, 80));
"""


def _complaints(browser: WebBrowser) -> list[str]:
    found: list[str] = browser.script(STRUCTURE)
    with browser.size(*PHONE, phone=True):
        found += [f"sideways: {one}" for one in browser.script(WIDER)]
        found += [f"small: {one}" for one in browser.script(SMALL)]
    return [f"{browser.path}: {one}" for one in found]


def test_pages_of_the_site(system: WebSystem, nobody: WebBrowser) -> None:
    wrong: list[str] = []
    for path in SITE_PAGES:
        nobody.open(system.url("site", path))
        wrong += _complaints(nobody)
    nobody.open(system.url("site", "/certificate"))
    nobody.click_button()
    wrong += _complaints(nobody)
    nobody.open(system.url("person"))
    wrong += _complaints(nobody)
    assert wrong == []


def test_pages_of_a_window(system: WebSystem, clerk: WebBrowser) -> None:
    wrong: list[str] = []
    for language in ("zh-CN", "en"):
        clerk.open(system.url("unit", f"/language?to={language}&back=/"))
        assert clerk.one("html").get_attribute("lang") == language
        for path in UNIT_PAGES:
            clerk.open(system.url("unit", path))
            wrong += _complaints(clerk)
        clerk.open(system.url("unit", "/s/wage.declare"))
        clerk.fill({"name": "x" * 60})
        clerk.click_button("check")
        wrong += _complaints(clerk)
    assert wrong == []


def test_everything_works_without_scripts(system: WebSystem, browsers: Browsers) -> None:
    account = system.account("person")
    browser = browsers.start(browsers.home(account), languages="zh-CN,zh", scripts=False)
    browser.open("data:text/html,<p>scripts off<script>document.body.textContent='scripts on'</script>")
    assert browser.text("body") == "scripts off"
    sign_in(browser, system, account)
    assert browser.heading == "个人办事大厅"
    browser.click(browser.one("main a[href='/s/person.contributions']"))
    browser.fill({"from_month": "2024-01", "to_month": "2024-12"})
    browser.click_button("query")
    assert browser.all("main table tbody tr") or "没有符合条件的记录" in browser.text()
    wide = browser.one("html")
    assert wide.get_attribute("lang") == "zh-CN"
