"""One visit -> one reply.  Runs in a thread; what a visitor can cause becomes a page here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from twisted.logger import Logger

from ferry.acts.act import (
    ACTS,
    BY_TWO,
    LANE_SUBJECT,
    REASONS,
    RELEASE,
    Act,
    Shown,
    countersign_act,
)
from ferry.acts.desk import ActDesk
from ferry.acts.held import HeldItem
from ferry.acts.ledger import Line
from ferry.acts.view import view_bundle
from ferry.console.media_pages import MediaPages
from ferry.console.renderer import Renderer
from ferry.console.samples import Samples
from ferry.console.settings import ConsoleSettings
from ferry.console.visit import Visit, redirect
from ferry.journal_search import MOST_ROWS, Sought, search_journal
from ferry.lane.crossing import State
from ferry.set_aside import SetAsideShelf
from ferry.shelves import SUBJECT
from ferry.witness.evidence_desk import evidence_of_request
from wire_formats.errors import Bug, HallError, Kind, PeerError, Refused, Unavailable
from wire_formats.ids import parse_request_id
from wire_formats.inner_web.replies import Reply
from wire_formats.instants import MINUTE_MS
from wire_formats.suites import SigningKey
from wire_formats.tlog.evidence import format_evidence
from wire_formats.trust import TrustStore

_HELD_PAGE: Final = re.compile(f"/held/({SUBJECT.pattern})", re.ASCII)
_SET_ASIDE_PAGE: Final = re.compile(f"/quarantined/({SUBJECT.pattern})", re.ASCII)
_NOTES: Final = frozenset({"said", "paused"})
_DIGITS: Final = re.compile("[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True)
class ConsoleParts:
    """What the pages work with.

    Attributes:
        settings: paths of the half.
        samples: its status.
        desk: its held bundles and acts.
        key: the console's own key; None where it only looks.
        machines: to verify evidence.
        renderer: writes pages.
    """

    settings: ConsoleSettings
    samples: Samples
    desk: ActDesk
    key: SigningKey | None
    machines: Callable[[], TrustStore]
    renderer: Renderer


class ConsolePages:
    """The console's pages behind one function.

    Args:
        parts: what they work with.
    """

    _log = Logger()

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts
        self._set_aside = SetAsideShelf(parts.settings.quarantine)
        self._media = MediaPages(parts.settings, parts.key, self._page)
        self._pages: dict[str, Callable[[Visit], Reply]] = {
            "/": self._lanes,
            "/held": self._held,
            "/quarantined": self._quarantined,
            "/journal": self._journal,
            "/log": self._ledger,
            "/evidence": self._evidence,
        }

    def answer(self, visit: Visit) -> Reply:
        """Answer a visit; never raises for what a visitor can cause."""
        try:
            if (reply := self._media.answer(visit)) is not None:
                return reply
            if visit.method == "POST":
                return self._act(visit)
            page = self._pages.get(visit.path)
            if page is not None:
                return page(visit)
            if (match := _HELD_PAGE.fullmatch(visit.path)) is not None:
                return self._held_one(visit, match[1])
            if (match := _SET_ASIDE_PAGE.fullmatch(visit.path)) is not None:
                return self._quarantined_one(visit, match[1])
            raise Refused(Kind.NOT_FOUND, "no such page")
        except HallError as error:
            self._log.info("console_refused", code=error.code, reason=error.private, method=visit.method)
            return self._parts.renderer.error(visit, error)

    @property
    def _half(self) -> str:
        return self._parts.settings.half

    def _page(self, visit: Visit, template: str, **model: object) -> Reply:
        parts = self._parts
        around = {"half": self._half, "acts": parts.key is not None, "media": parts.settings.media is not None}
        return parts.renderer.page(visit, template, {**around, **model})

    def _lanes(self, visit: Visit) -> Reply:
        samples = self._parts.samples
        plots = {
            name: (samples.rates(name), samples.waits(name), samples.credits(name))
            for name in (f"{lane['way']}-{lane['lane']}" for lane in samples.told.get("lanes", ()))
        }
        return self._page(
            visit, "lanes.html", told=samples.told, plots=plots, alarms=list(samples.alarms(visit.now_ms)),
            stale=samples.stale(visit.now_ms), reasons=REASONS, note=_note(visit),
        )  # fmt: skip

    def _held(self, visit: Visit) -> Reply:
        desk = self._parts.desk
        items = [(item, self._waiting(item, visit.now_ms)) for item in desk.shelf.items()]
        return self._page(visit, "held.html", items=items, note=_note(visit))

    def _held_one(self, visit: Visit, subject: str) -> Reply:
        desk = self._parts.desk
        item = desk.shelf.find(subject)
        lines = _or_nothing(lambda: desk.lines(subject=subject))
        if item is None and not lines:
            raise Refused(Kind.NOT_FOUND, "no such held bundle")
        view, waiting = None, []
        if item is not None:
            try:
                view = view_bundle(desk.shelf.read(item))
            except FileNotFoundError:
                item = None
            waiting = self._waiting(item, visit.now_ms) if item is not None else []
        return self._page(
            visit, "held_one.html", item=item, subject=subject, view=view, lines=lines, waiting=waiting,
            reasons=REASONS, note=_note(visit), most=MOST_ROWS,
        )  # fmt: skip

    def _waiting(self, item: HeldItem, now_ms: int) -> list[Line]:
        return _or_nothing(lambda: self._parts.desk.waiting(item.subject, now_ms=now_ms))

    def _quarantined(self, visit: Visit) -> Reply:
        number = visit.query.get("page", "1")
        page = self._set_aside.page(int(number) if _DIGITS.fullmatch(number) else 1)
        return self._page(visit, "quarantined.html", found=page)

    def _quarantined_one(self, visit: Visit, subject: str) -> Reply:
        item = next(iter(self._set_aside.named(subject)), None)
        if item is None:
            raise Refused(Kind.NOT_FOUND, "no such quarantined bundle")
        return self._page(visit, "quarantined_one.html", item=item)

    def _journal(self, visit: Visit) -> Reply:
        query = visit.query
        asked = {name: query.get(name, "").strip() for name in ("request", "digest", "state", "minutes")}
        rows, trouble = None, ""
        if any(asked.values()):
            try:
                rows = search_journal(
                    self._parts.settings.journal, self._parts.settings.crossings, _sought(asked, visit.now_ms)
                )
            except (PeerError, Unavailable) as error:
                trouble = error.private
        return self._page(
            visit, "journal.html", asked=asked, rows=rows, trouble=trouble, states=list(State), most=MOST_ROWS
        )

    def _ledger(self, visit: Visit) -> Reply:
        desk = self._parts.desk
        count, broken = 0, ""
        try:
            count = desk.verify()
        except Bug as error:
            broken = error.private
        return self._page(visit, "log.html", lines=desk.lines(), count=count, broken=broken)

    def _evidence(self, visit: Visit) -> Reply:
        request = parse_request_id(visit.query.get("request", ""))
        answer = visit.query.get("answer") == "yes"
        try:
            given = evidence_of_request(self._parts.settings.crossings, request, self._parts.machines(), answer=answer)
        except PeerError as error:
            self._log.info("evidence_refused", reason=error.private)
            return self._page(
                visit, "journal.html", asked={"request": request.hex(), "digest": "", "state": "", "minutes": ""},
                rows=None, trouble=error.private, states=list(State), most=MOST_ROWS,
            )  # fmt: skip
        name = f"{request.hex()}-{'answer' if answer else 'request'}.evidence"
        disposition = ("Content-Disposition", f'attachment; filename="{name}"')
        return Reply(200, format_evidence(given.evidence), (("Content-Type", "application/octet-stream"), disposition))

    def _act(self, visit: Visit) -> Reply:
        """Vouch for what an operator says; the half decides.

        Raises:
            Refused: the console only looks, or the form is not ours.
            PeerError: the form is not one of these pages'.
            Unavailable: the act cannot be put before the half now.
        """
        parts, operator = self._parts, visit.operator
        if parts.key is None or operator is None:
            raise Refused(Kind.NO_RIGHT, "this console only looks")
        if visit.path != "/act":
            raise Refused(Kind.METHOD_NOT_ALLOWED, "nothing to send there")
        act, subject, reason = (visit.form.get(name, "") for name in ("act", "subject", "reason"))
        pattern = SUBJECT if act in BY_TWO else LANE_SUBJECT
        if act not in ACTS or reason not in REASONS or not pattern.fullmatch(subject):
            raise PeerError(Kind.BAD_HTTP, "no such act")
        item = parts.desk.shelf.find(subject) if act in BY_TWO else None
        if act in BY_TWO and (item is None or (act == RELEASE and not item.releasable)):
            raise Refused(Kind.CONFLICT, "no such held bundle, or it cannot be released")
        said = Act(act, self._half, subject, reason, visit.now_ms)
        try:
            parts.desk.put(countersign_act(said, Shown(operator.kid, visit.serial), parts.key), now_ms=visit.now_ms)
        except FileNotFoundError:
            raise Unavailable(Kind.BUSY, "the half has never run", 5) from None
        self._log.info("console_act", stage=act, operator=operator.name, serial=f"{visit.serial:x}", reason=reason)
        return redirect(f"/held/{subject}?note=said" if act in BY_TWO else "/?note=paused")


def _sought(asked: Mapping[str, str], now_ms: int) -> Sought:
    minutes = asked["minutes"]
    since = now_ms - int(minutes) * MINUTE_MS if _DIGITS.fullmatch(minutes) else 0
    return Sought(
        asked["state"], asked["digest"], since, 0, parse_request_id(asked["request"]) if asked["request"] else b""
    )


def _note(visit: Visit) -> str:
    note = visit.query.get("note", "")
    return note if note in _NOTES else ""


def _or_nothing(look: Callable[[], list[Line]]) -> list[Line]:
    """A half that never ran has no ledger, and nobody has said anything."""
    try:
        return look()
    except Unavailable:
        return []
