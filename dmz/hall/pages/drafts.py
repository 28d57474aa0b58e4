"""Drafts: the list, going on with one, deleting one and taking that back."""

from __future__ import annotations

from dmz.hall import replies
from dmz.hall.error_page import Notice
from dmz.hall.frame import Frame
from dmz.hall.hall import Hall, home_crumb
from dmz.hall.markup import formats
from dmz.hall.same_origin import check_token
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from dmz.messages import HallResponse
from wire_formats.catalogue import SERVICES
from wire_formats.errors import Kind, Refused


async def drafts(hall: Hall, visit: Visit) -> HallResponse:
    """All drafts of the account in this window, newest first."""
    found = await hall.backend.list_drafts(visit.signed_in, visit.client)
    lines = [
        {
            "id": line.draft_id,
            "title": SERVICES[line.service].title.of(visit.language),
            "href": f"/s/{line.service}?draft={line.draft_id}",
            "saved": formats.minute(line.saved_at_ms),
            "until": formats.minute(line.expires_at_ms)[:10],
        }
        for line in found
        if line.service in SERVICES
    ]
    frame = Frame(title=say(visit.language, "drafts_title"), crumbs=home_crumb(visit))
    return hall.renderer.show(visit, frame, "drafts.html", {"drafts": lines, "notice": _notice(visit)})


async def drafts_post(hall: Hall, visit: Visit) -> HallResponse:
    """Delete one, or bring it back."""
    check_token(visit)
    draft_id = visit.field("draft")
    if not draft_id:
        raise Refused(Kind.NOT_FOUND, "no draft named")
    if visit.field("action") == "undo":
        await hall.backend.restore_draft(visit.signed_in, visit.client, draft_id)
        return replies.redirect("/drafts?note=restored")
    await hall.backend.delete_draft(visit.signed_in, visit.client, draft_id)
    return replies.redirect(f"/drafts?note=deleted&draft={draft_id}")


def _notice(visit: Visit) -> Notice | None:
    if visit.asked("note") == "deleted":
        return Notice("good", say(visit.language, "drafts_deleted"), undo=visit.asked("draft"))
    if visit.asked("note") == "restored":
        return Notice("good", say(visit.language, "drafts_restored"))
    return None
