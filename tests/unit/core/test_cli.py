"""What an operator does by command, on both databases: finding, disabling, enabling, loading a notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from core import cli
from core.audit_log import verify_chain
from core.db.tables import audit_entry, reference_base, staff_operator, unit
from core.reference.parameters import load_reference
from core.staff.operators import NewOperator, create_operator
from tests.support.core_world import DISTRICT, VIP_UNIT, World, id_number
from wire_formats.errors import Kind, Refused
from wire_formats.settings_reader import SettingsError

NOTICE = """
[[base]]
pooling_area = "420100"
first = "2028-01"
last = "2028-12"
average_wage_fen = 800_000
floor_fen = 480_000
ceiling_fen = 2_400_000
source = "notice 2/2028"
evidence = "official"
verified = true
illustrative = false

[[rate]]
insurance = "110"
scheme = "standard"
first = "2028-01"
employer = 1500
employee = 800
source = "notice 3/2028"
evidence = "official"
verified = true
"""


def events(world: World, chain: str) -> str:
    """The chain's entries, after checking that it is whole."""
    with world.engine.connect() as connection:
        verify_chain(connection, chain)
        entries = connection.scalars(select(audit_entry.c.entry).where(audit_entry.c.chain == chain)).all()
    return b"\n".join(bytes(entry) for entry in entries).decode()


def test_accounts_are_found_by_whatever_somebody_brings(world: World) -> None:
    with world.engine.connect() as connection:
        code = connection.scalar(select(unit.c.credit_code).where(unit.c.unit_id == VIP_UNIT))
    vip, person = world.accounts["vip"].account_id, world.accounts["person"].account_id
    for wanted, account in ((vip, vip), ("VIP1", vip), (code.lower(), vip), ("甲公", vip), (id_number(1), person)):
        heading, line = cli.find(world.engine, wanted)
        assert heading == cli.HEADING
        assert line.startswith(f"{account}  ")
    assert "启用 active" in line
    for wanted in ("nobody", "%", "_", "' OR 1=1 --"):
        with pytest.raises(Refused):
            cli.find(world.engine, wanted)


def test_what_is_found_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "MOST_FOUND", 1)
    assert [line.split("  ")[1].strip() for line in cli.find(world.engine, "公司")[1:-1]] == ["unit"]
    assert cli.find(world.engine, "公司")[-1] == "and more: these are the first 1"


def test_a_disabled_account_is_out_and_comes_back_by_a_new_login(world: World) -> None:
    world.clock.value += 1
    account, now_ms = world.accounts["vip"].account_id, world.clock.now_ms()
    (told,) = cli.disable(world.engine, account, operator="root", now_ms=now_ms)
    assert told.startswith(f"{account}: 停用 disabled")
    assert "停用 disabled" in cli.find(world.engine, account)[1]
    assert world.ask("vip", "unit.profile", {})[0].error is Kind.SESSION_EXPIRED
    assert world.ask("plain", "unit.profile", {})[0].error is None
    world.clock.value += 1
    cli.enable(world.engine, account, operator="root", now_ms=now_ms + 1)
    assert world.ask("vip", "unit.profile", {})[0].error is Kind.SESSION_EXPIRED, "what ended stays ended"
    world.renew("vip")
    assert world.ask("vip", "unit.profile", {})[0].error is None
    told = events(world, "accounts")
    for event in ("account_disabled", "account_enabled"):
        assert f'"event":"{event}","fields":{{"account":"{account}","operator":"root"}}' in told


def test_an_operator_is_disabled_by_user_name(world: World) -> None:
    new = NewOperator("Chen", "陈", DISTRICT)
    tools, now_ms = world.tools, world.clock.now_ms()
    with world.engine.begin() as connection:
        made = create_operator(connection, new, hashing=tools.hashing, randomness=world.randomness, now_ms=now_ms)
    cli.disable_operator(world.engine, "CHEN", operator="root", now_ms=now_ms)
    with world.engine.connect() as connection:
        assert connection.scalar(select(staff_operator.c.state)) == "disabled"
    told = events(world, "staff")
    assert f'"event":"operator_disabled","fields":{{"by":"root","operator":"{made.operator_id}"}}' in told


def test_who_is_not_there_is_told_and_nothing_is_noted(world: World) -> None:
    before = events(world, "accounts") + events(world, "staff")
    for act in (cli.disable, cli.enable, cli.disable_operator):
        with pytest.raises(Refused) as caught:
            act(world.engine, "0" * 32, operator="root", now_ms=1)
        assert caught.value.kind is Kind.NOT_FOUND
        assert "0" * 32 in caught.value.private
    assert events(world, "accounts") + events(world, "staff") == before


def test_a_notice_is_loaded(world: World, tmp_path: Path) -> None:
    path = tmp_path / "notice.toml"
    path.write_text(NOTICE, encoding="utf-8")
    assert cli.load_notice(world.engine, path, operator="root", now_ms=1) == [
        "loaded: base limits of 420100 2028-01 to 2028-12",
        "loaded: rate of 110/standard 2028-01 to ...",
    ]
    with world.engine.connect() as connection:
        parameters = load_reference(connection).parameters_for_year(2028)
    assert (parameters.limits.floor_fen, parameters.rate("110").employer_basis_points) == (480_000, 1500)
    assert '"event":"reference_loaded","fields":{"operator":"root","row":"rate 110/standard 202801"}' in events(
        world, "staff"
    )


def test_a_notice_that_overlaps_is_refused_whole_unless_it_ends_the_other_row(world: World, tmp_path: Path) -> None:
    path = tmp_path / "notice.toml"
    path.write_text(NOTICE.replace("2028-01", "2027-06"), encoding="utf-8")
    with pytest.raises(Refused, match="overlap at 202706"):
        cli.load_notice(world.engine, path, operator="root", now_ms=1)
    with world.engine.connect() as connection:
        assert connection.scalars(select(reference_base.c.first_month)).all() == [202501]
    older = NOTICE.replace("2028-01", "2025-01").replace("2028-12", "2027-05").partition("[[rate]]")[0]
    path.write_text(NOTICE.replace("2028-01", "2027-06") + older, encoding="utf-8")
    cli.load_notice(world.engine, path, operator="root", now_ms=1)
    with world.engine.connect() as connection:
        assert sorted(connection.scalars(select(reference_base.c.last_month))) == [202705, 202812]


def test_a_notice_without_rows_is_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "notice.toml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="no rows"):
        cli.load_notice(world.engine, path, operator="root", now_ms=1)
