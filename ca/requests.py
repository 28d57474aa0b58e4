"""Certificates for a signing request (PKCS#10): servers and machines, at start and at renewal.

The key is made where it will be used and never travels. The request proves possession of the
key and nothing else: subject, names and extensions inside it are ignored, the names come from
the operator's order and the profile.

Source: RFC 2986; F5; research/pki.md section 5 "Renewal".
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from ca.issue import IssuedCertificate, Issuer, Order
from ca.key_kinds import PublicKey, kind_name_of
from ca.names import Holder
from wire_formats.errors import Kind, PeerError

MAX_REQUEST_BYTES: Final = 8 * 1024


def key_of_request(pem: bytes) -> PublicKey:
    """Return the public key of a signing request whose own signature holds.

    Raises:
        PeerError: TOO_LARGE, MALFORMED, or BAD_SIGNATURE.
    """
    if len(pem) > MAX_REQUEST_BYTES:
        raise PeerError(Kind.TOO_LARGE, "signing request too large")
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        holds = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        raise PeerError(Kind.MALFORMED, "not a signing request") from None
    if not holds:
        raise PeerError(Kind.BAD_SIGNATURE, "the request's own signature does not verify")
    if kind_name_of(key) is None:
        raise PeerError(Kind.MALFORMED, "a kind of key this authority does not know")
    return key  # type: ignore[return-value]  # the table knows elliptic-curve and RSA keys only


def issue_for_csr(issuer: Issuer, pem: bytes, *, profile: str, holder: Holder, operator: str) -> IssuedCertificate:
    """Issue a certificate for a signing request.

    Args:
        issuer: the authority.
        pem: the request, at most 8 KiB.
        profile: `server` or a machine's profile.
        holder: names as ordered by the operator, not as the request claims.
        operator: who answers for the order.

    Raises:
        PeerError: the bytes are not a request with proof of possession.
        Refused: names or key outside the profile, or a key that was used before.
    """
    return issuer.issue(Order(profile=profile, holder=holder, key=key_of_request(pem), operator=operator))
