"""What stands around every page: title, window, language switch, session, time-out, crumbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from dmz.hall.backend_port import Session
from dmz.hall.hall_settings import HallSettings
from dmz.hall.language import other
from dmz.hall.markup import formats
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from wire_formats.bilingual import Language

#: Minutes for which hall.css has a delayed warning (`.late-N`).
LATE_MINUTES: Final = (0, 3, 5, 10, 15, 20, 25, 40, 55)
_SECOND_MS: Final = 1000
_MINUTE_S: Final = 60


@dataclass(frozen=True)
class Frame:
    """What a page tells about itself.

    Attributes:
        title: of the page, also its last crumb.
        crumbs: addresses and labels above it.
        path: where GET shows the page again; the page's own path if empty.
        main_action: if set, the page has a form with id "entry" whose Enter key means this action, and the language
            switch (and "save" in the time-out bar, if it is "check") are buttons of that form: no input is lost.
        refresh_to: if set, the page goes there by itself after `refresh_s` seconds.
        wrong: the page shows errors; its title says so first.
    """

    title: str
    crumbs: tuple[tuple[str, str], ...] = ()
    path: str = ""
    main_action: str = ""
    refresh_to: str = ""
    refresh_s: int = 0
    wrong: bool = False


@dataclass(frozen=True)
class PageView:
    """What base.html uses."""

    title: str
    crumbs: tuple[tuple[str, str], ...]
    path: str
    main_action: str
    refresh_to: str
    refresh_s: int
    wrong: bool
    language: Language
    other_language: Language
    language_href: str
    window: str
    window_name: str
    site_url: str
    session: Session | None
    csrf: str
    time_out: str
    late_class: str
    request_id: str


def page_view(visit: Visit, frame: Frame, settings: HallSettings) -> PageView:
    """Join what the page tells with what is known of the visit."""
    path = frame.path or visit.request.path
    session = visit.session
    return PageView(
        title=frame.title,
        crumbs=frame.crumbs,
        path=path,
        main_action=frame.main_action,
        refresh_to=frame.refresh_to,
        refresh_s=frame.refresh_s,
        wrong=frame.wrong,
        language=visit.language,
        other_language=other(visit.language),
        language_href=f"/language?to={other(visit.language)}&back={quote(path, safe='/')}",
        window=visit.window,
        window_name=say(visit.language, f"window_{visit.window}"),
        site_url="" if visit.window == "site" else settings.site_url,
        session=session,
        csrf=session.csrf_token if session else "",
        time_out=formats.clock_time(session.expires_at_ms) if session else "",
        late_class=late_class(session.expires_at_ms - visit.now_ms, settings.late_notice_s) if session else "",
        request_id=visit.request.request_id,
    )


def late_class(left_ms: int, notice_s: int) -> str:
    """Give the class that shows the time-out warning `notice_s` seconds (or a little more) before the end.

    Args:
        left_ms: until the session ends.
        notice_s: how long before it the warning should stand at the latest.
    """
    minutes = max(0, (left_ms // _SECOND_MS - notice_s) // _MINUTE_S)
    return f"late-{max(step for step in LATE_MINUTES if step <= minutes)}"
