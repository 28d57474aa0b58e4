"""What counts as an offence and how much: one table, and the ways that lead to it.

A person makes mistakes: types a wrong password, follows an old bookmark, opens a window without a certificate. A
program that looks for a hole makes hundreds. So what people do by mistake weighs little, and what no browser does
weighs much. With the usual settings an address is banned from 100 points, a certificate from 200, and what is not
repeated is half forgotten after ten minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from dmz.edge.refusals import Reason
from dmz.messages import HallResponse, Offending
from wire_formats.errors import Kind


class Offence(Enum):
    """A kind of offence: (word for metrics and events, points, severity 0..10 as CEF has it, name)."""

    SCANNER = ("scanner", 25, 7, "Scanner's program or path")
    FIREWALL_SEVERE = ("firewall_severe", 35, 8, "Attack refused by the firewall, high score")
    FIREWALL_ATTACK = ("firewall_attack", 20, 7, "Attack refused by the firewall")
    FIREWALL_TYPED = ("firewall_typed", 8, 5, "Text in a signed-in user's form refused by the firewall")
    FIREWALL_FORM = ("firewall_form", 4, 4, "Undeclared input refused by the firewall")
    NOT_FOUND = ("not_found", 2, 3, "Address that does not exist")
    FORBIDDEN = ("forbidden", 2, 3, "Page without the right to it")
    BAD_HTTP = ("bad_http", 10, 6, "Request that breaks HTTP")
    UNACCEPTABLE = ("unacceptable", 3, 3, "Request too large or of a wrong type")
    TOO_SLOW = ("too_slow", 2, 4, "Request sent too slowly")
    WRONG_HOST = ("wrong_host", 3, 4, "Request for another host")
    CERTIFICATE_MISSING = ("certificate_missing", 1, 2, "Window without a certificate")
    CERTIFICATE_REFUSED = ("certificate_refused", 10, 6, "Certificate that is not an account's")
    CERTIFICATE_REVOKED = ("certificate_revoked", 5, 6, "Revoked certificate")
    LOGIN_FAILED = ("login_failed", 15, 5, "Failed sign-in")
    LOCKED_OUT = ("locked_out", 5, 5, "Sign-in while locked out")
    CODE_FAILED = ("code_failed", 10, 6, "Wrong number or code of a certificate slip")
    RATE = ("rate", 2, 4, "Rate limit")
    OVER_THROTTLE = ("over_throttle", 1, 4, "Goes on while slowed down")
    INFECTED = ("infected", 50, 9, "Infected upload")

    def __init__(self, word: str, points: int, severity: int, told: str) -> None:
        self.word = word
        self.points = points
        self.severity = severity
        self.told = told


#: Numbers of rules about scanners: our own, and those of the Core Rule Set.
_SCANNER_RULES: Final = ("110", "913")
_UNKNOWN_ADDRESS: Final = frozenset({Kind.NOT_FOUND, Kind.METHOD_NOT_ALLOWED})
_SEVERE_SCORE: Final = 10
#: Reasons that say less, more or something else than their kind.
_OF_REASON: Final[Mapping[Reason, Offence | None]] = MappingProxyType(
    {
        Reason.METHOD: Offence.BAD_HTTP,
        # Cookies of a parent domain may hold what our grammar refuses: a visitor cannot help it.
        Reason.HEADER_VALUE: Offence.UNACCEPTABLE,
        Reason.PIPELINE_DEADLINE: None,
        # What browsers send for others' pages, and gains nothing: whoever forges it is refused everything.
        Reason.FOREIGN_PAGE: None,
        Reason.CERTIFICATE_MISSING: Offence.CERTIFICATE_MISSING,
        Reason.THROTTLED: Offence.OVER_THROTTLE,
    }
)
_OF_KIND: Final[Mapping[Kind, Offence]] = MappingProxyType(
    {
        Kind.BAD_HTTP: Offence.BAD_HTTP,
        Kind.HEADERS_TOO_LARGE: Offence.UNACCEPTABLE,
        Kind.BODY_TOO_LARGE: Offence.UNACCEPTABLE,
        Kind.NOT_ACCEPTED: Offence.UNACCEPTABLE,
        Kind.MISDIRECTED: Offence.WRONG_HOST,
        Kind.TIMED_OUT: Offence.TOO_SLOW,
        Kind.TOO_MANY_REQUESTS: Offence.RATE,
        Kind.CERTIFICATE_REQUIRED: Offence.CERTIFICATE_REFUSED,
        Kind.CERTIFICATE_REVOKED: Offence.CERTIFICATE_REVOKED,
        Kind.NOT_FOUND: Offence.NOT_FOUND,
        Kind.METHOD_NOT_ALLOWED: Offence.NOT_FOUND,
        Kind.FIREWALL: Offence.FIREWALL_FORM,
        Kind.INFECTED: Offence.INFECTED,
    }
)
_OF_WORKER: Final[Mapping[Offending, Offence]] = MappingProxyType(
    {
        "login_failed": Offence.LOGIN_FAILED,
        "locked_out": Offence.LOCKED_OUT,
        "code_failed": Offence.CODE_FAILED,
    }
)
_OF_STATUS: Final[Mapping[int, Offence]] = MappingProxyType({403: Offence.FORBIDDEN, 404: Offence.NOT_FOUND})
#: Kinds that say that the presented certificate is not a valid one.
INVALID_CERTIFICATE: Final = frozenset(
    {Kind.CERTIFICATE_REQUIRED, Kind.CERTIFICATE_REVOKED, Kind.CERTIFICATE_EXPIRED, Kind.WRONG_WINDOW}
)
#: What a link can make a browser send; browsers before 2023 do not say whose link it was.
FROM_A_LINK: Final = frozenset(
    {
        Reason.REQUEST_LINE_TOO_LONG,
        Reason.TARGET_BYTES,
        Reason.PERCENT,
        Reason.DOUBLE_ENCODING,
        Reason.NOT_UTF8,
        Reason.CONTROL_CHARACTER,
        Reason.PATH_DOTS,
        Reason.PATH_EMPTY_SEGMENT,
        Reason.PATH_CHARACTER,
        Reason.TOO_MANY_PARAMETERS,
    }
)
#: What a page can make a browser send, refused perhaps before the fields have come that tell whose page it was.
FROM_A_PAGE: Final = FROM_A_LINK | {Reason.METHOD}


def of_refusal(reason: Reason) -> Offence | None:
    """Give the offence in a refusal by the edge; None: a mistake, our own trouble, or counted already."""
    if reason in _OF_REASON:
        return _OF_REASON[reason]
    return _OF_KIND.get(reason.kind)


def of_firewall(kind: Kind, rule: str, score: int, *, typed: bool = False) -> Offence | None:
    """Give the offence in a request that was refused behind the edge, by firewall or virus scanner.

    Args:
        kind: of the refusal.
        rule: id of the firewall's rule, or "".
        score: the firewall's; 0: its allow-list refused, and no rule against attacks matched.
        typed: whether a user who is signed in has typed it into a field of a form: it may be a false alarm, and whoever
            attacks in this way is known by his certificate.
    """
    if rule.startswith(_SCANNER_RULES) or (score and kind in _UNKNOWN_ADDRESS):
        return Offence.SCANNER  # an attack on an address that the hall never had
    if score and typed:
        return Offence.FIREWALL_TYPED
    if score:
        return Offence.FIREWALL_SEVERE if score >= _SEVERE_SCORE else Offence.FIREWALL_ATTACK
    return _OF_KIND.get(kind)


def of_answer(response: HallResponse) -> Offence | None:
    """Give the offence that a worker's answer tells of."""
    if response.offence is not None:
        return _OF_WORKER[response.offence]
    return _OF_STATUS.get(response.status)
