"""What a handler gets and gives.

Source: DESIGN "Core handlers are plain synchronous functions (context, request) -> answer inside a transaction".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection

from core.desk import CertificateDesk
from core.password_hashing import PasswordHashing
from core.reference.parameters import ReferenceData
from wire_formats.answer import AnswerStatus
from wire_formats.canonical import Json
from wire_formats.collaborators import Randomness
from wire_formats.errors import Bug, Kind, Refused
from wire_formats.grant import Grant
from wire_formats.request import RequestHeader
from wire_formats.seal import SealPrivateKey
from wire_formats.suites import SigningKey

CITY_DISTRICT = "000000"
"""District of what belongs to no district."""


class Note(NamedTuple):
    """One thing wrong with a request: fault code, field at fault, and the number its words need."""

    code: str
    field: str = ""
    value: int | None = None


class RuleRefused(Refused):
    """Refused by a rule, with the faults users are shown."""

    def __init__(self, *notes: Note, kind: Kind = Kind.RULE) -> None:
        super().__init__(kind, ", ".join(note.code for note in notes))
        self.notes = notes


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: read from the grant alone."""

    account_id: str
    window: str
    subject: str
    district: str
    grant: Grant

    @property
    def unit_id(self) -> int:
        """The unit the account acts for.

        Raises:
            Refused: WRONG_WINDOW, the account is not a unit's.
        """
        if self.window != "unit":
            raise Refused(Kind.WRONG_WINDOW, "not a unit account")
        return int(self.subject)

    @property
    def person_id(self) -> int:
        """The person the account belongs to.

        Raises:
            Refused: WRONG_WINDOW, the account is not a person's.
        """
        if self.window != "person":
            raise Refused(Kind.WRONG_WINDOW, "not a person's account")
        return int(self.subject)


@dataclass(frozen=True, slots=True)
class Tools:
    """What lasts as long as the process: keys, hashing, desk, limits."""

    signing_key: SigningKey
    seal_key: SealPrivateKey
    hashing: PasswordHashing
    account_master_key: bytes = field(repr=False)
    common_passwords: frozenset[str]
    desk: CertificateDesk
    randomness: Randomness
    grant_life_ms: int


@dataclass(slots=True)
class Context:
    """What one handler run may use: an open transaction, the time, parameters, the caller."""

    connection: Connection
    now_ms: int
    reference: ReferenceData
    tools: Tools
    caller_or_none: Caller | None
    outcome: Any = None
    """What the slow work before this handler brought (password verdict, desk answer)."""

    @property
    def caller(self) -> Caller:
        """Who asks.

        Raises:
            Bug: a service without grant asked for its caller.
        """
        if self.caller_or_none is None:
            raise Bug(Kind.BUG, "service without grant has no caller")
        return self.caller_or_none


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """A verified request: header and checked body."""

    header: RequestHeader
    body: Mapping[str, Any]
    body_bytes: bytes

    @property
    def id_hex(self) -> str:
        """The request id in lower-case hex."""
        return self.header.id.hex()


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What a handler says; `fields` must be what the service declares as its answer."""

    fields: dict[str, Json]
    status: AnswerStatus = AnswerStatus.DONE
    error: Kind | None = None
    notes: tuple[Note, ...] = ()


Run = Callable[[Context, ServiceRequest], ServiceAnswer]


class SlowWork(NamedTuple):
    """Work that must not hold a transaction: run in a slow-work thread, its result becomes `context.outcome`.

    Work with the same key runs one after the other, so that guesses for one account cannot run side by side.
    """

    key: str
    work: Callable[[], Any]


Prepare = Callable[[Context, ServiceRequest], SlowWork]


@dataclass(frozen=True, slots=True)
class Handler:
    """One service's handler; `prepare` first, outside any write transaction, when it needs slow work."""

    run: Run
    prepare: Prepare | None = None
