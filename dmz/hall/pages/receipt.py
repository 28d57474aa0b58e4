"""The receipt: reference number, where the case is hop by hop, and its result (B23, E8).

While the case is under way the page updates itself; such an update does not put off the time-out. What the page says
never depends on it: the case is stored before the page is shown for the first time.
"""

from __future__ import annotations

from typing import Final

from dmz.hall.backend_port import Hop, Outcome, Progress
from dmz.hall.error_page import Notice
from dmz.hall.frame import Frame
from dmz.hall.hall import Hall, home_crumb
from dmz.hall.markup import formats
from dmz.hall.markup.answer_view import blocks
from dmz.hall.markup.reference_place import place_of, reference_at
from dmz.hall.pages.cases import OUTCOME_TAGS
from dmz.hall.pages.home import service_path
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from dmz.messages import HallResponse
from wire_formats import error_texts
from wire_formats.bilingual import Label
from wire_formats.catalogue import SERVICES, Service
from wire_formats.catalogue.queries import CASE_RESULT
from wire_formats.errors import code_of, kind_of

_SECOND_MS: Final = 1000
_SLOW_REFRESH_FACTOR: Final = 5
_GIVE_UP_REFRESH_S: Final = 1800
#: Where a transaction without effect was stopped.
_STOPPED_AT: Final = {Outcome.REJECTED: Hop.CROSSED, Outcome.REFUSED: Hop.DECIDED}


async def receipt(hall: Hall, visit: Visit) -> HallResponse:
    """The receipt of one transaction of this account."""
    reference = reference_at(visit.places["id"])
    progress = await hall.backend.progress(visit.signed_in, visit.client, reference)
    service = SERVICES.get(progress.service)
    waited_s = max(0, visit.now_ms - progress.submitted_at_ms) // _SECOND_MS
    slow = progress.outcome is Outcome.UNDER_WAY and waited_s >= hall.settings.slow_after_s
    answer = progress.answer
    model = {
        "notice": _slow_notice(visit) if slow else None,
        "progress": progress,
        "title": service.title.of(visit.language) if service else progress.service,
        "submitted": formats.second(progress.submitted_at_ms),
        "state": say(visit.language, f"state_{progress.outcome.value}"),
        "state_tag": OUTCOME_TAGS[progress.outcome],
        "blocks": blocks(service.answer, answer, visit.language) if service and answer else (),
        "reasons": reasons_of(progress, visit),
        "lines": _lines(progress, visit),
        "hops": hops_of(progress, visit),
        "case_path": _case_path(progress, visit),
        "again": _again(visit, service),
    }
    return hall.renderer.show(visit, _frame(hall, visit, progress, waited_s), "receipt.html", model)


def _frame(hall: Hall, visit: Visit, progress: Progress, waited_s: int) -> Frame:
    waiting = progress.outcome is Outcome.UNDER_WAY and waited_s < _GIVE_UP_REFRESH_S
    factor = _SLOW_REFRESH_FACTOR if waited_s >= hall.settings.slow_after_s else 1
    return Frame(
        title=say(visit.language, "receipt_title"),
        crumbs=(*home_crumb(visit), ("/sent", say(visit.language, "home_sent"))),
        refresh_to=f"{visit.request.path}?auto=1" if waiting else "",
        refresh_s=hall.settings.refresh_s * factor,
    )


def hops_of(progress: Progress, visit: Visit) -> list[dict[str, str]]:
    """Every hop in order: passed (with its time, if its notice came), the last one reached, ahead, or stopped at."""
    order = list(Hop)
    times = dict(progress.hops)
    over = progress.outcome is not Outcome.UNDER_WAY
    last = len(order) - 1 if over else max((order.index(hop) for hop in times), default=0)
    stopped = _STOPPED_AT.get(progress.outcome)
    shown: list[dict[str, str]] = []
    for number, hop in enumerate(order):
        if hop is stopped:
            state, note = "fail", say(visit.language, f"state_{progress.outcome.value}")
        elif number == last and not over:
            state, note = "here", say(visit.language, "hop_here")
        elif number <= last:
            state, note = "past", say(visit.language, "hop_unnoticed")
        else:
            state, note = "ahead", say(visit.language, "hop_waiting")
        skipped = progress.outcome is Outcome.REJECTED and hop is Hop.DECIDED
        if not skipped:
            at = formats.precise(times[hop]) if hop in times else ""
            shown.append({"title": say(visit.language, f"hop_{hop.value}"), "state": state, "at": at, "note": note})
    return shown


def reasons_of(progress: Progress, visit: Visit) -> list[str]:
    """Why nothing, or not everything, took effect."""
    reasons = [Label(reason.message_zh, reason.message_en).of(visit.language) for reason in progress.reasons]
    if progress.error_kind is not None:
        kind = kind_of(progress.error_kind)
        words = error_texts.text(kind).of(visit.language)
        reasons.insert(0, f"{words} ({code_of(kind)})")
    return reasons


def _lines(progress: Progress, visit: Visit) -> list[str]:
    keys = {
        Outcome.UNDER_WAY: ("receipt_keep", "receipt_refreshes"),
        Outcome.ACCEPTED: ("receipt_review_text",),
        Outcome.REFUSED: ("receipt_nothing_happened",),
        Outcome.REJECTED: ("receipt_nothing_happened",),
    }.get(progress.outcome, ())
    lines = [say(visit.language, key) for key in keys]
    if progress.sealed:
        lines.append(say(visit.language, "receipt_sealed"))
    return lines


def _slow_notice(visit: Visit) -> Notice:
    return Notice("warn", say(visit.language, "receipt_slow"), (say(visit.language, "receipt_slow_text"),))


def _case_path(progress: Progress, visit: Visit) -> str:
    """Where the decision is found: this page keeps what the core answered first, "waiting for review"."""
    if progress.outcome is not Outcome.ACCEPTED or CASE_RESULT.code not in visit.signed_in.rights:
        return ""
    return f"/c/{place_of(progress.reference)}"


def _again(visit: Visit, service: Service | None) -> str:
    if service is None or service.code not in visit.signed_in.rights:
        return ""
    return service_path(service)
