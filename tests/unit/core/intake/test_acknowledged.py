"""What was acknowledged to a user stays good: a grant is judged at the instant a transaction was made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.core_world import World
from tests.support.machines import MachineAuthority
from wire_formats.answer import AnswerStatus
from wire_formats.bundle import Item
from wire_formats.canonical import Json
from wire_formats.deny_list import FIRST, DenyIncrement, sign_increment
from wire_formats.drop import DropName, count_drop, write_drop
from wire_formats.errors import Kind
from wire_formats.ids import reference_number

HOUR_MS = 3_600_000
LIFE_MS = 24 * HOUR_MS


def _withdraw(world: World, **changes: Any) -> Item:
    """A transaction that needs nothing but a grant; it names a case that does not exist."""
    body: dict[str, Json] = {"reference": reference_number(bytes(16))}
    return world.request("vip", "case.withdraw", body, **changes)


def _verdict(world: World, item: Item) -> Kind | None:
    world.drop([item])
    world.settle()
    ((header, _),) = world.answers()
    return header.error


def test_a_logout_does_not_undo_what_was_acknowledged_before(world: World) -> None:
    before = _withdraw(world)
    world.clock.value += 1000
    assert world.ask("vip", "account.logout", {})[0].status is AnswerStatus.DONE
    world.clock.value += 1000
    assert _verdict(world, before) is not Kind.SESSION_EXPIRED
    assert _verdict(world, _withdraw(world)) is Kind.SESSION_EXPIRED


def test_a_core_that_was_down_over_night_still_runs_it(world: World) -> None:
    waiting = _withdraw(world)
    world.clock.value += 20 * HOUR_MS
    assert _verdict(world, waiting) is not Kind.GRANT_EXPIRED
    assert _verdict(world, _withdraw(world)) is Kind.GRANT_EXPIRED


def test_a_query_is_judged_now(world: World) -> None:
    asked = world.request("vip", "unit.profile", {})
    world.clock.value += 1000
    world.ask("vip", "account.logout", {})
    assert _verdict(world, asked) is Kind.SESSION_EXPIRED


def test_nobody_lends_a_request_a_longer_life(world: World) -> None:
    made = world.clock.now_ms() - 20 * HOUR_MS
    old = _withdraw(world, created_ms=made, expires_ms=made + LIFE_MS + 1)
    assert _verdict(world, old) is Kind.MALFORMED


def test_a_revoked_certificate_counts_at_once_whenever_it_was_asked(world: World) -> None:
    waiting = _withdraw(world)
    serial = int(world.accounts["vip"].certificate[:8].hex(), 16)
    _deny(world, serial)
    assert _verdict(world, waiting) is Kind.CERTIFICATE_REVOKED
    assert count_drop(world.folder / "deny") == 0


@pytest.mark.parametrize("forged", ["other authority", "other role", "torn"])
def test_a_deny_notice_that_is_not_the_ca_s_is_refused(world: World, forged: str) -> None:
    serial = int(world.accounts["vip"].certificate[:8].hex(), 16)
    _deny(world, serial, forged=forged)
    assert _verdict(world, _withdraw(world)) is not Kind.CERTIFICATE_REVOKED
    assert count_drop(world.folder / "deny") == 0


def _deny(world: World, serial: int, forged: str = "") -> None:
    increment = DenyIncrement(1, FIRST, world.clock.now_ms(), full=True, serials=(serial,), size=1)
    key = {
        "": world.deny,
        "torn": world.deny,
        "other authority": MachineAuthority().machine("ca_deny", "ca_deny"),
        "other role": world.worker,
    }[forged]
    data = sign_increment(increment, key)
    write_drop(world.folder / "deny", DropName(1, 1, "ca_deny", "notice"), data[:-1] if forged == "torn" else data)
    world.clock.value += 1000
