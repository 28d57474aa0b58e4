"""The suite table: the only module that names a signature algorithm.

A suite is a row: COSE algorithm number, how to make a key, sign and verify.  A new algorithm
(ML-DSA hybrid, SM2 with SM3) is a new row; nothing else changes, since every signature carries its
suite's number in its protected header.

A key id (kid) is the SHA-256 of the signer's X.509 certificate in DER: it names key, holder, role and
validity at once.

Source: RFC 9053 (ES256 = -7); DESIGN "One suite table".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from wire_formats.errors import Kind, PeerError

ES256: Final = -7
_SCALAR_BYTES: Final = 32
_ECDSA: Final = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Suite:
    """One way to sign."""

    algorithm: int
    name: str
    signature_bytes: int
    new_key: Callable[[], ec.EllipticCurvePrivateKey]
    sign: Callable[[ec.EllipticCurvePrivateKey, bytes], bytes]
    verify: Callable[[ec.EllipticCurvePublicKey, bytes, bytes], None]


def _sign_es256(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(message, _ECDSA))
    return r.to_bytes(_SCALAR_BYTES, "big") + s.to_bytes(_SCALAR_BYTES, "big")


def _verify_es256(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    r = int.from_bytes(signature[:_SCALAR_BYTES], "big")
    s = int.from_bytes(signature[_SCALAR_BYTES:], "big")
    key.verify(encode_dss_signature(r, s), message, _ECDSA)


SUITES: Final[dict[int, Suite]] = {
    ES256: Suite(
        algorithm=ES256,
        name="ES256",
        signature_bytes=2 * _SCALAR_BYTES,
        new_key=lambda: ec.generate_private_key(ec.SECP256R1()),
        sign=_sign_es256,
        verify=_verify_es256,
    ),
}
DEFAULT_SUITE: Final = SUITES[ES256]


def suite(algorithm: int) -> Suite:
    """Give the row of an algorithm.

    Raises:
        PeerError: no row has this number.
    """
    try:
        return SUITES[algorithm]
    except KeyError:
        raise PeerError(Kind.BAD_SIGNATURE, "unknown signature suite") from None


class Signing(Protocol):
    """Whatever signs: a key in memory, or one on a card."""

    @property
    def kid(self) -> bytes:
        """The key id."""

    @property
    def suite(self) -> Suite:
        """How it signs."""

    def sign(self, message: bytes) -> bytes:
        """Sign; the signature has ``suite.signature_bytes`` bytes."""


class SigningKey:
    """A private key with the certificate that names it."""

    __slots__ = ("_key", "certificate", "kid", "suite")

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        if key.public_key() != certificate.public_key():
            raise ValueError("the private key does not belong to the certificate")
        self._key = key
        self.certificate = certificate
        self.kid = key_id(certificate)
        self.suite = DEFAULT_SUITE

    def sign(self, message: bytes) -> bytes:
        """Sign ``message``; the signature has ``suite.signature_bytes`` bytes."""
        return self.suite.sign(self._key, message)


class VerifyKey:
    """A public key that can only verify."""

    __slots__ = ("_key", "suite")

    def __init__(self, certificate: x509.Certificate) -> None:
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise PeerError(Kind.UNKNOWN_SIGNER, "no suite for this certificate's key")
        self._key = key
        self.suite = DEFAULT_SUITE

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a signature.

        Raises:
            PeerError: BAD_SIGNATURE.
        """
        if len(signature) != self.suite.signature_bytes:
            raise PeerError(Kind.BAD_SIGNATURE, "signature has a wrong length")
        try:
            self.suite.verify(self._key, signature, message)
        except (InvalidSignature, ValueError):
            raise PeerError(Kind.BAD_SIGNATURE, "signature does not verify") from None


def key_id(certificate: x509.Certificate) -> bytes:
    """Give the key id: SHA-256 of the certificate in DER, 32 bytes."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()


def load_signing_key(key_pem: bytes, certificate_pem: bytes) -> SigningKey:
    """Load a signing key from its two PEM files.

    Raises:
        ValueError: not a key of a known suite, or key and certificate do not belong together.
    """
    key = serialization.load_pem_private_key(key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not a key of a known suite")
    return SigningKey(key, x509.load_pem_x509_certificate(certificate_pem))
