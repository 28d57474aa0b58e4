"""Rows of uploads: store functions of the exchange store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from dmz.workers.request_state import UNDER_WAY, RequestState
from dmz.workers.tables import request_out, result_in, upload
from wire_formats.answer import AnswerStatus
from wire_formats.errors import Kind, Refused, Unavailable

_UNDER_WAY = tuple(state.value for state in UNDER_WAY)
READING_MS = 5 * 60_000
"""An upload that is still being read after this time was left by a worker that died."""
_NOTHING = (AnswerStatus.REFUSED.value, AnswerStatus.REJECTED.value)


class UploadState(Enum):
    """The stored life of an upload: READING ends in READ or REFUSED; what came of READ is told by its chunks."""

    READING = "reading"
    READ = "read"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class NewUpload:
    """An upload that begins."""

    id: bytes
    account: str
    window: str
    service: str
    uploaded_at: int
    expires_at: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits for beginning an upload.

    Attributes:
        under_way: Workbooks of one account under way.
        reading_since: An upload still being read that began before this was left by a worker that died.
        same_since: The same file uploaded after this is the same batch.
    """

    under_way: int
    reading_since: int
    same_since: int


class RowCounts(NamedTuple):
    """Rows with content in a file, and those of them that were sent."""

    total: int
    sent: int


def left_behind(state: str, uploaded_at: int, now_ms: int) -> bool:
    """Whether an upload is still being read after so long that its worker must have died."""
    return state == UploadState.READING.value and uploaded_at + READING_MS < now_ms


def first_free(connection: Connection, candidates: Sequence[bytes], limits: UploadLimits) -> tuple[bytes, bool]:
    """The id for a file that is uploaded now, and whether that batch stands already.

    Args:
        connection: Inside a writing transaction.
        candidates: Ids of the same file, by attempt.
        limits: What counts as standing.

    Raises:
        Refused: CONFLICT: every attempt is used up.
    """
    for identity in candidates:
        row = connection.execute(select(upload).where(upload.c.id == identity)).first()
        if row is None:
            return identity, False
        if _stands(connection, row, limits):
            return identity, True
    raise Refused(Kind.CONFLICT, "the same file too many times")


def _stands(connection: Connection, row: Row[Any], limits: UploadLimits) -> bool:
    if row.state == UploadState.READING.value:
        return bool(row.uploaded_at > limits.reading_since)
    if row.state == UploadState.REFUSED.value or row.uploaded_at <= limits.same_since:
        return False
    chunks = select(request_out.c.state, result_in.c.status).select_from(
        request_out.outerjoin(result_in, request_out.c.id == result_in.c.id)
    )
    found = list(connection.execute(chunks.where(request_out.c.batch == row.id)))
    expired = RequestState.EXPIRED.value
    return not found or any(one.state != expired and one.status not in _NOTHING for one in found)


def add_upload(connection: Connection, new: NewUpload, limits: UploadLimits) -> None:
    """Store an upload that begins.

    Raises:
        Unavailable: TOO_MANY_REQUESTS: the account has too many under way.
    """
    reading = _mine(new.account, new.window) & (upload.c.state == UploadState.READING.value)
    recent = upload.c.uploaded_at > limits.reading_since
    chunks = (
        (request_out.c.account == new.account)
        & (request_out.c.window == new.window)
        & request_out.c.batch.is_not(None)
        & request_out.c.state.in_(_UNDER_WAY)
    )
    count = connection.execute(select(func.count()).select_from(upload).where(reading, recent)).scalar_one()
    count += connection.execute(select(func.count(request_out.c.batch.distinct())).where(chunks)).scalar_one()
    if count >= limits.under_way:
        raise Unavailable(Kind.TOO_MANY_REQUESTS, "too many workbooks of one account under way", 60)
    values = {
        "id": new.id,
        "account": new.account,
        "window": new.window,
        "service": new.service,
        "state": UploadState.READING.value,
        "uploaded_at": new.uploaded_at,
        "expires_at": new.expires_at,
        "sealed": new.sealed,
    }
    connection.execute(insert(upload).values(**values))


def finish(connection: Connection, identity: bytes, sealed: bytes, rows: RowCounts) -> None:
    """READING ends in READ."""
    values = {"state": UploadState.READ.value, "sealed": sealed, "rows_total": rows.total, "rows_sent": rows.sent}
    _end_reading(connection, identity, values)


def refuse(connection: Connection, identity: bytes, kind: int) -> None:
    """READING ends in REFUSED, with the kind of error."""
    _end_reading(connection, identity, {"state": UploadState.REFUSED.value, "file_error": kind})


def _end_reading(connection: Connection, identity: bytes, values: dict[str, object]) -> None:
    reading = (upload.c.id == identity) & (upload.c.state == UploadState.READING.value)
    connection.execute(update(upload).where(reading).values(**values))


def find(connection: Connection, account: str, window: str, identity: bytes) -> Row[Any]:
    """An upload of this account.

    Raises:
        Refused: NOT_FOUND.
    """
    row = connection.execute(select(upload).where(_mine(account, window), upload.c.id == identity)).first()
    if row is None:
        raise Refused(Kind.NOT_FOUND, "no such upload of this account")
    return row


def _mine(account: str, window: str) -> ColumnElement[bool]:
    return (upload.c.account == account) & (upload.c.window == window)
