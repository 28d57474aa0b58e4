"""Login accounts: creating them, binding certificates, granting, and ending.

Used by set-up, the staff window and the handlers of `account.*`. A new account gets a random temporary password that
must be changed at first login; nothing about it can be derived (catalogue E18).
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, insert, select, update

from core import audit_log
from core.db.any_row import AnyRow
from core.db.states import AccountKind, AccountState, BindingState
from core.db.tables import account, account_certificate
from core.password_hashing import PasswordHashing
from core.rules.passwords import generate_password
from wire_formats.catalogue import services_of
from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, Refused
from wire_formats.grant import Grant, sign_grant
from wire_formats.suites import SigningKey

MUST_CHANGE_RIGHTS: Final = ("account.password", "account.logout")
_PASSWORD_BYTES: Final = 64
_WINDOW_OF: Final = {AccountKind.UNIT: "unit", AccountKind.COMMUNITY: "community", AccountKind.PERSON: "person"}


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account begins with; exactly one of unit, person and community, as its kind says."""

    user_name: str
    kind: AccountKind
    display_name: str
    district: str
    unit_id: int | None = None
    person_id: int | None = None
    community: str | None = None
    rights: str = "*"
    parent_account_id: str | None = None


class CreatedAccount(NamedTuple):
    """A new account and its temporary password (for the sealed half of the slip; kept nowhere)."""

    account_id: str
    password: str


class Binding(NamedTuple):
    """What binds a certificate to an account; `key_sha256` is None when only the desk saw the key."""

    certificate_sha256: str
    issuer: str
    serial: str
    not_after_ms: int
    key_sha256: str | None = None


def create_account(
    connection: Connection, new: NewAccount, *, hashing: PasswordHashing, randomness: Randomness, now_ms: int
) -> CreatedAccount:
    """Create an account with a random temporary password that must be changed.

    Raises:
        ValueError: subject and kind do not fit.
        Refused: CONFLICT, the user name is taken in this window.
    """
    _check_subject(new)
    window, user_name = _WINDOW_OF[new.kind], new.user_name.lower()
    taken = select(account.c.account_id).where(account.c.window == window, account.c.user_name == user_name)
    if connection.execute(taken).first() is not None:
        raise Refused(Kind.CONFLICT, "user name is taken")
    password = generate_password(randomness.bytes(_PASSWORD_BYTES))
    account_id = randomness.bytes(16).hex()
    connection.execute(
        insert(account).values(
            account_id=account_id,
            user_name=user_name,
            window=window,
            kind=new.kind.value,
            state=AccountState.ACTIVE.value,
            district=new.district,
            unit_id=new.unit_id,
            person_id=new.person_id,
            community=new.community,
            parent_account_id=new.parent_account_id,
            rights=new.rights,
            display_name=new.display_name,
            password_hash=hashing.hash(password),
            must_change=True,
            password_set_at=now_ms,
            grants_valid_from=now_ms,
            created_at=now_ms,
        )
    )
    audit_log.append(connection, "accounts", "account_created", {"account": account_id}, now_ms=now_ms)
    return CreatedAccount(account_id, password)


def binding_of(certificate: x509.Certificate) -> Binding:
    """Return what binds this certificate."""
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key)
    return Binding(
        certificate_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_after_ms=round(certificate.not_valid_after_utc.timestamp()) * 1000,
        key_sha256=digest.finalize().hex(),
    )


def bind_certificate(connection: Connection, account_id: str, binding: Binding, *, now_ms: int) -> None:
    """Bind a certificate to an account; binding the same again changes nothing.

    Raises:
        Refused: NOT_FOUND, no such account; CONFLICT, the certificate is bound to another account.
    """
    bound = connection.execute(
        select(account_certificate.c.account_id).where(
            account_certificate.c.certificate_sha256 == binding.certificate_sha256
        )
    ).scalar()
    if bound == account_id:
        return
    if bound is not None:
        raise Refused(Kind.CONFLICT, "certificate is bound to another account")
    if find_account(connection, account_id) is None:
        raise Refused(Kind.NOT_FOUND, "no such account")
    connection.execute(
        insert(account_certificate).values(
            certificate_sha256=binding.certificate_sha256,
            account_id=account_id,
            issuer=binding.issuer,
            serial=binding.serial,
            key_sha256=binding.key_sha256,
            state=BindingState.BOUND.value,
            not_after=binding.not_after_ms,
            bound_at=now_ms,
        )
    )
    fields = {"account": account_id, "serial": binding.serial}
    audit_log.append(connection, "accounts", "certificate_bound", dict(fields), now_ms=now_ms)


def revoke_bindings(connection: Connection, serials: Collection[str], *, now_ms: int) -> int:
    """End the bindings of revoked certificates.

    Args:
        connection: a write transaction.
        serials: serial numbers in hex, at most `deny_list.MAX_SERIALS`; unknown and ended ones change nothing.
        now_ms: the instant now.

    Returns:
        How many bindings ended.
    """
    bound = account_certificate.c.state == BindingState.BOUND.value
    query = select(account_certificate.c.serial).where(bound, account_certificate.c.serial.in_(serials))
    ended = connection.scalars(query).all()
    for serial in ended:
        connection.execute(
            update(account_certificate)
            .where(bound, account_certificate.c.serial == serial)
            .values(state=BindingState.REVOKED.value, revoked_at=now_ms)
        )
        audit_log.append(connection, "accounts", "binding_revoked", {"serial": serial}, now_ms=now_ms)
    return len(ended)


def disable_account(connection: Connection, account_id: str, *, operator_id: str, now_ms: int) -> None:
    """Disable an account; its live grants end at once.

    Raises:
        Refused: NOT_FOUND, no such account.
    """
    values = {"state": AccountState.DISABLED.value, "grants_valid_from": now_ms}
    _set_state(connection, account_id, values, event="account_disabled", operator_id=operator_id, now_ms=now_ms)


def enable_account(connection: Connection, account_id: str, *, operator_id: str, now_ms: int) -> None:
    """Enable an account again; grants that ended stay ended.

    Raises:
        Refused: NOT_FOUND, no such account.
    """
    values = {"state": AccountState.ACTIVE.value}
    _set_state(connection, account_id, values, event="account_enabled", operator_id=operator_id, now_ms=now_ms)


def _set_state(
    connection: Connection, account_id: str, values: Mapping[str, object], *, event: str, operator_id: str, now_ms: int
) -> None:
    if not connection.execute(update(account).where(account.c.account_id == account_id).values(**values)).rowcount:
        raise Refused(Kind.NOT_FOUND, f"no account {account_id}")
    fields = {"account": account_id, "operator": operator_id}
    audit_log.append(connection, "accounts", event, dict(fields), now_ms=now_ms)


def find_account(connection: Connection, account_id: str) -> AnyRow | None:
    """Return an account by its id, or None."""
    return connection.execute(select(account).where(account.c.account_id == account_id)).first()


def rights_of(row: AnyRow) -> tuple[str, ...]:
    """Return the service codes an account may use: only the password while a change is forced."""
    if row.must_change:
        return MUST_CHANGE_RIGHTS
    offered = tuple(entry.code for entry in services_of(row.window) if entry.needs_grant)
    if row.rights == "*":
        return offered
    allowed = {*row.rights.split(), *MUST_CHANGE_RIGHTS}
    return tuple(code for code in offered if code in allowed)


def make_grant(
    row: AnyRow, *, certificate: bytes, key: SigningKey, randomness: Randomness, now_ms: int, life_ms: int
) -> str:
    """Sign a grant for an account, as base64url text."""
    grant = Grant(
        grant_id=randomness.bytes(16),
        account=row.account_id,
        window=row.window,
        subject=str(row.unit_id or row.person_id or row.community),
        certificate=certificate,
        rights=rights_of(row),
        from_ms=now_ms,
        until_ms=now_ms + life_ms,
        district=row.district,
    )
    return as_text(sign_grant(grant, key))


def draft_key(account_id: str, master_key: bytes) -> str:
    """Return the account's draft key as base64url text; the same at every login, so drafts survive sessions."""
    info = b"ferrygate draft key 1 " + account_id.encode()
    return as_text(HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(master_key))


def as_text(data: bytes) -> str:
    """Return bytes as base64url text without padding."""
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _check_subject(new: NewAccount) -> None:
    subjects = {
        AccountKind.UNIT: new.unit_id,
        AccountKind.PERSON: new.person_id,
        AccountKind.COMMUNITY: new.community,
    }
    if subjects[new.kind] is None or sum(subject is not None for subject in subjects.values()) != 1:
        raise ValueError("an account acts for exactly one unit, person or community")
