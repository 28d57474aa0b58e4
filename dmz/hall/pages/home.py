"""A window's home: the services of this window that the account may use, by heading."""

from __future__ import annotations

from dmz.hall.error_page import Notice
from dmz.hall.frame import Frame
from dmz.hall.hall import Hall
from dmz.hall.texts.services import HEADING_OF_GROUP, HEADINGS
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from dmz.messages import HallResponse
from wire_formats.catalogue import Page, Service, services_of


async def home(hall: Hall, visit: Visit) -> HallResponse:
    """The list of services."""
    notice = Notice("good", say(visit.language, "password_done")) if visit.asked("note") == "password" else None
    offered = [
        service
        for service in services_of(visit.window)
        if service.page is not Page.OWN and service.code in visit.signed_in.rights
    ]
    groups = [_group(visit, heading, offered) for heading in HEADINGS]
    frame = Frame(title=say(visit.language, "home"))
    model = {"groups": [group for group in groups if group["ways"]], "notice": notice}
    return hall.renderer.show(visit, frame, "home.html", model)


def service_path(service: Service) -> str:
    """Give the address of a service's first page."""
    return f"/b/{service.code}" if service.page is Page.BATCH else f"/s/{service.code}"


def _group(visit: Visit, heading: str, offered: list[Service]) -> dict[str, object]:
    ways = [
        {
            "href": service_path(service),
            "title": service.title.of(visit.language),
            "summary": service.summary.of(visit.language),
        }
        for service in offered
        if HEADING_OF_GROUP[service.group] == heading
    ]
    return {"title": say(visit.language, heading), "ways": ways}
