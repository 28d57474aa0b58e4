"""Which page answers which address, and what a visitor must have for it.

Every POST of a session carries the session's form token; a page that changes something is never a GET.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from core.staff.account_pages import AccountPages
from core.staff.case_pages import CasePages
from core.staff.flow import Operator
from core.staff.visit import Reply, Visit
from core.staff.work_pages import WorkPages
from wire_formats.errors import Kind, Refused

PageFunction = Callable[[Visit, Operator | None, Mapping[str, str]], Reply]
_CASE: Final = "/cases/(?P<case>[0-9a-f]{32})"


class Needs(enum.Enum):
    """What a page is shown with."""

    CERTIFICATE = "certificate"
    SESSION = "session"  # also while the password must be changed
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Route:
    """One address."""

    method: str
    pattern: re.Pattern[str]
    page: PageFunction
    needs: Needs


class Routes:
    """The table.

    Args:
        account: pages of the own account.
        work: worklist and statistics.
        case: pages of one case.
    """

    def __init__(self, account: AccountPages, work: WorkPages, case: CasePages) -> None:
        table: tuple[tuple[str, str, PageFunction, Needs], ...] = (
            ("GET", "/login", account.show_login, Needs.CERTIFICATE),
            ("POST", "/login", account.log_in, Needs.CERTIFICATE),
            ("GET", "/language/(?P<language>[A-Za-z-]{2,5})", account.set_language, Needs.CERTIFICATE),
            ("POST", "/logout", account.log_out, Needs.SESSION),
            ("GET", "/password", account.show_password, Needs.SESSION),
            ("POST", "/password", account.change_password, Needs.SESSION),
            ("GET", "/", work.show_worklist, Needs.FULL),
            ("GET", "/find", work.find, Needs.FULL),
            ("GET", "/statistics", work.show_statistics, Needs.FULL),
            ("GET", _CASE, case.show, Needs.FULL),
            ("POST", f"{_CASE}/open", case.open, Needs.FULL),
            ("POST", f"{_CASE}/release", case.release, Needs.FULL),
            ("POST", f"{_CASE}/check", case.check, Needs.FULL),
            ("POST", f"{_CASE}/decide", case.decide, Needs.FULL),
        )
        self._routes = [Route(method, re.compile(path, re.ASCII), page, needs) for method, path, page, needs in table]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route of an address and the named parts of its path.

        Raises:
            Refused: NOT_FOUND or METHOD_NOT_ALLOWED.
        """
        known = False
        for route in self._routes:
            match = route.pattern.fullmatch(path)
            if match is None:
                continue
            if route.method == method:
                return route, match.groupdict()
            known = True
        raise Refused(Kind.METHOD_NOT_ALLOWED if known else Kind.NOT_FOUND, "no such page")
