"""account.password 修改密码 (E18) and account.logout 退出 (E1)."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from core import audit_log
from core.accounts import find_account
from core.db.any_row import AnyRow
from core.db.tables import account, ended_grant, person, unit
from core.rules.passwords import LEAST_LENGTH, check_password
from core.services import login_guard
from core.services.handler import Context, Handler, Note, ServiceAnswer, ServiceRequest, SlowWork
from core.services.login import current_account, refuse_while_locked, session_fields
from wire_formats.answer import AnswerStatus
from wire_formats.canonical import Json
from wire_formats.errors import HallError, Kind, Refused
from wire_formats.seal import open_secret

_FAULT_OF = {
    "length": Note("password_short", "new_password", LEAST_LENGTH),
    "too few different characters": Note("password_common", "new_password"),
    "common": Note("password_common", "new_password"),
    "keyboard run": Note("password_common", "new_password"),
    "derivable": Note("password_derived", "new_password"),
}


class PasswordVerdict(NamedTuple):
    """What the slow work brought: a new hash, or what is wrong."""

    new_hash: str | None
    fault: Note | None = None
    old_fits: bool = False


def prepare_password(context: Context, request: ServiceRequest) -> SlowWork:
    """Make the check of the old and the hashing of the new password ready.

    Raises:
        RuleRefused: LOCKED_OUT.
    """
    row, tools = current_account(context), context.tools
    subjects = _subjects(request, row)
    refuse_while_locked(context.connection, subjects, context.now_ms)
    known = _known_texts(context.connection, row)
    stored = row.password_hash
    sealed_old, sealed_new = request.body["old_password"], request.body["new_password"]

    def work() -> PasswordVerdict:
        try:
            old = open_secret(tools.seal_key, sealed_old, field="old_password")
            new = open_secret(tools.seal_key, sealed_new, field="new_password")
            tools.hashing.verify(stored, old)
        except HallError:
            return PasswordVerdict(None, Note("password_wrong", "old_password"))
        if new == old:
            return PasswordVerdict(None, Note("password_same", "new_password"), old_fits=True)
        try:
            check_password(new, known=known, common=tools.common_passwords)
        except Refused as refused:
            return PasswordVerdict(None, _FAULT_OF[refused.private], old_fits=True)
        return PasswordVerdict(tools.hashing.hash(new), old_fits=True)

    return SlowWork(subjects[1], work)


def change_password(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """Set the new password, end all other grants, and answer with a fresh one."""
    verdict: PasswordVerdict = context.outcome
    row = current_account(context)
    subjects = _subjects(request, row)
    if verdict.new_hash is None:
        if not verdict.old_fits:
            login_guard.note_failure(context.connection, subjects, context.now_ms)
            _audit(context, "password_refused", row)
        notes = (verdict.fault,) if verdict.fault else ()
        kind = Kind.WEAK_PASSWORD if verdict.old_fits else Kind.FIELDS_INVALID
        return ServiceAnswer({}, AnswerStatus.REFUSED, kind, notes)
    login_guard.clear(context.connection, subjects)
    context.connection.execute(
        update(account)
        .where(account.c.account_id == row.account_id)
        .values(
            password_hash=verdict.new_hash,
            must_change=False,
            password_set_at=context.now_ms,
            grants_valid_from=context.now_ms,
            version=account.c.version + 1,
        )
    )
    _audit(context, "password_changed", row)
    fresh = find_account(context.connection, row.account_id)
    if fresh is None:
        raise Refused(Kind.NOT_FOUND, "account does not exist")
    return ServiceAnswer(session_fields(context, fresh, request.header.certificate))


def logout(context: Context, _request: ServiceRequest) -> ServiceAnswer:
    """End the grant that came with this request."""
    grant = context.caller.grant
    context.connection.execute(
        insert(ended_grant).values(
            grant_id=grant.grant_id.hex(),
            account_id=grant.account,
            ended_at=context.now_ms,
            expires_at=grant.until_ms,
        )
    )
    fields: dict[str, Json] = {"account": grant.account}
    audit_log.append(context.connection, "accounts", "logout", fields, now_ms=context.now_ms)
    return ServiceAnswer({})


def _subjects(request: ServiceRequest, row: AnyRow) -> tuple[str, ...]:
    return login_guard.subjects_of(
        account_id=row.account_id,
        window=row.window,
        user_name=row.user_name,
        certificate=request.header.certificate,
    )


def _known_texts(connection: Connection, row: AnyRow) -> tuple[str, ...]:
    """Return everything a password must not be derived from."""
    texts = [row.user_name, row.display_name, str(row.unit_id or ""), row.community or ""]
    if row.unit_id is not None:
        of_unit = connection.execute(
            select(unit.c.credit_code, unit.c.phone).where(unit.c.unit_id == row.unit_id)
        ).first()
        texts += [text or "" for text in of_unit] if of_unit else []
    if row.person_id is not None:
        columns = select(person.c.id_number, person.c.phone).where(person.c.person_id == row.person_id)
        of_person = connection.execute(columns).first()
        texts += [text or "" for text in of_person] if of_person else []
    return tuple(text for text in texts if text)


def _audit(context: Context, event: str, row: AnyRow) -> None:
    audit_log.append(context.connection, "accounts", event, {"account": row.account_id}, now_ms=context.now_ms)


HANDLERS = {
    "account.password": Handler(change_password, prepare_password),
    "account.logout": Handler(logout),
}
