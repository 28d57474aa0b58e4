"""account.login 登录 (E1): certificate and user name with password, checked here and nowhere else.

Every failure says the same and takes the same time, whether the name is unknown, the password wrong, the certificate
not bound or the account disabled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from core import audit_log
from core.accounts import draft_key, find_account, make_grant
from core.db.any_row import AnyRow
from core.db.states import AccountState, BindingState
from core.db.tables import account, account_certificate
from core.services import login_guard
from core.services.handler import Context, Handler, Note, RuleRefused, ServiceAnswer, ServiceRequest, SlowWork
from wire_formats.answer import AnswerStatus
from wire_formats.canonical import Json
from wire_formats.errors import HallError, Kind, Refused
from wire_formats.instants import local_minute
from wire_formats.request import FINGERPRINT_BYTES
from wire_formats.seal import open_secret


class LoginVerdict(NamedTuple):
    """What the password check brought: the account whose password fitted, and a new hash if the old is outdated."""

    account_id: str | None
    new_hash: str | None = None


def prepare_login(context: Context, request: ServiceRequest) -> SlowWork:
    """Find the account and make the password check ready.

    Raises:
        RuleRefused: LOCKED_OUT, with the seconds to wait.
        Refused: CERTIFICATE_REQUIRED.
    """
    header, hashing, seal_key = request.header, context.tools.hashing, context.tools.seal_key
    if len(header.certificate) != FINGERPRINT_BYTES:
        raise Refused(Kind.CERTIFICATE_REQUIRED, "login without certificate")
    found = _find(context.connection, header.window, request.body["user_name"])
    subjects = _subjects(context, request, found)
    refuse_while_locked(context.connection, subjects, context.now_ms)
    stored = found.password_hash if found else hashing.nobody
    account_id = found.account_id if found else None
    sealed = request.body["password"]

    def check() -> LoginVerdict:
        try:
            password = open_secret(seal_key, sealed, field="password")
            hashing.verify(stored, password)
        except HallError:
            return LoginVerdict(None)
        return LoginVerdict(account_id, hashing.hash(password) if hashing.is_outdated(stored) else None)

    return SlowWork(subjects[1], check)


def login(context: Context, request: ServiceRequest) -> ServiceAnswer:
    """Answer with a grant, or count the failure."""
    verdict: LoginVerdict = context.outcome
    connection = context.connection
    found = _find(connection, request.header.window, request.body["user_name"])
    subjects = _subjects(context, request, found)
    fits = (
        found is not None
        and verdict.account_id == found.account_id
        and found.state == AccountState.ACTIVE.value
        and is_bound(connection, found.account_id, request.header.certificate, context.now_ms)
    )
    if found is None or not fits:
        login_guard.note_failure(connection, subjects, context.now_ms)
        _audit(context, request, "login_failed", found)
        return ServiceAnswer({}, AnswerStatus.REFUSED, Kind.LOGIN_FAILED)
    login_guard.clear(connection, subjects)
    fields = session_fields(context, found, request.header.certificate)
    if found.last_login_at is not None:
        fields["last_login"] = local_minute(found.last_login_at)
    values: dict[str, Any] = {"last_login_at": context.now_ms}
    if verdict.new_hash:
        values["password_hash"] = verdict.new_hash
    connection.execute(update(account).where(account.c.account_id == found.account_id).values(**values))
    _audit(context, request, "login_done", found)
    return ServiceAnswer(fields)


def session_fields(context: Context, row: AnyRow, certificate: bytes) -> dict[str, Json]:
    """Return what a session begins with: grant, name, whether the password must change, draft key."""
    tools = context.tools
    grant = make_grant(
        row,
        certificate=certificate,
        key=tools.signing_key,
        randomness=tools.randomness,
        now_ms=context.now_ms,
        life_ms=tools.grant_life_ms,
    )
    return {
        "grant": grant,
        "display_name": row.display_name,
        "must_change": bool(row.must_change),
        "draft_key": draft_key(row.account_id, tools.account_master_key),
    }


def refuse_while_locked(connection: Connection, subjects: tuple[str, ...], now_ms: int) -> None:
    """Refuse an attempt that comes before its delay has passed.

    Raises:
        RuleRefused: LOCKED_OUT.
    """
    seconds = login_guard.seconds_to_wait(connection, subjects, now_ms)
    if seconds:
        raise RuleRefused(Note("retry_after", "", seconds), kind=Kind.LOCKED_OUT)


def is_bound(connection: Connection, account_id: str, certificate: bytes, now_ms: int) -> bool:
    """Tell whether a certificate is bound to the account now."""
    row = connection.execute(
        select(account_certificate.c.not_after).where(
            account_certificate.c.certificate_sha256 == certificate.hex(),
            account_certificate.c.account_id == account_id,
            account_certificate.c.state == BindingState.BOUND.value,
        )
    ).first()
    return row is not None and now_ms <= row.not_after


def current_account(context: Context) -> AnyRow:
    """Return the caller's account row.

    Raises:
        Refused: NOT_FOUND.
    """
    row = find_account(context.connection, context.caller.account_id)
    if row is None:
        raise Refused(Kind.NOT_FOUND, "account does not exist")
    return row


def _find(connection: Connection, window: str, user_name: str) -> AnyRow | None:
    query = select(account).where(account.c.window == window, account.c.user_name == user_name.lower())
    return connection.execute(query).first()


def _subjects(context: Context, request: ServiceRequest, found: AnyRow | None) -> tuple[str, ...]:
    """Return whose counters an attempt touches.

    Only who holds a certificate of the account can guess its password, so only such attempts count against the account:
    nobody can lock another out with a certificate of his own. Towards anybody else the account is an unknown name.
    """
    certificate = request.header.certificate
    can_guess = found is not None and is_bound(context.connection, found.account_id, certificate, context.now_ms)
    return login_guard.subjects_of(
        account_id=found.account_id if found is not None and can_guess else None,
        window=request.header.window,
        user_name=request.body["user_name"].lower(),
        certificate=certificate,
    )


def _audit(context: Context, request: ServiceRequest, event: str, found: AnyRow | None) -> None:
    fields: dict[str, Json] = {
        "account": found.account_id if found else None,
        "certificate": request.header.certificate.hex(),
        "window": request.header.window,
    }
    audit_log.append(context.connection, "accounts", event, fields, now_ms=context.now_ms)


HANDLERS = {"account.login": Handler(login, prepare_login)}
