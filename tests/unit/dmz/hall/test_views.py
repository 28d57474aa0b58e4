"""View models: forms from declarations, answers from declarations, formats, time-out, progress."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.hall.error_page import notice_of, retry_words, status_of
from dmz.hall.frame import LATE_MINUTES, late_class
from dmz.hall.markup import formats
from dmz.hall.markup.answer_view import NOTHING, blocks, cell
from dmz.hall.markup.service_form import form_view, html_pattern, texts_of
from dmz.hall.password_rules import password_errors
from dmz.hall.replies import redirect, safe_file_name
from wire_formats.bilingual import LANGUAGES
from wire_formats.catalogue import SERVICES
from wire_formats.catalogue.accounts import LOGIN, PASSWORD
from wire_formats.catalogue.words import CASE_STATES, ID_NUMBER, MONTH, STATE, WAGE, YEAR, amount, count, flag
from wire_formats.errors import Kind, Refused
from wire_formats.fields import Secret


class TestForms:
    def test_every_declared_field_becomes_an_input_that_fits_it(self) -> None:
        for service in SERVICES.values():
            for language in LANGUAGES:
                for field, view in zip(
                    service.form_fields, form_view(service.form_fields, language).fields, strict=True
                ):
                    assert (view.name, view.label, view.required) == (
                        field.name,
                        field.label.of(language),
                        field.required,
                    )
                    assert view.maxlength >= field.max_length
                    assert (view.type == "password") == isinstance(field, Secret)
                    if view.pattern and "\\u{" not in view.pattern:
                        re.compile(view.pattern)

    def test_kinds_choose_keyboards_and_widgets(self) -> None:
        views = {v.name: v for v in form_view(SERVICES["employee.add"].form_fields, "en").fields}
        assert views["wage"].inputmode == "decimal" and views["phone"].inputmode == "tel"
        assert views["household"].widget == "radios" and views["note"].widget == "lines"
        assert form_view([YEAR], "en").fields[0].inputmode == "numeric"
        assert form_view(SERVICES["unit.assessed"].form_fields, "en").fields[2].widget == "select"

    def test_secrets_are_never_written_back(self) -> None:
        texts = {"user_name": "operator", "password": "secret"}
        views = form_view(LOGIN.form_fields, "en", texts=texts).fields
        assert [view.value for view in views] == ["operator", ""]
        assert texts_of(LOGIN, texts.items()) == {"user_name": "operator"}
        assert texts_of(LOGIN, texts.items(), secrets=True) == texts

    def test_only_the_first_of_a_name_counts_and_unknown_names_are_dropped(self) -> None:
        pairs = [("user_name", "a"), ("user_name", "b"), ("other", "c")]
        assert texts_of(LOGIN, pairs) == {"user_name": "a"}

    def test_own_inputs_are_filled_in_by_browsers_and_others_data_never(self) -> None:
        fields = (*LOGIN.form_fields, *PASSWORD.form_fields)
        got = {view.name: view.autocomplete for view in form_view(fields, "en").fields}
        assert got["user_name"] == "username" and got["new_password"] == "new-password"
        assert {v.autocomplete for v in form_view(SERVICES["employee.add"].form_fields, "en").fields} == {"off"}

    def test_patterns_speak_the_browsers_dialect(self) -> None:
        assert html_pattern(r"[\u3400-\u9fff\U00020000-\U0003ffff]+") == r"[\u3400-\u9fff\u{20000}-\u{3FFFF}]+"
        assert html_pattern("[A-Za-z0-9_-]{1,40}") == r"[A-Za-z0-9_\-]{1,40}"
        assert html_pattern(r"[0-9A\-]") == r"[0-9A\-]"


class TestAnswers:
    @pytest.mark.parametrize(
        ("fen", "text"),
        [(0, "0.00"), (5, "0.05"), (123_456_789, "1,234,567.89"), (-150, "\u22121.50"), (100, "1.00")],
    )
    def test_money_is_yuan_with_fen(self, fen: int, text: str) -> None:
        assert formats.yuan(fen) == text

    @given(st.integers(min_value=-(2**53), max_value=2**53))
    def test_money_can_be_read_back(self, fen: int) -> None:
        text = formats.yuan(fen).replace(",", "").replace("\u2212", "-")
        assert round(float(text) * 100) == fen or abs(fen) > 2**50

    @pytest.mark.parametrize("value", [None, "", [], {}, 1.5, object(), b"x"])
    def test_a_value_of_another_type_is_shown_as_missing(self, value: object) -> None:
        for field in (WAGE, YEAR, ID_NUMBER, MONTH, STATE, flag("f", ID_NUMBER.label)):
            assert cell(field, value, "en").text == NOTHING

    def test_words_for_codes(self) -> None:
        for code, label in CASE_STATES.items():
            shown = cell(STATE, code, "zh-CN")
            assert shown.text == label.zh and shown.kind == "tag" and shown.tag
        assert cell(flag("f", ID_NUMBER.label), True, "en").text == "Yes"
        assert cell(MONTH, "2024-07", "zh-CN").text == "2024年7月" and cell(MONTH, "2024-07", "en").text == "2024-07"
        assert cell(YEAR, 2024, "en").text == "2024" and cell(count("n", YEAR.label), 12_345, "en").text == "12,345"

    def test_codes_of_other_registers_are_shown_by_name_or_as_they_are(self) -> None:
        fields = SERVICES["unit.profile"].answer
        body = {"district": "420104", "agency": "42010401", "industry_class": "8"}
        facts = [fact.cell.text for block in blocks(fields, body, "en") for fact in block.facts]
        assert facts[3:6] == ["Qiaokou", "Qiaokou District Social Insurance Agency", "Class 8"]
        strange = {"district": "429004", "agency": "某某经办处", "industry_class": "9"}
        facts = [fact.cell.text for block in blocks(fields, strange, "zh-CN") for fact in block.facts]
        assert facts[3:6] == ["429004", "某某经办处", "9"]
        desk = {field.name: field for field in SERVICES["case.result"].answer}["desk"]
        assert cell(desk, "registration", "zh-CN").text == "登记科" and cell(desk, "审批科", "en").text == "审批科"

    def test_a_notice_is_shown_in_words(self) -> None:
        notice = {field.name: field for field in SERVICES["wage.declare"].answer}["warning"]
        assert cell(notice, "clamped_low", "en").text == "Below the lower limit of the base; the limit was used"
        assert cell(notice, "unchanged", "zh-CN").text == "与已申报的工资相同，未作变更"
        assert cell(notice, "of_a_newer_core", "en").text == "of_a_newer_core"

    def test_only_declared_fields_are_shown_and_secrets_never(self) -> None:
        body = {"grant": "g" * 20, "display_name": "王", "must_change": False, "draft_key": "k" * 43, "extra": "x"}
        facts = [fact.cell.text for block in blocks(LOGIN.answer, body, "en") for fact in block.facts]
        assert facts == ["王", "No"]

    def test_tables_are_paged_and_pages_out_of_range_are_the_last(self) -> None:
        fields = SERVICES["unit.assessed"].answer
        ledger = [{"month": f"20{n:02d}-01", "persons": n} for n in range(99)]
        for asked, got, rows in ((1, 1, 50), (2, 2, 49), (77, 2, 49), (-3, 1, 50)):
            table = blocks(fields, {"ledger": ledger}, "en", page=asked)[0].table
            assert table is not None and (table.page, table.pages, len(table.rows), table.total) == (got, 2, rows, 99)

    @given(
        st.dictionaries(
            st.sampled_from(["ledger", "grand_total"]), st.recursive(st.none() | st.text() | st.integers(), st.lists)
        )
    )
    def test_any_body_can_be_shown(self, body: dict[str, object]) -> None:
        for language in LANGUAGES:
            blocks(SERVICES["unit.assessed"].answer, body, language)

    def test_amounts_name_their_unit_once(self) -> None:
        table = blocks((SERVICES["unit.assessed"].answer[0],), {"ledger": []}, "en")[0].table
        assert table is not None and [c.label for c in table.columns][3] == "Total base (yuan)"
        facts = blocks((amount("a", YEAR.label),), {"a": 5}, "zh-CN")[0].facts
        assert facts[0].cell.text == "0.05 元"


class TestErrors:
    def test_every_kind_has_a_status_of_its_family(self) -> None:
        for kind in Kind:
            status = status_of(kind)
            assert 400 <= status <= 599
            assert (status >= 500) == (kind.value >= 3000 and kind is not Kind.TOO_MANY_REQUESTS) or status == 502

    def test_a_message_tells_code_remedy_and_time(self) -> None:
        for language in LANGUAGES:
            notice = notice_of(Refused(Kind.LOCKED_OUT, "private reason", 300), language)
            assert notice.code == "FG-2004" and len(notice.lines) == 2 and "5" in notice.lines[1]
            assert "private" not in notice.title + "".join(notice.lines)
        assert retry_words(None, "en") == "" and "30 seconds" in retry_words(30, "en")
        assert "2 minutes" in retry_words(91, "en")


class TestSmallThings:
    @pytest.mark.parametrize(
        ("left_s", "step"), [(1800, 25), (1799, 20), (300, 0), (0, 0), (-60, 0), (480, 3), (86_400, 55)]
    )
    def test_the_warning_shows_itself_in_time(self, left_s: int, step: int) -> None:
        assert late_class(left_s * 1000, 300) == f"late-{step}" and step in LATE_MINUTES

    @pytest.mark.parametrize(
        ("name", "safe"),
        [
            ("a.xlsx", "a.xlsx"),
            ('x";\r\nSet-Cookie: a', "x----Set-Cookie--a"),
            ("../../etc", "etc"),
            ("工资", "download"),
            ("", "download"),
        ],
    )
    def test_file_names_are_safe_in_headers(self, name: str, safe: str) -> None:
        assert safe_file_name(name) == safe
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", safe_file_name(name))

    def test_a_redirect_stays_one_header(self) -> None:
        location = dict(redirect("/x\r\nSet-Cookie: a=b").headers)["Location"]
        assert "\r" not in location and "\n" not in location and " " not in location

    def test_passwords(self) -> None:
        good = {"old_password": "old", "new_password": "a new river", "new_password_again": "a new river"}
        assert password_errors(good, "U0000042", "en") == {}
        assert set(password_errors(good | {"new_password_again": ""}, "U0000042", "en")) == {"new_password_again"}
        assert set(password_errors({}, "U0000042", "en")) == set()
