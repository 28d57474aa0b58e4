"""What people do: sign in, fill in, check, send, look, save, come back; and what must not work."""

from __future__ import annotations

import asyncio

import pytest

from dmz.messages import HallRequest
from tests.support.hall_bench import (
    ACCOUNTS,
    COMMUNITY,
    PASSWORD,
    PERSON,
    UNIT,
    Bench,
    Browser,
    header,
    text_of,
)
from tests.support.hall_gallery import GOOD_EMPLOYEE, TOKEN, full_bench
from tests.support.page_reader import PageReader
from wire_formats.errors import Kind, Refused, Unavailable

ADD = "/s/employee.add"


@pytest.fixture
def bench() -> Bench:
    return full_bench()


@pytest.fixture
def unit(bench: Bench) -> Browser:
    return bench.browser(UNIT, signed_in=True)


def filled(unit: Browser, **changes: str) -> dict[str, str]:
    base = {"csrf": unit.csrf, "form_token": TOKEN, "draft": "", "step": "form", "action": "check"}
    return base | GOOD_EMPLOYEE | changes


class TestSigningIn:
    def test_the_first_page_sends_to_login_and_login_sends_back(self, bench: Bench) -> None:
        browser = bench.browser(UNIT)
        assert header(browser.get("/"), "Location") == "/login"
        answer = browser.get("/drafts")
        assert header(answer, "Location") == "/login?next=/drafts"
        login = PageReader(text_of(browser.follow(answer)))
        assert login.all("input", name="next")[0].attributes["value"] == "/drafts"
        entered = browser.post("/login", {"user_name": "operator", "password": PASSWORD, "next": "/drafts"})
        assert header(entered, "Location") == "/drafts"
        cookie = header(entered, "Set-Cookie")
        assert cookie.startswith("__Host-fg-unit=")
        for part in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
            assert part in cookie
        assert browser.get("/drafts").status == 200

    @pytest.mark.parametrize(
        "evil", ["https://evil.example/", "//evil.example", "/nowhere", "/logout", "\\evil", "/login"]
    )
    def test_login_goes_only_to_pages_of_this_window(self, bench: Bench, evil: str) -> None:
        entered = bench.browser(UNIT).post("/login", {"user_name": "operator", "password": PASSWORD, "next": evil})
        assert header(entered, "Location") == "/"

    def test_the_page_names_the_certificate(self, bench: Bench) -> None:
        page = text_of(bench.browser(UNIT).get("/login"))
        assert ACCOUNTS[UNIT] in page and "005A 17C0 FFEE" in page

    def test_a_wrong_password_is_explained_and_never_shown(self, bench: Bench) -> None:
        answer = bench.browser(UNIT).post("/login", {"user_name": "operator", "password": "my secret"})
        page = text_of(answer)
        assert answer.status == 403 and "FG-2003" in page and "my secret" not in page
        assert PageReader(page).all("input", name="user_name")[0].attributes["value"] == "operator"

    def test_a_lock_says_when_to_come_back(self, bench: Bench) -> None:
        bench.backend.trouble = Refused(Kind.LOCKED_OUT, "", 300)
        answer = bench.browser(UNIT).post("/login", {"user_name": "operator", "password": "x"})
        assert answer.status == 429 and header(answer, "Retry-After") == "300" and "5 minutes" in text_of(answer)

    def test_the_first_password_must_be_changed_before_anything_else(self, bench: Bench) -> None:
        bench.backend.accounts[2].must_change = True
        browser = bench.browser(PERSON)
        entered = browser.post("/login", {"user_name": "operator", "password": PASSWORD, "next": "/sent"})
        assert header(entered, "Location") == "/password"
        for path in ("/", "/sent", "/s/case.list", "/drafts"):
            assert header(browser.get(path), "Location") == "/password"
        assert browser.get("/help").status == 200
        old = browser.cookies["__Host-fg-person"]
        new = {"old_password": PASSWORD, "new_password": "quite another river", "csrf": browser.csrf}
        changed = browser.post("/password", new | {"new_password_again": "quite another river"})
        assert header(changed, "Location") == "/?note=password"
        assert browser.cookies["__Host-fg-person"] != old
        assert browser.follow(changed).status == 200

    @pytest.mark.parametrize(
        ("new", "again", "said"),
        [
            ("short", "short", "at least 10"),
            (PASSWORD, PASSWORD, "differ from the present"),
            ("quite another river", "quite another rivers", "two new passwords differ"),
            ("xu0000042zzz", "xu0000042zzz", "derived"),
            ("ababababababab", "ababababababab", "common"),
        ],
    )
    def test_password_rules_are_explained(self, unit: Browser, new: str, again: str, said: str) -> None:
        form = {"csrf": unit.csrf, "old_password": PASSWORD, "new_password": new, "new_password_again": again}
        answer = unit.post("/password", form)
        assert answer.status == 422 and said in text_of(answer) and new not in text_of(answer)

    def test_a_wrong_old_password_is_explained_on_the_page(self, unit: Browser) -> None:
        form = {"csrf": unit.csrf, "old_password": "wrong", "new_password": "quite another river"}
        answer = unit.post("/password", form | {"new_password_again": "quite another river"})
        assert answer.status == 403 and "FG-2003" in text_of(answer)
        assert answer.offence == "login_failed"

    def test_failed_sign_ins_are_told_to_the_intrusion_watch(self, bench: Bench) -> None:
        browser = bench.browser(UNIT)
        told = [browser.post("/login", {"user_name": "operator", "password": f"no {i}"}).offence for i in range(6)]
        assert told == ["login_failed"] * 4 + ["locked_out"] * 2
        assert browser.post("/login", {"user_name": "operator", "password": PASSWORD}).offence is None

    def test_signing_out_ends_the_session(self, unit: Browser) -> None:
        cookies = dict(unit.cookies)
        answer = unit.post("/logout", {"csrf": unit.csrf})
        assert header(answer, "Location") == "/login?note=out" and not unit.cookies
        unit.cookies = cookies
        assert header(unit.get("/sent"), "Location").startswith("/login")

    def test_a_cookie_is_worth_nothing_in_another_window_or_without_its_certificate(self, unit: Browser) -> None:
        stolen = unit.bench.browser(PERSON)
        stolen.cookies["__Host-fg-person"] = unit.cookies["__Host-fg-unit"]
        assert header(stolen.get("/sent"), "Location").startswith("/login")

    def test_a_window_without_a_certificate_is_refused(self, bench: Bench) -> None:
        answer = asyncio.run(_ask(bench, HallRequest("GET", "unit", "/", request_id="0" * 32)))
        assert answer == 403


async def _ask(bench: Bench, request: HallRequest) -> int:
    return (await bench.handler(request)).status


class TestForms:
    def test_check_then_send_then_receipt(self, unit: Browser) -> None:
        check = unit.post(ADD, filled(unit))
        page = PageReader(text_of(check))
        assert check.status == 200 and "5,000.50" in page.all("main")[0].text
        values = page.form_values("entry")
        assert not unit.bench.backend.calls
        sent = unit.post(ADD, values | {"action": "submit"})
        assert sent.status == 303 and header(sent, "Location").startswith("/r/")
        code, body = unit.bench.backend.calls[0]
        assert code == "employee.add" and isinstance(body, dict)
        assert body["wage"] == 500_050 and body["id_number"] == "11010519491231002X" and "phone" not in body
        receipt = text_of(unit.follow(sent))
        assert next(iter(unit.bench.backend.progresses)) in receipt

    def test_sending_the_same_form_twice_is_one_transaction(self, unit: Browser) -> None:
        first = unit.post(ADD, filled(unit, action="submit"))
        second = unit.post(ADD, filled(unit, action="submit"))
        assert header(first, "Location") == header(second, "Location")
        assert len(unit.bench.backend.calls) == 1

    def test_every_new_form_has_its_own_token(self, unit: Browser) -> None:
        tokens = {PageReader(text_of(unit.get(ADD))).form_values("entry")["form_token"] for _ in range(3)}
        assert len(tokens) == 3 and all(len(token) == 22 for token in tokens)

    def test_submit_is_checked_again(self, unit: Browser) -> None:
        answer = unit.post(ADD, filled(unit, action="submit", id_number="1"))
        assert answer.status == 422 and not unit.bench.backend.calls

    def test_back_to_the_form_keeps_everything(self, unit: Browser) -> None:
        values = PageReader(text_of(unit.post(ADD, filled(unit)))).form_values("entry")
        back = PageReader(text_of(unit.post(ADD, values | {"action": "edit"}))).form_values("entry")
        for name in ("id_number", "name", "household", "origin", "start_month", "wage", "note", "form_token"):
            assert back[name] == filled(unit)[name]

    def test_the_language_switch_keeps_everything(self, unit: Browser) -> None:
        answer = unit.post(ADD, filled(unit, action="language", name=""))
        assert dict(answer.headers)["Content-Language"] == "zh-CN"
        assert PageReader(text_of(answer)).form_values("entry")["wage"] == GOOD_EMPLOYEE["wage"]
        assert unit.cookies["lang"] == "zh-CN"
        values = PageReader(text_of(unit.post(ADD, filled(unit)))).form_values("entry")
        turned = unit.post(ADD, values | {"action": "language"})
        assert "Check your answers" in text_of(turned)

    def test_an_old_token_costs_no_input(self, unit: Browser) -> None:
        answer = unit.post(ADD, filled(unit, action="submit", csrf="older-token-of-another-session"))
        page = PageReader(text_of(answer))
        assert answer.status == 200 and not unit.bench.backend.calls
        assert page.form_values("entry")["csrf"] == unit.csrf
        assert page.form_values("entry")["id_number"] == GOOD_EMPLOYEE["id_number"]

    def test_a_form_made_by_another_site_is_refused(self, unit: Browser) -> None:
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
            answer = unit.post(ADD, filled(unit, action="submit"), (), **headers)
            assert answer.status == 403 and "FG-2006" in text_of(answer)
        assert not unit.bench.backend.calls

    def test_a_service_without_right_or_of_another_window_is_refused(self, bench: Bench) -> None:
        account = bench.backend.accounts[0]
        account.rights = frozenset({"case.list"})
        limited = bench.browser(UNIT, signed_in=True)
        assert limited.get(ADD).status == 403
        assert ADD not in text_of(limited.get("/"))
        community = bench.browser(COMMUNITY, signed_in=True)
        assert community.get(ADD).status == 404

    def test_trouble_while_sending_keeps_the_reference_promise(self, unit: Browser) -> None:
        unit.bench.backend.trouble = Unavailable(Kind.STORAGE_FULL, "disk", 60)
        answer = unit.post(ADD, filled(unit, action="submit"))
        assert answer.status == 503 and header(answer, "Retry-After") == "60" and "FG-3005" in text_of(answer)


class TestDrafts:
    def test_save_resume_overwrite_delete_undo(self, unit: Browser) -> None:
        saved = unit.post(ADD, filled(unit, action="save", id_number="half", wage=""))
        page = PageReader(text_of(unit.follow(saved)))
        values = page.form_values("entry")
        assert values["id_number"] == "half" and values["draft"] and "Draft saved" in page.all("main")[0].text
        unit.post(ADD, values | {"id_number": "whole", "action": "save"})
        assert len(unit.bench.backend.drafts) == 1
        listed = text_of(unit.get("/drafts"))
        assert f"{ADD}?draft={values['draft']}" in listed
        form = {"csrf": unit.csrf, "draft": values["draft"]}
        after = text_of(unit.follow(unit.post("/drafts", form | {"action": "delete"})))
        assert "Draft deleted" in after and values["draft"] in after
        assert unit.get(f"{ADD}?draft={values['draft']}").status == 404
        assert "is back" in text_of(unit.follow(unit.post("/drafts", form | {"action": "undo"})))
        assert unit.get(f"{ADD}?draft={values['draft']}").status == 200

    def test_a_sent_draft_is_gone(self, unit: Browser) -> None:
        saved = unit.post(ADD, filled(unit, action="save"))
        values = PageReader(text_of(unit.follow(saved))).form_values("entry")
        unit.post(ADD, values | {"action": "submit"})
        assert "There are no drafts" in text_of(unit.get("/drafts"))

    def test_a_draft_of_another_account_does_not_exist(self, unit: Browser) -> None:
        unit.post(ADD, filled(unit, action="save"))
        draft = next(iter(unit.bench.backend.drafts))
        other = unit.bench.browser(PERSON, signed_in=True)
        assert other.get(f"/s/case.withdraw?draft={draft}").status == 404

    def test_input_survives_a_time_out(self, unit: Browser) -> None:
        form = filled(unit, action="submit")
        unit.bench.clock.now += 31 * 60_000
        answer = unit.post(ADD, form)
        page = PageReader(text_of(answer))
        assert answer.status == 403 and "not lost" in page.all("main")[0].text
        kept = page.all("input", name="kept")[0].attributes["value"]
        again = page.all("input", name="next")[0].attributes["value"]
        login = {"user_name": "operator", "password": PASSWORD, "kept": kept, "next": again}
        wrong = PageReader(text_of(unit.post("/login", login | {"password": "wrong"})))
        assert wrong.all("input", name="kept")[0].attributes["value"] == kept
        restored = unit.follow(unit.post("/login", login))
        values = PageReader(text_of(restored)).form_values("entry")
        assert {k: values[k] for k in GOOD_EMPLOYEE} == GOOD_EMPLOYEE
        assert not unit.bench.backend.calls

    def test_input_survives_even_if_no_draft_can_be_stored(self, unit: Browser) -> None:
        form = filled(unit)
        unit.bench.clock.now += 31 * 60_000
        page = PageReader(text_of(unit.post(ADD, form)))
        kept = page.all("input", name="kept")[0].attributes["value"]

        unit.bench.backend.drafts_full = True
        answer = unit.post("/login", {"user_name": "operator", "password": PASSWORD, "kept": kept})
        assert answer.status == 200 and unit.cookies
        assert PageReader(text_of(answer)).form_values("entry")["id_number"] == GOOD_EMPLOYEE["id_number"]

    def test_nonsense_in_the_kept_field_is_no_obstacle(self, bench: Bench) -> None:
        for nonsense in ("!!!!", "e30", "A" * 40_000, "eyJhIjoxfQ"):
            form = {"user_name": "operator", "password": PASSWORD, "kept": nonsense}
            assert header(bench.browser(UNIT).post("/login", form), "Location") == "/"

    def test_pages_tell_when_the_session_ends_and_refreshing_does_not_put_it_off(self, unit: Browser) -> None:
        sent = unit.post(ADD, filled(unit, action="submit"))
        place = header(sent, "Location")
        assert "18:16" in text_of(unit.get(place))
        unit.bench.clock.now += 10 * 60_000
        assert "18:16" in text_of(unit.get(f"{place}?auto=1"))
        assert "18:26" in text_of(unit.get(place))


class TestTheMarkOfASession:
    """What a worker tells the edge of whoever asks (E11)."""

    def test_who_is_signed_in_is_marked_and_nobody_else(self, bench: Bench, unit: Browser) -> None:
        stranger = bench.browser(UNIT)
        assert stranger.get("/login").signed_in_s is None
        stranger.cookies["__Host-fg-unit"] = "A" * 64
        assert not stranger.get("/login").signed_in_s, "a cookie that was made up"
        for path in ("/", "/sent", "/no-such-page"):
            left_s = unit.get(path).signed_in_s
            assert left_s is None if path == "/no-such-page" else left_s is not None and 0 < left_s <= 86_400

    def test_signing_in_and_out_say_so_at_once(self, bench: Bench) -> None:
        browser = bench.browser(UNIT)
        done = browser.post("/login", {"user_name": "operator", "password": PASSWORD})
        assert done.signed_in_s, "the first page after it is no stranger's"
        assert browser.post("/logout", {"csrf": browser.csrf}).signed_in_s == 0

    def test_a_session_that_is_over_is_taken_back(self, unit: Browser) -> None:
        unit.cookies["__Host-fg-unit"] = "A" * 64
        assert unit.get("/sent").signed_in_s == 0
