"""Drafts as the pages use them: sealed with the key the core gave at login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dmz.hall.backend_port import Draft, DraftLine
from dmz.workers import drafts
from dmz.workers.drafts import DraftBounds, DraftRow, Owner
from dmz.workers.exchange_db import ExchangeStore
from dmz.workers.session import OpenSession
from dmz.workers.tools import WorkerTools
from wire_formats.catalogue import service
from wire_formats.errors import Kind, Refused
from wire_formats.fields import Secret
from wire_formats.ids import ID_BYTES, new_id

MAX_TEXTS = 200


@dataclass(frozen=True)
class DraftParts:
    """What the desk works with."""

    store: ExchangeStore
    tools: WorkerTools
    bounds: DraftBounds


class DraftDesk:
    """Drafts of live sessions."""

    def __init__(self, parts: DraftParts) -> None:
        self._parts = parts

    async def save(self, session: OpenSession, code: str, texts: Mapping[str, str], draft_id: str | None) -> str:
        """Store a form's texts, without its secret fields; the draft's id.

        Raises:
            Refused: too large, too many, or the draft to overwrite is gone.
        """
        entry = service(code)
        known = {one.name for one in entry.fields if not isinstance(one, Secret)}
        kept = {name: text for name, text in texts.items() if name in known}
        if len(kept) > MAX_TEXTS:
            raise Refused(Kind.BODY_TOO_LARGE, "too many texts in a draft")
        owner = owner_of(session)
        identity = new_id(self._parts.tools.randomness) if draft_id is None else _parse(draft_id)
        key = session.private.account_keys().draft
        sealed = drafts.seal_texts(key, owner, identity, kept, self._parts.tools.randomness)
        now_ms, bounds = self._parts.tools.clock.now_ms(), self._parts.bounds
        row = DraftRow(identity, code, sealed, now_ms, now_ms + bounds.keep_ms)
        replace = draft_id is not None
        await self._parts.store.write(lambda db: drafts.save(db, owner, row, bounds, replace=replace))
        return identity.hex()

    async def load(self, session: OpenSession, draft_id: str) -> Draft:
        """One draft.

        Raises:
            Refused: NOT_FOUND.
        """
        owner, identity, now_ms = owner_of(session), _parse(draft_id), self._parts.tools.clock.now_ms()
        row = await self._parts.store.read(lambda db: drafts.load(db, owner, identity, now_ms))
        texts = drafts.open_texts(session.private.account_keys().draft, owner, identity, row.sealed)
        return Draft(draft_id, row.service, texts, row.saved_at)

    async def list_live(self, session: OpenSession) -> tuple[DraftLine, ...]:
        """All live drafts, newest first."""
        owner, now_ms, bounds = owner_of(session), self._parts.tools.clock.now_ms(), self._parts.bounds
        rows = await self._parts.store.read(lambda db: drafts.list_live(db, owner, now_ms, bounds))
        return tuple(DraftLine(row.id.hex(), row.service, row.saved_at, row.expires_at) for row in rows)

    async def delete(self, session: OpenSession, draft_id: str) -> None:
        """Delete, restorably.

        Raises:
            Refused: NOT_FOUND.
        """
        owner, identity, now_ms = owner_of(session), _parse(draft_id), self._parts.tools.clock.now_ms()
        bounds = self._parts.bounds
        await self._parts.store.write(lambda db: drafts.mark_deleted(db, owner, identity, now_ms, bounds))

    async def restore(self, session: OpenSession, draft_id: str) -> None:
        """Undo a deletion.

        Raises:
            Refused: NOT_FOUND when it is gone, CONFLICT when there are too many.
        """
        owner, identity, now_ms = owner_of(session), _parse(draft_id), self._parts.tools.clock.now_ms()
        bounds = self._parts.bounds
        await self._parts.store.write(lambda db: drafts.restore(db, owner, identity, now_ms, bounds))


def owner_of(session: OpenSession) -> Owner:
    """Whose drafts a session sees."""
    return Owner(session.account, session.life.window)


def _parse(draft_id: str) -> bytes:
    try:
        identity = bytes.fromhex(draft_id)
    except ValueError:
        identity = b""
    if len(identity) != ID_BYTES:
        raise Refused(Kind.NOT_FOUND, "not a draft id")
    return identity
