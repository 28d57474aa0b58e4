"""Staff operators: creating them, binding their card certificates, reading them on every request.

Used by set-up, the login desk and the pages. A new operator gets a random temporary password that must be changed.
Source: catalogue D7 (分层帐号), D8 (不能越级), E18, F9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection, insert, select, update

from core import audit_log
from core.db.any_row import AnyRow
from core.db.states import BindingState, OperatorLevel, OperatorState
from core.db.tables import account_certificate, review_flow, staff_operator
from core.password_hashing import PasswordHashing
from core.rules.case_states import TaskRole
from core.rules.passwords import generate_password
from core.staff.flow import Operator, flow_of, roles_of
from wire_formats.canonical import Json
from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, Refused

_PASSWORD_BYTES: Final = 64
_PARENT_LEVEL: Final = {
    OperatorLevel.ROOT: None,
    OperatorLevel.DISTRICT_ADMIN: OperatorLevel.ROOT,
    OperatorLevel.OPERATOR: OperatorLevel.DISTRICT_ADMIN,
}


@dataclass(frozen=True, slots=True)
class NewOperator:
    """What an operator begins with; `parent_operator_id` may be left out by set-up only."""

    user_name: str
    display_name: str
    district: str
    level: OperatorLevel = OperatorLevel.OPERATOR
    roles: tuple[TaskRole, ...] = (TaskRole.REVIEW, TaskRole.RECHECK)
    department: str | None = None
    phone: str | None = None
    parent_operator_id: str | None = None


class CreatedOperator(NamedTuple):
    """A new operator and the temporary password, kept nowhere."""

    operator_id: str
    password: str


def create_operator(
    connection: Connection, new: NewOperator, *, hashing: PasswordHashing, randomness: Randomness, now_ms: int
) -> CreatedOperator:
    """Create an operator with a temporary password that must be changed.

    Raises:
        Refused: CONFLICT, the user name is taken; NO_RIGHT, the parent is not one level up.
    """
    user_name = new.user_name.lower()
    if find_by_name(connection, user_name) is not None:
        raise Refused(Kind.CONFLICT, "user name is taken")
    if new.parent_operator_id is not None:
        parent = find_row(connection, new.parent_operator_id)
        if parent is None or OperatorLevel(parent.level) is not _PARENT_LEVEL[new.level]:
            raise Refused(Kind.NO_RIGHT, "parent is not one level up")
    password = generate_password(randomness.bytes(_PASSWORD_BYTES))
    operator_id = randomness.bytes(16).hex()
    connection.execute(
        insert(staff_operator).values(
            operator_id=operator_id,
            user_name=user_name,
            display_name=new.display_name,
            level=new.level.value,
            parent_operator_id=new.parent_operator_id,
            district=new.district,
            department=new.department,
            roles=" ".join(role.value for role in new.roles),
            phone=new.phone,
            password_hash=hashing.hash(password),
            on_duty=True,
            must_change=True,
            created_at=now_ms,
        )
    )
    audit(connection, "operator_created", operator_id, now_ms=now_ms)
    return CreatedOperator(operator_id, password)


def bind_operator_certificate(connection: Connection, operator_id: str, fingerprint: bytes, *, now_ms: int) -> None:
    """Bind a certificate (SHA-256 of its DER) to an operator; an earlier one is let in no more.

    Raises:
        Refused: NOT_FOUND, no such operator; CONFLICT, the certificate is another operator's.
    """
    taken = connection.scalar(
        select(staff_operator.c.operator_id).where(staff_operator.c.certificate_sha256 == fingerprint.hex())
    )
    if taken not in (None, operator_id):
        raise Refused(Kind.CONFLICT, "certificate is bound to another operator")
    if find_row(connection, operator_id) is None:
        raise Refused(Kind.NOT_FOUND, "no such operator")
    _set(connection, operator_id, certificate_sha256=fingerprint.hex())
    audit(connection, "operator_certificate_bound", operator_id, now_ms=now_ms, certificate=fingerprint.hex())


def unbind_operator_certificate(connection: Connection, operator_id: str, *, now_ms: int) -> None:
    """End an operator's binding (lost or revoked card): the next request with that certificate is refused."""
    _set(connection, operator_id, certificate_sha256=None)
    audit(connection, "operator_certificate_unbound", operator_id, now_ms=now_ms)


def disable_operator(connection: Connection, operator_id: str, *, by: str, now_ms: int) -> None:
    """Disable an operator; the next request of an open session is refused.

    Raises:
        Refused: NOT_FOUND, no such operator.
    """
    if find_row(connection, operator_id) is None:
        raise Refused(Kind.NOT_FOUND, "no such operator")
    _set(connection, operator_id, state=OperatorState.DISABLED.value)
    audit(connection, "operator_disabled", operator_id, now_ms=now_ms, by=by)


def set_password(connection: Connection, operator_id: str, password_hash: str, *, now_ms: int) -> None:
    """Store a new password chosen by the operator."""
    _set(connection, operator_id, password_hash=password_hash, must_change=False)
    audit(connection, "operator_password_changed", operator_id, now_ms=now_ms)


def renew_hash(connection: Connection, operator_id: str, password_hash: str) -> None:
    """Store the same password's hash made with today's costs."""
    _set(connection, operator_id, password_hash=password_hash)


def find_by_name(connection: Connection, user_name: str) -> AnyRow | None:
    """Return an operator's row by user name, or None."""
    return connection.execute(select(staff_operator).where(staff_operator.c.user_name == user_name.lower())).first()


def find_row(connection: Connection, operator_id: str) -> AnyRow | None:
    """Return an operator's row, or None."""
    return connection.execute(select(staff_operator).where(staff_operator.c.operator_id == operator_id)).first()


def current_operator(connection: Connection, operator_id: str, fingerprint: bytes) -> Operator:
    """Return the operator of a session, as the database has it now.

    Args:
        connection: any.
        operator_id: of the session.
        fingerprint: SHA-256 of the certificate of this very connection.

    Raises:
        Refused: NO_RIGHT, disabled or gone; CERTIFICATE_NOT_BOUND or CERTIFICATE_REVOKED.
    """
    row = find_row(connection, operator_id)
    if row is None or row.state != OperatorState.ACTIVE.value:
        raise Refused(Kind.NO_RIGHT, "operator is disabled")
    check_binding(connection, row, fingerprint)
    return operator_of(row)


def check_binding(connection: Connection, row: AnyRow, fingerprint: bytes) -> None:
    """Make sure that the certificate is this operator's and was not revoked.

    Raises:
        Refused: CERTIFICATE_NOT_BOUND or CERTIFICATE_REVOKED.
    """
    if row.certificate_sha256 != fingerprint.hex():
        raise Refused(Kind.CERTIFICATE_NOT_BOUND, "certificate is not this operator's")
    state = connection.scalar(
        select(account_certificate.c.state).where(account_certificate.c.certificate_sha256 == fingerprint.hex())
    )
    if state not in (None, BindingState.BOUND.value):
        raise Refused(Kind.CERTIFICATE_REVOKED, "certificate was revoked")


def operator_of(row: AnyRow) -> Operator:
    """Return an operator from the stored row."""
    return Operator(
        operator_id=row.operator_id,
        user_name=row.user_name,
        display_name=row.display_name,
        level=OperatorLevel(row.level),
        district=row.district,
        roles=roles_of(row.roles),
        must_change=bool(row.must_change),
    )


def current_flow(connection: Connection, service: str, now_ms: int) -> tuple[TaskRole, ...]:
    """Return the checks a service's cases go through now: the newest stored flow, or one check."""
    stored = connection.scalar(
        select(review_flow.c.roles)
        .where(review_flow.c.service == service, review_flow.c.valid_from <= now_ms)
        .order_by(review_flow.c.version.desc())
        .limit(1)
    )
    return flow_of(stored)


def audit(connection: Connection, event: str, operator_id: str | None, *, now_ms: int, **fields: Json) -> None:
    """Append to the staff chain of the audit log."""
    audit_log.append(connection, "staff", event, {"operator": operator_id, **fields}, now_ms=now_ms)


def _set(connection: Connection, operator_id: str, **values: object) -> None:
    connection.execute(
        update(staff_operator)
        .where(staff_operator.c.operator_id == operator_id)
        .values(version=staff_operator.c.version + 1, **values)
    )
