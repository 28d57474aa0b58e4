"""Units take turns in the core: whoever floods it keeps nobody else from the next commit."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from core.intake.backlog import AHEAD, AHEAD_BYTES
from core.intake.grants import GrantChecker
from core.intake.slow_work import SlowWorkers
from core.intake.verify import read_request
from core.intake.work import Work
from core.services.handler import SlowWork
from tests.support.core_people import PLAIN_UNIT, VIP_UNIT
from tests.support.core_world import World, copy_world
from tests.support.machines import NOW_MS
from tests.unit.core.intake.test_loop import sheet
from wire_formats.bundle import MAX_ITEMS, Item
from wire_formats.drop import count_drop
from wire_formats.errors import Unavailable
from wire_formats.request import Batch, parse_header


@pytest.fixture
def core(sqlite_template: World, tmp_path: Path) -> Iterable[World]:
    shutil.copy(sqlite_template.folder / "production.sqlite", tmp_path / "production.sqlite")
    made = copy_world(sqlite_template, tmp_path, f"sqlite:///{tmp_path}/production.sqlite")
    yield made
    made.close()


def identity(item: Item) -> bytes:
    return parse_header(item.header).id


def answered(world: World) -> list[bytes]:
    return [header.request_id for header, _ in world.answers()]


def test_two_thousand_requests_of_one_unit_and_one_of_another(core: World) -> None:
    for _ in range(8):
        core.drop([core.request("vip", "unit.profile", {}) for _ in range(250)])
    last = core.request("plain", "unit.profile", {})
    core.drop([last])
    core.turn()
    first = answered(core)
    assert (len(first), identity(last) in first) == (256, True)
    # Every other bundle has an answer outstanding and lies there still, for a crash.
    assert count_drop(core.folder / "inbox" / "interactive") >= 7
    core.turn(8)
    assert len(answered(core)) == 2_001 - 256
    assert count_drop(core.folder / "inbox" / "interactive") == 0


def test_a_unit_keeps_its_order(core: World) -> None:
    mine = [core.request("vip", "unit.profile", {}) for _ in range(40)]
    theirs = [core.request("plain", "unit.profile", {}) for _ in range(40)]
    for number in range(0, 40, 10):
        core.drop(mine[number : number + 10])
        core.drop(theirs[number : number + 10])
    taken = core.loop._parts.backlog.take("interactive", most=200)
    ids = [work.request.header.id for work in taken]
    for own in (mine, theirs):
        assert [one for one in ids if one in set(map(identity, own))] == list(map(identity, own))
    for end in range(2, 80, 2):
        assert abs(sum(one in set(map(identity, mine)) for one in ids[:end]) - end // 2) <= 1


def test_a_workbook_waits_for_one_chunk_of_another_not_for_all(core: World) -> None:
    core.drop([sheet(core, number, 10) for number in range(1, 11)], "bulk")
    body = {"year": 2026, "rows": [{"row": 1, "id_number": "", "name": "", "wage": 500_000}]}
    other = core.request("plain", "wage.batch", body, batch=Batch(b"o" * 16, 1, 1))
    core.drop([other], "bulk")
    core.turn(2)
    assert identity(other) in answered(core)


def test_what_is_opened_ahead_is_bounded(core: World) -> None:
    for _ in range(12):
        core.drop([core.request("vip", "unit.profile", {}) for _ in range(256)])
    backlog = core.loop._parts.backlog
    backlog.take("interactive", most=1)
    assert AHEAD["interactive"] - 1 <= backlog.waiting("interactive") < AHEAD["interactive"] + MAX_ITEMS
    assert backlog._bytes["interactive"] <= AHEAD_BYTES
    backlog.take("interactive", most=10_000)
    assert backlog._bytes["interactive"] == 0


def test_who_is_asked_for_is_read_off_the_grant_and_nothing_else(core: World) -> None:
    checker = GrantChecker(core.trust)

    def unit(who: str | None, code: str, **changes: Any) -> Any:
        body = {"user_name": "", "password": ""} if code == "account.login" else {}
        return checker.unit_of(
            read_request(core.request(who, code, body, **changes), lane="interactive", now_ms=NOW_MS)
        )

    assert (unit("vip", "unit.profile"), unit("plain", "unit.profile")) == (
        ("unit", str(VIP_UNIT)),
        ("unit", str(PLAIN_UNIT)),
    )
    assert unit("vip", "unit.profile", grant=b"forged") == ("", core.accounts["vip"].certificate)
    assert unit("vip", "account.login") == ("", core.accounts["vip"].certificate)
    assert unit(None, "account.login") == ("", "worker-1")


def test_one_account_does_not_fill_the_places_for_password_work() -> None:
    slow = SlowWorkers(1, 10, lambda: None)
    try:
        flood = 0
        with pytest.raises(Unavailable):
            while True:
                slow.submit(_work(flood), SlowWork("flood", lambda: None))
                flood += 1
        assert flood == 6  # one runs, and as many wait as there are places free
        slow.submit(_work(100), SlowWork("another", lambda: None))
    finally:
        slow.close()


def _work(number: int) -> Work:
    class Header:
        id = number.to_bytes(16, "big")

    class Request:
        header = Header

    request: Any = Request
    bundle: Any = None
    return Work(request, bundle, 0)
