"""`ferrygate upgrade` under load, and what it does when the new version is no good; a worker that dies in mid-session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from ops.visitor.accounts import AccountBook
from ops.visitor.browser import Browser
from ops.visitor.exchange import Answer, Body, File, PageError
from ops.visitor.wage_workbook import SERVICE, Roster, read_roster, workbook
from tests.integration.faults.declarations import Load, effects
from tests.support.hall_user import HallUser
from tests.support.whole_system import WholeSystem, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PATH = "/s/wage.declare"
DECLARATIONS = 60
READERS = 3
WORKBOOK_ROWS = 4_000
#: So that the load of one certificate and address stays within what the edge allows them.
PAUSE_S = 0.02


class OnceBrowser(Browser):
    """One that asks nothing twice: a kept connection that is closed without an answer is a failure."""

    def _ask(self, path: str, body: Body | None) -> Answer:
        return self._once(path, body)


class Reader(threading.Thread):
    """A signed-in person who loads pages and saves drafts until told to stop.

    Every third page comes over a new connection, the others over a kept one.
    """

    def __init__(self, system: WholeSystem, user: HallUser) -> None:
        super().__init__(daemon=True)
        port = int(system.found.ports.unit)
        context = AccountBook(system.layout.demo).context(user.label)
        self._browser = OnceBrowser("localhost", port, context)
        self._browser.memory.cookies = user.cookies
        self._going = threading.Event()
        self._going.set()
        self.asked = 0
        self.drafts: list[str] = []
        self.failures: list[str] = []

    def run(self) -> None:
        """Ask, one page after the other."""
        while self._going.is_set():
            self.asked += 1
            try:
                self._one(self.asked)
            except (PageError, LookupError) as error:
                self.failures.append(f"{self.asked}: {error!r}")
            time.sleep(PAUSE_S)
        self._browser.close()

    def stop(self) -> None:
        """Finish the page that is under way, and end."""
        self._going.clear()
        self.join(60)
        assert not self.is_alive()

    def _one(self, number: int) -> None:
        if number % 3 == 0:
            self._browser.close()
        if number % 20 == 10:
            wage = f"{number},x"
            form = self._browser.get(PATH).page().form(PATH)
            saved = self._browser.send(form, {"name": "draft", "wage": wage, "action": "save"})
            if "Draft saved" not in saved.text:
                raise PageError(f"draft: {saved.page().heading()}")
            self.drafts.append(wage)
            return
        path = ("/", "/sent", "/s/unit.profile")[number % 3]
        page = self._browser.get(path)
        if "Sign out" not in page.text:
            raise PageError(f"{path}: no longer signed in")


def upgrade(system: WholeSystem, *names: str) -> subprocess.CompletedProcess[str]:
    """`ferrygate upgrade`, to its end."""
    command = [sys.executable, "-m", "ops", "upgrade", "--root", str(system.root), *names]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@contextmanager
def spoilt(file: Path) -> Iterator[None]:
    """A settings file that a new process cannot use, for a while."""
    text = file.read_text(encoding="utf-8")
    file.write_text(f"unheard_of = 1\n{text}", encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


def front_door(system: WholeSystem) -> dict[str, int]:
    """The processes that an upgrade replaces."""
    names = ("static", *system.found.worker_names, "edge")
    return {name: process["pid"] for name, process in system.processes().items() if name in names}


def restarts(system: WholeSystem) -> dict[str, int]:
    """How often each process has ended by itself."""
    return {name: process["restarts"] for name, process in system.processes().items()}


def test_an_upgrade_under_load_costs_nothing(system: WholeSystem) -> None:
    users = [HallUser(system, label) for label in ("unit", "unit2", "unit", "unit2")]
    for user in users:
        user.sign_in()
    cookies = [dict(user.cookies) for user in users]
    before, others = front_door(system), {name: system.pid(name) for name in ("core", "ferry_low", "ferry_high", "ca")}
    load = Load(system, users[:2], DECLARATIONS)
    readers = [Reader(system, users[number % 2 + 2]) for number in range(READERS)]
    load.start()
    load.permit(DECLARATIONS // 4)
    for reader in readers:
        reader.start()
    until(lambda: all(reader.drafts for reader in readers), within_s=90, what="a draft saved by each")
    load.permit(DECLARATIONS)
    told = upgrade(system)
    after = front_door(system)
    load.join(within_s=60)
    for reader in readers:
        reader.stop()
    load.see_results(within_s=90)

    assert (told.returncode, told.stderr) == (0, "")
    lines = [line.split()[0] for line in told.stdout.splitlines() if " replaced " in line]
    assert lines == ["static", *system.found.worker_names, "edge"]
    assert "not touched: " in told.stdout
    assert all(after[name] != before[name] for name in before)
    assert {name: system.pid(name) for name in others} == others
    assert [reader.failures for reader in readers] == [[]] * READERS
    assert sum(reader.asked for reader in readers) > 300
    assert (load.errors, sum(load.troubles().values())) == ([], 0), load.troubles()
    assert effects(system, load.declarations) == []
    assert {one.state for one in load.declarations} == {"Done", "Accepted, waiting for review"}
    assert [user.cookies for user in users] == cookies
    for number, user in enumerate(users[2:]):
        saved = [wage for reader in readers[number::2] for wage in reader.drafts]
        assert user.get("/drafts").text.count("draft=") >= len(saved)
        assert "Sign out" in user.get("/").text


def test_a_workbook_that_is_being_read_is_read_to_its_end(system: WholeSystem) -> None:
    user = HallUser(system, "unit")
    user.sign_in()
    roster = read_roster(system.layout.demo / "roster.csv")
    rows = tuple(roster.rows[number % len(roster.rows)] for number in range(WORKBOOK_ROWS))
    port = int(system.found.ports.unit)
    browser = OnceBrowser("localhost", port, AccountBook(system.layout.demo).context("unit"))
    browser.memory.cookies = user.cookies
    path = f"/b/{SERVICE}"
    form = browser.get(path).page().form(path)
    taken = browser.upload(form, {}, File("workbook", "wages.xlsx", workbook(Roster(roster.year, rows))))
    browser.close()
    assert taken.waits, "it is still being read"
    for worker in system.found.worker_names:
        os.kill(system.pid(worker), signal.SIGTERM)  # at once, as a replacement does once the successor serves
    read = user.follow(taken.path.partition("?")[0], within_s=120)
    assert f"{WORKBOOK_ROWS:,}" in read.text, read.text


def test_a_new_version_that_cannot_start_leaves_the_old_one_serving(system: WholeSystem) -> None:
    user = HallUser(system, "unit")
    user.sign_in()
    before, crashes = front_door(system), restarts(system)
    last = system.found.worker_names[-1]
    with spoilt(system.layout.settings(last)):
        told = upgrade(system)
        kept = front_door(system)
        assert user.get("/s/unit.profile").status == 200
    assert told.returncode == 1
    assert f"upgrade stopped at {last}: " in told.stderr
    assert "unheard_of" in told.stderr
    assert "the old one serves on" in told.stderr
    assert "not begun: edge" in told.stderr
    assert {name for name in before if kept[name] == before[name]} == {last, "edge"}
    with spoilt(system.layout.settings("edge")):
        told = upgrade(system, "edge")
        assert user.get("/").status == 200
    assert told.returncode == 1
    assert system.pid("edge") == before["edge"]
    assert upgrade(system, last, "edge").returncode == 0
    assert restarts(system) == crashes
    assert user.get("/s/unit.profile").status == 200


def test_one_upgrade_at_a_time(system: WholeSystem) -> None:
    command = [sys.executable, "-m", "ops", "upgrade", "--root", str(system.root), "worker"]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline().split()[1] == "replaced"
    first.send_signal(signal.SIGSTOP)  # or it may be over before the second one has begun
    try:
        second = upgrade(system)
    finally:
        first.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert "another `ferrygate upgrade` is under way" in second.stderr
    assert first.wait(120) == 0
    first.stdout.close()
    unknown = upgrade(system, "worker-77")
    assert (unknown.returncode, "no process worker-77 here" in unknown.stderr) == (2, True)


def test_the_core_is_upgraded_when_it_is_named(system: WholeSystem) -> None:
    before = system.pid("core")
    told = upgrade(system, "core")
    assert (told.returncode, system.pid("core") != before) == (0, True)
    assert "waited in files" in told.stdout


def test_the_supervisor_stops_in_the_middle(system: WholeSystem) -> None:
    command = [sys.executable, "-m", "ops", "upgrade", "--root", str(system.root), "worker"]
    told = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert told.stdout is not None
    assert told.stdout.readline().split()[1] == "replaced"
    system.stop()
    _, why = told.communicate(timeout=120)
    assert told.returncode == 1
    assert "upgrade stopped at worker-2: " in why
    system.start()
    assert upgrade(system, "worker-1").returncode == 0


def _missed(system: WholeSystem, name: str, pid: int) -> bool:
    return system.pid(name) != pid


def test_a_session_outlives_the_worker_that_served_it(system: WholeSystem) -> None:
    user = HallUser(system, "unit")
    user.sign_in()
    cookies = dict(user.cookies)
    form = user.get(PATH).page().form(PATH)
    assert "Draft saved" in user.send(form, {"name": "draft", "wage": "1", "action": "save"}).text
    for worker in system.found.worker_names:
        killed = system.kill(worker)  # one of them has served this person; the next request goes to another one
        page = user.get("/s/unit.profile")
        assert (page.status, "Sign out" in page.text) == (200, True)
        # Until its death has been seen, the supervisor still tells that it is healthy.
        until(partial(_missed, system, worker, killed), within_s=60, what="its death seen")
        system.wait_healthy()
    assert user.cookies == cookies
    assert "draft=" in user.get("/drafts").text
