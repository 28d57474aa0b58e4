"""What people do besides forms: look up, withdraw, send workbooks, download a certificate; and whatever else comes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from dmz.hall.backend_port import Outcome, QueryRefused, Reason
from dmz.hall.batch_port import BatchState, NoticeCount, RowNotice
from dmz.messages import HallRequest, Upload
from tests.support.hall_backend import identifier_of
from tests.support.hall_bench import (
    PERSON,
    SITE,
    UNIT,
    Bench,
    Browser,
    header,
    identity_of,
    text_of,
)
from tests.support.hall_gallery import GOOD_EMPLOYEE, TOKEN, full_bench
from tests.support.page_reader import PageReader
from wire_formats.catalogue import SERVICES
from wire_formats.checking import check_answer
from wire_formats.errors import Kind, Refused, Unavailable
from wire_formats.field_faults import WARNINGS

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


class TestLookingUp:
    def test_a_query_goes_by_post_and_pages_by_buttons(self, unit: Browser) -> None:
        form = {"csrf": unit.csrf, "action": "query", "from_month": "2024年1月", "to_month": "２０２４-12"}
        answer = unit.post("/s/unit.assessed", form | {"page": "3"})
        page = PageReader(text_of(answer))
        assert unit.bench.backend.calls[-1] == ("unit.assessed", {"from_month": "2024-01", "to_month": "2024-12"})
        assert len(page.all("tbody")[0].children) == 20
        assert [b.attributes["value"] for b in page.all("button", name="page")] == ["2"]
        assert "1,564,447,644.00 yuan" in page.all("main")[0].text

    def test_a_service_that_pages_itself_gets_the_page_as_a_field(self, unit: Browser) -> None:
        unit.post("/s/case.list", {"csrf": unit.csrf, "action": "query", "page": "3"})
        assert unit.bench.backend.calls[-1] == ("case.list", {"page": 3})

    def test_no_conditions_no_question(self, unit: Browser) -> None:
        page = text_of(unit.get("/s/unit.profile"))
        assert "91110000600037341L" in page and "10,000" in page
        for name in ("Jianghan", "Jianghan District Social Insurance Agency", "Class 3"):
            assert f"<dd>{name}</dd>" in page
        assert "420103" not in page and "42010301" not in page

    def test_a_silent_core_is_told_and_the_conditions_stay(self, unit: Browser) -> None:
        unit.bench.backend.trouble = Unavailable(Kind.CORE_SILENT, "", 30)
        form = {"csrf": unit.csrf, "action": "query", "from_month": "2024-01", "to_month": "2024-02"}
        answer = unit.post("/s/unit.assessed", form)
        assert answer.status == 503 and header(answer, "Retry-After") == "30" and "FG-3003" in text_of(answer)
        assert PageReader(text_of(answer)).form_values("entry")["to_month"] == "2024-02"

    def test_the_reason_of_a_refused_query_stands_at_its_field(self, unit: Browser) -> None:
        cause = Refused(Kind.RULE, "said behind the gap")
        reason = Reason("to_month", "too_small", "“截止月份”不得小于 2024-01", "To month must be 2024-01 or more")
        unit.bench.backend.trouble = QueryRefused(cause, (reason,))
        form = {"csrf": unit.csrf, "action": "query", "from_month": "2024-01", "to_month": "2023-12"}
        answer = unit.post("/s/unit.assessed", form)
        page = PageReader(text_of(answer))
        assert answer.status == 422
        assert [link.text for link in page.all("a", href="#f-to_month")] == ["To month must be 2024-01 or more"]
        assert page.form_values("entry")["to_month"] == "2023-12"

    def test_a_refused_query_whose_reason_has_no_field_says_it_above_the_remedy(self, unit: Browser) -> None:
        reason = Reason("", "person_unknown", "本单位没有此人的参保记录", "This person is not enrolled with your unit")
        unit.bench.backend.trouble = QueryRefused(Refused(Kind.RULE, ""), (reason,))
        form = {"csrf": unit.csrf, "action": "query", "from_month": "2024-01", "to_month": "2024-12"}
        answer = text_of(unit.post("/s/unit.assessed", form))
        assert "<p>This person is not enrolled with your unit</p>" in answer and "FG-2022" in answer

    def test_the_language_switch_runs_the_query_again(self, unit: Browser) -> None:
        form = {"csrf": unit.csrf, "action": "language", "from_month": "2024-01", "to_month": "2024-02"}
        assert "应收帐" in text_of(unit.post("/s/unit.assessed", form))

    def test_a_case_can_be_withdrawn_once(self, unit: Browser) -> None:
        reference = str(unit.bench.backend.answers["case.result"]["reference"])
        place = f"/c/{identifier_of(reference)}"
        assert f"{place}/withdraw" in text_of(unit.get(place))
        page = PageReader(text_of(unit.get(f"{place}/withdraw")))
        token = page.all("input", name="form_token")[0].attributes["value"]
        for _ in range(2):
            sent = unit.post(f"{place}/withdraw", {"csrf": unit.csrf, "form_token": token})
        assert sent.status == 303
        assert [c for c in unit.bench.backend.calls if c[0] == "case.withdraw"] == [
            ("case.withdraw", {"reference": reference})
        ]

    def test_a_foreign_receipt_does_not_exist(self, unit: Browser) -> None:
        place = header(unit.post(ADD, filled(unit, action="submit")), "Location")
        assert unit.bench.browser(PERSON, signed_in=True).get(place).status == 404
        assert unit.get("/r/" + "0" * 32).status == 404
        assert unit.get("/r/xyz").status == 404


class TestReceipts:
    FORM = {"year": "2024", "id_number": "11010519491231002X", "name": "王小梅", "wage": "100"}

    @pytest.mark.parametrize(
        ("language", "code", "said"),
        [
            ("en", "clamped_low", "Below the lower limit of the base; the limit was used"),
            ("zh-CN", "clamped_high", "高于缴费基数上限，按上限计算"),
            ("zh-CN", "unchanged", "与已申报的工资相同，未作变更"),
        ],
    )
    def test_a_notice_stands_on_the_receipt_in_words(self, bench: Bench, language: str, code: str, said: str) -> None:
        unit = bench.browser(UNIT, language, signed_in=True)
        form = self.FORM | {"csrf": unit.csrf, "form_token": TOKEN, "draft": "", "step": "form", "action": "submit"}
        place = header(unit.post("/s/wage.declare", form), "Location")
        reference, (owner, progress) = next(iter(bench.backend.progresses.items()))
        answer = {"reference": reference, "state": "effective", "base": 422_400, "warning": code}
        check_answer(SERVICES["wage.declare"], answer)  # type: ignore[arg-type]
        bench.backend.progresses[reference] = (owner, replace(progress, outcome=Outcome.DONE, answer=answer))
        page = text_of(unit.get(place))
        assert f"<dd>{said}</dd>" in page and code not in page

    def test_the_receipt_of_a_case_under_review_leads_to_the_decision(self, bench: Bench, unit: Browser) -> None:
        place = header(unit.post(ADD, filled(unit, action="submit")), "Location")
        reference, (owner, progress) = next(iter(bench.backend.progresses.items()))
        case_path = f"/c/{identifier_of(reference)}"
        assert case_path not in text_of(unit.get(place))
        bench.backend.progresses[reference] = (owner, replace(progress, outcome=Outcome.ACCEPTED))
        page = PageReader(text_of(unit.get(place)))
        assert [link.text for link in page.all("a", href=case_path)] == ["See the review result"]


class TestWorkbooks:
    UPLOAD = Upload("workbook", "wages.xlsx", "application/zip", b"PK\x03\x04...")

    def test_template_upload_result_failed_rows(self, unit: Browser) -> None:
        template = unit.get("/b/wage.batch/template")
        assert template.body.startswith(b"PK")
        assert header(template, "Content-Disposition") == 'attachment; filename="wage.batch-en.xlsx"'
        form = {"csrf": unit.csrf, "form_token": TOKEN}
        sent = unit.post("/b/wage.batch", form, (self.UPLOAD,))
        again = unit.post("/b/wage.batch", form, (self.UPLOAD,))
        assert header(sent, "Location") == header(again, "Location")
        assert "Reading the file" in text_of(unit.follow(sent))
        assert unit.get(header(sent, "Location") + "/failed").status == 404

    @pytest.mark.parametrize(
        ("changes", "en", "zh"),
        [
            ({}, ["—", "Reading the file"], ["—", "正在读取文件"]),
            (
                {"state": BatchState.UNDER_WAY, "rows": 1_200, "accepted": 500, "waiting": 700},
                ["1,200 (500 answered)", "On its way"],
                ["1,200（500 行已有结果）", "传送中"],
            ),
            ({"state": BatchState.DONE, "rows": 1_200, "accepted": 1_200}, ["1,200", "Done"], ["1,200", "已办结"]),
            (
                {"state": BatchState.DONE, "rows": 12, "accepted": 11, "failed": 1},
                ["12", "Some rows need mending"],
                ["12", "部分行需更正"],
            ),
            ({"state": BatchState.REFUSED}, ["—", "Refused"], ["—", "未通过"]),
        ],
    )
    def test_a_workbook_is_one_line_among_what_was_sent(
        self, bench: Bench, changes: dict[str, object], en: list[str], zh: list[str]
    ) -> None:
        for language, said in (("en", en), ("zh-CN", zh)):
            unit = bench.browser(UNIT, language, signed_in=True)
            unit.post(ADD, filled(unit, action="submit", form_token=TOKEN[:-1] + "1"))
            bench.clock.now += 60_000
            upload = unit.post("/b/wage.batch", {"csrf": unit.csrf, "form_token": TOKEN[:-1] + "2"}, (self.UPLOAD,))
            bench.clock.now += 60_000
            unit.post(ADD, filled(unit, action="submit", form_token=TOKEN[:-1] + "3"))
            reference, (owner, view, _) = next(iter(bench.backend.batches.items()))
            bench.backend.batches[reference] = (owner, replace(view, **changes), ())  # type: ignore[arg-type]
            lines = PageReader(text_of(unit.get("/sent"))).all("tbody")[0].children
            assert [len(line.children) for line in lines] == [5, 5, 5]
            assert [cell.text for cell in lines[1].children][3:] == said
            assert lines[0].children[3].text == lines[2].children[3].text == "—"
            link = next(e for e in PageReader(text_of(unit.get("/sent"))).all("a") if e.text == reference)
            assert link.attributes["href"] == header(upload, "Location")

    @pytest.mark.parametrize(
        ("language", "said"),
        [
            ("en", "Of these, raised to the lower limit of the contribution base: 1,200."),
            ("zh-CN", "其中 1,200 行低于缴费基数下限，已按下限核定。"),
        ],
    )
    def test_notices_are_counted_listed_and_downloaded(self, bench: Bench, language: str, said: str) -> None:
        unit = bench.browser(UNIT, language, signed_in=True)
        place = header(unit.post("/b/wage.batch", {"csrf": unit.csrf, "form_token": TOKEN}, (self.UPLOAD,)), "Location")
        reference, (owner, view, _) = next(iter(bench.backend.batches.items()))
        assert unit.get(place + "/notices").status == 404
        low, same = WARNINGS["clamped_low"], WARNINGS["unchanged"]
        done = replace(
            view,
            state=BatchState.DONE,
            rows=1_250,
            accepted=1_250,
            repeated=77,
            notices=tuple(RowNotice(row, "clamped_low", low.zh, low.en) for row in range(5, 55)),
            notice_total=1_240,
            noted=(
                NoticeCount("clamped_low", 1_200, low.zh, low.en),
                NoticeCount("newer", 10, "新提示", "Something new"),
                NoticeCount("unchanged", 77, same.zh, same.en),
            ),
        )
        bench.backend.batches[reference] = (owner, done, ())
        page = PageReader(text_of(unit.get(place)))
        words = page.all("main")[0].text
        assert said in words and {"en": "Something new: 10.", "zh-CN": "新提示：10 行。"}[language] in words
        assert words.count("77") == 1, "rows without change have one sentence"
        assert low.of("en" if language == "en" else "zh-CN") in words and page.by_id("errors") is None
        assert len(page.all("tbody")[0].children) == 50 and "1,240" in words
        assert unit.get(place + "/notices").body == b"PK noted rows"

    @pytest.mark.parametrize("data", [b"", b"\xd0\xcf\x11\xe0 old", b"id,name\n"])
    def test_other_files_are_refused_with_the_remedy(self, unit: Browser, data: bytes) -> None:
        upload = (replace(self.UPLOAD, data=data),)
        answer = unit.post("/b/wage.batch", {"csrf": unit.csrf, "form_token": TOKEN}, upload)
        assert answer.status == 422 and "Excel workbook" in text_of(answer)

    def test_a_refused_upload_is_explained_on_the_page(self, unit: Browser) -> None:
        unit.bench.backend.trouble = Refused(Kind.BAD_WORKBOOK, "")
        answer = unit.post("/b/wage.batch", {"csrf": unit.csrf, "form_token": TOKEN}, (self.UPLOAD,))
        assert answer.status == 422 and "FG-1016" in text_of(answer)

    def test_a_workbook_needs_the_sessions_token(self, unit: Browser) -> None:
        answer = unit.post("/b/wage.batch", {"csrf": "no", "form_token": TOKEN}, (self.UPLOAD,))
        assert answer.status == 403 and not unit.bench.backend.batches


class TestSite:
    FORM = {"certificate_number": "ABCDEFGH23", "verification_code": "right-code"}

    def test_a_certificate_is_a_download_once(self, bench: Bench) -> None:
        bench.backend.certificates[("ABCDEFGH23", "right-code")] = b"pkcs12"
        site = bench.browser(SITE)
        answer = site.post("/certificate", self.FORM)
        assert answer.body == b"pkcs12" and header(answer, "Content-Type") == "application/x-pkcs12"
        assert header(answer, "Content-Disposition") == 'attachment; filename="ABCDEFGH23.p12"'
        assert header(answer, "Cache-Control") == "no-store"
        second = site.post("/certificate", self.FORM)
        assert second.status == 403 and "FG-2017" in text_of(second)
        assert (answer.offence, second.offence) == (None, "code_failed")
        assert "right-code" not in text_of(second)

    def test_the_site_knows_no_window_pages_and_windows_no_site_pages(self, bench: Bench) -> None:
        assert bench.browser(SITE).get("/login").status == 404
        assert bench.browser(UNIT).get("/certificate").status == 404

    def test_language_by_browser_then_by_choice(self, bench: Bench) -> None:
        site = bench.browser(SITE, "de-DE,en;q=0.5,zh;q=0.4")
        assert dict(site.get("/").headers)["Content-Language"] == "en"
        back = site.get("/language?to=zh-CN&back=/certificate")
        assert header(back, "Location") == "/certificate"
        assert dict(site.get("/").headers)["Content-Language"] == "zh-CN"
        assert header(site.get("/language?to=en&back=//evil.example"), "Location") == "/"
        assert site.get("/language?to=fr&back=/").status == 400


class TestWhateverComes:
    def test_unknown_paths_and_methods(self, unit: Browser) -> None:
        assert unit.get("/nowhere").status == 404
        assert unit.get("/logout").status == 405
        assert unit.post("/sent", {}).status == 405
        assert unit.get("/" + "x" * 5_000).status == 404

    def test_our_own_mistake_is_a_page_with_a_request_number(self, unit: Browser) -> None:
        unit.bench.backend.answers["unit.profile"] = None  # type: ignore[assignment]
        answer = unit.get("/s/unit.profile")
        assert answer.status == 500 and "FG-9001" in text_of(answer)
        assert "00112233445566778899aabbccddeeff" in text_of(answer)

    def test_pages_are_never_stored(self, unit: Browser) -> None:
        for path in ("/", ADD, "/sent", "/nowhere"):
            assert header(unit.get(path), "Cache-Control") == "no-store"

    def test_head_goes_with_get(self, bench: Bench) -> None:
        request = HallRequest("HEAD", "unit", "/login", client=identity_of(UNIT), request_id="0" * 32)
        assert asyncio.run(_ask(bench, request)) == 200


async def _ask(bench: Bench, request: HallRequest) -> int:
    return (await bench.handler(request)).status
