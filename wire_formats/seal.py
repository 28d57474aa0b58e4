"""HPKE seals (RFC 9180, base mode): who may read what, whoever carries it.

    to the high half   every request's content, so that the DMZ's disk and the lane show nothing
    to the core        secret fields (passwords), so that the ferry cannot read them either
    to the session     every answer's content; the key grows out of the user's cookie

Suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.  A sealed text is 48 bytes longer
than the plain one (32 encapsulated key, 16 tag).

Source: RFC 9180; DESIGN invariant 5.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wire_formats.errors import Kind, PeerError

KEY_BYTES: Final = 32
OVERHEAD_BYTES: Final = 48
_HPKE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_SECRET_INFO: Final = b"ferrygate secret field 1"
#: Uses of a seal; a text sealed for one use does not open for another.
REQUEST_INFO: Final = b"ferrygate request content 1"
ANSWER_INFO: Final = b"ferrygate answer content 1"


def _bind(info: bytes, aad: bytes) -> bytes:
    """Bind use and header: the library's one-shot form has no separate associated data.

    The digest has a fixed length, so no two pairs give the same bytes.
    """
    return hashlib.sha256(aad).digest() + info


class SealPublicKey:
    """Can seal."""

    __slots__ = ("_key", "raw")

    def __init__(self, raw: bytes) -> None:
        """Take 32 raw bytes.

        Raises:
            PeerError: not 32 bytes.
        """
        if len(raw) != KEY_BYTES:
            raise PeerError(Kind.MALFORMED, "a seal key has 32 bytes")
        self.raw = raw
        self._key = X25519PublicKey.from_public_bytes(raw)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the key: its name in a medium's manifest."""
        return hashlib.sha256(self.raw).digest()

    def seal(self, plaintext: bytes, *, info: bytes, aad: bytes) -> bytes:
        """Seal a text for the holder of the private key.

        Args:
            plaintext: the text.
            info: the use.
            aad: bytes the text is bound to (a header).

        Raises:
            PeerError: BAD_SEAL for a public key of small order.
        """
        try:
            return _HPKE.encrypt(plaintext, self._key, info=_bind(info, aad))
        except ValueError:
            raise PeerError(Kind.BAD_SEAL, "public key cannot be used") from None


class SealPrivateKey:
    """Can open."""

    __slots__ = ("_key", "public", "raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise ValueError("a seal key has 32 bytes")
        self.raw = raw
        self._key = X25519PrivateKey.from_private_bytes(raw)
        self.public = SealPublicKey(self._key.public_key().public_bytes_raw())

    @classmethod
    def derive(cls, secret: bytes, *, use: bytes) -> SealPrivateKey:
        """Grow a key out of a secret of at least 32 bytes of entropy (a session's cookie)."""
        return cls(HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"ferrygate seal key " + use).derive(secret))

    def open(self, sealed: bytes, *, info: bytes, aad: bytes) -> bytes:
        """Open a sealed text.

        Raises:
            PeerError: BAD_SEAL: not sealed to this key, for this use, with these bytes.
        """
        if len(sealed) < OVERHEAD_BYTES:
            raise PeerError(Kind.BAD_SEAL, "sealed text too short")
        try:
            return _HPKE.decrypt(sealed, self._key, info=_bind(info, aad))
        except (InvalidTag, ValueError):
            raise PeerError(Kind.BAD_SEAL, "seal does not open") from None


def seal_secret(core_key: SealPublicKey, text: str, *, field: str) -> str:
    """Seal a secret field (a password) to the core, as base64url text for a JSON body."""
    sealed = core_key.seal(text.encode(), info=_SECRET_INFO, aad=field.encode())
    return base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")


def open_secret(core_key: SealPrivateKey, text: str, *, field: str) -> str:
    """Open what ``seal_secret`` made.

    Raises:
        PeerError: BAD_SEAL.
    """
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return core_key.open(sealed, info=_SECRET_INFO, aad=field.encode()).decode("utf-8", "strict")
    except (binascii.Error, ValueError):
        raise PeerError(Kind.BAD_SEAL, "not a sealed secret") from None
