"""Whoever meets a busy hall gets his form back from the edge; everything else passes as it was."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dmz.admission.overloaded import OverloadedError
from dmz.answering import Answering, Cancel, Done, nothing
from dmz.edge.error_answers import error_answer
from dmz.edge.form_keeper import FormKeeper
from dmz.messages import FormUnansweredError, HallRequest, HallResponse
from dmz.switch.wait_queue import Priority
from tests.support.hall_bench import UNIT, Browser, header, text_of
from tests.support.hall_firewall import hall_firewall
from tests.support.hall_gallery import GOOD_EMPLOYEE, TOKEN, full_bench
from tests.support.page_reader import PageReader
from wire_formats.bilingual import LANGUAGES, Language
from wire_formats.errors import Kind, Refused, Unavailable

ADD = "/s/employee.add"
BUSY = OverloadedError(Priority.SUBMISSION, "ab")


class Inner(Answering):
    """Answers everything with one outcome."""

    def __init__(self, outcome: HallResponse | BaseException) -> None:
        self.outcome = outcome

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        done(self.outcome)
        return nothing


def kept(outcome: HallResponse | BaseException, request: HallRequest) -> HallResponse | BaseException:
    found: list[HallResponse | BaseException] = []
    FormKeeper(Inner(outcome)).begin(request, found.append)
    (one,) = found
    return one


def typed(browser: Browser, **changes: str) -> HallRequest:
    """What a filled form sends; what the hall answered does not matter."""
    form = {"csrf": browser.csrf, "form_token": TOKEN, "draft": "", "step": "check", "action": "submit"}
    browser.post(ADD, form | GOOD_EMPLOYEE | changes)
    return browser.bench.seen[-1][0]


def page_of(outcome: HallResponse | BaseException, language: Language) -> PageReader:
    assert isinstance(outcome, FormUnansweredError)
    answer = error_answer(outcome, request_id="ab", language=language)
    assert (answer.status, header(answer, "Retry-After")) == (503, str(BUSY.retry_after_s))
    return PageReader(answer.body.decode())


def hidden(page: PageReader) -> dict[str, str]:
    return {str(each.attributes["name"]): str(each.attributes["value"]) for each in page.all("input", type="hidden")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_form_comes_back_through_two_refusals_and_is_sent_once(language: Language) -> None:
    unit = full_bench().browser(UNIT, language, signed_in=True)
    request = typed(unit, name="王小梅")
    sent = len(unit.bench.backend.calls)
    first = page_of(kept(BUSY, request), language)
    unit.post(ADD, hidden(first))
    second = page_of(kept(BUSY, unit.bench.seen[-1][0]), language)
    assert hidden(second) == hidden(first)
    back = unit.post(ADD, hidden(second))
    assert hall_firewall().check(unit.bench.seen[-1][0]).allowed
    assert back.status == 200
    assert ("过于繁忙" if language == "zh-CN" else "too busy to answer") in text_of(back)
    values = PageReader(text_of(back)).form_values("entry")
    assert {name: values[name] for name in GOOD_EMPLOYEE} == GOOD_EMPLOYEE | {"name": "王小梅"}
    assert header(unit.post(ADD, values | {"action": "submit"}), "Location").startswith("/r/")
    assert len(unit.bench.backend.calls) == sent, "the same form token is the same transaction"


def test_the_log_and_the_client_are_told_of_the_cause() -> None:
    unit = full_bench().browser(UNIT, "en", signed_in=True)
    outcome = kept(BUSY, typed(unit))
    assert isinstance(outcome, FormUnansweredError)
    assert (outcome.word, outcome.detail, outcome.kind) == (BUSY.word, BUSY.detail, BUSY.kind)
    assert outcome.retry_after_s == BUSY.retry_after_s


def test_what_is_no_form_and_no_busy_hall_passes_as_it_was() -> None:
    unit = full_bench().browser(UNIT, "en", signed_in=True)
    request = typed(unit)
    for outcome in (HallResponse(200), Refused(Kind.NOT_FOUND), ValueError("x")):
        assert kept(outcome, request) is outcome
    for other in (
        replace(request, method="GET"),
        replace(request, cookies=()),
        replace(request, path="/login"),
        replace(request, form=(("action", "again"), ("kept", "nonsense"))),
    ):
        assert kept(BUSY, other) is BUSY


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_worker_that_is_busy_keeps_the_page_with_what_was_typed(language: Language) -> None:
    unit = full_bench().browser(UNIT, language, signed_in=True)
    form = {"csrf": unit.csrf, "form_token": "a" * len(TOKEN), "draft": "", "step": "check"} | GOOD_EMPLOYEE
    busy = Unavailable(Kind.UNIT_BUSY, "share used up", 7)
    for action, retry in (("submit", "submit"), ("save", "check")):
        unit.bench.backend.trouble = busy
        answer = unit.post(ADD, form | {"action": action})
        assert (answer.status, header(answer, "Retry-After")) == (503, "7")
        page = PageReader(text_of(answer))
        assert [each.attributes["id"] for each in page.all("div", role="alert")] == ["summary"]
        values = page.form_values("entry")
        assert {name: values.get(name, "") for name in GOOD_EMPLOYEE} == GOOD_EMPLOYEE
        again = unit.post(ADD, values | {"action": retry})
        assert again.status in (200, 303)
