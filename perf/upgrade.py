"""`ferrygate upgrade` under load: what people who are at work notice of it, which should be nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Final

import gevent

from ops.visitor.browser import Browser
from ops.visitor.exchange import Answer, Body, PageError
from ops.visitor.sign_in import sign_in
from perf.figures import measure, milliseconds, show
from perf.hall import HOST, Hall

USERS: Final = 16
LEAST_REQUESTS: Final = 20_000
LEAST_UPGRADES: Final = 2
#: Every so many requests one comes over a new connection, one saves a draft.
NEW_CONNECTION_EVERY: Final = 10
DRAFT_EVERY: Final = 200
MOST_DRAFTS: Final = 3
PAGES: Final = ("/", "/sent", "/s/unit.profile")
_FORM: Final = "/s/wage.declare"


class OnceBrowser(Browser):
    """One that asks nothing twice: a kept connection that is closed without an answer is a failure."""

    def _ask(self, path: str, body: Body | None) -> Answer:
        return self._once(path, body)


@dataclass(slots=True)
class Person:
    """Somebody who is signed in and works until told to stop."""

    browser: OnceBrowser
    asked: int = 0
    drafts: int = 0
    taken: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    going: bool = True

    def work(self) -> None:
        """Ask, one request after the other."""
        while self.going:
            if self.asked % NEW_CONNECTION_EVERY == 0:
                self.browser.close()
            began = time.perf_counter()
            try:
                if self.asked % DRAFT_EVERY == DRAFT_EVERY // 2 and self.drafts < MOST_DRAFTS:
                    self.asked += 1
                    self._save_draft()
                self._load_page(PAGES[self.asked % len(PAGES)])
            except PageError as error:
                self.failures.append(str(error))
            self.asked += 1
            self.taken.append(time.perf_counter() - began)

    def _load_page(self, path: str) -> None:
        if "Sign out" not in self.browser.get(path).text:
            raise PageError(f"{path}: no longer signed in")

    def _save_draft(self) -> None:
        form = self.browser.get(_FORM).page().form(_FORM)
        self.asked += 1
        if "Draft saved" not in self.browser.send(form, {"name": "draft", "action": "save"}).text:
            raise PageError("draft not saved")
        self.drafts += 1


def upgrade(hall: Hall) -> None:
    """Upgrade again and again while people work, until they have asked often enough."""
    people = [_person(hall, label) for label in _labels(hall)]
    sessions = [dict(person.browser.memory.cookies) for person in people]
    began = time.perf_counter()
    working = [gevent.spawn(person.work) for person in people]
    gevent.sleep(1.0)
    took: list[float] = []
    while len(took) < LEAST_UPGRADES or _asked(people) < LEAST_REQUESTS:
        started = time.perf_counter()
        told = subprocess.run(
            [sys.executable, "-m", "ops", "upgrade", "--root", str(hall.root)],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode:
            show("upgrade failed", told.stderr)
            break
        took.append(time.perf_counter() - started)
    for person in people:
        person.going = False
    gevent.joinall(working)
    seconds = time.perf_counter() - began
    _show(people, sessions, took, seconds)


def _show(people: list[Person], sessions: list[dict[str, str]], took: list[float], seconds: float) -> None:
    failures = [failure for person in people for failure in person.failures]
    kept = sum(person.browser.memory.cookies == before for person, before in zip(people, sessions, strict=True))
    drafts = sum(person.drafts for person in people)
    there = sum(min(person.drafts, person.browser.get("/drafts").text.count("draft=")) for person in people)
    show("upgrades of static, all workers and the edge", ", ".join(f"{one:.1f} s" for one in took))
    show("  asked meanwhile", f"{_asked(people)} requests, {_asked(people) / seconds:.0f}/s by {len(people)} people")
    show("  a page then", milliseconds([one for person in people for one in person.taken]))
    measure("  requests", _asked(people), "", at_least=LEAST_REQUESTS)
    show("  failed (target 0)", f"{len(failures)}")
    show("  sessions lost (target 0)", f"{len(people) - kept} of {len(people)}")
    show("  drafts lost (target 0)", f"{drafts - there} of {drafts}")
    for failure in failures[:10]:
        show("    ", failure)


def _labels(hall: Hall) -> list[str]:
    labels = [label for label in hall.accounts.labels() if label.startswith("operator-")] or ["unit"]
    return [labels[number % len(labels)] for number in range(USERS)]


def _person(hall: Hall, label: str) -> Person:
    browser = OnceBrowser(HOST, hall.ports[hall.accounts.account(label).window], hall.accounts.context(label))
    sign_in(browser, hall.accounts, label)
    return Person(browser)


def _asked(people: list[Person]) -> int:
    return sum(person.asked for person in people)
