"""The facade the pages call: every method of ``dmz.hall.backend_port.Backend``, for all windows.

Each call opens the session again from its handle: the cookie is the only place where its keys live between
two pages, so a worker that dies or is replaced takes nothing with it (catalogue E12).
"""

from __future__ import annotations

from dataclasses import dataclass

from dmz.hall.backend_port import (
    Body,
    Client,
    Download,
    Draft,
    DraftLine,
    LoginDone,
    Progress,
    QueryAnswer,
    Session,
    SubmissionPage,
    Texts,
    Upload,
)
from dmz.hall.batch_port import BatchView
from dmz.workers.batch_desk import BatchDesk
from dmz.workers.draft_desk import DraftDesk
from dmz.workers.request_desk import RequestDesk
from dmz.workers.session import OpenSession
from dmz.workers.session_desk import SessionDesk
from wire_formats.errors import PeerError, Refused


@dataclass(frozen=True)
class Desks:
    """The four parts behind the facade."""

    sessions: SessionDesk
    requests: RequestDesk
    drafts: DraftDesk
    batches: BatchDesk


class HallBackend:
    """Conforms to ``dmz.hall.backend_port.Backend``; see there for what each call promises."""

    def __init__(self, desks: Desks) -> None:
        """Take its collaborators.

        Args:
            desks: The parts.
        """
        self._sessions = desks.sessions
        self._requests = desks.requests
        self._drafts = desks.drafts
        self._batches = desks.batches

    async def session_of(self, cookie: str, client: Client, *, activity: bool = True) -> Session | None:
        """The live session of this cookie and certificate, or None."""
        try:
            return self._sessions.describe(await self._sessions.open(cookie, client, activity=activity))
        except (Refused, PeerError):
            return None

    async def login(self, client: Client, user_name: str, password: str) -> LoginDone:
        """Check certificate, name and password in the core."""
        return await self._sessions.login(client, user_name, password)

    async def change_password(self, session: Session, client: Client, old: str, new: str) -> LoginDone:
        """Change the password; a fresh session replaces this one."""
        return await self._sessions.change_password(await self._open(session, client), client, old, new)

    async def logout(self, session: Session, client: Client) -> None:
        """End the session here and revoke its grant in the core."""
        await self._sessions.logout(session.handle, client)

    async def query(self, session: Session, client: Client, service: str, body: Body) -> QueryAnswer:
        """Run a query and wait for its answer."""
        return await self._requests.query(await self._open(session, client), service, body)

    async def transact(self, session: Session, client: Client, service: str, body: Body, *, form_token: str) -> str:
        """Store a transaction durably and send it; its reference number."""
        return await self._requests.transact(await self._open(session, client), service, body, form_token)

    async def progress(self, session: Session, client: Client, reference: str) -> Progress:
        """Where a transaction of this account is."""
        return await self._requests.progress(await self._open(session, client, activity=False), reference)

    async def submissions(self, session: Session, client: Client, page: int) -> SubmissionPage:
        """What the account has sent, newest first."""
        return await self._requests.submissions(await self._open(session, client), page)

    async def save_draft(
        self, session: Session, client: Client, service: str, texts: Texts, *, draft_id: str | None
    ) -> str:
        """Store or overwrite a draft; its id."""
        return await self._drafts.save(await self._open(session, client), service, texts, draft_id)

    async def load_draft(self, session: Session, client: Client, draft_id: str) -> Draft:
        """One draft of this account."""
        return await self._drafts.load(await self._open(session, client), draft_id)

    async def list_drafts(self, session: Session, client: Client) -> tuple[DraftLine, ...]:
        """All live drafts, newest first."""
        return await self._drafts.list_live(await self._open(session, client))

    async def delete_draft(self, session: Session, client: Client, draft_id: str) -> None:
        """Delete a draft, restorably."""
        await self._drafts.delete(await self._open(session, client), draft_id)

    async def restore_draft(self, session: Session, client: Client, draft_id: str) -> None:
        """Undo a deletion."""
        await self._drafts.restore(await self._open(session, client), draft_id)

    async def upload_workbook(
        self, session: Session, client: Client, service: str, upload: Upload, *, form_token: str
    ) -> str:
        """Take a workbook; the batch's reference number."""
        return await self._batches.take(await self._open(session, client), service, upload, form_token)

    async def batch_result(self, session: Session, client: Client, reference: str, page: int) -> BatchView:
        """The state of a workbook and one page of its row errors."""
        return await self._batches.result(await self._open(session, client, activity=False), reference, page)

    async def failed_rows_workbook(self, session: Session, client: Client, reference: str) -> Download:
        """The failed rows in the same template, with the reasons."""
        return await self._batches.failed_rows(await self._open(session, client), reference, client.language)

    async def noted_rows_workbook(self, session: Session, client: Client, reference: str) -> Download:
        """The accepted rows on which the core has a notice."""
        return await self._batches.noted_rows(await self._open(session, client), reference, client.language)

    async def template_workbook(self, session: Session, client: Client, service: str) -> Download:
        """The empty template of a batch service."""
        await self._open(session, client)
        return await self._batches.template(service, client.language)

    async def download_certificate(self, client: Client, number: str, code: str) -> Download:
        """The PKCS#12 file for a certificate number and verification code."""
        return await self._requests.download_certificate(client, number, code)

    async def _open(self, session: Session, client: Client, *, activity: bool = True) -> OpenSession:
        opened = session.kept
        if isinstance(opened, OpenSession) and opened.serves(client.window, client.certificate):
            # Opened for this very page a moment ago: the session was live then, and the core judges its grant anew.
            return opened
        return await self._sessions.open(session.handle, client, activity=activity)
