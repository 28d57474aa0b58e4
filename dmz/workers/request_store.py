"""Rows of stored transactions, their answers and form tokens: store functions of the exchange store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update

from dmz.workers.request_state import ASKED_AFTER_MS, UNDER_WAY, RequestState, next_pause_ms, origins, spread_ms
from dmz.workers.tables import form_token, request_out, result_in, upload
from wire_formats.answer import Answer
from wire_formats.errors import Kind, Refused, Unavailable

_UNDER_WAY = tuple(state.value for state in UNDER_WAY)
ROOM_RETRY_S = 30


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request ready for the bundler: header and content sealed to the high half; ``unit`` as in ``Asker``."""

    id: bytes
    lane: str
    header: bytes
    content: bytes
    tracked: bool = False
    unit: bytes = b""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the row of a transaction keeps besides the request itself."""

    outgoing: Outgoing
    account: str
    window: str
    session: bytes
    worker: str
    service: str
    saved_at: int
    expires_at: int
    next_try_at: int
    batch: bytes | None = None
    chunk: int | None = None


class TokenUse(NamedTuple):
    """One use of a form token: which form, for what, until when the use is remembered."""

    digest: bytes
    body_mark: bytes
    used_for: bytes
    expires_at: int


def token_before(connection: Connection, use: TokenUse) -> bytes | None:
    """What the token was used for before with the same body; None if it is new.

    Raises:
        Refused: CONFLICT: the token was used with another body.
    """
    row = connection.execute(select(form_token).where(form_token.c.digest == use.digest)).first()
    if row is None:
        return None
    if row.body_mark != use.body_mark:
        raise Refused(Kind.CONFLICT, "form token used with another body")
    used_for: bytes = row.used_for
    return used_for


def add_token(connection: Connection, use: TokenUse) -> None:
    """Note the first use of a token."""
    connection.execute(insert(form_token).values(**use._asdict()))


def add_requests(connection: Connection, requests: Sequence[Stored]) -> None:
    """Store transactions that are about to be sent."""
    connection.execute(
        insert(request_out),
        [
            {
                "id": one.outgoing.id,
                "account": one.account,
                "window": one.window,
                "session": one.session,
                "worker": one.worker,
                "service": one.service,
                "lane": one.outgoing.lane,
                "state": RequestState.SAVED.value,
                "header": one.outgoing.header,
                "content": one.outgoing.content,
                "saved_at": one.saved_at,
                "expires_at": one.expires_at,
                "next_try_at": one.next_try_at,
                "attempts": 0,
                "batch": one.batch,
                "chunk": one.chunk,
                "unit": one.outgoing.unit,
            }
            for one in requests
        ],
    )


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """Unanswered transactions at most, of all workers together; chunks of workbooks count apart.

    Attributes:
        account: Of one account.
        unit: Of one unit; of its workbooks' chunks, so many at which no further workbook is taken.
    """

    account: int
    unit: int


def check_room(connection: Connection, unit: bytes, account: str, limits: RoomLimits) -> None:
    """Bound the unanswered transactions of one unit and of one account; what is stored counts, whoever sent it.

    Raises:
        Unavailable: UNIT_BUSY or TOO_MANY_REQUESTS.
    """
    of_accounts = (
        select(request_out.c.account, func.count().label("waiting"))
        .where(_unanswered_of(unit), request_out.c.batch.is_(None))
        .group_by(request_out.c.account)
    )
    waiting: dict[str, int] = {row.account: row.waiting for row in connection.execute(of_accounts)}
    if sum(waiting.values()) >= limits.unit:
        raise Unavailable(Kind.UNIT_BUSY, "too many unanswered transactions of one unit", ROOM_RETRY_S)
    if waiting.get(account, 0) >= limits.account:
        raise Unavailable(Kind.TOO_MANY_REQUESTS, "too many unanswered transactions of one account", ROOM_RETRY_S)


def check_chunk_room(connection: Connection, unit: bytes, most: int) -> None:
    """Take no further workbook of a unit while so many chunks of earlier ones have no answer.

    Raises:
        Unavailable: UNIT_BUSY.
    """
    chunks = select(func.count()).select_from(request_out).where(_unanswered_of(unit), request_out.c.batch.is_not(None))
    if connection.execute(chunks).scalar_one() >= most:
        raise Unavailable(Kind.UNIT_BUSY, "too many unanswered chunks of one unit", ROOM_RETRY_S)


def _unanswered_of(unit: bytes) -> ColumnElement[bool]:
    return (request_out.c.unit == unit) & request_out.c.state.in_(_UNDER_WAY)


def mark_sent(connection: Connection, ids: Iterable[bytes], now_ms: int) -> None:
    """Note the first time these were dropped for the ferry."""
    connection.execute(
        update(request_out)
        .where(request_out.c.id.in_(list(ids)), request_out.c.state.in_(origins(RequestState.SENT)))
        .values(state=RequestState.SENT.value, sent_at=func.coalesce(request_out.c.sent_at, now_ms))
    )


def mark_hop(connection: Connection, ids: Iterable[bytes], hop: str, at_ms: int) -> None:
    """Note when these were taken by the ferry or crossed; the first time counts.

    Args:
        connection: Inside a writing transaction.
        ids: Request ids.
        hop: ``taken`` or ``crossed``.
        at_ms: When, by the ferry's clock.
    """
    column = {"taken": request_out.c.taken_at, "crossed": request_out.c.crossed_at}[hop]
    connection.execute(
        update(request_out).where(request_out.c.id.in_(list(ids)), column.is_(None)).values({column: at_ms})
    )


def due(connection: Connection, worker: str, now_ms: int, pauses: tuple[int, int], most: int) -> list[Outgoing]:
    """Take up to ``most`` unanswered requests whose time has come again, and set their next time.

    Units take turns: the first due of each, then the second of each, and so on; one with thousands of requests without
    an answer keeps no other's from being sent again.

    Args:
        connection: Inside a writing transaction.
        worker: Whose.
        now_ms: The instant now.
        pauses: First and longest pause, milliseconds.
        most: How many.
    """
    turn = func.row_number().over(partition_by=request_out.c.unit, order_by=request_out.c.next_try_at)
    ripe = (
        select(request_out.c.id, request_out.c.next_try_at, turn.label("turn"))
        .where(
            request_out.c.worker == worker,
            request_out.c.state.in_(_UNDER_WAY),
            # Further ahead than any pause is only what was noted while the clock was wrong.
            (request_out.c.next_try_at <= now_ms) | (request_out.c.next_try_at > now_ms + 2 * pauses[1]),
            request_out.c.expires_at > now_ms - ASKED_AFTER_MS,
        )
        .subquery()
    )
    # First who, then what: sorting whole requests would spill them to a temporary file.
    order = list(connection.scalars(select(ripe.c.id).order_by(ripe.c.turn, ripe.c.next_try_at).limit(most)))
    rows = {row.id: row for row in connection.execute(select(request_out).where(request_out.c.id.in_(order)))}
    found = [rows[identity] for identity in order]
    for row in found:
        pause = spread_ms(next_pause_ms(row.attempts + 1, *pauses), row.id, row.attempts)
        values = {"attempts": row.attempts + 1, "next_try_at": now_ms + pause}
        connection.execute(update(request_out).where(request_out.c.id == row.id).values(**values))
    return [Outgoing(row.id, row.lane, row.header, row.content, True, row.unit or b"") for row in found]


def expire(connection: Connection, worker: str, before_ms: int) -> int:
    """Give up on requests that expired before this instant without an answer; how many."""
    over = request_out.c.state.in_(origins(RequestState.EXPIRED)) & (request_out.c.expires_at <= before_ms)
    mine = request_out.c.worker == worker
    return connection.execute(
        update(request_out).where(mine, over).values(state=RequestState.EXPIRED.value, content=b"")
    ).rowcount


def count_under_way(connection: Connection, worker: str) -> int:
    """Unanswered transactions of one worker."""
    mine = (request_out.c.worker == worker) & request_out.c.state.in_(_UNDER_WAY)
    return connection.execute(select(func.count()).select_from(request_out).where(mine)).scalar_one()


def store_answers(connection: Connection, answers: Sequence[Answer], now_ms: int, keep_ms: int) -> int:
    """Keep the sealed answers of stored transactions; doubles and strangers are passed over. How many were new."""
    new = 0
    for answer in answers:
        header = answer.header
        found = connection.execute(
            select(request_out.c.state, request_out.c.service).where(request_out.c.id == header.request_id)
        ).first()
        if found is None or found.service != header.service or found.state not in origins(RequestState.ANSWERED):
            continue
        # The request itself is no longer needed; less lies here.
        connection.execute(
            update(request_out)
            .where(request_out.c.id == header.request_id)
            .values(state=RequestState.ANSWERED.value, answered_at=now_ms, content=b"")
        )
        connection.execute(
            insert(result_in).values(
                id=header.request_id,
                header=answer.header_bytes,
                content=answer.content,
                status=header.status.value,
                error_kind=header.error.value if header.error else None,
                received_at=now_ms,
                expires_at=now_ms + keep_ms,
            )
        )
        new += 1
    return new


def find_with_result(connection: Connection, account: str, window: str, identity: bytes) -> Row[Any]:
    """A transaction of this account with its answer's columns (``result_*``, None without answer).

    Raises:
        Refused: NOT_FOUND: none, or another account's.
    """
    query = _with_result().where(
        request_out.c.id == identity, request_out.c.account == account, request_out.c.window == window
    )
    row = connection.execute(query).first()
    if row is None:
        raise Refused(Kind.NOT_FOUND, "no such request of this account")
    return row


def chunks_with_result(connection: Connection, account: str, window: str, batch: bytes) -> list[Row[Any]]:
    """The chunks of a batch with their answers, in order."""
    mine = (request_out.c.account == account) & (request_out.c.window == window) & (request_out.c.batch == batch)
    return list(connection.execute(_with_result().where(mine).order_by(request_out.c.chunk)))


def sweep(connection: Connection, now_ms: int, keep_ms: int) -> int:
    """Remove what is past its time: results, the traces of ended transactions, form tokens; how many rows.

    Chunks and their answers stay as long as their workbook: without them its rows would have no result.
    """
    loose = ~select(upload.c.id).where(upload.c.id == request_out.c.batch).exists()
    ended = request_out.c.state.not_in(_UNDER_WAY) & (request_out.c.expires_at <= now_ms - keep_ms)
    gone = connection.execute(delete(request_out).where(ended, loose)).rowcount
    kept = request_out.join(upload, upload.c.id == request_out.c.batch)
    of_a_workbook = select(request_out.c.id).select_from(kept).where(request_out.c.id == result_in.c.id).exists()
    gone += connection.execute(delete(result_in).where(result_in.c.expires_at <= now_ms, ~of_a_workbook)).rowcount
    # A trace goes with its answer, which may be over sooner: without it, it would look as if it were on its way.
    answered = request_out.c.state == RequestState.ANSWERED.value
    lost = ~select(result_in.c.id).where(result_in.c.id == request_out.c.id).exists()
    gone += connection.execute(delete(request_out).where(answered, lost)).rowcount
    return gone + connection.execute(delete(form_token).where(form_token.c.expires_at <= now_ms)).rowcount


def _with_result() -> Select[Any]:
    return select(
        request_out,
        result_in.c.header.label("result_header"),
        result_in.c.content.label("result_content"),
        result_in.c.status.label("result_status"),
        result_in.c.error_kind.label("result_error"),
    ).select_from(request_out.outerjoin(result_in, request_out.c.id == result_in.c.id))
