"""The hall put together: from a `HallRequest` to a `HallResponse`, whatever comes.

find the route → language → origin of a POST → session → right to be here → page → or the error's page
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from twisted.logger import Logger

from dmz.hall import replies
from dmz.hall.backend_port import Backend
from dmz.hall.error_page import ErrorPages
from dmz.hall.hall import Hall, PageHandler
from dmz.hall.hall_settings import HallSettings
from dmz.hall.pages import account, batch, cases, drafts, forms, home, public, receipt, search
from dmz.hall.renderer import Renderer
from dmz.hall.route_table import ROUTES, Route
from dmz.hall.router import Found, Router
from dmz.hall.same_origin import check_origin
from dmz.hall.session_mark import with_mark
from dmz.hall.visit import Visit, client_of, cookie_of, language_of, session_cookie_name
from dmz.messages import HallRequest, HallResponse, Handler
from wire_formats.collaborators import Clock, Randomness
from wire_formats.errors import Bug, HallError, Kind, Refused

HANDLERS: Final[Mapping[str, PageHandler]] = MappingProxyType(
    {
        "portal": public.portal,
        "certificate": public.certificate,
        "certificate_post": public.certificate_post,
        "accessibility": public.accessibility,
        "help": public.help_page,
        "language": public.language,
        "login": account.login,
        "login_post": account.login_post,
        "logout_post": account.logout_post,
        "password": account.password,
        "password_post": account.password_post,
        "home": home.home,
        "form": forms.form,
        "form_post": forms.form_post,
        "search": search.search,
        "search_post": search.search_post,
        "receipt": receipt.receipt,
        "sent": cases.sent,
        "case": cases.case,
        "withdraw": cases.withdraw,
        "withdraw_post": cases.withdraw_post,
        "drafts": drafts.drafts,
        "drafts_post": drafts.drafts_post,
        "batch": batch.batch,
        "batch_post": batch.batch_post,
        "batch_template": batch.batch_template,
        "batch_result": batch.batch_result,
        "batch_failed": batch.batch_failed,
        "batch_notices": batch.batch_notices,
    }
)


def build_hall(
    backend: Backend,
    assets: Callable[[str], str],
    settings: HallSettings,
    *,
    clock: Clock,
    randomness: Randomness,
) -> Handler:
    """Build the pages of all windows.

    Args:
        backend: what the pages ask.
        assets: gives the address of a static file ("hall.css", "mark.svg").
        settings: of the hall.
        clock: for time-outs and waiting pages.
        randomness: for form tokens.

    Returns:
        The handler a worker gives its requests to. It never raises: errors become pages.

    Raises:
        Bug: a route without a handler, or a handler without a route.
    """
    if {route.handler for route in ROUTES} != set(HANDLERS):
        raise Bug(Kind.BUG, "routes and handlers differ")
    renderer = Renderer(assets, settings)
    errors = ErrorPages(renderer, settings)
    hall = Hall(backend, renderer, errors, Router(), settings, clock, randomness)
    return HallApp(hall).handle


class HallApp:
    """Answers requests.

    Args:
        hall: the parts.
    """

    _log = Logger()

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    async def handle(self, request: HallRequest) -> HallResponse:
        """Answer one request."""
        visit = self._visit(request)
        try:
            found = self._hall.router.find(request.window, request.method, request.path)
            if request.method == "POST":
                check_origin(request)
            visit = await self._entered(visit, found)
            turned_away = self._turned_away(visit, found.route)
            answer = turned_away or await HANDLERS[found.route.handler](self._hall, visit)
        except HallError as error:
            self._log.info("page_refused", code=error.code, reason=error.private, request_id=request.request_id)
            answer = self._hall.errors.show(visit, error)
        except Exception:  # noqa: BLE001 - top of page handling: our own mistake must not leave a user without an answer
            self._log.failure("page_failed", request_id=request.request_id)
            answer = self._hall.errors.show(visit, Bug(Kind.BUG, "page handler failed"))
        return answer if visit.session is None else with_mark(answer, visit.session, visit.now_ms)

    def _visit(self, request: HallRequest) -> Visit:
        language = language_of(request)
        cookie = "" if request.window == "site" else cookie_of(request, session_cookie_name(request.window))
        client = client_of(request, language)
        return Visit(request, client, language, cookie, None, self._hall.clock.now_ms(), MappingProxyType({}))

    async def _entered(self, visit: Visit, found: Found) -> Visit:
        """The visit with its places and, if the cookie and the certificate fit, its session."""
        visit = replace(visit, places=found.places)
        if visit.window == "site":
            return visit
        if visit.request.client is None:
            raise Refused(Kind.CERTIFICATE_REQUIRED, "window without a client certificate")
        if not visit.cookie:
            return visit
        activity = visit.asked("auto") != "1"
        session = await self._hall.backend.session_of(visit.cookie, visit.client, activity=activity)
        return replace(visit, session=session)

    def _turned_away(self, visit: Visit, route: Route) -> HallResponse | None:
        """Send whoever may not be here to where he can go on; nothing he typed is lost on the way."""
        if not route.signed_in:
            return None
        if visit.session is None:
            return self._to_login(visit, route)
        if visit.session.must_change and not route.while_must_change:
            return replies.redirect("/password")
        return None

    def _to_login(self, visit: Visit, route: Route) -> HallResponse:
        had_session = bool(visit.cookie)
        if route.handler == "form_post" and had_session:
            return account.login_keeping(self._hall, visit, route.service)
        back = visit.request.path if route.method == "GET" else f"/s/{route.service}" if route.service else "/"
        target = f"/login?next={quote(back, safe='/')}"
        if not had_session:
            return replies.redirect("/login" if back == "/" else target)
        return replies.signed_out(replies.redirect(f"{target}&note=expired"), visit.window)
