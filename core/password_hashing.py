"""Password hashing: argon2id over the peppered password; the pepper lives in a key file, not in the database.

    hash = argon2id(HMAC-SHA-256(pepper, password), 19 MiB, 2 passes, 1 lane)

The certificate is the first factor, so these smaller costs are enough (45 ms on the reference machine).
Source: research pki.md section 5; RFC 9106; OWASP parameter set 19 MiB / t=2 / p=1.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from wire_formats.errors import Kind, Refused

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
PEPPER_BYTES: Final = 32


class PasswordHashing:
    """Hashes and checks passwords.

    Args:
        pepper: 32 secret bytes.

    Raises:
        ValueError: a pepper of another length.
    """

    def __init__(self, pepper: bytes) -> None:
        if len(pepper) != PEPPER_BYTES:
            raise ValueError("the pepper has 32 bytes")
        self._pepper = pepper
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES, type=Type.ID)
        # Checking against it takes as long as against a real one: an unknown name cannot be told by time.
        self.nobody = self._hasher.hash(hashlib.sha256(b"nobody" + pepper).digest())

    def hash(self, password: str) -> str:
        """Hash a password."""
        return self._hasher.hash(self._peppered(password))

    def verify(self, stored: str, password: str) -> None:
        """Check a password against a stored hash.

        Raises:
            Refused: LOGIN_FAILED.
        """
        try:
            self._hasher.verify(stored, self._peppered(password))
        except (VerificationError, InvalidHashError):
            raise Refused(Kind.LOGIN_FAILED, "password does not fit") from None

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a stored hash was made with other costs and should be made again."""
        return self._hasher.check_needs_rehash(stored)

    def _peppered(self, password: str) -> bytes:
        normal = unicodedata.normalize("NFC", password).encode()
        return hmac.new(self._pepper, normal, hashlib.sha256).digest()
