"""The quarantine as people see it: from its notices only, newest first, in pages; and words for every reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from ferry.acts.texts import WHY_HELD, detail_words
from ferry.lane.checks import LaneId
from ferry.lane.crossing import State
from ferry.lane.reasons import HELD, Reason
from ferry.metrics import FerryMetrics
from ferry.quarantine import Quarantine
from ferry.set_aside import SetAsideShelf
from ferry.set_aside_texts import WHY_SET_ASIDE, what_now
from tests.support.ferry_kit import SetClock
from wire_formats.drop import DropName

LANE = LaneId("inbound", "bulk")


@pytest.fixture
def clock() -> SetClock:
    return SetClock(1_700_000_000_000)


def filled(folder: Path, clock: SetClock, count: int) -> SetAsideShelf:
    metrics = FerryMetrics(CollectorRegistry(), [LANE])
    quarantine = Quarantine(folder, most_files=1000, most_bytes=1 << 30, clock=clock, metrics=metrics)
    quarantine.prepare()
    for number in range(count):
        clock.ms += 1000
        quarantine.add(Reason.BAD_SIGNATURE, LANE, b"wrong %d" % number)
    quarantine.add(Reason.POISON, LANE, b"held")
    return SetAsideShelf(folder)


def test_newest_first_and_in_pages(tmp_path: Path, clock: SetClock) -> None:
    shelf = filled(tmp_path, clock, 7)
    first, last, beyond = shelf.page(1, size=3), shelf.page(3, size=3), shelf.page(99, size=3)
    assert (first.page, first.pages, first.total) == (1, 3, 7)
    assert [item.at_ms for item in first.items] == [clock.ms, clock.ms - 1000, clock.ms - 2000]
    assert len(last.items) == 1
    assert beyond == last
    assert {item.reason for item in first.items} == {Reason.BAD_SIGNATURE}
    assert shelf.page(0, size=3) == first


def test_one_by_its_digest(tmp_path: Path, clock: SetClock) -> None:
    shelf = filled(tmp_path, clock, 3)
    item = shelf.page().items[1]
    assert shelf.named(item.digest[:6]) == [item]
    assert shelf.named(item.subject) == [item]
    assert shelf.named(item.digest[:5]) == []
    assert shelf.named("f" * 64 + "-1") == []
    assert (item.size, item.lane, item.kept) == (7, LANE, True)


def test_contents_are_never_read_and_what_is_strange_is_passed_over(tmp_path: Path, clock: SetClock) -> None:
    shelf = filled(tmp_path, clock, 2)
    for path in shelf.folder.glob("*.bundle"):
        path.unlink()
    (shelf.folder / "no name.notice").write_text("{}")
    notice = sorted(shelf.folder.glob("*-*.notice"))[0]
    said = json.loads(notice.read_text())
    for wrong in ({"reason": "poison"}, {"lane": "<b>"}, {"sha256": "x"}, {"bytes": "many"}):
        notice.write_text(json.dumps(said | wrong))
        assert len(shelf.page().items) == 1
    notice.write_bytes(b"\xff" * 10_000)
    page = shelf.page()
    assert (len(page.items), page.total) == (1, 2)
    assert not page.items[0].kept


def test_what_cannot_be_read_is_known_by_its_reason_and_name(tmp_path: Path, clock: SetClock) -> None:
    metrics = FerryMetrics(CollectorRegistry(), [LANE])
    quarantine = Quarantine(tmp_path, most_files=1000, most_bytes=1 << 30, clock=clock, metrics=metrics)
    quarantine.prepare()
    ours, strange = DropName(7, 1, "worker-1"), "..a name \udcff of nobody"
    for reason, file in (
        (Reason.EMPTY, ours), (Reason.TOO_LARGE, ours), (Reason.EMPTY, replace(ours, sequence=2)),
        (Reason.BAD_NAME, strange), (Reason.EMPTY, ours), (Reason.BAD_NAME, strange),
    ):  # fmt: skip
        clock.ms += 1000
        quarantine.add(reason, LANE, b"", file=file)
    items = SetAsideShelf(tmp_path).page().items
    assert [(item.reason, item.file) for item in reversed(items)] == [
        (Reason.EMPTY, str(ours)), (Reason.TOO_LARGE, str(ours)), (Reason.EMPTY, str(replace(ours, sequence=2))),
        (Reason.BAD_NAME, ""),
    ]  # fmt: skip
    assert all(item.no_bytes and not item.kept and item.size == 0 for item in items)
    assert not any("nobody" in path.read_text() for path in tmp_path.rglob("*.notice"))
    again = Quarantine(tmp_path, most_files=1000, most_bytes=1 << 30, clock=clock, metrics=metrics)
    again.prepare()
    again.add(Reason.TOO_LARGE, LANE, b"", file=ours)
    assert SetAsideShelf(tmp_path).page().items == items


def test_a_half_that_has_never_run_has_an_empty_one(tmp_path: Path) -> None:
    page = SetAsideShelf(tmp_path / "none").page()
    assert (page.items, page.page, page.pages, page.total) == ([], 1, 1, 0)


def test_every_reason_has_words() -> None:
    assert set(WHY_SET_ASIDE) == set(Reason) - HELD
    assert set(WHY_HELD) == set(HELD)
    for reason in WHY_SET_ASIDE:
        assert what_now(reason).zh
        assert WHY_SET_ASIDE[reason].zh != WHY_SET_ASIDE[reason].en


@pytest.mark.parametrize(
    ("detail", "chinese"),
    [
        ("one operator twice", "同一操作员表态两次"),
        ("no such held bundle", "没有这个待审数据包"),
        ("this half has no such lane", "本侧没有这条通道"),
        ("strictly one way: pause it at the sending end", "严格单向，只能在发送侧暂停"),
        ("author_conflict cannot be released", f"不可放行：{WHY_HELD[Reason.AUTHOR_CONFLICT].zh}"),
        ("rejected, bytes not kept", "已永久拒绝，内容未留存（拒绝区已满）"),
        (State.ACKED.value, "此前已处理：已确认"),
        ("released", "已放行，重新经过全部检查"),
        ("something of a later version", "something of a later version"),
        ("", ""),
    ],
)
def test_what_became_of_an_act_in_chinese(detail: str, chinese: str) -> None:
    assert detail_words(detail).zh == chinese
