"""Two operators before two browsers: lanes, a held bundle that goes on when both say so, records, evidence."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.console_kit import ConsoleAuthority, ConsoleProcess
from tests.support.ferry_kit import RealClock, requests, worker_author
from tests.support.web_browser import PHONE, WAIT_S, Home, WebBrowser, browsing, why_not
from tests.unit.ferry.acts.acting import delivered, outcomes, poison, shelf
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.inspector.test_lost import FragileInspector
from wire_formats.drop import DropName, write_drop
from wire_formats.tlog.evidence import parse_evidence, verify_evidence

TIMEOUT = 300
OPERATORS = ("li", "wang", "zhao")


class Desk:
    """A driven ferry, its console, and three certificates, of which two are operators'."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.inspector = FragileInspector()
        self.authority = ConsoleAuthority(folder / "var")
        self.certificates = {name: self.authority.operator(name) for name in OPERATORS}
        self.files: dict[str, Path] = {}
        for name, made in self.certificates.items():
            (folder / f"{name}.p12").write_bytes(made.pkcs12)
            self.files[name] = folder / f"{name}.pem"
            self.files[name].write_bytes(made.key_pem + made.chain_pem)
        self.ferry = Driven(folder / "kit", inspector=self.inspector, operators=("nobody",))
        stack.callback(self.ferry.stop)
        self.ferry.clock.ms = RealClock().now_ms()
        for half in ("ferry_low", "ferry_high"):
            self.authority.make_known(
                self.ferry.kit.root / half, [self.certificates["li"], self.certificates["wang"]]
            )  # fmt: skip
        self.ferry.stop_half(self.ferry.high)
        self.ferry.start_high(inspector=self.inspector)
        self.folder, self._stack = folder, stack
        self.ids = poison(self.ferry, self.inspector)
        for _ in range(3):
            worker_author(self.ferry.kit, epoch=self.ferry.clock.ms).send(
                requests(2, now_ms=self.ferry.clock.ms), now_ms=self.ferry.clock.ms
            )
            self.ferry.run(2)
        self.high = ConsoleProcess(self.authority.layout, self.ferry.kit.root / "ferry_high")
        stack.callback(self.high.end)

    def browser(self, name: str, console: ConsoleProcess, *, languages: str = "en-US,en") -> WebBrowser:
        home = Home(self.folder / f"home-{name}-{console.port}", self.authority.root_certificate)
        home.import_certificate(self.folder / f"{name}.p12", self.certificates[name].password)
        return self._stack.enter_context(browsing(home, [console.url("")], languages=languages))

    def wait_until_seen(self, word: str) -> None:
        """Wait until the console has read a status file that tells this."""
        end = time.monotonic() + WAIT_S
        while (
            f">{word}<"
            not in self.high.ask(self.authority.root_certificate, self.files["li"], headers={"Accept-Language": "en"})[
                1
            ]
        ):
            assert time.monotonic() < end, word
            time.sleep(0.2)

    def go_on(self) -> None:
        """Let the half work for a while, its clock never behind the machine's."""
        self.ferry.clock.ms = max(self.ferry.clock.ms, RealClock().now_ms())
        self.ferry.run(2)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with ExitStack() as stack:
        yield Desk(tmp_path, stack)


def decide(browser: WebBrowser, act: str) -> None:
    browser.click(f"form.decide button[value='{act}']")


def no_wider_than(browser: WebBrowser, width: int) -> bool:
    return bool(browser.script("return document.documentElement.scrollWidth <= arguments[0]", width))


@pytest.mark.timeout(TIMEOUT)
def test_two_operators_release_a_held_bundle_before_two_browsers(desk: Desk, tmp_path: Path) -> None:
    li = desk.browser("li", desk.high)
    li.open(desk.high.url("/"))
    assert li.heading == "Lanes"
    assert "held bundles that wait for two operators: 2" in li.text()
    assert len(li.all("article.lane")) == 4
    assert li.text("main").count("/ 1,024") == 2, "the lanes this half sends on have credits"
    li.shoot(tmp_path / "lanes.png")
    li.click_link("Held")
    (item,) = shelf(desk.ferry)
    li.click_link(item.digest[:12])
    shown = li.text()
    assert desk.ids[0].hex() in shown
    assert "contents stay sealed" in shown
    desk.inspector.deadly.clear()
    decide(li, "release")
    desk.go_on()
    li.open(desk.high.url(f"/held/{item.subject}"))
    assert "You have said so" in li.text()
    decide(li, "release")
    desk.go_on()
    assert delivered(desk.ferry).count(desk.ids[0]) == 0

    wang = desk.browser("wang", desk.high, languages="zh-CN,zh")
    wang.open(desk.high.url(f"/held/{item.subject}"))
    assert wang.heading.startswith("待审数据包")
    assert "放行: li" in wang.text()
    wang.shoot(tmp_path / "held.png")
    with wang.size(*PHONE, phone=True):
        wang.shoot(tmp_path / "held-phone.png")
        assert no_wider_than(wang, PHONE[0])
    decide(wang, "release")
    desk.go_on()
    assert delivered(desk.ferry).count(desk.ids[0]) == 1
    assert outcomes(desk.ferry) == [
        ("release", "li", "taken"), ("release", "li", "refused"), ("release", "wang", "agreed"),
        ("release", "li+wang", "done"),
    ]  # fmt: skip
    wang.click_link("待审")
    # One of its two requests was kept back alone before, and is still on the shelf.
    assert item.digest[:12] not in wang.text()
    assert len(wang.all("tbody tr")) == 1
    single = wang.one("tbody a")
    wang.click(single)
    assert "wage.declare" in wang.text()
    wang.click_link("操作记录")
    assert "链条完整" in wang.text()
    wang.shoot(tmp_path / "log.png")
    look_around(desk, li, tmp_path)
    assert li.complaints() == []
    assert wang.complaints() == []


def look_around(desk: Desk, browser: WebBrowser, pictures: Path) -> None:
    """Journal, evidence, media, paper, phone."""
    browser.open(desk.high.url(f"/journal?request={desk.ids[0].hex()}&digest=&state=&minutes="))
    assert len(browser.all("tbody tr")) == 1
    assert "sent" in browser.text("tbody")
    browser.shoot(pictures / "journal.png")
    for _ in range(3):
        desk.go_on()
    browser.one("button[value='no']").click()
    evidence = parse_evidence(browser.downloaded().read_bytes())
    proved = verify_evidence(evidence, desk.ferry.kit.trust)
    assert proved.request_id == desk.ids[0]
    browser.open(desk.high.url("/media"))
    assert "The register is empty" in browser.text()
    assert len(browser.all("ol.steps li")) == 6
    browser.shoot(pictures / "media.png")
    look_at_the_quarantine(desk, browser, pictures)
    for path in ("/", "/held", "/media", "/media/export", "/journal", "/log"):
        browser.open(desk.high.url(path))
        with browser.size(*PHONE, phone=True):
            assert no_wider_than(browser, PHONE[0]), path
            browser.shoot(pictures / f"phone{path.replace('/', '-')}.png")
    assert browser.printed().startswith(b"%PDF")


def look_at_the_quarantine(desk: Desk, browser: WebBrowser, pictures: Path) -> None:
    """What cannot be right is named with its reason, and nothing of it is shown."""
    for number in range(2):
        strange = DropName(9, number, "ferry_low")
        write_drop(desk.ferry.kit.root / "gap" / "inbound" / "bulk", strange, b"secret %d" % number)
    desk.go_on()
    browser.open(desk.high.url("/held"))
    browser.click_link("See what is quarantined")
    assert len(browser.all("tbody tr")) == 2
    browser.shoot(pictures / "quarantined.png")
    browser.click(browser.one("tbody a"))
    assert "malformed" in browser.text()
    assert "secret" not in browser.text()
    browser.shoot(pictures / "quarantined-one.png")
    with browser.size(*PHONE, phone=True):
        assert no_wider_than(browser, PHONE[0])
        browser.shoot(pictures / "quarantined-one-phone.png")
    browser.click_link("Find it in the journal")
    assert browser.heading == "Journal"


#: Boxes that are pushed sideways, and cells without the name of their column beside them.
_SIDEWAYS = """
const wide = [...document.querySelectorAll(".scroll")].filter(one => one.scrollWidth > one.clientWidth);
const bare = [...document.querySelectorAll(".scroll td:not(:empty)")].filter(one => {
  const name = one.closest("table").querySelectorAll("th")[one.cellIndex].textContent;
  return getComputedStyle(one, "::before").content !== JSON.stringify(name);
});
return wide.length + bare.length;
"""


@pytest.mark.timeout(TIMEOUT)
def test_on_a_phone_no_table_is_pushed_sideways(desk: Desk, tmp_path: Path) -> None:
    gap = desk.ferry.kit.root / "gap" / "inbound" / "bulk"
    write_drop(gap, DropName(9, 1, "ferry_low"), b"no bundle")
    write_drop(gap, DropName(9, 2, "ferry_low"), b"")
    desk.go_on()
    (item,) = shelf(desk.ferry)
    for name, languages in (("li", "en-US,en"), ("wang", "zh-CN,zh")):
        browser = desk.browser(name, desk.high, languages=languages)
        browser.open(desk.high.url(f"/held/{item.subject}"))
        decide(browser, "reject")
        desk.go_on()
        rows = 0
        for number, path in enumerate(
            ("/", "/held", "/quarantined", "/journal?request=&digest=&state=&minutes=600", "/log")
        ):
            browser.open(desk.high.url(path))
            with browser.size(*PHONE, phone=True):
                browser.shoot(tmp_path / f"cards-{name}-{number}.png")
                assert browser.script(_SIDEWAYS) == 0, path
                assert no_wider_than(browser, PHONE[0]), path
            assert browser.script(_SIDEWAYS) >= len(browser.all(".scroll td:not(:empty)")), "else it is a table"
            rows += len(browser.all(".scroll tbody tr"))
        assert rows >= 8
        assert browser.complaints() == []


@pytest.mark.timeout(TIMEOUT)
def test_a_lane_is_paused_and_resumed_by_its_button(desk: Desk) -> None:
    li = desk.browser("li", desk.high)
    li.open(desk.high.url("/"))
    assert len(li.all("button[value='pause']")) == 4, "lanes it sends on, and lanes it receives on"
    for name in ("outbound-interactive", "inbound-bulk"):
        form = f"form:has(input[value='{name}'])"
        li.click(f"{form} button[value='pause']")
        desk.go_on()
        desk.go_on()
        paused = [f"{lane.way}-{lane.lane}" for lane in desk.ferry.high.half.status().lanes if lane.paused]
        assert paused == [name]
        desk.wait_until_seen(f"lane {name} is paused by an operator")
        li.open(desk.high.url("/"))
        li.click(f"{form} button[value='resume']")
        desk.go_on()
        assert not any(lane.paused for lane in desk.ferry.high.half.status().lanes)
        li.open(desk.high.url("/"))


@pytest.mark.timeout(TIMEOUT)
def test_who_is_not_let_in(desk: Desk) -> None:
    root, console = desk.authority.root_certificate, desk.high
    with pytest.raises((ssl.SSLError, ConnectionError)):
        console.ask(root, None)
    status, text = console.ask(root, desk.files["zhao"])
    assert status == 403
    assert "Held" not in text
    status, text = console.ask(root, desk.files["li"])
    assert status == 200
    (item,) = shelf(desk.ferry)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"csrf={'0' * 64}&act=release&subject={item.subject}&reason=looked_at"
    assert console.ask(root, desk.files["li"], "/act", method="POST", body=body, headers=form)[0] == 403
    token = text.split('name="csrf" value="')[1][:64]
    # A token belongs to one certificate.
    body = f"csrf={token}&act=release&subject={item.subject}&reason=looked_at"
    assert console.ask(root, desk.files["wang"], "/act", method="POST", body=body, headers=form)[0] == 403
    other = {**form, "Origin": "https://elsewhere.example"}
    assert console.ask(root, desk.files["li"], "/act", method="POST", body=body, headers=other)[0] == 403
    for act, subject in (
        ("burn", item.subject),
        ("release", "x"),
        ("pause", item.subject),
        ("release", "0" * 64 + "-1"),
    ):
        wrong = f"csrf={token}&act={act}&subject={subject}&reason=looked_at"
        assert console.ask(root, desk.files["li"], "/act", method="POST", body=wrong, headers=form)[0] in (400, 409)
    assert console.ask(root, desk.files["li"], "/act", method="POST", body="x" * 9000, headers=form)[0] == 413
    for path in (
        "/nowhere",
        "/held/..",
        "/held/%2e",
        "/media/slip/NONE",
        "//",
        "/evidence?request=zz",
        "/quarantined/x",
        "/media/receipt/..",
        "/media/statement/WH-0001/" + "0" * 32,
    ):
        assert console.ask(root, desk.files["li"], path)[0] in (400, 404), path
    desk.go_on()
    assert outcomes(desk.ferry) == []
    # Whoever is taken off the half's list is out at once.
    operators = desk.ferry.kit.root / "ferry_high" / "operators.pem"
    operators.write_bytes(b"")
    assert console.ask(root, desk.files["li"])[0] == 403
    assert "zhao" not in console.log_text()


@pytest.mark.timeout(TIMEOUT)
def test_the_low_side_only_looks(desk: Desk) -> None:
    desk.high.end()
    low = ConsoleProcess(desk.authority.layout, desk.ferry.kit.root / "ferry_low", acts=False)
    try:
        status, text = low.ask(desk.authority.root_certificate, desk.files["li"])
        assert status == 200
        assert "只读" in text
        assert "<form" not in text
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = "csrf=x&act=pause&subject=inbound-bulk&reason=maintenance"
        status, _ = low.ask(
            desk.authority.root_certificate, desk.files["li"], "/act", method="POST", body=body, headers=form
        )  # fmt: skip
        assert status == 403
    finally:
        low.end()
