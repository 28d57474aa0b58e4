"""Whom the firewall refuses gets his form back: as typed, escaped, marked where it was; nothing else comes back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dmz.edge.error_answers import error_answer
from dmz.hall.form_back import form_back, kept_texts
from dmz.messages import HallRequest
from dmz.waf.refused import FirewallRefusedError
from dmz.waf.verdict import Verdict
from tests.support.hall_bench import PASSWORD, UNIT, Browser, header, text_of
from tests.support.hall_firewall import hall_firewall
from tests.support.hall_gallery import GOOD_EMPLOYEE, TOKEN, full_bench
from tests.support.page_reader import PageReader
from wire_formats.bilingual import LANGUAGES, Language

ADD = "/s/employee.add"
NASTY = "王<script>alert('1')</script>\"&amp; ' or 1=1 --"


def typed(browser: Browser, **changes: str) -> dict[str, str]:
    base = {"csrf": browser.csrf, "form_token": TOKEN, "draft": "", "step": "form", "action": "check"}
    return base | GOOD_EMPLOYEE | {"name": NASTY} | changes


def sent(browser: Browser, form: dict[str, str], path: str = ADD) -> HallRequest:
    """The request that a form makes; what the hall answered without a firewall does not matter."""
    browser.post(path, form)
    return browser.bench.seen[-1][0]


def refused(request: HallRequest, verdict: Verdict, language: Language = "en") -> PageReader:
    """The page of a refusal."""
    error = FirewallRefusedError(verdict, hall_firewall().label_of(request, verdict), form_back(request, verdict.field))
    return PageReader(error_answer(error, request_id="ab", language=language).body.decode())


def fields_of(page: PageReader) -> dict[str, str]:
    return {str(each.attributes["name"]): str(each.attributes["value"]) for each in page.all("input", type="hidden")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_form_comes_back_as_it_was_with_the_field_marked(language: Language) -> None:
    unit = full_bench().browser(UNIT, language, signed_in=True)
    request = sent(unit, typed(unit))
    verdict = hall_firewall().check(request)
    assert not verdict.allowed and verdict.field == "name"
    page = refused(request, verdict, language)
    assert not page.all("script") and len(page.all("form")) == 1
    assert page.all("form")[0].attributes["action"] == ADD
    hidden = fields_of(page)
    back = unit.post(ADD, hidden)
    assert hall_firewall().check(unit.bench.seen[-1][0]).allowed
    assert back.status == 422
    form = PageReader(text_of(back))
    values = form.form_values("entry")
    assert {name: values[name] for name in GOOD_EMPLOYEE} == GOOD_EMPLOYEE | {"name": NASTY}
    assert (values["form_token"], values["csrf"]) == (TOKEN, unit.csrf), "sent again it is the same transaction"
    wrong = [each for each in form.all("input") if each.attributes.get("aria-invalid") == "true"]
    assert [each.attributes["name"] for each in wrong] == ["name"]
    mended = unit.post(ADD, values | {"name": "王小梅", "action": "submit"})
    assert header(mended, "Location").startswith("/r/")


def test_without_a_known_field_the_form_says_what_happened() -> None:
    unit = full_bench().browser(UNIT, "en", signed_in=True)
    page = refused(sent(unit, typed(unit)), Verdict(allowed=False, rule="too_much_text"))
    back = unit.post(ADD, fields_of(page))
    assert back.status == 200 and "What you typed is back" in text_of(back)
    assert PageReader(text_of(back)).form_values("entry")["name"] == NASTY


def test_input_survives_a_session_that_ended_meanwhile() -> None:
    unit = full_bench().browser(UNIT, "en", signed_in=True)
    hidden = fields_of(refused(sent(unit, typed(unit)), Verdict(allowed=False, field="name")))
    unit.bench.clock.now += 31 * 60_000
    login = PageReader(text_of(unit.post(ADD, hidden)))
    kept = login.all("input", name="kept")[0].attributes["value"]
    restored = unit.follow(unit.post("/login", {"user_name": "operator", "password": PASSWORD, "kept": str(kept)}))
    assert PageReader(text_of(restored)).form_values("entry")["name"] == NASTY


def test_who_is_not_signed_in_and_what_is_no_form_of_ours_gets_nothing_back() -> None:
    unit = full_bench().browser(UNIT, "en", signed_in=True)
    request = sent(unit, typed(unit))
    assert form_back(request, "name") is not None
    for other in (
        replace(request, cookies=()),
        replace(request, cookies=(("lang", "en"),)),
        replace(request, client=None),
        replace(request, method="GET"),
        replace(request, path="/login"),
        replace(request, path="/s/nothing"),
        replace(request, window="community", path="/s/employee.add/"),
        replace(request, form=(("name", "x" * 30_000),)),
        replace(request, form=(("name", "\ud800"),)),
    ):
        assert form_back(other, "name") is None


def test_nothing_hostile_is_carried_but_the_packed_texts() -> None:
    unit = full_bench().browser(UNIT, "en", signed_in=True)
    hostile = typed(unit, csrf='"><b>', form_token="short", draft="../..", strange="<i>")
    back = form_back(sent(unit, hostile), '"><img src=x>')
    assert back is not None
    assert {name for name, _ in back.fields} == {"kept", "action", "refused"}
    for _, value in back.fields:
        assert not set(value) & set("<>\"'& ")
    assert dict(back.fields)["refused"] == ""


def test_another_services_texts_and_nonsense_fill_in_nothing() -> None:
    unit = full_bench().browser(UNIT, "en", signed_in=True)
    back = form_back(sent(unit, typed(unit)), "name")
    assert back is not None
    kept = dict(back.fields)["kept"]
    assert kept_texts("employee.add", kept) is not None
    assert kept_texts("case.list", kept) is None
    for nonsense in ("", "!!", "e30", kept[:-3]):
        assert kept_texts("employee.add", nonsense) is None
        answer = unit.post(ADD, {"csrf": unit.csrf, "action": "back", "kept": nonsense})
        assert PageReader(text_of(answer)).form_values("entry")["name"] == ""
