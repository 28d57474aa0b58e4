from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select, update

from core.accounts import Binding, NewAccount, bind_certificate, create_account, rights_of
from core.audit_log import verify_chain
from core.db.states import AccountKind
from core.db.tables import account, account_certificate, audit_entry
from core.services.registry import REGISTRY, check_registry
from tests.support.core_world import DISTRICT, VIP_UNIT, World
from wire_formats.answer import AnswerStatus
from wire_formats.catalogue import SERVICES
from wire_formats.cose import parse_sign1
from wire_formats.desk_messages import DeskRefusal, Issued
from wire_formats.errors import Bug, Kind, Refused
from wire_formats.grant import parse_grant, verify_grant

NEW_PASSWORD = "correct horse battery"


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def log_in(world: World, who: str = "vip", *, name: str = "vip1", password: str | None = None, **changes: Any) -> Any:
    secret = world.secret(password if password is not None else world.accounts[who].password, "password")
    return world.ask(who, "account.login", {"user_name": name, "password": secret}, **changes)


def test_registry_is_the_catalogue() -> None:
    assert set(REGISTRY) == set(SERVICES)
    check_registry()
    with pytest.raises(Bug):
        check_registry({code: REGISTRY[code] for code in list(REGISTRY)[1:]})


def test_login_brings_a_grant_bound_to_the_certificate(world: World) -> None:
    header, content = log_in(world)
    assert header.status is AnswerStatus.DONE
    grant = verify_grant(raw(content["answer"]["grant"]), world.trust, now_ms=world.clock.now_ms())
    login = world.accounts["vip"]
    assert (grant.account, grant.certificate, grant.window, grant.subject, grant.district) == (
        login.account_id,
        login.certificate,
        "unit",
        str(VIP_UNIT),
        DISTRICT,
    )
    assert "account.login" not in grant.rights
    assert "person.contributions" in grant.rights
    assert "last_login" not in content["answer"]
    _, again = log_in(world)
    assert again["answer"]["last_login"] == "2026-01-15 16:00"
    assert again["answer"]["draft_key"] == content["answer"]["draft_key"]
    assert again["answer"]["grant"] != content["answer"]["grant"]


def test_every_failure_says_the_same(world: World) -> None:
    other = world.accounts["plain"].certificate
    seen = [
        log_in(world, password="wrong password"),
        log_in(world, name="nobody"),
        log_in(world, certificate=other),
        log_in(world, name="plain1", password=world.accounts["plain"].password),
        log_in(world, window="person"),
    ]
    with world.engine.begin() as connection:
        connection.execute(update(account).values(state="disabled"))
        connection.execute(update(account_certificate).values(state="bound"))
    seen.append(log_in(world, who="person", name="zhang", window="person"))
    for header, content in seen:
        assert (header.status, header.error) == (AnswerStatus.REFUSED, Kind.LOGIN_FAILED)
        assert (content["answer"], content["errors"]) == ({}, [])
    with world.engine.connect() as connection:
        assert verify_chain(connection, "accounts") >= 6
        entries = b"".join(bytes(entry) for entry in connection.scalars(select(audit_entry.c.entry)))
    assert b"vip1" not in entries
    assert b"wrong password" not in entries


def test_lockout_grows_and_passes(world: World) -> None:
    for _ in range(4):
        assert log_in(world, password="wrong password")[0].error is Kind.LOGIN_FAILED
    header, content = log_in(world)  # the right password, too early
    assert header.error is Kind.LOCKED_OUT
    assert content["errors"] == [{"field": "", "code": "retry_after", "value": 2}]
    world.clock.value += 2_000
    assert log_in(world)[0].error is None
    assert log_in(world, password="wrong password")[0].error is Kind.LOGIN_FAILED
    assert log_in(world)[0].error is None


def test_lockout_follows_the_certificate_and_the_account(world: World) -> None:
    for number in range(4):
        log_in(world, name=f"guess{number}", password="x")
    assert log_in(world)[0].error is Kind.LOCKED_OUT
    assert log_in(world, who="plain", name="plain1")[0].error is None


def test_a_foreign_certificate_locks_nobody_out(world: World) -> None:
    foreign = world.accounts["plain"].certificate
    for _ in range(12):
        header, _ = log_in(world, password="wrong password", certificate=foreign)
        assert header.error in (Kind.LOGIN_FAILED, Kind.LOCKED_OUT)
        world.clock.value += 15 * 60_000
    log_in(world, password="wrong password", certificate=foreign)
    assert log_in(world)[0].error is None
    assert log_in(world, who="plain", name="plain1")[0].error is Kind.LOCKED_OUT, "it locks its own holder out"


def test_guesses_side_by_side_are_counted_one_by_one(world: World) -> None:
    secret = world.secret("wrong password", "password")
    items = [world.request("vip", "account.login", {"user_name": "vip1", "password": secret}) for _ in range(8)]
    world.drop(items)
    world.settle()
    errors = [header.error for header, _ in world.answers()]
    assert errors.count(Kind.LOGIN_FAILED) == 4
    assert errors.count(Kind.LOCKED_OUT) == 4


def test_too_many_at_once_are_told_to_try_again(world: World) -> None:
    body = {"user_name": "vip1", "password": world.secret("x", "password")}
    world.drop([world.request("vip", "account.login", body) for _ in range(80)])
    world.settle()
    errors = [header.error for header, _ in world.answers()]
    assert len(errors) == 80
    assert errors.count(Kind.BUSY) == 80 - 1 - 32, "one runs, and one account may fill half of the 64 places"


def test_changing_the_password(world: World) -> None:
    old = world.accounts["vip"].password

    def change(old_password: str, new_password: str) -> Any:
        body = {
            "old_password": world.secret(old_password, "old_password"),
            "new_password": world.secret(new_password, "new_password"),
        }
        return world.ask("vip", "account.password", body)

    for attempt, kind, code in (
        (("wrong password", NEW_PASSWORD), Kind.FIELDS_INVALID, "password_wrong"),
        ((old, old), Kind.WEAK_PASSWORD, "password_same"),
        ((old, "short"), Kind.WEAK_PASSWORD, "password_short"),
        ((old, "password123"), Kind.WEAK_PASSWORD, "password_common"),
        ((old, "my91110000600037341L"), Kind.WEAK_PASSWORD, "password_derived"),
    ):
        header, content = change(*attempt)
        assert (header.error, content["errors"][0]["code"]) == (kind, code)
    world.clock.value += 1_000
    header, content = change(old, NEW_PASSWORD)
    assert header.error is None
    assert content["answer"]["must_change"] is False
    assert world.ask("vip", "unit.profile", {})[0].error is Kind.SESSION_EXPIRED, "grants from before are ended"
    world.accounts["vip"].grant = raw(content["answer"]["grant"])
    assert world.ask("vip", "unit.profile", {})[0].error is None
    assert log_in(world)[0].error is Kind.LOGIN_FAILED
    assert log_in(world, password=NEW_PASSWORD)[0].error is None


def test_first_login_may_only_change_the_password(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(update(account).values(must_change=True))
    _, content = log_in(world)
    assert content["answer"]["must_change"] is True
    assert parse_grant(parse_sign1(raw(content["answer"]["grant"])).payload).rights == (
        "account.password",
        "account.logout",
    )


def test_certificate_download_binds(world: World) -> None:
    login = world.accounts["plain"]
    body = {"certificate_number": "ABCDEFGH23", "verification_code": world.secret("CODE12345", "verification_code")}
    item_id = b"d" * 16
    world.desk.answers["ABCDEFGH23"] = Issued(
        request_id=item_id,
        pkcs12=b"p12",
        fingerprint=b"f" * 32,
        serial="0" * 30 + "ab",
        issuer="CN=issuing",
        window="unit",
        account=login.account_id,
        not_after_ms=world.clock.now_ms() + 10**9,
    )
    header, content = world.ask(None, "certificate.download", body, id=item_id)
    assert header.error is None
    assert raw(content["answer"]["pkcs12"]) == b"p12"
    assert (content["answer"]["account"], content["answer"]["window"]) == ("plain1", "unit")
    assert world.desk.questions[0].code == "CODE12345"
    login.certificate = b"f" * 32
    assert log_in(world, who="plain", name="plain1")[0].error is None


def test_certificate_download_refusals(world: World) -> None:
    body = {"certificate_number": "ABCDEFGH23", "verification_code": world.secret("WRONG1234", "verification_code")}
    header, content = world.ask(None, "certificate.download", body)
    assert (header.error, content["answer"]) == (Kind.CODE_WRONG, {"tries_left": 4})
    world.desk.answers["ABCDEFGH23"] = DeskRefusal(b"d" * 16, Kind.DESK_SILENT, retry_after_s=30)
    header, content = world.ask(None, "certificate.download", body)
    assert header.error is Kind.DESK_SILENT
    assert content["errors"] == [{"field": "", "code": "retry_after", "value": 30}]


def test_a_certificate_of_no_account_is_not_handed_out(world: World) -> None:
    body = {"certificate_number": "ABCDEFGH23", "verification_code": world.secret("CODE12345", "verification_code")}
    world.desk.answers["ABCDEFGH23"] = Issued(
        request_id=b"d" * 16,
        pkcs12=b"p12",
        fingerprint=b"f" * 32,
        serial="0" * 30 + "ab",
        issuer="CN=issuing",
        window="unit",
        account="plain1",  # a user name is no account's id
        not_after_ms=world.clock.now_ms() + 10**9,
    )
    header, content = world.ask(None, "certificate.download", body, id=b"d" * 16)
    assert (header.error, content["answer"]) == (Kind.CERTIFICATE_NOT_BOUND, {})


def test_creating_and_binding_accounts(world: World) -> None:
    hashing, randomness = world.tools.hashing, world.randomness
    new = NewAccount("VIP1", AccountKind.UNIT, "x", DISTRICT, unit_id=1)
    with world.engine.begin() as connection:
        with pytest.raises(Refused):
            create_account(connection, new, hashing=hashing, randomness=randomness, now_ms=1)
        with pytest.raises(ValueError, match="exactly one"):
            wrong = NewAccount("n", AccountKind.PERSON, "x", DISTRICT, unit_id=1)
            create_account(connection, wrong, hashing=hashing, randomness=randomness, now_ms=1)
        other = world.accounts["plain"]
        binding = Binding(world.accounts["vip"].certificate.hex(), "CN=test", "1", 1)
        with pytest.raises(Refused):
            bind_certificate(connection, other.account_id, binding, now_ms=1)
        with pytest.raises(Refused):
            bind_certificate(connection, "nobody", Binding("0" * 64, "CN=test", "2", 1), now_ms=1)
        connection.execute(update(account).values(rights="unit.profile"))
        row = connection.execute(select(account).where(account.c.user_name == "vip1")).one()
        assert rights_of(row) == ("account.password", "account.logout", "unit.profile")
