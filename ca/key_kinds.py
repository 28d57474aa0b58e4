"""The kinds of key the authority makes, accepts and signs with.

One row per kind; no other module of the zone names a curve, a modulus or a digest. A kind
that no profile lists is known and not allowed; one without a row does not exist.

Source: DESIGN "one suite table"; research/pki.md section 2 (P-256 in 18 µs: no key pool).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
Digest: TypeAlias = hashes.SHA256 | hashes.SHA384

RSA_EXPONENT: Final = 65537


@dataclass(frozen=True, slots=True)
class KeyKind:
    """One kind of key: how to make it, how to know it, which digest it signs with."""

    name: str
    generate: Callable[[], PrivateKey]
    matches: Callable[[object], bool]
    digest: Callable[[], Digest]


def _on_curve(curve: type[ec.EllipticCurve]) -> Callable[[object], bool]:
    def matches(key: object) -> bool:
        return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, curve)

    return matches


def _rsa_of(bits: int) -> Callable[[object], bool]:
    def matches(key: object) -> bool:
        return isinstance(key, rsa.RSAPublicKey) and key.key_size == bits and key.public_numbers().e == RSA_EXPONENT

    return matches


def _rsa(bits: int) -> Callable[[], PrivateKey]:
    return lambda: rsa.generate_private_key(RSA_EXPONENT, bits)


KEY_KINDS: Final[Mapping[str, KeyKind]] = {
    kind.name: kind
    for kind in (
        KeyKind("ec-p256", lambda: ec.generate_private_key(ec.SECP256R1()), _on_curve(ec.SECP256R1), hashes.SHA256),
        KeyKind("ec-p384", lambda: ec.generate_private_key(ec.SECP384R1()), _on_curve(ec.SECP384R1), hashes.SHA384),
        KeyKind("rsa-2048", _rsa(2048), _rsa_of(2048), hashes.SHA256),
        KeyKind("rsa-3072", _rsa(3072), _rsa_of(3072), hashes.SHA256),
    )
}


def kind_name_of(key: object) -> str | None:
    """Return the kind of a public key, or None when no row knows it."""
    return next((kind.name for kind in KEY_KINDS.values() if kind.matches(key)), None)


def kind_of_private(key: PrivateKey) -> KeyKind:
    """Return the row of a private key.

    Raises:
        ValueError: no row knows this kind of key.
    """
    name = kind_name_of(key.public_key())
    if name is None:
        raise ValueError("no row in the key table for this key")
    return KEY_KINDS[name]


def spki_of(key: PublicKey) -> bytes:
    """Return the key's SubjectPublicKeyInfo in DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
