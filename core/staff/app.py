"""One visit → one reply: route, operator, form token, page. Runs in a thread; every error becomes a page here."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from twisted.logger import Logger

from core.db.engine import reading
from core.staff.flow import Operator
from core.staff.operators import current_operator
from core.staff.renderer import Renderer
from core.staff.routes import Needs, Routes
from core.staff.visit import Reply, Visit, check_token, redirect
from wire_formats.errors import HallError, Kind, Refused, Unavailable

_BINDING_LOST = frozenset({Kind.CERTIFICATE_NOT_BOUND, Kind.CERTIFICATE_REVOKED, Kind.NO_RIGHT})


@dataclass(frozen=True)
class StaffApp:
    """The window's pages behind one function."""

    engine: Engine
    routes: Routes
    renderer: Renderer
    _log = Logger()

    def answer(self, visit: Visit) -> Reply:
        """Answer a visit; never raises for what a visitor can cause."""
        operator: Operator | None = None
        try:
            route, place = self.routes.find(visit.method, visit.path)
            if route.needs is not Needs.CERTIFICATE:
                if visit.session is None:
                    return redirect("/login" if visit.path == "/" else "/login?note=expired")
                try:
                    operator = self._operator(visit, visit.session.operator_id)
                except Refused as refused:
                    return self._refuse(visit, refused, end=refused.kind in _BINDING_LOST)
                if visit.method == "POST":
                    check_token(visit)
                if operator.must_change and route.needs is Needs.FULL:
                    return redirect("/password")
            return route.page(visit, operator, place)
        except HallError as error:
            return self._refuse(visit, error, operator=operator)
        except DBAPIError as error:
            # A lock that was not given in time, a lost connection: nothing was changed.
            self._log.warn("staff_database_failed", reason=type(error).__name__)
            return self._refuse(visit, Unavailable(Kind.BUSY, "database", retry_after_s=5), operator=operator)

    def _operator(self, visit: Visit, operator_id: str) -> Operator:
        with reading(self.engine) as connection:
            return current_operator(connection, operator_id, visit.client.fingerprint)

    def _refuse(self, visit: Visit, error: HallError, *, operator: Operator | None = None, end: bool = False) -> Reply:
        self._log.info("staff_refused", code=error.code, reason=error.private, method=visit.method)
        reply = self.renderer.error(visit, error, operator)
        headers = reply.headers
        if error.retry_after_s is not None:
            headers = (*headers, ("Retry-After", str(error.retry_after_s)))
        return Reply(reply.status, reply.body, headers, end_session=end)
