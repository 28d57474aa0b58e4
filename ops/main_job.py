"""The main job: one real wage declaration through the front door, as the unit's clerk would do it.

    sign in with certificate and password (changing the first password) -> declare one employee ->
    upload a workbook of every employee -> follow it -> download the failed rows -> correct them -> upload again

Run as ``python -m ops.main_job ROOT`` against a running installation; prints every step with its time.  With
``--no-workbooks`` it ends after the one employee.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.cli import installation
from ops.visitor.accounts import AccountBook
from ops.visitor.browser import Browser
from ops.visitor.exchange import Answer, File, PageError
from ops.visitor.pages import Page
from ops.visitor.sign_in import sign_in
from ops.visitor.wage_workbook import SERVICE, Roster, careless, read_roster, workbook

LABEL: Final = "unit"
FOLLOW_S: Final = 120
POLL_S: Final = 0.5
_NUMBER: Final = re.compile(r"[0-9][0-9,]*")


@dataclass(slots=True)
class Timeline:
    """Prints steps with the seconds since the first."""

    began: float

    def tell(self, words: str) -> None:
        """Print one step."""
        print(f"  {time.monotonic() - self.began:7.2f} s  {words}", flush=True)


class MainJob:
    """One clerk at the units' window.

    Args:
        browser: with the unit's certificate.
        book: the demo accounts.
        roster: the unit's employees.
        timeline: where steps are told.
    """

    def __init__(self, browser: Browser, book: AccountBook, roster: Roster, timeline: Timeline) -> None:
        self._browser = browser
        self._book = book
        self._roster = roster
        self._tell = timeline.tell

    def declare_one(self) -> None:
        """Sign in and declare one employee, hop by hop.

        Raises:
            PageError: the hall refused something.
            LookupError: a page lacks what it should have.
        """
        self._sign_in()
        self._declare_one()

    def declare_all(self, demo: Path) -> None:
        """Declare everybody by workbook, with mistakes first; the failed rows are left in ``demo``.

        Raises:
            PageError: the hall refused something.
            LookupError: a page lacks what it should have.
        """
        result = self._upload(workbook(careless(self._roster)), "declaration.xlsx")
        failed = [href for href, _ in result.page().links if href.endswith("/failed")]
        if failed:
            rows = self._browser.get(failed[0])
            target = demo / "failed-rows.xlsx"
            target.write_bytes(rows.body)
            self._tell(f"failed rows downloaded: {target} ({len(rows.body):,} bytes)")
            self._upload(workbook(self._roster), "corrected.xlsx")

    def _sign_in(self) -> None:
        first = self._book.account(LABEL)
        if sign_in(self._browser, self._book, LABEL).changed:
            self._tell("first password changed (the list of accounts has the new one)")
        self._tell(f"signed in as {first.user_name} with certificate and password")

    def _declare_one(self) -> None:
        identity, name, wage = self._roster.rows[0]
        form = self._browser.get("/s/wage.declare").page().form("/s/wage.declare")
        typed = {"year": self._roster.year, "id_number": identity, "name": name, "wage": wage}
        checked = self._browser.send(form, {**typed, "action": "check"})
        form = checked.page().form("/s/wage.declare")
        if "submit" not in {value for _, value in form.buttons}:
            raise PageError(f"declaring one employee: {checked.page().problem()}")
        answer = self._browser.send(form, {"action": "submit"})
        self._tell(f"one employee declared, receipt {answer.path.rpartition('/')[2]}")
        page = self._until(answer)
        for element in page.all("li"):
            if element.attributes.get("class", "") in ("done", "here", "past"):
                self._tell("    " + " ".join(element.text.split()))
        self._tell("    state: " + page.state())

    def _upload(self, content: bytes, name: str) -> Answer:
        path = f"/b/{SERVICE}"
        form = self._browser.get(path).page().form(path)
        changes = {"year": self._roster.year} if "year" in form.values else {}
        rows = len(self._roster.rows)
        self._tell(f"uploading {name}: {rows:,} rows, {len(content):,} bytes")
        began = time.monotonic()
        answer = self._browser.upload(form, changes, File("workbook", name, content))
        if answer.path.startswith("/b/"):
            raise PageError(f"uploading {name}: {answer.page().problem()}")
        self._tell(f"    taken, batch {answer.path.rpartition('/')[2]}")
        page = self._until(answer, counts=True)
        took = time.monotonic() - began
        self._tell(f"    {page.heading()} {_counts(page)} after {took:.1f} s")
        return self._browser.get(answer.path)

    def _until(self, answer: Answer, *, counts: bool = False) -> Page:
        """Look at a page again and again until it no longer waits."""
        path, last = answer.path, ""
        end = time.monotonic() + FOLLOW_S
        while answer.waits:
            page = answer.page()
            told = f"{page.heading()} {_counts(page)}" if counts else page.state()
            if told != last and told.strip():
                self._tell(f"    {told}")
                last = told
            if time.monotonic() > end:
                raise PageError(f"{path}: no result after {FOLLOW_S} s; `ferrygate status` shows where it waits")
            time.sleep(POLL_S)
            answer = self._browser.get(f"{path}?auto=1")
        return answer.page()


def _counts(page: Page) -> str:
    names = [" ".join(e.text.split()) for e in page.all("dt")]
    values = [" ".join(e.text.split()) for e in page.all("dd")]
    pairs = zip(names, values, strict=False)
    return ", ".join(f"{name} {value}" for name, value in pairs if _NUMBER.fullmatch(value))


def main(root: Path, *, workbooks: bool) -> int:
    """Do the main job against the installation at ``root``, with or without the workbooks.

    Returns:
        0 when it went through, 1 otherwise.
    """
    layout, found = installation.load(root)
    print("one real declaration through the front door:", flush=True)
    timeline = Timeline(time.monotonic())
    try:
        book = AccountBook(layout.demo)
        browser = Browser(found.hosts[0], found.ports.unit, book.context(LABEL))
        try:
            job = MainJob(browser, book, read_roster(layout.demo / "roster.csv"), timeline)
            job.declare_one()
            if workbooks:
                job.declare_all(layout.demo)
            else:
                print(
                    "  no workbooks: this installation was there already; once it is stopped, `make demo` sends them",
                    flush=True,
                )
        finally:
            browser.close()
    except (PageError, LookupError, OSError, ValueError) as error:
        sys.stderr.write(f"ferrygate: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), workbooks="--no-workbooks" not in sys.argv[2:]))
