"""An in-memory back end for the pages: conforms to `dmz.hall.backend_port.Backend` and keeps its promises.

It checks every body against the service's declaration, keeps drafts per account and window, makes one transaction per
form token, and refuses as the real one does. What the core would answer is set by the test (`answers`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dmz.hall.backend_port import (
    Body,
    Client,
    Download,
    Draft,
    DraftLine,
    Hop,
    LoginDone,
    Outcome,
    Progress,
    QueryAnswer,
    Session,
    Submission,
    SubmissionPage,
    Texts,
    Upload,
)
from dmz.hall.batch_port import BatchState, BatchView, RowError
from wire_formats.catalogue import SERVICES, Page, ServiceKind
from wire_formats.checking import check_answer, check_body
from wire_formats.errors import HallError, Kind, Refused, Unavailable
from wire_formats.fields import Secret
from wire_formats.ids import parse_reference_number, reference_number

SESSION_MS = 30 * 60_000
DRAFT_MS = 60 * 86_400_000
PAGE_SIZE = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class StillClock:
    """A clock that moves only when told."""

    def __init__(self, now_ms: int = 1_720_000_000_000) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now


class CountedBytes:
    """Bytes that never repeat and never surprise."""

    def __init__(self) -> None:
        self._drawn = 0

    def bytes(self, count: int, /) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(count, "big")


@dataclass
class Account:
    """One account of the memory back end."""

    account: str
    window: str
    user_name: str
    password: str
    display_name: str
    must_change: bool = False
    rights: frozenset[str] = frozenset(SERVICES)
    failures: int = 0


@dataclass
class KeptDraft:
    draft: Draft
    owner: tuple[str, str]
    deleted: bool = False


@dataclass
class MemoryBackend:
    """See the module. `trouble` makes the next call fail with that error."""

    clock: StillClock
    randomness: CountedBytes
    accounts: list[Account] = field(default_factory=list)
    answers: dict[str, Body] = field(default_factory=dict)
    certificates: dict[tuple[str, str], bytes] = field(default_factory=dict)
    trouble: HallError | None = None
    sessions: dict[str, Session] = field(default_factory=dict)
    owners: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    progresses: dict[str, tuple[str, Progress]] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    drafts: dict[str, KeptDraft] = field(default_factory=dict)
    batches: dict[str, tuple[str, BatchView, tuple[RowError, ...]]] = field(default_factory=dict)
    calls: list[tuple[str, object]] = field(default_factory=list)
    drafts_full: bool = False

    def _fail(self) -> None:
        if self.trouble is not None:
            error, self.trouble = self.trouble, None
            raise error

    def _new(self) -> str:
        return self.randomness.bytes(16).hex()

    def _live(self, session: Session, client: Client) -> Session:
        self._fail()
        found = self._find(session.handle, client)
        if found is None:
            raise Refused(Kind.SESSION_EXPIRED, "no session")
        return found

    def _find(self, cookie: str, client: Client) -> Session | None:
        found = self.sessions.get(cookie)
        if found is None or self.owners[cookie] != (client.window, client.certificate):
            return None
        return found if found.expires_at_ms > self.clock.now_ms() else None

    async def session_of(self, cookie: str, client: Client, *, activity: bool = True) -> Session | None:
        found = self._find(cookie, client)
        if found is not None and activity:
            found = self.sessions[cookie] = replace(found, expires_at_ms=self.clock.now_ms() + SESSION_MS)
        return found

    async def login(self, client: Client, user_name: str, password: str) -> LoginDone:
        self._fail()
        mine = [a for a in self.accounts if a.account == client.account and a.window == client.window]
        if not mine or mine[0].user_name != user_name or mine[0].password != password:
            for account in mine:
                account.failures += 1
            locked = bool(mine) and mine[0].failures >= 5
            raise Refused(Kind.LOCKED_OUT if locked else Kind.LOGIN_FAILED, "wrong", 300 if locked else None)
        return self._enter(mine[0], client)

    def _enter(self, account: Account, client: Client) -> LoginDone:
        cookie = self._new() + self._new()
        session = Session(
            handle=cookie,
            account=account.account,
            display_name=account.display_name,
            rights=account.rights,
            must_change=account.must_change,
            csrf_token=f"csrf-{self._new()}",
            expires_at_ms=self.clock.now_ms() + SESSION_MS,
        )
        self.sessions[cookie] = session
        self.owners[cookie] = (client.window, client.certificate)
        return LoginDone(cookie, session)

    async def change_password(self, session: Session, client: Client, old: str, new: str) -> LoginDone:
        self._live(session, client)
        account = next(a for a in self.accounts if a.account == session.account and a.window == client.window)
        if account.password != old:
            raise Refused(Kind.LOGIN_FAILED, "old password")
        account.password, account.must_change = new, False
        del self.sessions[session.handle]
        return self._enter(account, client)

    async def logout(self, session: Session, client: Client) -> None:
        self.sessions.pop(session.handle, None)

    async def query(self, session: Session, client: Client, service: str, body: Body) -> QueryAnswer:
        self._live(session, client)
        entry = SERVICES[service]
        assert entry.kind is ServiceKind.QUERY
        check_body(entry, dict(body))  # type: ignore[arg-type]
        self.calls.append((service, dict(body)))
        if service not in self.answers:
            raise Refused(Kind.NOT_FOUND, "no answer")
        check_answer(entry, dict(self.answers[service]))  # type: ignore[arg-type]
        return QueryAnswer(self.answers[service], reference_number(self.randomness.bytes(16)), self.clock.now_ms())

    async def transact(self, session: Session, client: Client, service: str, body: Body, *, form_token: str) -> str:
        self._live(session, client)
        entry = SERVICES[service]
        assert entry.kind is ServiceKind.TRANSACTION
        if not any(isinstance(f, Secret) for f in entry.fields):
            check_body(entry, dict(body))  # type: ignore[arg-type]
        key = (session.account, form_token)
        if key not in self.tokens:
            reference = self.tokens[key] = reference_number(self.randomness.bytes(16))
            now = self.clock.now_ms()
            made = Progress(reference, service, now, ((Hop.STORED, now),), Outcome.UNDER_WAY)
            self.progresses[reference] = (session.account, made)
            self.calls.append((service, dict(body)))
        return self.tokens[key]

    async def progress(self, session: Session, client: Client, reference: str) -> Progress:
        self._live(session, client)
        owner, progress = self.progresses.get(reference, ("", None))
        if owner != session.account or progress is None:
            raise Refused(Kind.NOT_FOUND, "not this account's")
        return progress

    async def submissions(self, session: Session, client: Client, page: int) -> SubmissionPage:
        self._live(session, client)
        mine = [p for owner, p in self.progresses.values() if owner == session.account]
        items = [Submission(p.reference, p.service, p.submitted_at_ms, p.outcome) for p in mine]
        items += [_sent(view) for owner, view, _ in self.batches.values() if owner == session.account]
        items.sort(key=lambda item: -item.submitted_at_ms)
        shown = tuple(items[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
        return SubmissionPage(shown, len(items), page, PAGE_SIZE)

    async def save_draft(
        self, session: Session, client: Client, service: str, texts: Texts, *, draft_id: str | None
    ) -> str:
        self._live(session, client)
        assert SERVICES[service].page is Page.FORM
        if self.drafts_full:
            raise Unavailable(Kind.STORAGE_FULL, "no room for drafts", 60)
        if draft_id is not None:
            self._draft(session, client, draft_id)
        identity = draft_id or self._new()
        draft = Draft(identity, service, dict(texts), self.clock.now_ms())
        self.drafts[identity] = KeptDraft(draft, (session.account, client.window))
        return identity

    def _draft(self, session: Session, client: Client, draft_id: str, *, deleted: bool = False) -> KeptDraft:
        kept = self.drafts.get(draft_id)
        if kept is None or kept.owner != (session.account, client.window) or kept.deleted != deleted:
            raise Refused(Kind.NOT_FOUND, "no draft")
        return kept

    async def load_draft(self, session: Session, client: Client, draft_id: str) -> Draft:
        self._live(session, client)
        return self._draft(session, client, draft_id).draft

    async def list_drafts(self, session: Session, client: Client) -> tuple[DraftLine, ...]:
        self._live(session, client)
        mine = [k.draft for k in self.drafts.values() if k.owner == (session.account, client.window) and not k.deleted]
        mine.sort(key=lambda d: -d.saved_at_ms)
        return tuple(DraftLine(d.draft_id, d.service, d.saved_at_ms, d.saved_at_ms + DRAFT_MS) for d in mine)

    async def delete_draft(self, session: Session, client: Client, draft_id: str) -> None:
        self._live(session, client)
        self._draft(session, client, draft_id).deleted = True

    async def restore_draft(self, session: Session, client: Client, draft_id: str) -> None:
        self._live(session, client)
        self._draft(session, client, draft_id, deleted=True).deleted = False

    async def upload_workbook(
        self, session: Session, client: Client, service: str, upload: Upload, *, form_token: str
    ) -> str:
        self._live(session, client)
        assert SERVICES[service].page is Page.BATCH
        key = (session.account, form_token)
        if key not in self.tokens:
            reference = self.tokens[key] = reference_number(self.randomness.bytes(16))
            now = self.clock.now_ms()
            view = BatchView(
                reference, service, upload.name, now, BatchState.READING, 0, 0, 0, 0, 0, (), 0, 1, PAGE_SIZE
            )
            self.batches[reference] = (session.account, view, ())
        return self.tokens[key]

    async def batch_result(self, session: Session, client: Client, reference: str, page: int) -> BatchView:
        self._live(session, client)
        owner, view, errors = self.batches.get(reference, ("", None, ()))
        if owner != session.account or view is None:
            raise Refused(Kind.NOT_FOUND, "not this account's")
        shown = errors[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        return replace(view, errors=shown, error_total=len(errors), page=page, page_size=PAGE_SIZE)

    async def failed_rows_workbook(self, session: Session, client: Client, reference: str) -> Download:
        view = await self.batch_result(session, client, reference, 1)
        if not view.error_total:
            raise Refused(Kind.NOT_FOUND, "no failed rows")
        return Download("failed.xlsx", XLSX, b"PK failed rows")

    async def noted_rows_workbook(self, session: Session, client: Client, reference: str) -> Download:
        view = await self.batch_result(session, client, reference, 1)
        if not view.notice_total:
            raise Refused(Kind.NOT_FOUND, "no notices")
        return Download("notices.xlsx", XLSX, b"PK noted rows")

    async def template_workbook(self, session: Session, client: Client, service: str) -> Download:
        self._live(session, client)
        return Download(f"{service}-{client.language}.xlsx", XLSX, b"PK template")

    async def download_certificate(self, client: Client, number: str, code: str) -> Download:
        self._fail()
        content = self.certificates.pop((number, code), None)
        if content is None:
            raise Refused(Kind.CODE_WRONG, "wrong")
        return Download(f"{number}.p12", "application/x-pkcs12", content)


def _sent(view: BatchView) -> Submission:
    outcome = {
        BatchState.READING: Outcome.UNDER_WAY,
        BatchState.UNDER_WAY: Outcome.UNDER_WAY,
        BatchState.DONE: Outcome.PARTLY if view.failed else Outcome.DONE,
        BatchState.REFUSED: Outcome.REFUSED,
    }[view.state]
    read = view.state in (BatchState.UNDER_WAY, BatchState.DONE)
    counts = (view.rows, view.rows - view.waiting) if read else (None, None)
    return Submission(view.reference, view.service, view.uploaded_at_ms, outcome, *counts)


def identifier_of(reference: str) -> str:
    """The 32 hex digits under which a reference number stands in addresses."""
    return parse_reference_number(reference).hex()
