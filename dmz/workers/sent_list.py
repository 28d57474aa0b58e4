"""What an account has sent, single cases and workbooks together, newest first; and what came of each.

A workbook is one entry, however many chunks it has. Where it is now is told by the states of its chunks: their answers
stay sealed, for a list must cost the same whether its workbooks have ten rows or fifty thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, Row, Select, cast, func, literal, null, select, union_all

from dmz.hall.backend_port import Outcome
from dmz.workers.request_state import RequestState
from dmz.workers.tables import request_out, result_in, upload
from dmz.workers.upload_store import UploadState, left_behind
from wire_formats.answer import AnswerStatus

_OUTCOMES = {
    AnswerStatus.DONE: Outcome.DONE,
    AnswerStatus.ACCEPTED: Outcome.ACCEPTED,
    AnswerStatus.REFUSED: Outcome.REFUSED,
    AnswerStatus.REJECTED: Outcome.REJECTED,
    AnswerStatus.PARTLY: Outcome.PARTLY,
}
_NOTHING = (Outcome.REFUSED, Outcome.REJECTED)


class Entry(NamedTuple):
    """One thing sent: a case, or a workbook (``is_batch``) with its counts of rows, None until it is read.

    ``state`` and ``status`` are those of the request and its answer, or of the upload (without a status).
    """

    id: bytes
    service: str
    sent_at: int
    is_batch: bool
    state: str
    status: int | None
    rows_total: int | None
    rows_sent: int | None


class Chunk(NamedTuple):
    """One chunk of a workbook: its number from 1, its state, the status of its answer."""

    number: int
    state: str
    status: int | None


class Standing(NamedTuple):
    """What is known of a workbook: its outcome, and how many of its sent rows have their answer."""

    outcome: Outcome
    rows_answered: int | None


def outcome_of(state: str, status: int | None) -> Outcome:
    """What is known of one request, by its stored state and the status of its answer."""
    if state == RequestState.EXPIRED.value:
        return Outcome.REFUSED
    return Outcome.UNDER_WAY if status is None else _OUTCOMES[AnswerStatus(status)]


def standing_of(entry: Entry, chunks: Sequence[Chunk], chunk_rows: int, now_ms: int) -> Standing:
    """What is known of a workbook; pure.

    Args:
        entry: The workbook.
        chunks: All its chunks, none before it is read.
        chunk_rows: Rows of every chunk but the last.
        now_ms: The instant now; an upload that is read for too long was left behind.
    """
    if entry.state == UploadState.REFUSED.value or left_behind(entry.state, entry.sent_at, now_ms):
        return Standing(Outcome.REFUSED, None)
    if entry.state == UploadState.READING.value:
        return Standing(Outcome.UNDER_WAY, None)
    outcomes = {chunk.number: outcome_of(chunk.state, chunk.status) for chunk in chunks}
    return Standing(_together(entry, list(outcomes.values())), _rows_answered(entry, outcomes, chunk_rows))


def _together(entry: Entry, outcomes: Sequence[Outcome]) -> Outcome:
    if Outcome.UNDER_WAY in outcomes:
        return Outcome.UNDER_WAY
    if entry.rows_sent == 0 or (outcomes and all(one in _NOTHING for one in outcomes)):
        return Outcome.REJECTED if set(outcomes) == {Outcome.REJECTED} else Outcome.REFUSED
    if Outcome.PARTLY in outcomes or any(one in _NOTHING for one in outcomes) or entry.rows_sent != entry.rows_total:
        return Outcome.PARTLY
    return Outcome.ACCEPTED if Outcome.ACCEPTED in outcomes else Outcome.DONE


def _rows_answered(entry: Entry, outcomes: dict[int, Outcome], chunk_rows: int) -> int | None:
    if entry.rows_sent is None:
        return None
    waiting = [number for number, outcome in outcomes.items() if outcome is Outcome.UNDER_WAY]
    missing = len(waiting) * chunk_rows
    if len(outcomes) in waiting:  # the last chunk holds what is left over
        missing -= len(outcomes) * chunk_rows - entry.rows_sent
    return entry.rows_sent - missing


def sent_entries(connection: Connection, account: str, window: str, *, skip: int, most: int) -> tuple[list[Entry], int]:
    """One page of what an account has sent, newest first; and how much there is in all."""
    cases, batches = _cases(account, window), _batches(account, window)
    both = union_all(cases, batches).subquery()
    order = (both.c.sent_at.desc(), both.c.id)
    rows = connection.execute(select(both).order_by(*order).offset(skip).limit(most))
    counts = (
        connection.execute(select(func.count()).select_from(one.subquery())).scalar_one() for one in (cases, batches)
    )
    return [_entry(row) for row in rows], sum(counts)


def chunks_of(connection: Connection, account: str, window: str, batches: Sequence[bytes]) -> dict[bytes, list[Chunk]]:
    """The chunks of some workbooks of an account, by workbook."""
    found: dict[bytes, list[Chunk]] = {batch: [] for batch in batches}
    if not batches:
        return found
    query = (
        select(request_out.c.batch, request_out.c.chunk, request_out.c.state, result_in.c.status)
        .select_from(request_out.outerjoin(result_in, request_out.c.id == result_in.c.id))
        .where(
            request_out.c.account == account,
            request_out.c.window == window,
            request_out.c.batch.in_(list(batches)),
        )
    )
    for row in connection.execute(query):
        found[row.batch].append(Chunk(row.chunk, row.state, row.status))
    return found


def _cases(account: str, window: str) -> Select[Any]:
    nothing = cast(null(), Integer)
    return (
        select(
            request_out.c.id,
            request_out.c.service,
            request_out.c.saved_at.label("sent_at"),
            literal(0).label("is_batch"),
            request_out.c.state,
            result_in.c.status,
            nothing.label("rows_total"),
            nothing.label("rows_sent"),
        )
        .select_from(request_out.outerjoin(result_in, request_out.c.id == result_in.c.id))
        .where(request_out.c.account == account, request_out.c.window == window, request_out.c.batch.is_(None))
    )


def _batches(account: str, window: str) -> Select[Any]:
    return select(
        upload.c.id,
        upload.c.service,
        upload.c.uploaded_at.label("sent_at"),
        literal(1).label("is_batch"),
        upload.c.state,
        cast(null(), Integer).label("status"),
        upload.c.rows_total,
        upload.c.rows_sent,
    ).where(upload.c.account == account, upload.c.window == window)


def _entry(row: Row[Any]) -> Entry:
    counts = (row.rows_total, row.rows_sent)
    return Entry(row.id, row.service, row.sent_at, bool(row.is_batch), row.state, row.status, *counts)
