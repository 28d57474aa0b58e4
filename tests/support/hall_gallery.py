"""Every page of the hall in every state worth looking at, in one language: name -> response.

The tests read them all; `python -m tests.support.hall_gallery FOLDER` writes them out for looking at.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from dmz.hall.backend_port import Hop, Outcome, Reason
from dmz.hall.batch_port import BatchState, NoticeCount, RowError, RowNotice
from dmz.messages import HallResponse, Upload
from tests.support.hall_backend import Account, identifier_of
from tests.support.hall_bench import (
    ACCOUNTS,
    COMMUNITY,
    NAMES,
    PASSWORD,
    PERSON,
    SITE,
    UNIT,
    Bench,
    Browser,
)
from wire_formats.bilingual import LANGUAGES
from wire_formats.catalogue.words import ID_NUMBER, WAGE
from wire_formats.errors import Kind, Refused, Unavailable
from wire_formats.field_faults import Fault, words
from wire_formats.fields import NO_LABEL
from wire_formats.ids import reference_number

GOOD_EMPLOYEE = {
    "id_number": "11010519491231002X",
    "name": "王小梅",
    "household": "10",
    "origin": "new",
    "start_month": "2024-07",
    "wage": "５,000.50",
    "phone": "",
    "note": "第一行\n<b>第二行</b>",
}
TOKEN = "gallery-form-token-000"


def profile() -> dict[str, object]:
    """A unit's data."""
    return {
        "unit_no": "42010000042",
        "credit_code": "91110000600037341L",
        "unit_name": NAMES[UNIT],
        "district": "420103",
        "agency": "42010301",
        "industry_class": "3",
        "vip": True,
        "unit_state": "active",
        "persons": 10000,
    }


def assessed(rows: int = 120) -> dict[str, object]:
    """An assessed ledger of some rows."""
    ledger = [
        {
            "month": f"2024-{n // 5 % 12 + 1:02d}",
            "insurance": ("110", "210", "310", "410", "510")[n % 5],
            "persons": 9_998,
            "base": 5_432_109_876,
            "employer": 869_137_580,
            "employee": 434_568_790,
            "total": 1_303_706_370,
            "received": 1_303_706_370 if n % 7 else 0,
        }
        for n in range(rows)
    ]
    return {"ledger": ledger, "employer_total": 1, "employee_total": 99, "grand_total": 156_444_764_400}


def contributions() -> dict[str, object]:
    """A person's contributions."""
    months = [
        {
            "month": f"2024-{n + 1:02d}",
            "insurance": "110",
            "unit_name": NAMES[UNIT],
            "base": 500_050,
            "employer": 80_008,
            "employee": 40_004,
            "received": n < 9,
        }
        for n in range(12)
    ]
    return {"name": "王小梅", "id_number": "11010519491231002X", "months": months}


def cases() -> dict[str, object]:
    """A page of handled cases."""
    states = ("submitted", "reviewing", "effective", "partly_effective", "refused", "withdrawn")
    rows = [
        {
            "reference": reference_number(bytes([n]) * 16),
            "service": "employee.add" if n % 2 else "wage.batch",
            "state": states[n % 6],
            "submitted_at": "2024-07-03 09:41",
            "rows_total": 1 if n % 2 else 10_000,
        }
        | ({"decided_at": "2024-07-03 10:02"} if n > 1 else {})
        for n in range(6)
    ]
    return {"cases": rows, "total": 131, "page": 2, "pages": 3}


def case_result() -> dict[str, object]:
    """One case."""
    return {
        "reference": reference_number(b"\x11" * 16),
        "service": "employee.add",
        "state": "submitted",
        "submitted_at": "2024-07-03 09:41",
        "desk": "registration",
        "desk_phone": "027-12345678",
        "rows_total": 1,
        "rows_done": 0,
        "rows_failed": 0,
        "can_withdraw": True,
        "history": [{"state": "submitted", "at": "2024-07-03 09:41"}],
    }


def full_bench() -> Bench:
    """A hall whose core has answers."""
    bench = Bench()
    bench.backend.answers = {
        "unit.profile": profile(),
        "unit.assessed": assessed(),
        "person.contributions": contributions(),
        "case.list": cases(),
        "case.result": case_result(),
    }
    return bench


def gallery(language: str, bench: Bench | None = None) -> dict[str, HallResponse]:
    """All pages in one language."""
    bench = bench or full_bench()
    pages = _public(bench, language) | _sign_in(bench, language)
    unit = bench.browser(UNIT, language, signed_in=True)
    return pages | _forms(unit) | _searches(unit) | _receipts(unit) | _batches(unit) | _errors(unit)


def _public(bench: Bench, language: str) -> dict[str, HallResponse]:
    site = bench.browser(SITE, language)
    wrong = {"certificate_number": "ABCD", "verification_code": "x"}
    tried = {"certificate_number": "ABCDEFGH23", "verification_code": "wrong-code"}
    return {
        "site-home": site.get("/"),
        "site-certificate": site.get("/certificate"),
        "site-certificate-errors": site.post("/certificate", wrong),
        "site-certificate-refused": site.post("/certificate", tried),
        "site-help": site.get("/help"),
        "site-accessibility": site.get("/accessibility"),
        "site-not-found": site.get("/nowhere"),
    }


def _sign_in(bench: Bench, language: str) -> dict[str, HallResponse]:
    fresh = bench.browser(UNIT, language)
    pages = {
        "login": fresh.get("/login"),
        "login-out": fresh.get("/login?note=out"),
        "login-expired": fresh.get("/login?note=expired&next=/sent"),
        "login-errors": fresh.post("/login", {"user_name": "", "password": ""}),
        "login-failed": fresh.post("/login", {"user_name": "operator", "password": "wrong"}),
    }
    bench.backend.trouble = Refused(Kind.LOCKED_OUT, "too many", 300)
    pages["login-locked"] = fresh.post("/login", {"user_name": "operator", "password": "wrong"})
    lost = bench.browser(UNIT, language)
    lost.cookies["__Host-fg-unit"] = "gone"
    pages["login-kept"] = lost.post("/s/employee.add", GOOD_EMPLOYEE | {"action": "check", "csrf": "old"})
    bench.backend.accounts.append(Account("P-NEW", PERSON, "newcomer", PASSWORD, "李雷", must_change=True))
    for window in (COMMUNITY, PERSON):
        visitor = bench.browser(window, language, signed_in=True)
        pages[f"home-{window}"] = visitor.get("/")
        pages[f"help-{window}"] = visitor.get("/help")
    account = next(a for a in bench.backend.accounts if a.account == ACCOUNTS[PERSON])
    account.must_change = True
    first = bench.browser(PERSON, language, signed_in=True)
    pages["password-first"] = first.get("/password")
    account.must_change = False
    return pages


def _forms(unit: Browser) -> dict[str, HallResponse]:
    base = {"csrf": unit.csrf, "form_token": TOKEN, "draft": "", "step": "form"}
    wrong = {"id_number": "110105194912310021", "name": "", "household": "99", "start_month": "7月", "wage": "much"}
    path = "/s/employee.add"
    saved = unit.post(path, base | GOOD_EMPLOYEE | {"action": "save"})
    password = {"csrf": unit.csrf, "old_password": "", "new_password": "short", "new_password_again": "other"}
    pages = {
        "home-unit": unit.get("/"),
        "home-password-changed": unit.get("/?note=password"),
        "help-unit": unit.get("/help"),
        "form": unit.get(path),
        "form-errors": unit.post(path, base | wrong | {"action": "check"}),
        "form-saved": unit.follow(saved),
        "form-again": unit.post(path, base | GOOD_EMPLOYEE | {"action": "submit", "csrf": "old"}),
        "form-check": unit.post(path, base | GOOD_EMPLOYEE | {"action": "check"}),
        "password": unit.get("/password"),
        "password-errors": unit.post("/password", password),
        "drafts": unit.get("/drafts"),
    }
    draft = next(iter(unit.bench.backend.drafts))
    deleted = unit.post("/drafts", {"csrf": unit.csrf, "draft": draft, "action": "delete"})
    pages["drafts-deleted"] = unit.follow(deleted)
    pages["drafts-restored"] = unit.follow(unit.post("/drafts", {"csrf": unit.csrf, "draft": draft, "action": "undo"}))
    return pages


def _searches(unit: Browser) -> dict[str, HallResponse]:
    base = {"csrf": unit.csrf, "action": "query"}
    months = {"from_month": "2024-01", "to_month": "2024-12"}
    place = identifier_of(reference_number(b"\x11" * 16))
    path = "/s/unit.assessed"
    pages = {
        "search-profile": unit.get("/s/unit.profile"),
        "search-ledger-empty": unit.get(path),
        "search-ledger-errors": unit.post(path, base | {"from_month": "13", "to_month": ""}),
        "search-ledger": unit.post(path, base | months | {"page": "2"}),
        "search-contributions": unit.post("/s/person.contributions", base | months),
        "case-list": unit.get("/s/case.list"),
        "case": unit.get(f"/c/{place}"),
        "withdraw": unit.get(f"/c/{place}/withdraw"),
    }
    unit.bench.backend.trouble = Unavailable(Kind.CORE_SILENT, "no answer", 30)
    pages["search-silent"] = unit.post(path, base | months)
    unit.bench.backend.answers["unit.assessed"] = assessed(0)
    pages["search-no-rows"] = unit.post(path, base | months)
    return pages


def _receipts(unit: Browser) -> dict[str, HallResponse]:
    backend, clock = unit.bench.backend, unit.bench.clock
    form = GOOD_EMPLOYEE | {"csrf": unit.csrf, "form_token": TOKEN, "draft": "", "action": "submit"}
    answer = unit.post("/s/employee.add", form)
    pages = {"receipt-stored": unit.follow(answer)}
    reference, (owner, progress) = next(iter(backend.progresses.items()))
    place = f"/r/{identifier_of(reference)}"
    now = clock.now
    hops = tuple((hop, now + 7 * n) for n, hop in enumerate(Hop))

    def show(name: str, **changes: object) -> None:
        backend.progresses[reference] = (owner, replace(progress, **changes))  # type: ignore[arg-type]
        pages[name] = unit.get(place)

    show("receipt-crossed", hops=hops[:4])
    clock.now = now + 45_000
    show("receipt-slow", hops=hops[:2])
    clock.now = now
    result = {"reference": reference, "state": "submitted", "base": 500_050}
    show("receipt-accepted", hops=hops, outcome=Outcome.ACCEPTED, answer=result)
    show("receipt-done", hops=hops, outcome=Outcome.DONE, answer=result | {"state": "effective"})
    said = words(Fault("enrolled_elsewhere"), NO_LABEL)
    reasons = (Reason("id_number", "enrolled_elsewhere", said.zh, said.en),)
    show("receipt-refused", hops=hops, outcome=Outcome.REFUSED, error_kind=int(Kind.RULE), reasons=reasons)
    show("receipt-rejected", hops=hops[:3], outcome=Outcome.REJECTED, error_kind=int(Kind.BAD_FIELD))
    show("receipt-sealed", hops=hops, outcome=Outcome.ACCEPTED, sealed=True)
    pages["sent"] = unit.get("/sent")
    return pages


def _batches(unit: Browser) -> dict[str, HallResponse]:
    backend = unit.bench.backend
    form = {"csrf": unit.csrf, "form_token": TOKEN[:-1] + "b"}
    upload = Upload("workbook", "二〇二四年度工资 <final>.xlsx", "application/zip", b"PK\x03\x04")
    pages = {
        "batch": unit.get("/b/wage.batch"),
        "batch-no-file": unit.post("/b/wage.batch", form),
        "batch-not-xlsx": unit.post("/b/wage.batch", form, (replace(upload, data=b"old xls"),)),
        "batch-reading": unit.follow(unit.post("/b/wage.batch", form, (upload,))),
    }
    reference, (owner, view, _) = next(iter(backend.batches.items()))
    place = f"/batch/{identifier_of(reference)}"
    codes = ("id_check", "id_scientific", "not_money", "name_differs", "person_unknown", "doubled")
    errors = tuple(_row_error(n, codes[n % len(codes)]) for n in range(120))

    def show(name: str, address: str, found: tuple[RowError, ...], **changes: object) -> None:
        backend.batches[reference] = (owner, replace(view, **changes), found)  # type: ignore[arg-type]
        pages[name] = unit.get(address)

    counts = {"rows": 10_000, "accepted": 9_883, "failed": 117, "waiting": 0, "repeated": 12}
    show("batch-under-way", place, (), state=BatchState.UNDER_WAY, rows=10_000, accepted=4_000, waiting=6_000)
    pages["sent-batch"] = unit.get("/sent")
    show("batch-done", f"{place}?page=2", errors, state=BatchState.DONE, **counts)
    said = {code: words(Fault(code), NO_LABEL) for code in ("clamped_low", "clamped_high", "unchanged")}
    rows = [(n * 3 + 5, ("clamped_low", "clamped_high", "unchanged")[n % 3]) for n in range(50)]
    notices = tuple(RowNotice(row, code, said[code].zh, said[code].en) for row, code in rows)
    noted = tuple(NoticeCount(code, 12_340, label.zh, label.en) for code, label in said.items())
    told = {"notices": notices, "notice_total": 37_020, "noted": noted}
    show("batch-noted", place, (), state=BatchState.DONE, **(counts | told | {"accepted": 10_000, "failed": 0}))
    show("batch-noted-errors", place, errors, state=BatchState.DONE, **(counts | told))
    show("batch-perfect", place, (), state=BatchState.DONE, rows=3, accepted=3)
    show("batch-refused", place, (), state=BatchState.REFUSED, file_error=int(Kind.BAD_WORKBOOK))
    return pages


def _row_error(number: int, code: str) -> RowError:
    field = "wage" if code == "not_money" else "id_number"
    said = words(Fault(code, {"first": 12}), (WAGE if field == "wage" else ID_NUMBER).label)
    return RowError(
        number * 83 + 3, field, code, said.zh, said.en, from_core=code in {"name_differs", "person_unknown"}
    )


def _errors(unit: Browser) -> dict[str, HallResponse]:
    pages, cookies = {}, dict(unit.cookies)
    for kind in Kind:
        unit.cookies = dict(cookies)  # an expired session takes its cookie back
        unit.bench.backend.trouble = Refused(kind, "as told", 40 if kind is Kind.BUSY else None)
        pages[f"error-{kind.name.lower().replace('_', '-')}"] = unit.get("/sent")
    return pages


def write_out(folder: Path) -> None:
    """Write all pages as files with a relative style sheet."""
    for language in LANGUAGES:
        for name, answer in gallery(language).items():
            text = answer.body.decode("utf-8").replace("/static/", "")
            (folder / f"{name}.{language}.html").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_out(Path(sys.argv[1]))
