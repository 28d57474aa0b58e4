"""The only place in the hall where an error becomes an HTTP status and words; the edge's own are in ``dmz.edge``.

The status is for machines (load balancer, firewall statistics), the words for people: title and remedy of the kind from
`wire_formats.error_texts`, the code to read out on the telephone, and where to go from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dmz.hall import replies
from dmz.hall.frame import Frame
from dmz.hall.hall_settings import HallSettings
from dmz.hall.markup import formats
from dmz.hall.renderer import Renderer
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from dmz.messages import HallResponse, Offending, Pair
from wire_formats import error_texts
from wire_formats.bilingual import Language
from wire_formats.errors import HallError, Kind, code_of

_MAX_SECONDS_SHOWN: Final = 90

#: The status of a family of kinds (its thousands), and of the kinds that are more exact.
_FAMILY_STATUS: Final[Mapping[int, int]] = {1: 400, 2: 403, 3: 503, 9: 500}
_STATUS: Final[Mapping[Kind, int]] = {
    Kind.TOO_LARGE: 413,
    Kind.BAD_SIGNATURE: 502,
    Kind.UNKNOWN_SIGNER: 502,
    Kind.SIGNER_NOT_VALID: 502,
    Kind.WRONG_ROLE: 502,
    Kind.BAD_SEAL: 502,
    Kind.DIGEST_MISMATCH: 502,
    Kind.UNKNOWN_SERVICE: 404,
    Kind.BAD_FIELD: 422,
    Kind.WRONG_LANE: 502,
    Kind.REPLAYED: 409,
    Kind.FROM_THE_FUTURE: 502,
    Kind.BAD_WORKBOOK: 422,
    Kind.NOT_FOUND: 404,
    Kind.METHOD_NOT_ALLOWED: 405,
    Kind.LOCKED_OUT: 429,
    Kind.BODY_TOO_LARGE: 413,
    Kind.WEAK_PASSWORD: 422,
    Kind.EXPIRED: 410,
    Kind.CONFLICT: 409,
    Kind.RULE: 422,
    Kind.FIELDS_INVALID: 422,
    Kind.HELD: 409,
    Kind.MISDIRECTED: 421,
    Kind.HEADERS_TOO_LARGE: 431,
    Kind.NOT_ACCEPTED: 406,
    Kind.NO_PARAMETERS: 422,
    Kind.TOO_MANY_REQUESTS: 429,
    Kind.TIMED_OUT: 504,
}

_OFFENCES: Final[Mapping[Kind, Offending]] = {
    Kind.LOGIN_FAILED: "login_failed",
    Kind.CERTIFICATE_NOT_BOUND: "login_failed",
    Kind.LOCKED_OUT: "locked_out",
    Kind.CODE_WRONG: "code_failed",
    Kind.CODE_USED_UP: "code_failed",
}
_TO_SIGN_IN: Final = frozenset({Kind.SESSION_EXPIRED, Kind.GRANT_EXPIRED, Kind.CSRF_MISMATCH})
_TO_THE_SITE: Final = frozenset(
    {Kind.CERTIFICATE_REQUIRED, Kind.CERTIFICATE_EXPIRED, Kind.WRONG_WINDOW, Kind.MISDIRECTED}
)


@dataclass(frozen=True)
class Notice:
    """A message at the top of a page.

    Attributes:
        kind: "bad", "good", "warn" or "".
        title: one line.
        lines: further lines.
        code: of an error, or "".
        undo: id of a draft that can be restored, or "".
    """

    kind: str
    title: str
    lines: tuple[str, ...] = ()
    code: str = ""
    undo: str = ""


def status_of(kind: Kind) -> int:
    """Give the HTTP status of a kind."""
    return _STATUS.get(kind, _FAMILY_STATUS[kind.value // 1000])


def title_of(kind: Kind, language: Language) -> str:
    """Say what happened."""
    return error_texts.text(kind).of(language)


def remedy_of(kind: Kind, language: Language) -> str:
    """Say what to do next."""
    return error_texts.remedy(kind).of(language)


def notice_of(error: HallError, language: Language) -> Notice:
    """Give an error as a message on the page it belongs to, for example on the login page."""
    retry = retry_words(error.retry_after_s, language)
    lines = (remedy_of(error.kind, language), *((retry,) if retry else ()))
    return Notice("bad", title_of(error.kind, language), lines, code_of(error.kind))


def retry_words(seconds: int | None, language: Language) -> str:
    """Say when to try again; "" if nobody knows."""
    if seconds is None:
        return ""
    if seconds <= _MAX_SECONDS_SHOWN:
        return say(language, "error_retry_seconds", seconds=max(1, seconds))
    return say(language, "error_retry_minutes", minutes=formats.minutes_of(seconds))


def offence_of(error: HallError) -> Offending | None:
    """Give what the edge's intrusion watch is to hear of a refused sign-in, password or code; None: nothing."""
    return _OFFENCES.get(error.kind)


def retry_header(error: HallError) -> tuple[Pair, ...]:
    """Give the Retry-After header of an error that passes."""
    return () if error.retry_after_s is None else (("Retry-After", str(max(1, error.retry_after_s))),)


class ErrorPages:
    """Writes error pages.

    Args:
        renderer: of all pages.
        settings: of the hall.
    """

    def __init__(self, renderer: Renderer, settings: HallSettings) -> None:
        self._renderer = renderer
        self._settings = settings

    def show(self, visit: Visit, error: HallError) -> HallResponse:
        """Write the page of an error."""
        title = title_of(error.kind, visit.language)
        frame = Frame(title=title, path="/", wrong=True)
        model = {
            "remedy": remedy_of(error.kind, visit.language),
            "retry": retry_words(error.retry_after_s, visit.language),
            "code": code_of(error.kind),
            "time": formats.second(visit.now_ms),
            "ways": self._ways(visit, error.kind),
        }
        status, headers = status_of(error.kind), retry_header(error)
        page = self._renderer.show(visit, frame, "error.html", model, status=status, headers=headers)
        over = error.kind is Kind.SESSION_EXPIRED and visit.window != "site"
        return replies.signed_out(page, visit.window) if over else page

    def _ways(self, visit: Visit, kind: Kind) -> tuple[tuple[str, str], ...]:
        """Where to go from here: the likeliest first, never a dead end."""
        ways: list[tuple[str, str]] = []
        if visit.window != "site" and (kind in _TO_SIGN_IN or visit.session is None):
            ways.append(("/login", say(visit.language, "next_login")))
        if visit.window != "site" and kind in _TO_THE_SITE:
            ways.append((f"{self._settings.site_url}/", say(visit.language, "next_site")))
        if visit.session is not None:
            ways.append(("/sent", say(visit.language, "next_sent")))
        ways.append(("/", say(visit.language, "next_home")))
        ways.append(("/help", say(visit.language, "next_help")))
        return tuple(ways)
