"""The port between the pages and the back end: every call a page makes, and what comes back.

The pages (`dmz.hall`) know this file and `batch_port` (what is told of workbooks) only; the facade `dmz.workers`
(HallBackend) and the in-memory back end of the tests conform to it. Rules of the port:

- Every call that fails raises `wire_formats.errors.HallError` (or a subclass); `dmz.hall.error_page` turns its kind
  into a page. Nothing returns an error value, except where a page lists errors row by row (`BatchView`).
- All times are milliseconds since the epoch (UTC). Money is integer fen.
- Bodies are plain JSON values (dict, list, str, int, bool, None) as `wire_formats.canonical` accepts them.
- `Session.handle` is opaque to the pages. The back end finds the session by it again; it never reaches a page or a log.
- Every method is `async`; none may block the reactor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from dmz.hall.batch_port import BatchView
from wire_formats.errors import Refused

Body = Mapping[str, object]
Texts = Mapping[str, str]


@dataclass(frozen=True)
class Client:
    """Who is at the other end of the connection, as the edge has proved it.

    Attributes:
        window: "unit", "community", "person" or "site".
        certificate: SHA-256 of the client certificate (DER), 32 bytes; empty on the site.
        account: account id from the certificate's URI SAN; empty on the site.
        account_uri: that SAN itself (`urn:ferrygate:account:<window>:<account id>`); empty on the site.
        serial: the certificate's serial number; 0 on the site.
        address: the peer's address as text.
        language: "zh-CN" or "en".
        request_id: 32 hex digits naming this page request in logs and on error pages (given by the edge).
    """

    window: str
    certificate: bytes
    account: str
    account_uri: str
    serial: int
    address: str
    language: str
    request_id: str


@dataclass(frozen=True)
class Session:
    """A live session, bound to the client's certificate.

    Attributes:
        handle: what the back end needs to find the session and to unlock its keys (opaque, secret).
        account: account id.
        display_name: name of the person or unit, for the page header.
        rights: codes of the services the grant allows.
        must_change: the password must be changed before anything else.
        csrf_token: constant within a session, in every form; 20..64 characters of [A-Za-z0-9_-].
        expires_at_ms: when the session ends if nothing more is done.
        kept: what the back end has open for the page that is being made, so that it need not look again; nothing to
            the pages.
    """

    handle: str = field(repr=False)
    account: str
    display_name: str
    rights: frozenset[str]
    must_change: bool
    csrf_token: str = field(repr=False)
    expires_at_ms: int
    kept: object = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class LoginDone:
    """A login that succeeded: `cookie` is the value to hand to the browser ([A-Za-z0-9_-], ≤ 256)."""

    cookie: str = field(repr=False)
    session: Session


@dataclass(frozen=True)
class QueryAnswer:
    """The answer to a query.

    Attributes:
        body: as declared by the service's answer.
        reference: the reference number of the query, for a printout.
        answered_at_ms: when the core answered.
    """

    body: Body
    reference: str
    answered_at_ms: int


class Hop(StrEnum):
    """The named places a transaction passes, in this order."""

    STORED = "stored"  # kept in the exchange database; the user may close the browser
    SENT = "sent"  # signed, sealed, dropped for the ferry
    TAKEN = "taken"  # the ferry's low half has checked and taken it
    CROSSED = "crossed"  # it is on the other side of the gap
    DECIDED = "decided"  # the core has processed it and stored the answer
    RETURNED = "returned"  # the answer is back in the hall


class Outcome(StrEnum):
    """What is known of a transaction so far."""

    UNDER_WAY = "under_way"  # no answer yet
    DONE = "done"  # it has taken effect
    ACCEPTED = "accepted"  # taken for review (审核); a reviewer decides
    REFUSED = "refused"  # a business rule refused it; nothing took effect
    REJECTED = "rejected"  # it failed the inspection in the ferry; nothing took effect
    PARTLY = "partly"  # some rows took effect, the others are listed


@dataclass(frozen=True)
class Reason:
    """Why the core refused something: the declared field ("" for the whole), the code of `field_faults`, the words."""

    field: str
    code: str
    message_zh: str
    message_en: str


class QueryRefused(Refused):
    """The core refused a query, and says why.

    Args:
        cause: the refusal without its reasons.
        reasons: field by field; none when its kind says it all.
    """

    def __init__(self, cause: Refused, reasons: tuple[Reason, ...]) -> None:
        super().__init__(cause.kind, cause.private, cause.retry_after_s)
        self.reasons = reasons


@dataclass(frozen=True)
class Progress:
    """Where one transaction is.

    Attributes:
        reference: its reference number (grouped, as shown).
        service: service code.
        submitted_at_ms: when it was stored.
        hops: the hops reached, with their times; a hop that was skipped (its notice got lost) may be missing.
        outcome: see Outcome.
        answer: the core's answer, once there is one and this session can open it; else None.
        error_kind: number of errors.Kind if refused or rejected, else None.
        reasons: the core's reasons for a refusal, field by field.
        sealed: an answer is there, but was sealed to an earlier session; the case list has the result.
    """

    reference: str
    service: str
    submitted_at_ms: int
    hops: tuple[tuple[Hop, int], ...]
    outcome: Outcome
    answer: Body | None = None
    error_kind: int | None = None
    reasons: tuple[Reason, ...] = ()
    sealed: bool = False


@dataclass(frozen=True)
class Submission:
    """One line of the account's own list of what was sent through this hall: a transaction or a whole workbook.

    Attributes:
        reference: of the transaction or the batch.
        service: service code; one with a table is a workbook.
        submitted_at_ms: when it was stored.
        outcome: of all the rows of a workbook together; PARTLY also when some rows were never sent.
        rows: rows of a workbook that were sent; None for a single case and while the file is read.
        rows_answered: how many of them have their answer.
    """

    reference: str
    service: str
    submitted_at_ms: int
    outcome: Outcome
    rows: int | None = None
    rows_answered: int | None = None


@dataclass(frozen=True)
class SubmissionPage:
    """One page of submissions, newest first; `total` counts all."""

    items: tuple[Submission, ...]
    total: int
    page: int
    page_size: int


@dataclass(frozen=True)
class DraftLine:
    """One line of the drafts list. A deleted draft stays restorable for a while and is then not listed."""

    draft_id: str
    service: str
    saved_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True)
class Draft:
    """A saved form: the texts exactly as typed, never those of Secret fields."""

    draft_id: str
    service: str
    texts: Texts
    saved_at_ms: int


@dataclass(frozen=True)
class Upload:
    """A file as it came in a multipart form; `name` is the browser's word and only ever shown."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Download:
    """A file for the browser; `name` is ASCII and safe in Content-Disposition."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


class Backend(Protocol):
    """What the pages need done. One object serves all windows; `client.window` tells which."""

    async def session_of(self, cookie: str, client: Client, *, activity: bool = True) -> Session | None:
        """The live session of this cookie and this certificate, or None (none, expired, or of another certificate).

        `activity=False` (pages that refresh themselves) does not put off the time-out.
        """
        ...

    async def login(self, client: Client, user_name: str, password: str) -> LoginDone:
        """Checks certificate, user name and password in the core.

        Raises:
            Refused: wrong name or password, locked (with retry_after_s), certificate not bound to the account.
            Unavailable: no answer from the core in time.
        """
        ...

    async def change_password(self, session: Session, client: Client, old: str, new: str) -> LoginDone:
        """Changes the password; answers with a fresh cookie and session (the old cookie is dead)."""
        ...

    async def logout(self, session: Session, client: Client) -> None:
        """Ends the session here and revokes its grant in the core. Never fails for an ended session."""
        ...

    async def query(self, session: Session, client: Client, service: str, body: Body) -> QueryAnswer:
        """Runs a query service and waits for its answer (bounded).

        Raises:
            QueryRefused: the core refused it (no right, a rule, not found), with its reasons.
            Refused: refused before it was sent.
            Unavailable: no answer in time; with retry_after_s.
        """
        ...

    async def transact(self, session: Session, client: Client, service: str, body: Body, *, form_token: str) -> str:
        """Stores a transaction durably and sends it; returns its reference number at once.

        The same form_token with the same body gives the same reference and no second transaction.
        `body` holds what `check_form` gave, Secret fields included.
        """
        ...

    async def progress(self, session: Session, client: Client, reference: str) -> Progress:
        """Where a transaction of this account is. Raises Refused for a foreign or unknown reference."""
        ...

    async def submissions(self, session: Session, client: Client, page: int) -> SubmissionPage:
        """What the account has sent through this hall, newest first, a workbook as one line; pages count from 1."""
        ...

    async def save_draft(
        self, session: Session, client: Client, service: str, texts: Texts, *, draft_id: str | None
    ) -> str:
        """Stores (or, with draft_id, overwrites) a draft sealed with the account's draft key; returns its id."""
        ...

    async def load_draft(self, session: Session, client: Client, draft_id: str) -> Draft:
        """One draft of this account. Raises Refused if there is none (any more)."""
        ...

    async def list_drafts(self, session: Session, client: Client) -> tuple[DraftLine, ...]:
        """All live drafts of this account, newest first (bounded by a setting of the back end)."""
        ...

    async def delete_draft(self, session: Session, client: Client, draft_id: str) -> None:
        """Deletes a draft; `restore_draft` brings it back until it is swept."""
        ...

    async def restore_draft(self, session: Session, client: Client, draft_id: str) -> None:
        """Undoes `delete_draft`."""
        ...

    async def upload_workbook(
        self, session: Session, client: Client, service: str, upload: Upload, *, form_token: str
    ) -> str:
        """Takes a workbook; returns the batch's reference number as soon as it is stored.

        The form fields of the service (for wage.batch the year) stand in the workbook itself, where the template has
        places for them; faults of theirs are row errors. The same form_token with the same file gives the same
        reference and no second batch.

        Raises:
            Refused: not a workbook, too large, too many under way.
        """
        ...

    async def batch_result(self, session: Session, client: Client, reference: str, page: int) -> BatchView:
        """The state of an uploaded workbook and one page of its row errors."""
        ...

    async def failed_rows_workbook(self, session: Session, client: Client, reference: str) -> Download:
        """The failed rows in the same template, with the reasons. Raises Refused if there are none."""
        ...

    async def noted_rows_workbook(self, session: Session, client: Client, reference: str) -> Download:
        """The accepted rows on which the core has a notice, with its words. Raises Refused if there are none."""
        ...

    async def template_workbook(self, session: Session, client: Client, service: str) -> Download:
        """The empty template of a batch service, in the client's language."""
        ...

    async def download_certificate(self, client: Client, number: str, code: str) -> Download:
        """The PKCS#12 file for a certificate number and verification code (once; five tries).

        Raises:
            Refused: wrong number or code, tries used up, already downloaded, revoked.
            Unavailable: no answer from the core in time.
        """
        ...
