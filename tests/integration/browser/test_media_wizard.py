"""A medium's whole way on the console's pages: two operators sign each with his own key, and only signatures come here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.media_desk_kit import MediaSite, ask, post
from tests.support.web_browser import PHONE, WAIT_S, Home, WebBrowser, browsing, why_not
from wire_formats.drop import DropName, write_drop
from wire_formats.medium import parse_statement

TIMEOUT = 600


class Windows:
    """Two operators' browsers before one console."""

    def __init__(self, site: MediaSite, stack: ExitStack) -> None:
        self.site = site
        self.li = self._browser(stack, "li", "en-US,en")
        self.wang = self._browser(stack, "wang", "zh-CN,zh")

    def _browser(self, stack: ExitStack, name: str, languages: str) -> WebBrowser:
        home = Home(self.site.folder / f"home-{name}", self.site.authority.root_certificate)
        home.import_certificate(self.site.folder / f"{name}.p12", self.site.certificates[name].password)
        return stack.enter_context(browsing(home, [self.site.url("")], languages=languages))


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[Windows]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with ExitStack() as stack:
        site = MediaSite(tmp_path)
        stack.callback(site.end)
        yield Windows(site, stack)


def press(browser: WebBrowser, word: str) -> None:
    """Press the button of an order and wait until the page tells what came of it."""
    browser.click(f"button[value='{word}'], form:has(input[name=word][value='{word}']) button")
    told(browser)


def told(browser: WebBrowser) -> str:
    """Wait until the page tells what came of an order, and give its words."""
    browser.wait_for("p.note.good[role=status], p.note.bad[role=alert]")
    return browser.text("p.note[role]")


def open_until(browser: WebBrowser, url: str, text: str) -> None:
    """Open a page again and again until the clerk has told this."""
    end = time.monotonic() + WAIT_S
    browser.open(url)
    while text not in browser.text():
        assert time.monotonic() < end, browser.text()
        time.sleep(0.3)
        browser.open(url)


def shoot(browser: WebBrowser, pictures: Path, name: str) -> None:
    browser.shoot(pictures / f"{name}.png")
    with browser.size(*PHONE, phone=True):
        assert browser.script("return document.documentElement.scrollWidth <= arguments[0]", PHONE[0]), name
        browser.shoot(pictures / f"{name}-phone.png")


def give(browser: WebBrowser, word: str, file: Path) -> str:
    """Hand a file in."""
    form = f"form:has(input[name=word][value='{word}'])"
    browser.one(f"{form} input[type=file]").send_keys(str(file))
    browser.click(f"{form} button")
    return told(browser)


@pytest.mark.timeout(TIMEOUT)
def test_an_export_signed_by_two_before_two_browsers(windows: Windows, tmp_path: Path) -> None:
    site, li, wang = windows.site, windows.li, windows.wang
    site.collect("high")
    li.open(site.url("/media"))
    li.fill({"serial": "wh-0001", "label": "red stick"})
    press(li, "register")
    assert "WH-0001 is registered as blank" in li.text()
    open_until(li, site.url("/media/export"), "3 files")
    shoot(li, tmp_path, "prepare")
    press(li, "prepare")
    assert "prepared: 3 files" in li.text()
    shoot(li, tmp_path, "sign")
    li.one("a[download]").click()
    statement = li.downloaded()
    assert parse_statement(statement.read_bytes()).serial == "WH-0001"
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"nothing")
    assert "the file is no signature (FG-1" in give(li, "sign", rubbish)
    shoot(li, tmp_path, "refused")
    signature = site.sign("li", statement)
    assert "li's signature holds" in give(li, "sign", signature)
    assert "one operator signed twice" in give(li, "sign", signature)

    wang.open(site.url("/media/export"))
    assert "已签名： li" in wang.text()
    shoot(wang, tmp_path, "second-zh")
    assert "wang 的签名有效" in give(wang, "sign", site.sign("wang", statement))
    shoot(wang, tmp_path, "write-zh")
    press(wang, "write")
    assert "已写入" in wang.text()
    assert (site.layout.trial_medium / "FERRYGATE" / "MANIFEST.FG").exists()
    assert "打印交接单，递送" in wang.text("li.now")
    shoot(wang, tmp_path, "written-zh")
    wang.click_link("打印交接单")
    assert "介质交接单" in wang.driver.page_source

    taken = site.command(
        "import", str(site.layout.trial_medium), "--root", str(site.layout.root), "--side", "low", "--writable-ok"
    )
    assert taken.returncode == 0, taken.stderr
    for path in (site.layout.ferry_low / "media" / "in" / "bulk").glob("*.bundle"):
        path.unlink()  # as the running half does
    receipt = tmp_path / "WH-0001.receipt"
    done = site.command(
        "receipt", "WH-0001", "--out", str(receipt), "--root", str(site.layout.root), "--side", "low"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    li.open(site.url("/media/export"))
    assert "3 files arrived" in give(li, "take_receipt", receipt)
    assert len(li.all("li.done")) == 6
    li.open(site.url("/media/medium/WH-0001"))
    shoot(li, tmp_path, "one")
    press(li, "sanitised")
    assert "noted as sanitised" in li.text()
    wang.open(site.url("/media"))
    assert "已清除" in wang.text()
    shoot(wang, tmp_path, "register-zh")
    assert li.complaints() == []
    assert wang.complaints() == []
    told_in_log = site.log_text("gatekeeper") + site.log_text("ferry_media")
    assert site.certificates["li"].password not in told_in_log


@pytest.mark.timeout(TIMEOUT)
def test_an_import_looked_at_first(windows: Windows, tmp_path: Path) -> None:
    site, li, wang = windows.site, windows.li, windows.wang
    site.collect("low")
    root = ("--root", str(site.layout.root), "--side", "low")
    assert site.command("register", "WH-0007", *root).returncode == 0
    keys = [word for name in ("li", "wang") for word in ("--key", str(tmp_path / f"{name}.p12"))]
    phrases = tuple(site.certificates[name].password for name in ("li", "wang"))
    done = site.command("export", "WH-0007", "--to", str(site.layout.trial_medium), *keys, *root, passphrases=phrases)
    assert done.returncode == 0, done.stderr
    open_until(li, site.url("/media/import"), "holds an export")
    press(li, "look")
    shown = li.text()
    assert "WH-0007" in shown
    assert "li, wang" in shown
    shoot(li, tmp_path, "looked")
    wang.open(site.url("/media/import"))
    shoot(wang, tmp_path, "looked-zh")
    assert not list((site.layout.ferry_high / "media" / "in").glob("*/*.bundle"))
    press(li, "import")
    assert "3 files lie before the half" in li.text()
    assert len(list((site.layout.ferry_high / "media" / "in").glob("*/*.bundle"))) == 3
    wang.open(site.url("/media/import"))
    press(wang, "receipt")
    assert "3 个文件网闸尚未取走" in wang.text()
    for path in (site.layout.ferry_high / "media" / "in" / "bulk").glob("*.bundle"):
        path.unlink()  # as the running half does
    wang.open(site.url("/media/import"))
    press(wang, "receipt")
    assert "回执已写好" in wang.text()
    shoot(wang, tmp_path, "receipt-zh")
    wang.one("a[href='/media/receipt/WH-0007']").click()
    taken = site.command("receipt", "--in", str(wang.downloaded()), *root)
    assert taken.returncode == 0, taken.stderr
    assert "3 files arrived" in taken.stdout
    li.open(site.url("/media/import"))
    press(li, "look")
    assert "imported already" in li.text()
    assert not li.all("button[value=import]")


@pytest.mark.timeout(TIMEOUT)
def test_what_strangers_the_revoked_and_wrong_forms_get(tmp_path: Path) -> None:
    site = MediaSite(tmp_path)
    try:
        root, li, wang = site.authority.root_certificate, site.files["li"], site.files["wang"]
        status, text = ask(site.port, root, li, "/media")
        assert status == 200
        token = text.split('name="csrf" value="')[1][:64]
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for body, seen in (
            (f"csrf={token}&word=register&serial=x&label=", "trouble=no_serial"),
            (f"csrf={token}&word=prepare&serial=WH-0001", "trouble=no_lanes"),
            (f"csrf={token}&word=look&place=", "trouble=no_place"),
            (f"csrf={token}&word=take_receipt", "trouble=no_file"),
            (f"csrf={token}&word=look&place=/etc", "order="),
        ):
            status, text, location = post(site.port, root, li, body, form)
            assert (status, seen in location) == (303, True), (body, location)
        look = location
        assert post(site.port, root, li, f"csrf={token}&word=burn", form)[0] == 400
        assert post(site.port, root, li, f"csrf={token}&word=write&place=x&export=zz", form)[0] == 400
        assert post(site.port, root, wang, f"csrf={token}&word=look&place=/etc", form)[0] == 403
        end = time.monotonic() + WAIT_S
        while "no such place is named" not in (text := ask(site.port, root, li, look, language="en")[1]):
            assert time.monotonic() < end, text
            time.sleep(0.2)
        # An order that is not the console's is thrown away, and the clerk goes on.
        orders = site.layout.ferry_high / "media" / "orders"
        write_drop(orders, DropName(1, 1, "order", "notice"), b"no order")
        (orders / "strange").write_bytes(b"x")
        while any(path.name != ".tmp" for path in orders.iterdir()):
            assert time.monotonic() < end
            time.sleep(0.2)
        site.authority.revoke(site.certificates["li"])
        assert ask(site.port, root, li, "/media")[0] == 403
        assert ask(site.port, root, wang, "/media")[0] == 200
    finally:
        site.end()


@pytest.mark.timeout(TIMEOUT)
def test_the_low_side_only_looks_and_names_the_commands(tmp_path: Path) -> None:
    site = MediaSite(tmp_path, clerk=False, side="low")
    try:
        for path in ("/media", "/media/export", "/media/import"):
            status, text = ask(site.port, site.authority.root_certificate, site.files["li"], path)
            assert status == 200, path
            assert "<form" not in text, path
            assert "--side low" in text, path
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = "csrf=x&word=look&place=/etc"
        assert post(site.port, site.authority.root_certificate, site.files["li"], body, form)[0] == 403
    finally:
        site.end()
