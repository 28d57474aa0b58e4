"""Whole lives of cases: submitted through the real intake, handled through the real window."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, insert, select

from core import audit_log
from core.db.tables import access_log, case_step, decision, enrolment, person, review_flow, service_case, task
from core.db.tables_reference import audit_entry
from tests.support.core_world import DISTRICT, World, id_number
from tests.support.staff_bench import Browser, StaffBench
from wire_formats.answer import AnswerStatus
from wire_formats.canonical import decode_object
from wire_formats.catalogue import SERVICES

NEW = id_number(500)


def body(**changes: Any) -> dict[str, Any]:
    return {
        "id_number": NEW,
        "name": "王五",
        "household": "10",
        "origin": "new",
        "start_month": "2026-01",
        "wage": 600_000,
        **changes,
    }


def submit(world: World, service: str = "employee.add", who: str = "plain", **changes: Any) -> tuple[str, str]:
    """Submit a case; return its reference number and id."""
    fields = body(**changes) if service == "employee.add" else changes
    header, content = world.ask(who, service, fields)
    assert header.status in (AnswerStatus.ACCEPTED, AnswerStatus.DONE, AnswerStatus.PARTLY), content
    reference = content["answer"]["reference"]
    with world.engine.connect() as connection:
        case_id = connection.scalar(select(service_case.c.case_id).where(service_case.c.reference == reference))
    assert case_id is not None
    return reference, case_id


def result(world: World, reference: str, who: str = "plain") -> dict[str, Any]:
    world.renew(who)
    _, content = world.ask(who, "case.result", {"reference": reference})
    answer: dict[str, Any] = content["answer"]
    return answer


def states(world: World) -> set[str]:
    with world.engine.connect() as connection:
        query = select(enrolment.c.state).join(person, person.c.person_id == enrolment.c.person_id)
        return set(connection.scalars(query.where(person.c.id_number == NEW)))


def decide(browser: Browser, case_id: str, verdict: str, reason: str = "") -> Any:
    """Go the operator's way: form, check page, confirmation."""
    page = browser.get(f"/cases/{case_id}").page
    version = page.all("input", name="version")[0].attributes["value"]
    checked = browser.act(f"/cases/{case_id}/check", verdict=verdict, reason=reason, version=version)
    assert checked.status == 200, checked.text
    forms = [form for form in checked.page.all("form") if form.attributes["action"].endswith("/decide")]
    assert len(forms) == 1
    return browser.act(f"/cases/{case_id}/decide", verdict=verdict, reason=reason, version=version)


def test_from_submission_to_force(bench: StaffBench) -> None:
    world = bench.world
    reference, case_id = submit(world)
    browser = bench.browser_of(staffer := bench.operator("chen"))
    browser.sign_in_fully(staffer)
    work = browser.get("/")
    assert work.status == 200
    (line,) = [cell for cell in work.page.all("th", scope="row") if reference in cell.text]
    assert line.children[0].attributes["href"] == f"/cases/{case_id}"
    shut = browser.get(f"/cases/{case_id}").text
    assert NEW not in shut and "王五" not in shut, "content stays shut until the case is opened"
    with world.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(access_log)) == 0

    world.clock.value += 60_000
    assert browser.act(f"/cases/{case_id}/open").status == 303
    header, refused = world.ask("plain", "case.withdraw", {"reference": reference})
    assert header.status is AnswerStatus.REFUSED
    assert refused["errors"] == [{"field": "reference", "code": "case_opened"}]
    open_page = browser.get(f"/cases/{case_id}")
    assert NEW in open_page.text and "6000.00" in open_page.text and "Household type" in open_page.text
    assert states(world) == {"submitted"}

    world.clock.value += 60_000
    done = decide(browser, case_id, "pass")
    assert done.headers["Location"] == "/?done=done_effective"
    assert states(world) == {"active"}
    told = result(world, reference)
    assert told["state"] == "effective"
    assert [step["state"] for step in told["history"]] == ["submitted", "reviewing", "effective"]
    assert (told["desk"], told["desk_phone"]) == ("registration", "027-12345678")
    _check_records(world, case_id, staffer.operator_id)


def _check_records(world: World, case_id: str, operator_id: str) -> None:
    with world.engine.connect() as connection:
        (row,) = connection.execute(select(decision)).all()
        assert (row.case_id, row.role, row.verdict, row.operator_id) == (case_id, "review", "pass", operator_id)
        assert connection.scalars(select(task.c.state)).all() == ["done"]
        steps = connection.execute(select(case_step.c.state, case_step.c.operator_id).order_by(case_step.c.step_no))
        assert [tuple(step) for step in steps] == [
            ("saved", None),
            ("submitted", None),
            ("reviewing", operator_id),
            ("effective", operator_id),
        ]
        views = connection.execute(select(access_log)).all()
        number = connection.scalar(select(person.c.person_id).where(person.c.id_number == NEW))
        assert {(view.person_id, view.operator_id, view.case_id) for view in views} == {(number, operator_id, case_id)}
        assert audit_log.verify_chain(connection, "staff") > 0
        query = select(audit_entry.c.entry).where(audit_entry.c.chain == "staff")
        events = [decode_object(bytes(entry))["event"] for entry in connection.scalars(query)]
    assert events[-4:] == ["login_done", "operator_password_changed", "case_opened", "case_decided"]


def test_a_refusal_needs_a_reason_and_takes_everything_back(bench: StaffBench) -> None:
    world = bench.world
    reference, case_id = submit(world)
    browser = bench.signed_in(bench.operator("chen", changed=True))
    browser.act(f"/cases/{case_id}/open")
    page = browser.get(f"/cases/{case_id}").page
    version = page.all("input", name="version")[0].attributes["value"]
    bare = browser.act(f"/cases/{case_id}/check", verdict="refuse", reason="  ", version=version)
    assert bare.status == 422 and "Enter a reason" in bare.text
    forced = browser.act(f"/cases/{case_id}/decide", verdict="refuse", reason="", version=version)
    assert forced.status == 422
    assert decide(browser, case_id, "refuse", "材料不全\n请补交合同").headers["Location"] == "/?done=done_refused"
    assert states(world) == set(), "the person only this case registered is gone"
    told = result(world, reference)
    assert (told["state"], told["reason"]) == ("refused", "材料不全\n请补交合同")
    assert "材料不全" in browser.get(f"/cases/{case_id}").text
    again = browser.act(f"/cases/{case_id}/decide", verdict="pass", reason="", version=version)
    assert again.status == 409


def test_a_withdrawn_case_leaves_the_worklist(bench: StaffBench) -> None:
    reference, case_id = submit(bench.world)
    browser = bench.signed_in(bench.operator("chen", changed=True))
    assert reference in browser.get("/").text
    header, _ = bench.world.ask("plain", "case.withdraw", {"reference": reference})
    assert header.status is AnswerStatus.DONE
    assert reference not in browser.get("/").text
    assert reference in browser.get("/?state=withdrawn").text
    assert browser.act(f"/cases/{case_id}/open").status == 409


def test_the_worklist_is_filtered_by_services_that_make_cases(bench: StaffBench) -> None:
    page = bench.signed_in(bench.operator("chen", changed=True)).get("/").text
    offered = [code for code in SERVICES if f'<option value="{code}"' in page]
    assert set(offered) == {"employee.add", "wage.batch", "wage.declare"}


def test_two_checks_need_two_persons(bench: StaffBench) -> None:
    world = bench.world
    with world.engine.begin() as connection:
        row = {"service": "employee.add", "version": 1, "roles": "review recheck", "valid_from": 1}
        connection.execute(insert(review_flow).values(**row))
    reference, case_id = submit(world)
    first, second = (bench.signed_in(bench.operator(name, changed=True)) for name in ("chen", "zhao"))
    first.act(f"/cases/{case_id}/open")
    assert decide(first, case_id, "pass").headers["Location"] == "/?done=done_rechecking"
    assert states(world) == {"submitted"}, "nothing is in force before the second check"
    own = first.get(f"/cases/{case_id}")
    assert "another person must do the second" in own.text
    assert first.act(f"/cases/{case_id}/open").status == 403
    assert second.act(f"/cases/{case_id}/open").status == 303
    assert decide(second, case_id, "pass").headers["Location"] == "/?done=done_effective"
    assert states(world) == {"active"}
    assert [step["state"] for step in result(world, reference)["history"]] == [
        "submitted",
        "reviewing",
        "rechecking",
        "effective",
    ]


def test_one_operator_holds_a_case_until_it_is_released(bench: StaffBench) -> None:
    _, case_id = submit(bench.world)
    mine, other = (bench.signed_in(bench.operator(name, changed=True)) for name in ("chen", "zhao"))
    mine.act(f"/cases/{case_id}/open")
    assert other.act(f"/cases/{case_id}/open").status == 409
    assert other.act(f"/cases/{case_id}/release").status == 403
    assert NEW not in other.get(f"/cases/{case_id}").text
    refused = other.act(f"/cases/{case_id}/decide", verdict="pass", reason="", version="3")
    assert refused.status == 409
    assert mine.act(f"/cases/{case_id}/release").headers["Location"] == "/?done=done_release"
    assert mine.act(f"/cases/{case_id}/release").status == 409
    assert other.act(f"/cases/{case_id}/open").status == 303
    assert decide(other, case_id, "pass").status == 303


def test_a_decision_on_what_changed_meanwhile_does_not_count(bench: StaffBench) -> None:
    _, case_id = submit(bench.world)
    browser = bench.signed_in(bench.operator("chen", changed=True))
    browser.act(f"/cases/{case_id}/open")
    stale = browser.act(f"/cases/{case_id}/decide", verdict="pass", reason="", version="1")
    assert stale.status == 409
    assert states(bench.world) == {"submitted"}


def test_a_batch_is_shown_in_pages_and_put_in_force(bench: StaffBench) -> None:
    world = bench.world
    rows = [
        {
            "row": 2 + index,
            "id_number": id_number(101 + index),
            "name": f"李四{'甲乙丙'[index]}",
            "wage": 10_000 + index,
        }
        for index in range(3)
    ]
    rows += [
        {"row": 10 + index, "id_number": id_number(700 + index), "name": "无此人", "wage": 500_000}
        for index in range(4)
    ]
    reference, case_id = submit(world, "wage.batch", year=2026, rows=rows)
    browser = bench.signed_in(bench.operator("chen", changed=True))
    browser.act(f"/cases/{case_id}/open")
    page = browser.get(f"/cases/{case_id}")
    assert id_number(101) in page.text and id_number(703) not in page.text, "five rows a page"
    assert "3 person(s) the base was set" in page.text and "4 row(s) failed" in page.text
    assert id_number(703) in browser.get(f"/cases/{case_id}?page=2").text
    with world.engine.connect() as connection:
        seen = set(connection.scalars(select(access_log.c.person_id)))
    assert seen == {2001, 2002, 2003, 0}
    assert decide(browser, case_id, "pass").status == 303
    assert result(world, reference)["state"] == "partly_effective"


@pytest.mark.parametrize("area", ["420102", "990102"])
def test_an_unknown_area_is_a_warning(light_bench: StaffBench, area: str) -> None:
    _, case_id = submit(light_bench.world, id_number=id_number(9, area=area, born="20150101"))
    browser = light_bench.signed_in(light_bench.operator("chen", changed=True))
    browser.act(f"/cases/{case_id}/open")
    text = browser.get(f"/cases/{case_id}").text
    assert ("area code" in text) is (area == "990102")
    assert "below the working age" in text


def test_counts_and_statistics(bench: StaffBench) -> None:
    _, first = submit(bench.world)
    submit(bench.world, id_number=id_number(501))
    submit(bench.world, who="vip", id_number=id_number(502))
    browser = bench.signed_in(bench.operator("chen", changed=True))
    browser.act(f"/cases/{first}/open")
    counts = [
        item.text.split()
        for item in browser.get("/").page.all("li")
        if item.parent and item.parent.attributes.get("class") == "counts"
    ]
    assert [(line[0], line[1]) for line in counts] == [("1", "Waiting"), ("1", "In"), ("0", "Second"), ("1", "Mine")]
    page = browser.get("/statistics").page
    rows = [[cell.text.strip() for cell in row.children] for row in page.all("tr")]
    assert ["Add an employee", "1", "1", "–", "1", "–", "–", "–", "3"] in rows
    assert ["2026-01-15", "1", "1", "–", "1", "–", "–", "–", "3"] in rows
    assert ["Units", "1", "1", "–", "1", "–", "–", "–", "3"] in rows
    assert "No case fits" in browser.get("/statistics?from_day=2020-01-01&to_day=2020-01-31").text
    assert DISTRICT in page.elements[0].text
