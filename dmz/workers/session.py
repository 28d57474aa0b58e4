"""A session: what the cookie holds, which keys grow out of it, and when it is over. Pure.

    cookie   base64url( id 16 bytes || secret 32 bytes ), 64 characters
    id       finds the row
    secret   is never stored; the row has its SHA-256. Out of it grow
             the answer key    X25519, the core seals answers to it
             the wrapping key  AES-GCM over the row's private part (grant, rights, name, account key)
             the form key      HMAC for the CSRF token and the marks of forms

So a copy of the database unlocks nothing, and a worker that dies takes no session with it.

Source: DESIGN invariants 5 and 6; catalogue E1, E12.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import NamedTuple

from dmz.workers.sealing import AccountKeys, derive, mark, open_box, seal_box
from wire_formats.canonical import Json, decode_object, encode_json
from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.ids import ID_BYTES
from wire_formats.seal import SealPrivateKey

SECRET_BYTES = 32
COOKIE_CHARS = 64
TOUCH_AFTER_MS = 30_000
"""Activity is written down at most this often, so that reading pages does not write the database."""


class SessionKeys:
    """Everything that grows out of one cookie."""

    __slots__ = ("_secret", "form", "id", "wrapping")

    def __init__(self, identity: bytes, secret: bytes) -> None:
        """Take the cookie's two parts."""
        self.id = identity
        self._secret = secret
        self.wrapping = derive(secret, b"session wrapping")
        self.form = derive(secret, b"session forms")

    @classmethod
    def new(cls, randomness: Randomness) -> SessionKeys:
        """Keys of a new session."""
        return cls(randomness.bytes(ID_BYTES), randomness.bytes(SECRET_BYTES))

    @classmethod
    def from_cookie(cls, cookie: str) -> SessionKeys:
        """Read a cookie.

        Raises:
            PeerError: not a cookie of ours.
        """
        if len(cookie) != COOKIE_CHARS or not cookie.isascii():
            raise PeerError(Kind.MALFORMED, "not a session cookie")
        try:
            raw = base64.b64decode(cookie, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise PeerError(Kind.MALFORMED, "not a session cookie") from None
        if len(raw) != ID_BYTES + SECRET_BYTES:
            raise PeerError(Kind.MALFORMED, "not a session cookie")
        return cls(raw[:ID_BYTES], raw[ID_BYTES:])

    @property
    def cookie(self) -> str:
        """The cookie's value."""
        return base64.urlsafe_b64encode(self.id + self._secret).decode("ascii")

    @property
    def secret_hash(self) -> bytes:
        """What the row keeps of the secret."""
        return hashlib.sha256(self._secret).digest()

    @property
    def csrf_token(self) -> str:
        """The token every form of this session carries; 43 characters of base64url."""
        return base64.urlsafe_b64encode(mark(self.form, b"csrf")).decode("ascii").rstrip("=")

    def answer_key(self) -> SealPrivateKey:
        """The key to which the core seals this session's answers."""
        return SealPrivateKey.derive(self._secret, use=b"session answers")

    def form_mark(self, service: str, body: bytes) -> bytes:
        """A digest that recognises the same form again and tells a reader of the database nothing."""
        return mark(self.form, b"form", service.encode(), body)

    def token_digest(self, form_token: str) -> bytes:
        """How a form token is kept; bound to the session."""
        return mark(self.form, b"token", form_token.encode())


@dataclass(frozen=True, slots=True)
class Private:
    """The sealed part of a session's row."""

    grant: bytes = field(repr=False)
    account_key: bytes = field(repr=False)
    rights: frozenset[str]
    must_change: bool
    display_name: str = field(repr=False)
    language: str
    unit: bytes = b""
    """From ``unit_mark``; empty in a session from before it was kept."""

    def account_keys(self) -> AccountKeys:
        """Keys for this account's drafts and batches."""
        return AccountKeys(self.account_key)


def unit_mark(window: str, subject: str) -> bytes:
    """A short mark of the unit, community or person for whom a grant speaks; it counts shares and names nobody.

    Whoever guesses a number can compute its mark; the headers of stored requests, whose grants say it, lie beside it.
    """
    return hashlib.sha256(b"ferrygate unit " + window.encode() + b"\0" + subject.encode()).digest()[:ID_BYTES]


class Life(NamedTuple):
    """The row's clear part: to whom the session is bound and until when it lives (ms since 1970)."""

    account: str
    window: str
    certificate: bytes
    created_at: int
    seen_at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A live session with its keys: exists only while a page is being made."""

    keys: SessionKeys = field(repr=False)
    life: Life
    private: Private

    @property
    def account(self) -> str:
        """The account id."""
        return self.life.account

    def serves(self, window: str, certificate: bytes) -> bool:
        """Say whether this is the session of a client at this window with this certificate."""
        return self.life.window == window and hmac.compare_digest(self.life.certificate, certificate)

    def need_right(self, service: str) -> None:
        """Refuse what the grant does not allow; the core decides again.

        Raises:
            Refused: MUST_CHANGE_PASSWORD or NO_RIGHT.
        """
        if service in self.private.rights:
            return
        if self.private.must_change:
            raise Refused(Kind.MUST_CHANGE_PASSWORD, "the password must be changed first")
        raise Refused(Kind.NO_RIGHT, f"no right to {service}")


def seal_private(keys: SessionKeys, private: Private, randomness: Randomness) -> bytes:
    """Seal the private part for the row."""
    rights: list[Json] = [*sorted(private.rights)]
    body: dict[str, Json] = {
        "grant": private.grant.hex(),
        "account_key": private.account_key.hex(),
        "rights": rights,
        "must_change": private.must_change,
        "display_name": private.display_name,
        "language": private.language,
        "unit": private.unit.hex(),
    }
    return seal_box(keys.wrapping, encode_json(body), aad=b"session" + keys.id, randomness=randomness)


def open_private(keys: SessionKeys, sealed: bytes) -> Private:
    """Open the private part of a row.

    Raises:
        PeerError: BAD_SEAL, or a row that we did not write.
    """
    body = decode_object(open_box(keys.wrapping, sealed, aad=b"session" + keys.id))
    rights = body.get("rights")
    try:
        return Private(
            grant=bytes.fromhex(str(body["grant"])),
            account_key=bytes.fromhex(str(body["account_key"])),
            rights=frozenset(str(right) for right in rights) if isinstance(rights, list) else frozenset(),
            must_change=body["must_change"] is True,
            display_name=str(body["display_name"]),
            language=str(body["language"]),
            unit=bytes.fromhex(str(body.get("unit", ""))),
        )
    except (KeyError, ValueError):
        raise PeerError(Kind.MALFORMED, "session row of another form") from None


def check_secret(keys: SessionKeys, secret_hash: bytes) -> None:
    """Check that the cookie's secret is the row's.

    Raises:
        Refused: SESSION_EXPIRED (a wrong secret and no session look the same).
    """
    if not hmac.compare_digest(keys.secret_hash, secret_hash):
        raise Refused(Kind.SESSION_EXPIRED, "cookie secret does not fit")


def check_life(life: Life, *, certificate: bytes, window: str, now_ms: int, idle_ms: int) -> None:
    """Check that a session lives and belongs to this certificate and window.

    Raises:
        Refused: SESSION_EXPIRED, CERTIFICATE_NOT_BOUND or WRONG_WINDOW.
    """
    if now_ms >= min(life.ends_at, life.seen_at + idle_ms):
        raise Refused(Kind.SESSION_EXPIRED, "session timed out")
    if not hmac.compare_digest(life.certificate, certificate):
        raise Refused(Kind.CERTIFICATE_NOT_BOUND, "session belongs to another certificate")
    if life.window != window:
        raise Refused(Kind.WRONG_WINDOW, "session belongs to another window")
