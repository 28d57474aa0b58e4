"""COSE_Sign1 messages in the strict CBOR subset.

    tag 18 [ protected: bstr { 1: algorithm, 4: kid }, unprotected: {}, payload: bstr, signature: bstr ]

Signed bytes: ``Sig_structure = ["Signature1", protected, external_aad, payload]``.

Source: RFC 9052, 4.2 and 4.4.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from wire_formats import cbor
from wire_formats.errors import Kind, PeerError
from wire_formats.suites import Signing
from wire_formats.trust import Signer, TrustStore

_TAG_18: Final = b"\xd2"
_ALGORITHM, _KID = 1, 4
_KID_BYTES: Final = 32
#: A statement or grant, never a body: bodies are bound by digest.
MAX_MESSAGE_BYTES: Final = 64 * 1024


class Sign1(NamedTuple):
    """The parts of a message whose signature has not been checked yet."""

    protected: bytes
    algorithm: int
    kid: bytes
    payload: bytes
    signature: bytes


class Verified(NamedTuple):
    """A payload whose signature held, and who signed it."""

    payload: bytes
    signer: Signer


def sign1(payload: bytes, key: Signing, *, external: bytes = b"") -> bytes:
    """Sign a payload.

    Args:
        payload: the signed bytes, carried in the message.
        key: who signs.
        external: bytes that are signed but not carried (the use of the message).
    """
    protected = cbor.encode({_ALGORITHM: key.suite.algorithm, _KID: key.kid})
    signature = key.sign(_to_be_signed(protected, external, payload))
    return _TAG_18 + cbor.encode([protected, {}, payload, signature])


def parse_sign1(message: bytes) -> Sign1:
    """Take a message apart without checking its signature.

    Raises:
        PeerError: not a COSE_Sign1 message of our form.
    """
    if len(message) > MAX_MESSAGE_BYTES:
        raise PeerError(Kind.TOO_LARGE, "signed message too large")
    if message[:1] != _TAG_18:
        raise PeerError(Kind.MALFORMED, "not a COSE_Sign1 message")
    parts = cbor.decode(message[1:], max_depth=2)
    if not isinstance(parts, list) or len(parts) != 4:
        raise PeerError(Kind.MALFORMED, "COSE_Sign1 has four parts")
    protected, unprotected, payload, signature = parts
    if not isinstance(protected, bytes) or not isinstance(payload, bytes) or not isinstance(signature, bytes):
        raise PeerError(Kind.MALFORMED, "COSE_Sign1 parts are byte strings")
    if unprotected != {}:
        raise PeerError(Kind.MALFORMED, "unprotected header must be empty")
    header = cbor.decode(protected, max_depth=1)
    if not isinstance(header, dict) or set(header) != {_ALGORITHM, _KID}:
        raise PeerError(Kind.MALFORMED, "protected header names algorithm and kid")
    algorithm, kid = header[_ALGORITHM], header[_KID]
    if type(algorithm) is not int or not isinstance(kid, bytes) or len(kid) != _KID_BYTES:
        raise PeerError(Kind.MALFORMED, "protected header of a wrong type")
    return Sign1(protected, algorithm, kid, payload, signature)


def verify1(
    message: bytes, trust: TrustStore, *, role: str | tuple[str, ...], now_ms: int, external: bytes = b""
) -> Verified:
    """Check a message and give its payload.

    Raises:
        PeerError: malformed, unknown or invalid signer, wrong role, or a signature that fails.
    """
    parts = parse_sign1(message)
    signer = trust.signer(parts.kid, role=role, now_ms=now_ms)
    if parts.algorithm != signer.key.suite.algorithm:
        raise PeerError(Kind.BAD_SIGNATURE, "suite does not fit the signer's key")
    signer.key.verify(parts.signature, _to_be_signed(parts.protected, external, parts.payload))
    return Verified(parts.payload, signer)


def _to_be_signed(protected: bytes, external: bytes, payload: bytes) -> bytes:
    return cbor.encode(["Signature1", protected, external, payload])
