"""Symmetric sealing of what lies in the exchange database: AES-256-GCM under keys that are not in it.

    sealed = nonce (12 bytes) || ciphertext || tag (16 bytes)

Source: NIST SP 800-38D; RFC 5869 (HKDF); DESIGN invariant 5.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, PeerError
from wire_formats.seal import SealPrivateKey

KEY_BYTES = 32
NONCE_BYTES = 12
OVERHEAD_BYTES = NONCE_BYTES + 16


def derive(secret: bytes, use: bytes) -> bytes:
    """A 32-byte key for one use, out of a secret with at least 256 bits of entropy."""
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"ferrygate hall " + use).derive(secret)


def mark(key: bytes, *parts: bytes) -> bytes:
    """A keyed digest over parts that cannot be shifted into each other."""
    total = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.digest()


def seal_box(key: bytes, plaintext: bytes, *, aad: bytes, randomness: Randomness) -> bytes:
    """Seal under a key, bound to ``aad`` (the row the text belongs to)."""
    nonce = randomness.bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def open_box(key: bytes, sealed: bytes, *, aad: bytes) -> bytes:
    """Open what ``seal_box`` made.

    Raises:
        PeerError: BAD_SEAL: another key, another row, or changed bytes.
    """
    if len(sealed) < OVERHEAD_BYTES:
        raise PeerError(Kind.BAD_SEAL, "sealed row too short")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except InvalidTag:
        raise PeerError(Kind.BAD_SEAL, "sealed row does not open") from None


class AccountKeys:
    """Keys that grow out of the per-account key which the core gives at login; the same at every login.

    They outlive a session, so that drafts and the results of a batch can be read after the next login.
    """

    __slots__ = ("batch", "draft", "reply")

    def __init__(self, secret: bytes) -> None:
        """Take the account's 32-byte key."""
        self.draft = derive(secret, b"drafts")
        self.batch = derive(secret, b"batches")
        self.reply = SealPrivateKey.derive(secret, use=b"batch answers")
