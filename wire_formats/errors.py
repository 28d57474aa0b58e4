"""Kinds of error that cross process borders, with fixed numbers.

A kind's number is public (users read ``FG-2003`` aloud on the telephone) and never reused.
``private`` is for the operator's log only: it never crosses the ferry and never reaches a page.

Families
    1xxx  PeerError    the other side sent bytes that cannot be right
    2xxx  Refused      understood, and not allowed
    3xxx  Unavailable  not now; try again after a while
    9xxx  Bug          our own fault
"""

from __future__ import annotations

import enum

from wire_formats.bilingual import Label


class Kind(enum.IntEnum):
    """Every kind of error a user or an operator can meet."""

    # 1xxx: hostile or broken bytes
    MALFORMED = 1001
    TOO_LARGE = 1002
    NOT_CANONICAL = 1003
    BAD_SIGNATURE = 1004
    UNKNOWN_SIGNER = 1005
    SIGNER_NOT_VALID = 1006
    WRONG_ROLE = 1007
    BAD_SEAL = 1008
    DIGEST_MISMATCH = 1009
    UNKNOWN_SERVICE = 1010
    BAD_FIELD = 1011
    WRONG_LANE = 1012
    REPLAYED = 1013
    FROM_THE_FUTURE = 1014
    BAD_HTTP = 1015
    BAD_WORKBOOK = 1016

    # 2xxx: policy
    NOT_FOUND = 2001
    METHOD_NOT_ALLOWED = 2002
    LOGIN_FAILED = 2003
    LOCKED_OUT = 2004
    SESSION_EXPIRED = 2005
    CSRF_MISMATCH = 2006
    NO_RIGHT = 2007
    CERTIFICATE_REQUIRED = 2008
    CERTIFICATE_REVOKED = 2009
    CERTIFICATE_EXPIRED = 2010
    WRONG_WINDOW = 2011
    CERTIFICATE_NOT_BOUND = 2012
    FIREWALL = 2013
    BODY_TOO_LARGE = 2014
    MUST_CHANGE_PASSWORD = 2015
    WEAK_PASSWORD = 2016
    CODE_WRONG = 2017
    CODE_USED_UP = 2018
    GRANT_EXPIRED = 2019
    EXPIRED = 2020
    CONFLICT = 2021
    RULE = 2022
    FIELDS_INVALID = 2023
    HELD = 2024
    MISDIRECTED = 2025
    HEADERS_TOO_LARGE = 2026
    NOT_ACCEPTED = 2027
    OTHER_PERSON = 2028
    NO_PARAMETERS = 2029
    SLIP_NOT_ENABLED = 2030
    BANNED = 2031
    INFECTED = 2032

    # 3xxx: later
    BUSY = 3001
    TOO_MANY_REQUESTS = 3002
    CORE_SILENT = 3003
    NO_WORKER = 3004
    STORAGE_FULL = 3005
    TIMED_OUT = 3006
    DENY_LIST_STALE = 3007
    DESK_SILENT = 3008
    OVERLOADED = 3009
    UNIT_BUSY = 3010

    # 9xxx: ours
    BUG = 9001


class HallError(Exception):
    """An error with a public kind and a private reason.

    Args:
        kind: the public kind.
        private: the reason for the operator's log; no personal data, no secrets.
        retry_after_s: for a refusal that passes, seconds after which to try again.

    Attributes:
        detail: which rule of a closed set was broken, and at which declared field; public, "" for none.
        field: the field that it concerns, as the form calls it; public, None for none.
    """

    detail = ""
    field: Label | None = None

    def __init__(self, kind: Kind, private: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(kind, private)
        self.kind = kind
        self.private = private
        self.retry_after_s = retry_after_s

    @property
    def code(self) -> str:
        """The code users see, for example ``FG-2003``."""
        return code_of(self.kind)

    @property
    def word(self) -> str:
        """The reason in a log, one of a fixed set of words."""
        return self.kind.name.lower()

    def __str__(self) -> str:
        return f"{self.code} {self.kind.name.lower()}: {self.private}"


class PeerError(HallError):
    """Bytes from another party cannot be accepted."""


class Refused(HallError):
    """Understood, and not allowed."""


class Unavailable(HallError):
    """Cannot be done now; ``retry_after_s`` says when to try again."""


class Bug(HallError):
    """Our own fault: an inconsistency that no input may cause."""


def code_of(kind: Kind) -> str:
    """Give the public code of a kind, for example ``FG-2003``."""
    return f"FG-{kind.value:04d}"


def kind_of(number: int) -> Kind:
    """Give the kind with this number.

    Raises:
        PeerError: no kind has this number.
    """
    try:
        return Kind(number)
    except ValueError:
        raise PeerError(Kind.MALFORMED, "unknown error kind") from None
