"""The page of one case, and what an operator does there: open, give back, check, decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.rules.case_states import CaseEvent, CaseState, TaskRole, Verdict
from core.staff import texts
from core.staff.case_desk import MOST_REASON, CaseDesk, Ruling
from core.staff.case_file import CaseFile, CaseReader
from core.staff.case_view import title_of
from core.staff.flow import (
    Operator,
    Standing,
    check_due,
    check_may_decide,
    check_may_open,
    check_may_release,
    move_of,
    state_seen,
)
from core.staff.renderer import Frame, Renderer
from core.staff.visit import Reply, Visit, page_number, redirect
from core.staff.work_pages import required
from wire_formats.bilingual import Label
from wire_formats.errors import Kind, Refused
from wire_formats.field_faults import FieldFault
from wire_formats.field_kinds import yuan_text
from wire_formats.fields import Text

REASON: Final = Text(name="reason", label=texts.TEXTS["reason"], most=MOST_REASON, lines=True, required=False)
_VERDICTS: Final = {"pass": Verdict.PASS, "refuse": Verdict.REFUSE}


@dataclass(frozen=True)
class CasePages:
    """Everything about one case."""

    renderer: Renderer
    reader: CaseReader
    desk: CaseDesk

    def show(self, visit: Visit, operator: Operator | None, place: Mapping[str, str]) -> Reply:
        """Show the case."""
        return self._case_page(visit, required(operator), place["case"])

    def open(self, visit: Visit, operator: Operator | None, place: Mapping[str, str]) -> Reply:
        """Take the case."""
        self.desk.open(required(operator), place["case"], visit.now_ms)
        return redirect(f"/cases/{place['case']}?done=open")

    def release(self, visit: Visit, operator: Operator | None, place: Mapping[str, str]) -> Reply:
        """Give the case back."""
        self.desk.release(required(operator), place["case"], visit.now_ms)
        return redirect("/?done=done_release")

    def check(self, visit: Visit, operator: Operator | None, place: Mapping[str, str]) -> Reply:
        """Show the decision once more before it counts; nothing is stored."""
        operator = required(operator)
        verdict, reason, faults = _read_ruling(visit)
        if faults or verdict is None:
            return self._case_page(visit, operator, place["case"], faults=faults)
        found = self.reader.read(operator, place["case"], 1, visit.now_ms)
        check_may_decide(operator, found.standing)
        event = move_of(found.standing.state, verdict, found.flow)
        model = {
            "case": found.case,
            "service": title_of(found.case.service),
            "applicant": found.unit.name if found.unit is not None else found.account_name or "",
            "lines": found.content.lines if found.content is not None else (),
            "verdict": verdict.value,
            "reason": reason,
            "means": _meaning(event),
            "version": visit.form.get("version", ""),
        }
        frame = Frame(texts.TEXTS["check"].of(visit.language), operator, "work")
        return self.renderer.page(visit, frame, "check.html", model)

    def decide(self, visit: Visit, operator: Operator | None, place: Mapping[str, str]) -> Reply:
        """Decide; back to the form when it was only to be edited."""
        operator = required(operator)
        verdict, reason, faults = _read_ruling(visit)
        if visit.form.get("edit") or faults or verdict is None:
            return self._case_page(visit, operator, place["case"], faults=faults, status=422 if faults else 200)
        version = visit.form.get("version", "")
        if not (version.isascii() and version.isdigit() and len(version) <= 9):
            raise Refused(Kind.CONFLICT, "case is not as it was seen")
        state = self.desk.decide(operator, place["case"], Ruling(verdict, reason, int(version)), visit.now_ms)
        return redirect(f"/?done=done_{state.value}")

    def _case_page(
        self,
        visit: Visit,
        operator: Operator,
        case_id: str,
        *,
        faults: Mapping[str, Label] | None = None,
        status: int = 422,
    ) -> Reply:
        found = self.reader.read(operator, case_id, page_number(visit), visit.now_ms)
        content = found.content
        model = {
            "found": found,
            "case": found.case,
            "state": state_seen(CaseState(found.case.state), operator.roles).value,
            "service": title_of(found.case.service),
            "content": content,
            "base": yuan_text(content.base_fen) if content is not None and content.base_fen is not None else "",
            "cautions": [
                texts.WARNINGS[c.code].fill(value=c.value) for c in (content.cautions if content is not None else ())
            ],
            "steps": _steps(found, operator),
            "may": _may(operator, found.standing),
            "held_by_me": found.standing.holder == operator.operator_id,
            "faults": faults or {},
            "typed": {name: visit.form.get(name, "") for name in ("verdict", "reason")},
            "note": "done_open" if visit.query.get("done") == "open" else "",
        }
        frame = Frame(title_of(found.case.service).of(visit.language), operator, "work")
        return self.renderer.page(visit, frame, "case.html", model, status=status if faults else 200)


def _read_ruling(visit: Visit) -> tuple[Verdict | None, str, dict[str, Label]]:
    """Read verdict and reason of the form, with everything that is wrong."""
    words, faults = texts.TEXTS, {}
    verdict = _VERDICTS.get(visit.form.get("verdict", ""))
    if verdict is None:
        faults["verdict"] = words["missing_verdict"]
    reason = REASON.clean(visit.form.get("reason", ""))
    if reason:
        try:
            REASON.check(reason)
        except FieldFault as fault:
            faults["reason"] = words["long_reason" if fault.fault.code == "too_long" else "bad_reason"]
    elif verdict is Verdict.REFUSE:
        faults["reason"] = words["missing_reason"]
    return verdict, reason, faults


def _meaning(event: CaseEvent) -> str:
    """Return the key of the sentence that says what confirming does."""
    if event is CaseEvent.REFUSE:
        return "check_refuse"
    return "check_pass_next" if event is CaseEvent.PASS_REVIEW else "check_pass_final"


def _may(operator: Operator, standing: Standing) -> dict[str, object]:
    """Return which buttons to show, and why opening is not one of them; the desk decides all the same."""
    may: dict[str, object] = {"open": False, "release": False, "decide": False, "why": "", "second": False}
    due = check_due(standing.state)
    if due is None:
        return may
    may["second"] = due is TaskRole.RECHECK
    try:
        check_may_open(operator, standing)
        may["open"] = standing.holder is None
    except Refused as refused:
        may["why"] = {Kind.OTHER_PERSON: "your_check", Kind.NO_RIGHT: "not_your_check"}.get(refused.kind, "held_by")
    may["decide"] = standing.holder == operator.operator_id
    try:
        check_may_release(operator, standing)
        may["release"] = True
    except Refused:
        may["release"] = False
    return may


def _steps(found: CaseFile, operator: Operator) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = []
    last = ""
    for step in found.steps:
        state = state_seen(CaseState(step.state), operator.roles).value
        if state in (last, CaseState.SAVED.value):
            continue
        last = state
        shown.append(
            {"state": state, "actor": step.actor, "name": step.operator_name, "note": step.note, "at": step.at}
        )
    return shown
