from __future__ import annotations

from tests.support.core_world import World, id_number
from wire_formats.answer import AnswerStatus


def test_unit_sees_its_profile(world: World) -> None:
    header, content = world.ask("vip", "unit.profile", {})
    assert header.status is AnswerStatus.DONE
    assert content["answer"]["persons"] == 3
    assert set(content["hops"]) == {"worker", "ferry_low", "ferry_high", "core_in", "core_out"}


def test_vip_adds_an_employee_at_once(world: World) -> None:
    body = {
        "id_number": id_number(500),
        "name": "王五",
        "household": "10",
        "origin": "new",
        "start_month": "2026-01",
        "wage": 600_000,
    }
    header, content = world.ask("vip", "employee.add", body)
    assert (header.status, header.error, content) == (AnswerStatus.DONE, None, content)
    assert content["answer"]["state"] == "effective"
    assert content["answer"]["base"] == 600_000
    _, again = world.ask("vip", "employee.add", body)
    assert again["errors"] == [{"code": "already_enrolled", "field": "id_number"}]


def test_login_gives_a_grant(world: World) -> None:
    login = world.accounts["vip"]
    body = {"user_name": "VIP1", "password": world.secret(login.password, "password")}
    header, content = world.ask("vip", "account.login", body)
    assert header.status is AnswerStatus.DONE
    assert content["answer"]["must_change"] is False
