"""`ferrygate ferry held | pause | resume | log | lanes | journal`: what gatekeeper operators look at and do (守闸).

Acts are signed here with the operator's own key and put where the half reads them; the half decides.  Looking needs
no key.  Works whether or not the half runs; a running one reads an act within a second.
"""

from __future__ import annotations

import argparse
import getpass
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from ferry.acts.act import LANE_SUBJECT, PAUSE, REJECT, RELEASE, RESUME, Act, sign_act
from ferry.acts.desk import ActDesk, open_act_desk
from ferry.acts.held import HeldItem
from ferry.acts.ledger import Line
from ferry.acts.texts import OUTCOMES, REASON_WORDS, STATE_WORDS, WHY_HELD, detail_words
from ferry.acts.view import BundleView, view_bundle
from ferry.journal_search import MOST_ROWS, Sought, search_journal
from ferry.lane.crossing import State
from ferry.set_aside import SetAsideShelf
from ferry.set_aside_texts import WHY_SET_ASIDE, what_now
from ops.cli.faults import CannotRunError
from ops.cli.ferry_acts_words import parser
from ops.cli.ferry_half import half_settings, sides
from ops.cli.table import duration, render
from ops.cli.users import check_user
from ops.operators.asking import signing_keys
from ops.runtime.clock import SystemClock
from wire_formats.errors import HallError, PeerError
from wire_formats.ids import parse_request_id
from wire_formats.instants import iso, local_minute

MOST_STATUS_BYTES: Final = 1 << 20
_ACTS: Final = {"release": RELEASE, "reject": REJECT, "pause": PAUSE, "resume": RESUME}


def acts(words: Sequence[str]) -> int:
    """Run one word and print its lines.

    Raises:
        CannotRunError: it cannot be done as asked; the line says why.
        SettingsError: the half's settings cannot be used.
    """
    asked = parser().parse_args(words)
    try:
        lines = list(_WORDS[asked.word](asked))
    except HallError as error:
        raise CannotRunError(f"{error.private} ({error.code})") from None
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}") from None
    print("\n".join(lines))
    return 0


def _held(asked: argparse.Namespace) -> Iterator[str]:
    if asked.held_word == "list":
        yield from _held_list(asked)
        return
    desk = open_act_desk(half_settings(asked.root, asked.side))
    item = _one(desk, asked.item)
    if asked.held_word == "show":
        yield from _held_show(desk, item)
        return
    act = _ACTS[asked.held_word]
    if act == RELEASE and not item.releasable:
        raise CannotRunError(f"{WHY_HELD[item.reason].en}: it cannot be released, only rejected (docs/gatekeeper.md)")
    yield from _sign(desk, act, item.subject, asked)
    yield "two different operators are needed; `ferrygate ferry held list` tells how far it is"


def _held_list(asked: argparse.Namespace) -> Iterator[str]:
    rows = []
    now_ms = SystemClock().now_ms()
    for side in sides(asked.root, asked.side):
        desk = open_act_desk(half_settings(asked.root, side))
        for item in desk.shelf.items():
            said = [f"{line.act} by {line.operator}" for line in _said(desk, item, now_ms)]
            why = WHY_HELD[item.reason]
            rows.append(
                (
                    side, item.digest[:12], f"{item.lane.direction} {item.lane.lane}", f"{why.en} {why.zh}",
                    local_minute(item.held_ms), f"{item.size:,}", ", ".join(said) or "-",
                )
            )  # fmt: skip
    if not rows:
        yield "nothing is held (无待审数据包)"
        return
    yield render(("side", "digest", "lane", "why", "since", "bytes", "said so far"), rows)


def _said(desk: ActDesk, item: HeldItem, now_ms: int) -> list[Line]:
    try:
        return desk.waiting(item.subject, now_ms=now_ms)
    except HallError:
        return []


def _held_show(desk: ActDesk, item: HeldItem) -> Iterator[str]:
    why = WHY_HELD[item.reason]
    yield f"held by {desk.name} since {iso(item.held_ms)}: {why.en} ({why.zh})"
    yield f"lane {item.lane.direction} {item.lane.lane}, {item.size:,} bytes"
    yield f"digest {item.digest}"
    yield (
        "may be released or rejected by two operators" if item.releasable else "may only be rejected, by two operators"
    )
    yield from _view_lines(view_bundle(desk.shelf.read(item)))
    for line in desk.lines(subject=item.subject):
        said = f"{line.act} {line.outcome} by {line.operator} ({line.way})"
        yield f"{iso(line.at_ms)}  {said} {line.reason} {line.detail}".rstrip()


def _view_lines(view: BundleView) -> Iterator[str]:
    if view.trouble:
        yield f"cannot be read: {view.trouble}"
        return
    for number, seal in enumerate(view.seals):
        who = "author" if number == 0 else "crossing"
        yield (
            f"seal of the {who}: key {seal.kid[:16]}, number {seal.sequence} of epoch {seal.epoch}, "
            f"{seal.items} items, {iso(seal.made_ms)}"
        )
    rows = [
        (
            one.request_id or "-", one.trouble or f"{one.service} v{one.version}", one.worker or "-",
            iso(one.made_ms) if one.made_ms else "-", f"{one.size:,}", one.status or "-",
        )
        for one in view.items
    ]  # fmt: skip
    yield render(("request", "service", "worker", "made", "bytes", "status"), rows)
    yield "contents stay sealed: nothing personal is shown (不显示任何个人内容)"


def _pause(asked: argparse.Namespace) -> Iterator[str]:
    if not LANE_SUBJECT.fullmatch(asked.lane):
        raise CannotRunError("a lane is inbound-interactive, inbound-bulk, outbound-interactive or outbound-bulk")
    side = asked.side or ("low" if asked.lane.startswith("inbound") else "high")
    yield from _sign(open_act_desk(half_settings(asked.root, side)), _ACTS[asked.word], asked.lane, asked)
    yield f"the half does it within a second; `ferrygate ferry log --side {side}` tells what came of it (操作记录)"


def _sign(desk: ActDesk, act: str, subject: str, asked: argparse.Namespace) -> Iterator[str]:
    check_user(desk.acts.folder, "the acts", "the ferry")
    now_ms = SystemClock().now_ms()
    said = Act(act, desk.name, subject, asked.reason, now_ms)
    for key in signing_keys([asked.key], getpass.getpass, input):
        desk.put(sign_act(said, key), now_ms=now_ms)
    yield f"{act} {subject[:24]}: signed and put before {desk.name} ({REASON_WORDS[asked.reason].zh})"


def _one(desk: ActDesk, text: str) -> HeldItem:
    found = desk.named(text)
    if len(found) != 1:
        what = "no held bundle" if not found else "more than one held bundle"
        raise CannotRunError(f"{what} has a digest that begins with '{text[:64]}' (at least 6 digits)")
    return found[0]


def _log(asked: argparse.Namespace) -> Iterator[str]:
    desk = open_act_desk(half_settings(asked.root, asked.side))
    count = desk.verify()
    rows = [
        (
            str(line.position), iso(line.at_ms), line.act, line.subject[:24], line.reason or "-",
            line.operator or "-", line.way, f"{line.outcome} {OUTCOMES[line.outcome].zh}", _detail(line),
        )
        for line in desk.lines(most=asked.most)
    ]  # fmt: skip
    if rows:
        yield render(("no.", "when", "act", "about", "reason", "by", "way", "outcome", "detail"), rows)
    yield f"{count} lines, unbroken (操作记录完整)"


def _detail(line: Line) -> str:
    told = detail_words(line.detail)
    return (told.en if told.en == told.zh else f"{told.en} {told.zh}") or "-"


def _lanes(asked: argparse.Namespace) -> Iterator[str]:
    rows = []
    for side in sides(asked.root, asked.side):
        settings = half_settings(asked.root, side)
        told = json.loads(settings.status.read_bytes()[:MOST_STATUS_BYTES])
        age_ms = max(0, SystemClock().now_ms() - told["at_ms"])
        yield (
            f"{told['half']}: {duration(age_ms)} ago, {told['held']} held, {told['quarantined']} quarantined"
            + ("" if age_ms < 10_000 else "; this half does not run now")
        )
        rows += [
            (
                side, f"{one['way']}-{one['lane']}", one["role"], "paused 已暂停" if one.get("paused") else one["link"],
                str(one["mark"]), str(one["gaps"]), str(one["waiting"]),
                str(one["unacknowledged"]), _credits(one), f"{one['oldest_s']:.1f}", f"{one['heard_s']:.1f}",
                one["blocked"] or "-",
            )
            for one in told["lanes"]
        ]  # fmt: skip
    head = (
        "side",
        "lane",
        "role",
        "link",
        "number",
        "gaps",
        "waiting",
        "unacked",
        "credits",
        "oldest s",
        "heard s",
        "blocked",
    )
    yield render(head, rows)


def _credits(lane: Mapping[str, Any]) -> str:
    return f"{lane['credits_used']}/{lane['credits']}" if lane.get("credits") else "-"


def _quarantined(asked: argparse.Namespace) -> Iterator[str]:
    if asked.quarantined_word == "show":
        yield from _quarantined_show(asked)
        return
    rows = []
    for side in sides(asked.root, asked.side):
        found = SetAsideShelf(half_settings(asked.root, side).quarantine).page(asked.page)
        yield f"{side}: {found.total} quarantined, page {found.page} of {found.pages} (隔离)"
        rows += [
            (
                side, item.digest[:12], f"{item.lane.direction} {item.lane.lane}",
                f"{WHY_SET_ASIDE[item.reason].en} {WHY_SET_ASIDE[item.reason].zh}", local_minute(item.at_ms),
                f"{item.size:,}",
            )
            for item in found.items
        ]  # fmt: skip
    if rows:
        yield render(("side", "digest", "lane", "why", "since", "bytes"), rows)


def _quarantined_show(asked: argparse.Namespace) -> Iterator[str]:
    settings = half_settings(asked.root, asked.side)
    found = SetAsideShelf(settings.quarantine).named(asked.item)
    if not found:
        raise CannotRunError(
            f"no quarantined bundle has a digest that begins with '{asked.item[:64]}' (6 digits or more)"
        )
    for item in found:
        why, now = WHY_SET_ASIDE[item.reason], what_now(item.reason)
        yield f"quarantined since {iso(item.at_ms)}: {why.en} ({why.zh}; {item.reason.value})"
        kept = "nothing to keep" if item.no_bytes else ("kept" if item.kept else "not kept")
        yield f"lane {item.lane.direction} {item.lane.lane}, {item.size:,} bytes, {kept}"
        yield f"{'digest of reason and file name' if item.no_bytes else 'digest'} {item.digest}"
        if item.file:
            yield f"file name {item.file}"
        yield f"{now.en} {now.zh}"
    yield "it is never sent on; contents are not shown (永不放行，不显示内容)"


def _journal(asked: argparse.Namespace) -> Iterator[str]:
    settings = half_settings(asked.root, asked.side)
    sought = Sought(asked.state, asked.digest, asked.since, asked.until, _request(asked.request))
    found = search_journal(settings.journal, settings.crossings_folder, sought, most=asked.most)
    rows = [
        (
            str(row.id), row.way, f"{row.direction}-{row.lane}", f"{row.state} {STATE_WORDS[State(row.state)].zh}",
            row.reason or "-", f"{row.epoch or '-'}/{row.sequence or '-'}", str(row.items), f"{row.size:,}",
            iso(row.changed_ms), row.digest[:16],
        )
        for row in found
    ]  # fmt: skip
    if not rows:
        yield "nothing in this half's journal fits (无匹配记录)"
        return
    yield render(("no.", "way", "lane", "state", "why", "epoch/number", "items", "bytes", "changed", "digest"), rows)
    if len(rows) == asked.most:
        yield f"only the newest {asked.most} are shown; narrow the search, or --most (up to {MOST_ROWS * 50})"


def _request(text: str) -> bytes:
    if not text:
        return b""
    try:
        return parse_request_id(text)
    except PeerError:
        raise CannotRunError(f"'{text[:40]}' is neither a request's id (32 digits) nor a receipt number") from None


_WORDS: Final[dict[str, Callable[[argparse.Namespace], Iterator[str]]]] = {
    "held": _held,
    "quarantined": _quarantined,
    "pause": _pause,
    "resume": _pause,
    "log": _log,
    "lanes": _lanes,
    "journal": _journal,
}
