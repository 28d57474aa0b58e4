"""The worklist, the search by reference number, and statistics."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import Engine

from core.db.engine import reading
from core.rules.case_states import CaseState
from core.staff import texts
from core.staff.case_view import title_of
from core.staff.flow import Operator, state_seen
from core.staff.renderer import Frame, Renderer
from core.staff.standing import own_case
from core.staff.statistics import USUAL_DAYS, Volume, read_statistics
from core.staff.visit import Reply, Visit, page_number, redirect
from core.staff.worklist import FILTERS, OPEN, Wanted, read_counts, read_worklist
from wire_formats.bilingual import Label
from wire_formats.catalogue import SERVICES, ServiceKind
from wire_formats.errors import Bug, Kind, PeerError, Refused
from wire_formats.ids import parse_reference_number
from wire_formats.instants import local_day

#: Services that make cases: they answer with the state of one, and are not about a case made before.
REVIEWED: Final = tuple(
    code
    for code, entry in SERVICES.items()
    if entry.kind is ServiceKind.TRANSACTION
    and any(field.name == "state" for field in entry.answer)
    and entry.field("reference") is None
)
_EPOCH: Final = datetime.date(1970, 1, 1)
_COLUMNS: Final = ("submitted", "reviewing", "rechecking", "effective", "refused", "withdrawn", "audited")
_DONE: Final = frozenset({"changed", "done_release", "done_effective", "done_rechecking", "done_refused"})


def required(operator: Operator | None) -> Operator:
    """Give the operator of a page that is never shown without one.

    Raises:
        Bug: the route table let a visit through without operator.
    """
    if operator is None:
        raise Bug(Kind.BUG, "page without operator")
    return operator


@dataclass(frozen=True)
class WorkPages:
    """What waits, what was done, and how much of it.

    Attributes:
        page_rows: cases on a page.
    """

    renderer: Renderer
    engine: Engine
    page_rows: int

    def show_worklist(self, visit: Visit, operator: Operator | None, _place: Mapping[str, str]) -> Reply:
        """Show one page of the district's cases with the counts of what waits."""
        return self._worklist(visit, required(operator))

    def find(self, visit: Visit, operator: Operator | None, _place: Mapping[str, str]) -> Reply:
        """Go to the case of a reference number, if it is of the operator's district."""
        reference = visit.query.get("reference", "")
        try:
            case_id = parse_reference_number(reference).hex()
            with reading(self.engine) as connection:
                own_case(connection, required(operator), case_id)
        except (PeerError, Refused):
            return self._worklist(visit, required(operator), sought=reference[:60])
        return redirect(f"/cases/{case_id}")

    def show_statistics(self, visit: Visit, operator: Operator | None, _place: Mapping[str, str]) -> Reply:
        """Show volumes of the wanted days; the last thirty when none are named."""
        operator = required(operator)
        today = datetime.date.fromisoformat(local_day(visit.now_ms))
        last = _day(visit.query.get("to_day", ""), today)
        first = _day(visit.query.get("from_day", ""), last - datetime.timedelta(days=USUAL_DAYS - 1))
        with reading(self.engine) as connection:
            found = read_statistics(
                connection, operator, first_day=(first - _EPOCH).days, last_day=(last - _EPOCH).days
            )
        words = texts.TEXTS
        tables = [
            (words["by_service"], [(title_of(volume.name), _cells(volume, operator)) for volume in found.services]),
            (words["by_window"], [(texts.WINDOWS[v.name], _cells(v, operator)) for v in found.windows]),
            (words["by_district"], [(texts.district(v.name), _cells(v, operator)) for v in found.districts]),
            (words["by_day"], [(_day_label(v.name), _cells(v, operator)) for v in found.days]),
        ]
        model = {
            "tables": [table for table in tables if table[1]],
            "columns": _COLUMNS,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "total": found.total,
        }
        frame = Frame(words["statistics"].of(visit.language), operator, "statistics")
        return self.renderer.page(visit, frame, "statistics.html", model)

    def _worklist(self, visit: Visit, operator: Operator, *, sought: str | None = None) -> Reply:
        wanted = _wanted(visit)
        with reading(self.engine) as connection:
            counts = read_counts(connection, operator)
            found = read_worklist(connection, operator, wanted, page_rows=self.page_rows)
        done = visit.query.get("done", "")
        model = {
            "counts": counts,
            "wanted": wanted,
            "found": found,
            "rows": [_row(row, operator, visit.now_ms) for row in found.rows],
            "filters": tuple(FILTERS),
            "services": [(code, title_of(code)) for code in REVIEWED],
            "sought": sought,
            "note": done if done in _DONE else "",
            "links": _links(wanted, found.page, found.pages),
        }
        frame = Frame(texts.TEXTS["work"].of(visit.language), operator, "work")
        return self.renderer.page(visit, frame, "worklist.html", model, status=200 if sought is None else 404)


def _wanted(visit: Visit) -> Wanted:
    state, service = visit.query.get("state", OPEN), visit.query.get("service", "")
    return Wanted(
        state=state if state in FILTERS else OPEN,
        service=service if service in REVIEWED else "",
        mine=visit.query.get("mine") == "1",
        page=page_number(visit),
    )


def _row(row: Any, operator: Operator, now_ms: int) -> dict[str, object]:
    state = state_seen(CaseState(row.state), operator.roles)
    waits = state.value in (item.value for item in FILTERS[OPEN])
    return {
        "address": f"/cases/{row.case_id}",
        "reference": row.reference,
        "service": title_of(row.service),
        "applicant": row.unit_name or row.account_name or "",
        "persons": row.rows_total,
        "submitted": row.submitted_at,
        "waited": now_ms - row.submitted_at if waits else None,
        "state": state.value,
        "holder": row.holder_name,
        "mine": row.holder == operator.operator_id,
    }


def _links(wanted: Wanted, page: int, pages: int) -> dict[str, str]:
    kept = {"state": wanted.state, "service": wanted.service, "mine": "1" if wanted.mine else ""}
    values = {key: value for key, value in kept.items() if value}

    def address(number: int) -> str:
        return f"/?{urlencode({**values, 'page': number})}"

    return {
        "previous": address(page - 1) if page > 1 else "",
        "next": address(page + 1) if page < pages else "",
    }


def _cells(volume: Volume, operator: Operator) -> tuple[list[int], int]:
    merged: dict[str, int] = {}
    for state, cases in volume.by_state.items():
        seen = state_seen(CaseState(state), operator.roles).value
        column = seen if seen in _COLUMNS else CaseState.EFFECTIVE.value
        merged[column] = merged.get(column, 0) + cases
    return [merged.get(column, 0) for column in _COLUMNS], volume.total


def _day(text: str, otherwise: datetime.date) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text) if len(text) == len("2026-01-01") else otherwise
    except ValueError:
        return otherwise


def _day_label(number: str) -> Label:
    text = (_EPOCH + datetime.timedelta(days=int(number))).isoformat()
    return Label(text, text)
