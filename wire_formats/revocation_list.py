"""A certificate revocation list (CRL): signature, number, revoked serials.  Pure.

Source: RFC 5280, section 5; catalogue F9.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from wire_formats.errors import Kind, PeerError

MAX_CRL_BYTES: Final = 64 << 20


class RevokedSerials(NamedTuple):
    """A list whose signature held.

    Attributes:
        number: which list in the row of its issuer's.
        serials: of the revoked certificates.
    """

    number: int
    serials: frozenset[int]


def parse_revocation_list(data: bytes, issuers: Iterable[x509.Certificate]) -> RevokedSerials:
    """Read a list in DER.

    Args:
        data: the file.
        issuers: one of them must have signed it.

    Raises:
        PeerError: MALFORMED: not readable, or without a number; BAD_SIGNATURE: signed by none of the issuers.
    """
    try:
        crl = x509.load_der_x509_crl(data)
    except ValueError:
        raise PeerError(Kind.MALFORMED, "revocation list is not readable") from None
    for issuer in issuers:
        key = issuer.public_key()
        if issuer.subject != crl.issuer or not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            continue
        if crl.is_signature_valid(key):
            return RevokedSerials(_number(crl), frozenset(entry.serial_number for entry in crl))
    raise PeerError(Kind.BAD_SIGNATURE, "revocation list is not signed by an authority of users")


def _number(crl: x509.CertificateRevocationList) -> int:
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (ValueError, x509.ExtensionNotFound):
        raise PeerError(Kind.MALFORMED, "revocation list without a number") from None
