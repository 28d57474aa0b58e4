"""Certificate revocation lists (CRL v2), one DER file per issuing authority, for outsiders.

The windows use the pushed deny list; a CRL serves the staff window and whoever verifies our certificates
with ordinary tools. It is written at once after a revocation. Its number is its second of issue, which only grows.

Natural next steps, kept out on purpose: shards by `ca.serials.shard_of` with an issuing
distribution point, and entries stored as DER in their rows (research/pki.md: 0.085 s per 100,000).

Source: RFC 5280 section 5; F7, F8.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import func, select

from ca import certificate_rows
from ca.authority_keys import AuthorityKey
from ca.key_kinds import kind_of_private
from ca.ledger import Ledger
from ca.ledger_tables import REVOCATION
from ca.lifecycle import RevocationReason
from ca.template import authority_key_identifier, moment
from wire_formats.instants import DAY_MS, SECOND_MS

NEXT_UPDATE_DAYS: Final = 7
_FLAGS: Final = {
    RevocationReason.KEY_COMPROMISE: x509.ReasonFlags.key_compromise,
    RevocationReason.AFFILIATION_CHANGED: x509.ReasonFlags.affiliation_changed,
    RevocationReason.SUPERSEDED: x509.ReasonFlags.superseded,
    RevocationReason.CESSATION_OF_OPERATION: x509.ReasonFlags.cessation_of_operation,
    RevocationReason.PRIVILEGE_WITHDRAWN: x509.ReasonFlags.privilege_withdrawn,
}


def make_crl(ledger: Ledger, authority: AuthorityKey, *, now_ms: int) -> bytes:
    """Return an authority's revocation list in DER, good for seven days.

    Raises:
        Unavailable: the ledger does not answer.
    """
    with ledger.transaction() as connection:
        rows = certificate_rows.revocations_of(connection, authority.name, now_ms)
    # The list goes to the constructor: adding one by one copies the list each time.
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=authority.certificate.subject,
        last_update=moment(now_ms).replace(microsecond=0),
        next_update=moment(now_ms + NEXT_UPDATE_DAYS * DAY_MS).replace(microsecond=0),
        revoked_certificates=[_entry(serial, at_ms, reason) for serial, at_ms, reason in rows],
    )
    builder = builder.add_extension(authority_key_identifier(authority.certificate), critical=False)
    builder = builder.add_extension(x509.CRLNumber(now_ms // SECOND_MS), critical=False)
    crl = builder.sign(authority.key, kind_of_private(authority.key).digest())
    return crl.public_bytes(Encoding.DER)


def newest_revocation(ledger: Ledger) -> int:
    """Return the position of the newest revocation, 0 before the first: when it moves, the lists are old.

    Raises:
        Unavailable: the ledger does not answer.
    """
    with ledger.transaction() as connection:
        return int(connection.scalar(select(func.coalesce(func.max(REVOCATION.c.position), 0))) or 0)


def write_crl(ledger: Ledger, authority: AuthorityKey, folder: Path, *, now_ms: int) -> Path:
    """Write an authority's list as `<name>.crl`, whole or not at all, and return its path.

    Raises:
        Unavailable: the ledger does not answer.
        OSError: the folder cannot be written.
    """
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    final = folder / f"{authority.name}.crl"
    unfinished = folder / f".{authority.name}.crl.new"
    unfinished.write_bytes(make_crl(ledger, authority, now_ms=now_ms))
    unfinished.chmod(0o644)  # public, and read by users of other zones: the staff window's, the gatekeeper console's
    unfinished.replace(final)
    return final


def reason_flag(reason: int) -> x509.ReasonFlags | None:
    """Return a reason as lists and responses write it; None: without one."""
    return _FLAGS.get(RevocationReason(reason))


def _entry(serial: str, at_ms: int, reason: int) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(int(serial, 16))
        .revocation_date(moment(at_ms).replace(microsecond=0))
    )
    flag = reason_flag(reason)
    if flag is not None:
        builder = builder.add_extension(x509.CRLReason(flag), critical=False)
    return builder.build()
