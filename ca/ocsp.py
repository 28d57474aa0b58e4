"""The CA's signed word on one certificate (an OCSP response), for a server that staples it.

There is no responder that answers questions from outside: our servers' certificates are few, and a client that wants
to know about one of ours gets the response from the server itself. The issuing authority signs, so that no further
certificate is needed.

Source: RFC 6960 section 4.2, RFC 6066 section 8; F8.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from ca import certificate_rows
from ca.authority_keys import AuthorityKey
from ca.crl import reason_flag
from ca.key_kinds import kind_of_private
from ca.ledger import Ledger
from ca.serials import serial_text
from ca.template import instant, moment
from wire_formats.errors import Kind, Refused
from wire_formats.instants import DAY_MS

NEXT_UPDATE_DAYS: Final = 7


def make_response(ledger: Ledger, authority: AuthorityKey, certificate: x509.Certificate, *, now_ms: int) -> bytes:
    """Return the response for a certificate in DER, good for seven days: good or revoked.

    Args:
        ledger: where the certificate is entered.
        authority: that issued it.
        certificate: to speak of.
        now_ms: milliseconds since 1970.

    Raises:
        Refused: NOT_FOUND; this authority has not issued the certificate.
        Unavailable: the ledger does not answer.
    """
    serial = serial_text(certificate.serial_number)
    with ledger.transaction() as connection:
        row = certificate_rows.by_serial(connection, serial)
        revoked = certificate_rows.revocation_of(connection, serial)
    if row is None or row.issuer != authority.name or row.der != certificate.public_bytes(Encoding.DER):
        raise Refused(Kind.NOT_FOUND, f"{authority.name} has issued no such certificate")
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate,
        issuer=authority.certificate,
        algorithm=hashes.SHA1(),  # noqa: S303 - names the certificate, protects nothing; what all clients expect (RFC 5019)
        cert_status=ocsp.OCSPCertStatus.GOOD if revoked is None else ocsp.OCSPCertStatus.REVOKED,
        this_update=moment(now_ms).replace(microsecond=0),
        next_update=moment(now_ms + NEXT_UPDATE_DAYS * DAY_MS).replace(microsecond=0),
        revocation_time=None if revoked is None else moment(revoked[0]).replace(microsecond=0),
        revocation_reason=None if revoked is None else reason_flag(revoked[1]),
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, authority.certificate)
    return builder.sign(authority.key, kind_of_private(authority.key).digest()).public_bytes(Encoding.DER)


def is_fresh(path: Path, certificate: x509.Certificate, *, now_ms: int) -> bool:
    """Tell whether a file holds a response for a certificate with more than half of its life before it."""
    try:
        response = ocsp.load_der_ocsp_response(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    ends = response.next_update_utc
    half_ms = NEXT_UPDATE_DAYS * DAY_MS // 2
    return response.serial_number == certificate.serial_number and ends is not None and instant(ends) - now_ms > half_ms


def write_response(
    ledger: Ledger, authority: AuthorityKey, certificate: x509.Certificate, path: Path, *, now_ms: int
) -> None:
    """Write the response of ``make_response`` to a file, whole or not at all.

    Raises:
        Refused: as ``make_response``.
        Unavailable: the ledger does not answer.
        OSError: the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_bytes(make_response(ledger, authority, certificate, now_ms=now_ms))
    unfinished.replace(path)
