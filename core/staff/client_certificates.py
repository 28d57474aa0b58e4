"""A client certificate → who it is, or why it is refused.

OpenSSL has verified the chain at the handshake (the server that ops gives). What it does not look at is looked at here
on every request: purpose, window, validity now; the revocation list is looked at beside it
(`wire_formats.inner_web.revocation`). Which operator it is bound to stands in the database
(`operators.current_operator`).

Source: RFC 5280 sections 4.2.1.6 and 4.2.1.12; catalogue A11, F9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from wire_formats.certificate_names import account_of
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.instants import SECOND_MS

WINDOW: Final = "staff"


@dataclass(frozen=True, slots=True)
class Client:
    """Who holds a certificate."""

    fingerprint: bytes
    serial: int
    account: str


def read_client(certificate: x509.Certificate, *, now_ms: int) -> Client:
    """Return the holder of a certificate whose chain TLS has verified.

    Raises:
        Refused: CERTIFICATE_EXPIRED, or WRONG_WINDOW for any certificate not made for staff.
    """
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        window, account = account_of(certificate)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, PeerError):
        raise Refused(Kind.WRONG_WINDOW, "certificate names no operator") from None
    if window != WINDOW or ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise Refused(Kind.WRONG_WINDOW, "certificate is not for staff")
    begins = certificate.not_valid_before_utc.timestamp() * SECOND_MS
    ends = certificate.not_valid_after_utc.timestamp() * SECOND_MS
    if not begins <= now_ms <= ends:
        raise Refused(Kind.CERTIFICATE_EXPIRED, "certificate is not valid now")
    return Client(certificate.fingerprint(hashes.SHA256()), certificate.serial_number, account)
