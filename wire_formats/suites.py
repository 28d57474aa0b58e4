"""The suite table: the only module that names a signature algorithm.

A suite is a row: COSE algorithm number, how to make a key, sign and verify.  A new algorithm
(ML-DSA hybrid, SM2 with SM3) is a new row; nothing else changes, since every signature carries its
suite's number in its protected header.

ECDSA has two signatures for each that is made: beside (r, s) also (r, n - s) verifies, and anybody can compute it.  The
suite knows the one with the lower s only: its signers give it, its verification refuses the other.  So bytes that were
accepted cannot be turned on the road into other bytes that are accepted, too: digests over signatures (the entries of
the witnessed log) mean one thing.

A key id (kid) is the SHA-256 of the signer's X.509 certificate in DER: it names key, holder, role and
validity at once.

Source: RFC 9053 (ES256 = -7); SEC 1, 4.1.4 (both verify); SEC 2, 2.4.2 (order of P-256); C2SP signed-note v1.0.0
(signature types); DESIGN "One suite table"; decision 0023.
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
#: Order n of the group of P-256.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
#: Signature types of C2SP signed notes: ECDSA over the text; types of our own, followed by a longer name.
NOTE_ECDSA: Final = 0x02
NOTE_OWN: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Suite:
    """One way to sign.

    Attributes:
        algorithm: COSE number.
        name: for people.
        signature_bytes: length of a signature.
        note_type: signature type of a C2SP signed note.
        from_der: the one form of a signature from what any signer gives (ASN.1); raises ValueError for what is none.
        to_note: a signature as a signed note carries it.
        from_note: the reverse; raises ValueError for anything but the one form.
        new_key: makes a private key.
        sign: signs.
        verify: raises InvalidSignature or ValueError.
    """

    algorithm: int
    name: str
    signature_bytes: int
    note_type: int
    from_der: Callable[[bytes], bytes]
    to_note: Callable[[bytes], bytes]
    from_note: Callable[[bytes], bytes]
    new_key: Callable[[], ec.EllipticCurvePrivateKey]
    sign: Callable[[ec.EllipticCurvePrivateKey, bytes], bytes]
    verify: Callable[[ec.EllipticCurvePublicKey, bytes, bytes], None]


def _sign_es256(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    return _lower(key.sign(message, _ECDSA))


def _lower(der: bytes) -> bytes:
    """Give the one of both signatures that is accepted."""
    r, s = decode_dss_signature(der)
    if not (0 < r < _ORDER and 0 < s < _ORDER):
        raise ValueError("scalar out of range")
    return r.to_bytes(_SCALAR_BYTES, "big") + min(s, _ORDER - s).to_bytes(_SCALAR_BYTES, "big")


def _verify_es256(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    if int.from_bytes(signature[_SCALAR_BYTES:], "big") > _ORDER // 2:
        raise ValueError("not the one form of this signature")
    key.verify(_der(signature), message, _ECDSA)


def _der(signature: bytes) -> bytes:
    """Give r and s as the ASN.1 that signed notes carry."""
    r = int.from_bytes(signature[:_SCALAR_BYTES], "big")
    s = int.from_bytes(signature[_SCALAR_BYTES:], "big")
    return encode_dss_signature(r, s)


def _plain(der: bytes) -> bytes:
    r, s = decode_dss_signature(der)
    if not (0 <= r < 1 << 8 * _SCALAR_BYTES and 0 <= s < 1 << 8 * _SCALAR_BYTES):
        raise ValueError("scalar out of range")
    signature = r.to_bytes(_SCALAR_BYTES, "big") + s.to_bytes(_SCALAR_BYTES, "big")
    if _der(signature) != der:
        raise ValueError("not the one encoding of this signature")
    return signature


SUITES: Final[dict[int, Suite]] = {
    ES256: Suite(
        algorithm=ES256,
        name="ES256",
        signature_bytes=2 * _SCALAR_BYTES,
        note_type=NOTE_ECDSA,
        from_der=_lower,
        to_note=_der,
        from_note=_plain,
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

    @property
    def public_der(self) -> bytes:
        """The public key as SubjectPublicKeyInfo in DER."""
        return _public_der(self._key.public_key())

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

    @property
    def public_der(self) -> bytes:
        """The public key as SubjectPublicKeyInfo in DER."""
        return _public_der(self._key)

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


def _public_der(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


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
