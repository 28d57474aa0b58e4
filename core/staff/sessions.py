"""Sessions of the one staff process, in memory: a restart signs everybody out, and nothing lies on a disk.

A session belongs to one certificate; its cookie alone opens nothing. Only the digest of the cookie is kept.
Used in the reactor's thread only.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import Final

from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, Unavailable

TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """One session; `fingerprint` is the SHA-256 of the certificate it began with."""

    operator_id: str
    fingerprint: bytes
    csrf: str
    started_ms: int
    seen_ms: int


class Sessions:
    """All sessions, at most `most`.

    Args:
        randomness: for cookies and form tokens.
        idle_ms: longest pause.
        life_ms: longest session.
        most: how many at once.
    """

    def __init__(self, randomness: Randomness, *, idle_ms: int, life_ms: int, most: int) -> None:
        self._randomness = randomness
        self._idle_ms, self._life_ms, self._most = idle_ms, life_ms, most
        self._sessions: dict[bytes, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, operator_id: str, fingerprint: bytes, now_ms: int) -> str:
        """Begin a session and end the operator's others; return the cookie's value.

        Raises:
            Unavailable: BUSY, too many sessions.
        """
        self.end_all_of(operator_id)
        self._forget_old(now_ms)
        if len(self._sessions) >= self._most:
            raise Unavailable(Kind.BUSY, "too many staff sessions", retry_after_s=60)
        token = self._token()
        session = Session(operator_id, fingerprint, self._token(), now_ms, now_ms)
        self._sessions[_key(token)] = session
        return token

    def find(self, token: str, fingerprint: bytes, now_ms: int) -> Session | None:
        """Return the live session of a cookie shown with its own certificate, and count its pause anew."""
        key = _key(token)
        session = self._sessions.get(key)
        if session is None or session.fingerprint != fingerprint:
            return None
        if not self._lives(session, now_ms):
            del self._sessions[key]
            return None
        self._sessions[key] = replace(session, seen_ms=now_ms)
        return self._sessions[key]

    def end(self, token: str) -> None:
        """End a session; an unknown one changes nothing."""
        self._sessions.pop(_key(token), None)

    def end_all_of(self, operator_id: str) -> None:
        """End every session of an operator."""
        for key in [key for key, session in self._sessions.items() if session.operator_id == operator_id]:
            del self._sessions[key]

    def _lives(self, session: Session, now_ms: int) -> bool:
        return now_ms - session.seen_ms < self._idle_ms and now_ms - session.started_ms < self._life_ms

    def _forget_old(self, now_ms: int) -> None:
        for key in [key for key, session in self._sessions.items() if not self._lives(session, now_ms)]:
            del self._sessions[key]

    def _token(self) -> str:
        return base64.urlsafe_b64encode(self._randomness.bytes(TOKEN_BYTES)).decode("ascii").rstrip("=")


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
