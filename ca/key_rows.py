"""Rows of the key table (SysKeyInfo): one per slip, with its state, times and operators.

Functions on an open transaction. Every change of state is a compare-and-set on the old state;
the database's triggers refuse what this module would never ask for.

Source: F6, F1; E18.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Row, insert, select, update

from ca.ledger_tables import KEY_TABLE
from ca.lifecycle import FIRST_KEY_STATE, KeyEvent, KeyState, next_key_state
from ca.slip_codes import HeldSecrets
from wire_formats.desk_messages import MAX_TRIES
from wire_formats.errors import Kind, Refused

MAX_LISTED: Final = 200
_WIPED: Final = {"salt": None, "check_value": None, "wrapped": None}


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One slip as the ledger knows it; `repr` shows no secret."""

    number: str
    account: str
    window: str
    profile: str
    display: str
    state: KeyState
    tries_left: int
    code_expires_ms: int
    agreement: str | None
    prepared_ms: int
    enabled_ms: int | None
    downloaded_ms: int | None
    revoked_ms: int | None
    held: HeldSecrets | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What `prepare` writes."""

    number: str
    account: str
    window: str
    profile: str
    display: str
    held: HeldSecrets = field(repr=False)
    code_expires_ms: int
    prepared_ms: int
    prepared_by: str


def add(connection: Connection, entry: NewEntry) -> None:
    """Write a new entry, not enabled (E18: nothing is on by default)."""
    connection.execute(
        insert(KEY_TABLE).values(
            number=entry.number,
            account=entry.account,
            window_name=entry.window,
            profile=entry.profile,
            display=entry.display,
            state=FIRST_KEY_STATE.value,
            salt=entry.held.salt,
            check_value=entry.held.check,
            wrapped=entry.held.wrapped,
            tries_left=MAX_TRIES,
            code_expires_ms=entry.code_expires_ms,
            prepared_ms=entry.prepared_ms,
            prepared_by=entry.prepared_by,
        )
    )


def find(connection: Connection, number: str) -> KeyEntry | None:
    """Return an entry by its certificate number."""
    row = connection.execute(select(KEY_TABLE).where(KEY_TABLE.c.number == number)).first()
    return None if row is None else _entry(row)


def listed(connection: Connection, *, window: str = "", state: str = "", after: str = "") -> list[KeyEntry]:
    """Return up to 200 entries in order of number, after a given one."""
    query = select(KEY_TABLE).where(KEY_TABLE.c.number > after)
    if window:
        query = query.where(KEY_TABLE.c.window_name == window)
    if state:
        query = query.where(KEY_TABLE.c.state == state)
    return [_entry(row) for row in connection.execute(query.order_by(KEY_TABLE.c.number).limit(MAX_LISTED)).all()]


def enable(connection: Connection, number: str, *, agreement: str, operator: str, now_ms: int) -> None:
    """Enable an entry for download.

    Raises:
        Refused: CONFLICT, the entry is not in the state this needs.
    """
    _move(
        connection,
        number,
        (KeyState.NOT_ENABLED,),
        KeyEvent.ENABLE,
        {"agreement": agreement, "enabled_by": operator, "enabled_ms": now_ms},
    )


def downloaded(connection: Connection, number: str, *, now_ms: int) -> None:
    """Mark an entry as used and wipe its secrets.

    Raises:
        Refused: CONFLICT, somebody else used it first.
    """
    values: dict[str, object] = {"downloaded_ms": now_ms, **_WIPED}
    _move(connection, number, (KeyState.ENABLED,), KeyEvent.DOWNLOAD, values)


def revoke(connection: Connection, number: str, *, operator: str, now_ms: int) -> None:
    """End an entry and wipe its secrets.

    Raises:
        Refused: CONFLICT, it has already ended.
    """
    values: dict[str, object] = {"revoked_ms": now_ms, "revoked_by": operator, **_WIPED}
    old = (KeyState.NOT_ENABLED, KeyState.ENABLED, KeyState.DOWNLOADED)
    _move(connection, number, old, KeyEvent.REVOKE, values)


def charge_try(connection: Connection, number: str) -> int | None:
    """Take one try before the code is looked at, so that parallel guesses cannot share one.

    Returns:
        The tries left after this one, or None when there was none to take.
    """
    done = connection.execute(
        update(KEY_TABLE)
        .where(KEY_TABLE.c.number == number, KEY_TABLE.c.state == KeyState.ENABLED.value, KEY_TABLE.c.tries_left > 0)
        .values(tries_left=KEY_TABLE.c.tries_left - 1)
    )
    if done.rowcount != 1:
        return None
    left: int = connection.execute(select(KEY_TABLE.c.tries_left).where(KEY_TABLE.c.number == number)).scalar_one()
    return left


def give_back_tries(connection: Connection, number: str) -> None:
    """Restore the tries after the right code."""
    connection.execute(
        update(KEY_TABLE)
        .where(KEY_TABLE.c.number == number, KEY_TABLE.c.state == KeyState.ENABLED.value)
        .values(tries_left=MAX_TRIES)
    )


def wipe(connection: Connection, number: str) -> None:
    """Forget the held secrets of a locked entry: no later code can open it."""
    connection.execute(update(KEY_TABLE).where(KEY_TABLE.c.number == number).values(tries_left=0, **_WIPED))


def _move(
    connection: Connection,
    number: str,
    old: tuple[KeyState, ...],
    what: KeyEvent,
    values: dict[str, object] | dict[str, str | int],
) -> None:
    new = {next_key_state(state, what) for state in old}.pop()
    done = connection.execute(
        update(KEY_TABLE)
        .where(KEY_TABLE.c.number == number, KEY_TABLE.c.state.in_([state.value for state in old]))
        .values(state=new.value, **values)
    )
    if done.rowcount != 1:
        raise Refused(Kind.CONFLICT, f"the entry cannot {what.value} from where it stands")


def _entry(row: Row[tuple[object, ...]]) -> KeyEntry:
    held = None
    if row.wrapped is not None:
        held = HeldSecrets(bytes(row.salt), bytes(row.check_value), bytes(row.wrapped))
    return KeyEntry(
        number=row.number,
        account=row.account,
        window=row.window_name,
        profile=row.profile,
        display=row.display,
        state=KeyState(row.state),
        tries_left=row.tries_left,
        code_expires_ms=row.code_expires_ms,
        agreement=row.agreement,
        prepared_ms=row.prepared_ms,
        enabled_ms=row.enabled_ms,
        downloaded_ms=row.downloaded_ms,
        revoked_ms=row.revoked_ms,
        held=held,
    )
