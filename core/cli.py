"""What `ferrygate core <word>` does: plain functions; the caller parses words and prints the lines.

They work on the production database directly, beside the running core, which sees an act at its next request and
loaded rows within half a minute. Every act carries who did it into the audit log.

Every function returns the lines to print. Those of `find` hold names: they are for whoever works at the desk.

Source: F1 (a slip is for an account), D7 (分层帐号), catalogue B29 (参数).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Engine, or_, select

from core.accounts import disable_account, enable_account
from core.db.engine import reading, writing
from core.db.states import AccountState
from core.db.tables import account, person_identity, unit
from core.reference.loading import load_rows
from core.reference.rows import read_rows
from core.rules.months import to_text
from core.staff.operators import disable_operator as end_operator
from core.staff.operators import find_by_name
from wire_formats.errors import Kind, Refused
from wire_formats.settings_reader import SettingsError

MOST_FOUND: Final = 50
HEADING: Final = f"{'account':<32}  {'window':<9}  {'state':<13}  {'user name':<16}  name"
_STATE_ZH: Final = {AccountState.ACTIVE: "启用", AccountState.DISABLED: "停用"}


def find(engine: Engine, wanted: str) -> list[str]:
    """`ferrygate core find TEXT`: accounts by id, user name, credit code, identity number, or a piece of their name.

    Returns:
        At most MOST_FOUND accounts, by window and user name.

    Raises:
        Refused: NOT_FOUND, there is none.
    """
    query = (
        select(account.c.account_id, account.c.window, account.c.state, account.c.user_name, account.c.display_name)
        .outerjoin(unit, unit.c.unit_id == account.c.unit_id)
        .outerjoin(person_identity, person_identity.c.person_id == account.c.person_id)
        .where(
            or_(
                account.c.account_id == wanted.lower(),
                account.c.user_name == wanted.lower(),
                unit.c.credit_code == wanted.upper(),
                person_identity.c.id_number == wanted.upper(),
                account.c.display_name.contains(wanted, autoescape=True),
            )
        )
        .order_by(account.c.window, account.c.user_name)
        .limit(MOST_FOUND + 1)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    if not rows:
        raise Refused(Kind.NOT_FOUND, "no account has this id, user name, credit code, identity number or name")
    lines = [HEADING]
    for row in rows[:MOST_FOUND]:
        state = f"{_STATE_ZH[AccountState(row.state)]} {row.state}"
        lines.append(f"{row.account_id:<32}  {row.window:<9}  {state:<11}  {row.user_name:<16}  {row.display_name}")
    return lines if len(rows) <= MOST_FOUND else [*lines, f"and more: these are the first {MOST_FOUND}"]


def disable(engine: Engine, account_id: str, *, operator: str, now_ms: int) -> list[str]:
    """`ferrygate core disable ACCOUNT`.

    Raises:
        Refused: NOT_FOUND, no such account.
    """
    with writing(engine) as connection:
        disable_account(connection, account_id, operator_id=operator, now_ms=now_ms)
    return [f"{account_id}: 停用 disabled; whoever is signed in with it is out at the next request"]


def enable(engine: Engine, account_id: str, *, operator: str, now_ms: int) -> list[str]:
    """`ferrygate core enable ACCOUNT`.

    Raises:
        Refused: NOT_FOUND, no such account.
    """
    with writing(engine) as connection:
        enable_account(connection, account_id, operator_id=operator, now_ms=now_ms)
    return [f"{account_id}: 启用 enabled; certificates that were revoked stay so"]


def disable_operator(engine: Engine, user_name: str, *, operator: str, now_ms: int) -> list[str]:
    """`ferrygate core disable-operator NAME`.

    Raises:
        Refused: NOT_FOUND, no such operator.
    """
    with writing(engine) as connection:
        row = find_by_name(connection, user_name)
        if row is None:
            raise Refused(Kind.NOT_FOUND, f"no operator has the user name {user_name[:64]!r}")
        end_operator(connection, row.operator_id, by=operator, now_ms=now_ms)
    return [f"{row.user_name}: 停用 disabled; the staff window refuses the next request"]


def load_notice(engine: Engine, path: Path, *, operator: str, now_ms: int) -> list[str]:
    """`ferrygate core load-notice FILE`: base limits and rates of an official notice; all of its rows or none.

    Raises:
        SettingsError: the file cannot be used.
        Refused: CONFLICT, its rows overlap others that were loaded.
    """
    rates, bases = read_rows(path)
    if not rates and not bases:
        raise SettingsError(f"{path}: no rows; [[base]], [[rate]] or [[classes]] is needed")
    with writing(engine) as connection:
        load_rows(connection, [*rates, *bases], operator_id=operator, now_ms=now_ms)
    spans = [(f"base limits of {row.pooling_area}", row.first_month, row.last_month) for row in bases]
    spans += [(f"rate of {row.insurance}/{row.scheme}", row.first_month, row.last_month) for row in rates]
    return [f"loaded: {what} {to_text(first)} to {to_text(last) if last else '...'}" for what, first, last in spans]
