"""Rows of the certificate table: recorded before signing, completed after, never removed.

Functions on an open transaction; `ca.ledger_tables` holds the rules the database enforces.

Source: research/pki.md section 7 point 3; F2, F9.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Row, insert, select, update

from ca.ledger_tables import CERTIFICATE, REVOCATION
from ca.lifecycle import CertificateEvent, CertificateState, RevocationReason, next_certificate_state
from wire_formats.errors import Bug, Kind

MAX_LISTED: Final = 1000


@dataclass(frozen=True, slots=True)
class Intent:
    """What is recorded before anything real is signed."""

    serial: str
    issuer: str
    profile: str
    holder: str
    spki: bytes
    tbs: bytes
    not_before_ms: int
    not_after_ms: int
    key_number: str | None


@dataclass(frozen=True, slots=True)
class Revocation:
    """Why, when and by whom a certificate ended."""

    reason: RevocationReason
    at_ms: int
    operator: str


def spki_known(connection: Connection, spki: bytes) -> bool:
    """Tell whether a certificate was ever recorded for this key."""
    digest = hashlib.sha256(spki).digest()
    return (
        connection.execute(select(CERTIFICATE.c.serial).where(CERTIFICATE.c.spki_digest == digest)).first() is not None
    )


def record(connection: Connection, intent: Intent, now_ms: int) -> None:
    """Write down what is about to be signed."""
    connection.execute(
        insert(CERTIFICATE).values(
            serial=intent.serial,
            issuer=intent.issuer,
            profile=intent.profile,
            state=CertificateState.RECORDED.value,
            holder=intent.holder,
            spki_digest=hashlib.sha256(intent.spki).digest(),
            tbs=intent.tbs,
            not_before_ms=intent.not_before_ms,
            not_after_ms=intent.not_after_ms,
            key_number=intent.key_number,
            recorded_ms=now_ms,
        )
    )


def complete(connection: Connection, serial: str, *, der: bytes, now_ms: int) -> None:
    """Store the signed certificate.

    Raises:
        Bug: the row is no longer waiting for a signature.
    """
    _move(
        connection,
        serial,
        CertificateState.RECORDED,
        CertificateEvent.SIGN,
        {"der": der, "fingerprint": hashlib.sha256(der).digest(), "issued_ms": now_ms},
    )


def abandon(connection: Connection, serial: str, revocation: Revocation) -> None:
    """Give up a recorded certificate; its serial goes on the lists, in case a signature exists."""
    _move(connection, serial, CertificateState.RECORDED, CertificateEvent.ABANDON, {})
    _list(connection, serial, revocation)


def end(connection: Connection, serial: str, revocation: Revocation) -> None:
    """Revoke an issued certificate.

    Raises:
        Bug: the certificate is not in force.
    """
    _move(connection, serial, CertificateState.ISSUED, CertificateEvent.REVOKE, {})
    _list(connection, serial, revocation)


def _move(
    connection: Connection,
    serial: str,
    old: CertificateState,
    what: CertificateEvent,
    values: dict[str, bytes | int],
) -> None:
    new = next_certificate_state(old, what)
    done = connection.execute(
        update(CERTIFICATE)
        .where(CERTIFICATE.c.serial == serial, CERTIFICATE.c.state == old.value)
        .values(state=new.value, **values)
    )
    if done.rowcount != 1:
        raise Bug(Kind.BUG, f"certificate is not {old.value}")


def _list(connection: Connection, serial: str, revocation: Revocation) -> None:
    row = by_serial(connection, serial)
    if row is None:
        raise Bug(Kind.BUG, "a revoked certificate has no row")
    connection.execute(
        insert(REVOCATION).values(
            serial=serial,
            issuer=row.issuer,
            reason=revocation.reason.value,
            not_after_ms=row.not_after_ms,
            revoked_ms=revocation.at_ms,
            operator=revocation.operator,
        )
    )


def by_serial(connection: Connection, serial: str) -> Row[tuple[object, ...]] | None:
    """Return a certificate's row."""
    return connection.execute(select(CERTIFICATE).where(CERTIFICATE.c.serial == serial)).first()


def revocation_of(connection: Connection, serial: str) -> tuple[int, int] | None:
    """Return (revoked_ms, reason) of a certificate; None when it is not revoked."""
    query = select(REVOCATION.c.revoked_ms, REVOCATION.c.reason).where(REVOCATION.c.serial == serial)
    row = connection.execute(query).first()
    return None if row is None else (row.revoked_ms, row.reason)


def in_force_for_slip(connection: Connection, number: str) -> list[str]:
    """Return the serials of issued certificates that came from a slip."""
    query = select(CERTIFICATE.c.serial).where(
        CERTIFICATE.c.key_number == number, CERTIFICATE.c.state == CertificateState.ISSUED.value
    )
    return list(connection.execute(query).scalars())


def waiting_since(connection: Connection, before_ms: int) -> list[str]:
    """Return up to 1000 serials that were recorded before an instant and never signed."""
    query = (
        select(CERTIFICATE.c.serial)
        .where(CERTIFICATE.c.state == CertificateState.RECORDED.value, CERTIFICATE.c.recorded_ms <= before_ms)
        .limit(MAX_LISTED)
    )
    return list(connection.execute(query).scalars())


def revocations_of(connection: Connection, issuer: str, now_ms: int) -> list[tuple[str, int, int]]:
    """Return (serial, revoked_ms, reason) of an issuer's revoked, not yet expired certificates."""
    query = (
        select(REVOCATION.c.serial, REVOCATION.c.revoked_ms, REVOCATION.c.reason)
        .where(REVOCATION.c.issuer == issuer, REVOCATION.c.not_after_ms > now_ms)
        .order_by(REVOCATION.c.position)
    )
    return [(row.serial, row.revoked_ms, row.reason) for row in connection.execute(query).all()]
