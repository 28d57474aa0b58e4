"""Drafts: saved forms of an account, sealed with the account's own key; they outlive session and worker.

Nothing of a draft is readable here except its service and its times. A deleted draft can be restored until it
is swept. Source: research/domain.md section 2 ("draft survives time-out and upgrade"); catalogue B21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from dmz.workers.sealing import open_box, seal_box
from dmz.workers.tables import draft
from wire_formats.canonical import Json, decode_object, encode_json
from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, PeerError, Refused


@dataclass(frozen=True)
class Owner:
    """Whose drafts: an account in a window."""

    account: str
    window: str


@dataclass(frozen=True)
class DraftBounds:
    """How many drafts, how large, how long.

    Attributes:
        count: Live drafts of one account.
        sealed_bytes: Size of one, sealed.
        keep_ms: Life after the last change.
        undo_ms: How long a deleted one can be restored.
    """

    count: int
    sealed_bytes: int
    keep_ms: int
    undo_ms: int


@dataclass(frozen=True)
class DraftRow:
    """One stored draft."""

    id: bytes
    service: str
    sealed: bytes
    saved_at: int
    expires_at: int


def seal_texts(key: bytes, owner: Owner, identity: bytes, texts: Mapping[str, str], randomness: Randomness) -> bytes:
    """Seal a form's texts for one draft."""
    body: dict[str, Json] = dict(texts)
    return seal_box(key, encode_json(body), aad=_aad(owner, identity), randomness=randomness)


def open_texts(key: bytes, owner: Owner, identity: bytes, sealed: bytes) -> dict[str, str]:
    """Open a draft's texts.

    Raises:
        PeerError: BAD_SEAL.
    """
    body = decode_object(open_box(key, sealed, aad=_aad(owner, identity)))
    if not all(isinstance(value, str) for value in body.values()):
        raise PeerError(Kind.MALFORMED, "draft of another form")
    return {name: str(value) for name, value in body.items()}


def save(connection: Connection, owner: Owner, row: DraftRow, bounds: DraftBounds, *, replace: bool) -> None:
    """Store a draft, or overwrite one of the same account.

    Raises:
        Refused: BODY_TOO_LARGE; CONFLICT when the account has too many; NOT_FOUND to overwrite what is gone.
    """
    if len(row.sealed) > bounds.sealed_bytes:
        raise Refused(Kind.BODY_TOO_LARGE, "draft too large")
    if replace:
        values = {"sealed": row.sealed, "service": row.service, "saved_at": row.saved_at, "expires_at": row.expires_at}
        changed = connection.execute(
            update(draft).where(_mine(owner, row.id), draft.c.deleted_at.is_(None)).values(values)
        )
        if changed.rowcount == 0:
            raise Refused(Kind.NOT_FOUND, "no such draft")
        return
    live = select(func.count()).select_from(draft).where(_of(owner), draft.c.deleted_at.is_(None))
    if connection.execute(live).scalar_one() >= bounds.count:
        raise Refused(Kind.CONFLICT, "too many drafts")
    connection.execute(
        insert(draft).values(
            account=owner.account,
            window=owner.window,
            id=row.id,
            service=row.service,
            sealed=row.sealed,
            saved_at=row.saved_at,
            expires_at=row.expires_at,
            deleted_at=None,
        )
    )


def load(connection: Connection, owner: Owner, identity: bytes, now_ms: int) -> DraftRow:
    """One live draft of this account.

    Raises:
        Refused: NOT_FOUND.
    """
    found = connection.execute(select(draft).where(_mine(owner, identity), _live(now_ms))).first()
    if found is None:
        raise Refused(Kind.NOT_FOUND, "no such draft")
    return DraftRow(found.id, found.service, found.sealed, found.saved_at, found.expires_at)


def list_live(connection: Connection, owner: Owner, now_ms: int, bounds: DraftBounds) -> list[DraftRow]:
    """All live drafts of this account, newest first."""
    query = select(draft).where(_of(owner), _live(now_ms)).order_by(draft.c.saved_at.desc()).limit(bounds.count)
    return [DraftRow(row.id, row.service, b"", row.saved_at, row.expires_at) for row in connection.execute(query)]


def mark_deleted(connection: Connection, owner: Owner, identity: bytes, now_ms: int, bounds: DraftBounds) -> None:
    """Delete, restorably; of what an account has deleted, as many as it may have live stay restorable.

    Raises:
        Refused: NOT_FOUND.
    """
    changed = connection.execute(update(draft).where(_mine(owner, identity), _live(now_ms)).values(deleted_at=now_ms))
    if changed.rowcount == 0:
        raise Refused(Kind.NOT_FOUND, "no such draft")
    gone = _of(owner) & draft.c.deleted_at.is_not(None)
    newest = select(draft.c.id).where(gone).order_by(draft.c.deleted_at.desc(), draft.c.id).limit(bounds.count)
    kept = [row.id for row in connection.execute(newest)]
    if len(kept) == bounds.count:
        connection.execute(delete(draft).where(gone, draft.c.id.not_in(kept)))


def restore(connection: Connection, owner: Owner, identity: bytes, now_ms: int, bounds: DraftBounds) -> None:
    """Undo a deletion.

    Raises:
        Refused: NOT_FOUND when it is gone; CONFLICT when the account has too many drafts by now.
    """
    live = select(func.count()).select_from(draft).where(_of(owner), draft.c.deleted_at.is_(None))
    if connection.execute(live).scalar_one() >= bounds.count:
        raise Refused(Kind.CONFLICT, "too many drafts")
    still = (draft.c.deleted_at > now_ms - bounds.undo_ms) & (draft.c.expires_at > now_ms)
    changed = connection.execute(update(draft).where(_mine(owner, identity), still).values(deleted_at=None))
    if changed.rowcount == 0:
        raise Refused(Kind.NOT_FOUND, "draft can no longer be restored")


def sweep(connection: Connection, now_ms: int, bounds: DraftBounds) -> int:
    """Remove drafts past their life and deletions past their undo; how many."""
    over = (draft.c.expires_at <= now_ms) | (draft.c.deleted_at <= now_ms - bounds.undo_ms)
    return connection.execute(delete(draft).where(over)).rowcount


def _of(owner: Owner) -> ColumnElement[bool]:
    return (draft.c.account == owner.account) & (draft.c.window == owner.window)


def _mine(owner: Owner, identity: bytes) -> ColumnElement[bool]:
    return _of(owner) & (draft.c.id == identity)


def _live(now_ms: int) -> ColumnElement[bool]:
    return draft.c.deleted_at.is_(None) & (draft.c.expires_at > now_ms)


def _aad(owner: Owner, identity: bytes) -> bytes:
    return b"draft " + owner.window.encode() + b" " + owner.account.encode() + b" " + identity
