from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from sqlalchemy import update

from core.accounts import disable_account, revoke_bindings
from core.db.tables import account, account_certificate, applied
from tests.support.core_world import World
from tests.support.machines import MachineAuthority
from tests.unit.core.intake.test_exactly_once import count, wage
from wire_formats.answer import AnswerStatus
from wire_formats.cose import parse_sign1
from wire_formats.errors import Kind
from wire_formats.grant import parse_grant, sign_grant


def refusal(world: World, who: str = "vip", service: str = "unit.profile", **changes: Any) -> Kind | None:
    header, content = world.ask(who, service, {}, **changes)
    assert (header.status is AnswerStatus.REFUSED) == (header.error is not None)
    if header.error is not None:
        assert content["answer"] == {}
    return header.error


def test_a_live_grant_is_let_in(world: World) -> None:
    assert refusal(world) is None


def test_no_grant_other_certificate_other_window(world: World) -> None:
    assert refusal(world, grant=b"") is Kind.SESSION_EXPIRED
    assert refusal(world, certificate=world.accounts["plain"].certificate) is Kind.CERTIFICATE_NOT_BOUND
    stolen = world.accounts["plain"]
    assert refusal(world, grant=stolen.grant) is Kind.CERTIFICATE_NOT_BOUND
    assert refusal(world, who="person", service="case.list", window="unit") is Kind.WRONG_WINDOW


def test_a_grant_that_is_not_ours(world: World) -> None:
    grant = parse_grant(parse_sign1(world.accounts["vip"].grant).payload)
    assert refusal(world, grant=sign_grant(grant, world.worker)) is Kind.WRONG_ROLE
    other_core = MachineAuthority().machine("core", "core")
    assert refusal(world, grant=sign_grant(grant, other_core)) is Kind.UNKNOWN_SIGNER
    assert refusal(world, grant=b"\xd2garbage") in {Kind.MALFORMED, Kind.NOT_CANONICAL}


def test_what_carries_no_grant_of_ours_fills_no_table(world: World) -> None:
    forged = sign_grant(parse_grant(parse_sign1(world.accounts["vip"].grant).payload), world.worker)
    for grant, kind in ((b"", Kind.SESSION_EXPIRED), (forged, Kind.WRONG_ROLE)):
        for serial in range(2):
            assert world.ask("vip", "wage.declare", wage(serial + 1), grant=grant)[0].error is kind
    assert count(world, applied) == 0
    narrow = replace(parse_grant(parse_sign1(world.accounts["vip"].grant).payload), rights=())
    refused = {"grant": sign_grant(narrow, world.tools.signing_key)}
    assert world.ask("vip", "wage.declare", wage(1), **refused)[0].error is Kind.NO_RIGHT
    assert count(world, applied) == 1


def test_a_grant_without_the_right(world: World) -> None:
    grant = parse_grant(parse_sign1(world.accounts["vip"].grant).payload)
    narrow = sign_grant(replace(grant, rights=("account.password",)), world.tools.signing_key)
    assert refusal(world, grant=narrow) is Kind.NO_RIGHT


def test_a_grant_ends_by_time(world: World) -> None:
    world.clock.value += 8 * 3_600_000 + 1
    assert refusal(world) is Kind.GRANT_EXPIRED


def test_a_logout_ends_the_grant(world: World) -> None:
    assert refusal(world, service="account.logout") is None
    assert refusal(world) is Kind.SESSION_EXPIRED
    assert refusal(world, who="plain") is None


def test_a_disabled_account_is_out_at_once(world: World) -> None:
    assert refusal(world) is None
    with world.engine.begin() as connection:
        account_id = world.accounts["vip"].account_id
        disable_account(connection, account_id, operator_id="op", now_ms=world.clock.now_ms())
    assert refusal(world) is Kind.SESSION_EXPIRED


def test_a_revoked_certificate_is_out_at_once(world: World) -> None:
    certificate = world.accounts["vip"].certificate
    with world.engine.begin() as connection:
        revoke_bindings(connection, [certificate[:8].hex()], now_ms=world.clock.now_ms())
    assert refusal(world) is Kind.CERTIFICATE_REVOKED


def test_a_certificate_past_its_time(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(update(account_certificate).values(not_after=world.clock.now_ms() - 1))
    assert refusal(world) is Kind.CERTIFICATE_EXPIRED


def test_while_a_change_is_forced_only_the_password(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(update(account).values(must_change=True))
    world.renew("vip")
    assert refusal(world) is Kind.NO_RIGHT
    login = world.accounts["vip"]
    body = {
        "old_password": world.secret(login.password, "old_password"),
        "new_password": world.secret("correct horse battery", "new_password"),
    }
    header, content = world.ask("vip", "account.password", body)
    assert header.error is None
    text = content["answer"]["grant"]
    login.grant = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert refusal(world) is None
