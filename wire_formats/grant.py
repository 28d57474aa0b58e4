"""A grant: what the core signs at login, and every later request carries.

    1 grant id      16 bytes
    2 account       account name
    3 window        "unit", "community" or "person"
    4 subject       what the account acts for: unit number, community number or person number
    5 certificate   SHA-256 of the client certificate it is bound to
    6 rights        codes of the services allowed (["account.password"] while a change is forced)
    7 from          ms since 1970
    8 until         ms since 1970
    9 district      district code of the subject, for routing and distribution

The DMZ can carry a grant but not make one, and cannot use it with another certificate.

Source: DESIGN invariant 6; catalogue E1, F9.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from wire_formats import cbor, cose, merkle
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.header_reader import HeaderReader
from wire_formats.ids import ID_BYTES
from wire_formats.request import MAX_GRANT_BYTES, SERVICE_CODE
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

GRANT_WINDOWS: Final = ("unit", "community", "person")
MAX_RIGHTS: Final = 64
ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
SUBJECT: Final = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
DISTRICT: Final = re.compile(r"[0-9]{6}", re.ASCII)
_USE: Final = b"ferrygate grant 1"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may do what, with which certificate, until when."""

    grant_id: bytes
    account: str
    window: str
    subject: str
    certificate: bytes
    rights: tuple[str, ...]
    from_ms: int
    until_ms: int
    district: str

    def check(self, *, certificate: bytes, window: str, service: str, now_ms: int) -> None:
        """Check that this grant covers a request.

        Raises:
            Refused: GRANT_EXPIRED, CERTIFICATE_NOT_BOUND, WRONG_WINDOW or NO_RIGHT.
        """
        if not self.from_ms <= now_ms <= self.until_ms:
            raise Refused(Kind.GRANT_EXPIRED, "grant is not valid now")
        if certificate != self.certificate:
            raise Refused(Kind.CERTIFICATE_NOT_BOUND, "grant is bound to another certificate")
        if window != self.window:
            raise Refused(Kind.WRONG_WINDOW, "grant is for another window")
        if service not in self.rights:
            raise Refused(Kind.NO_RIGHT, f"grant has no right to {service}")


def sign_grant(grant: Grant, key: SigningKey) -> bytes:
    """Sign a grant with the core's key."""
    payload = cbor.encode(
        {
            1: grant.grant_id,
            2: grant.account,
            3: grant.window,
            4: grant.subject,
            5: grant.certificate,
            6: list(grant.rights),
            7: grant.from_ms,
            8: grant.until_ms,
            9: grant.district,
        }
    )
    message = cose.sign1(payload, key, external=_USE)
    if len(message) > MAX_GRANT_BYTES:
        raise ValueError("grant too large: too many rights")
    return message


def verify_grant(message: bytes, trust: TrustStore, *, now_ms: int) -> Grant:
    """Verify the core's signature and parse; ``Grant.check`` then decides on one request.

    Raises:
        PeerError: malformed, or not signed by a core key that is valid now.
    """
    if len(message) > MAX_GRANT_BYTES:
        raise PeerError(Kind.TOO_LARGE, "grant too large")
    return parse_grant(cose.verify1(message, trust, role="core", now_ms=now_ms, external=_USE).payload)


def parse_grant(payload: bytes) -> Grant:
    """Parse a grant's payload.

    Raises:
        PeerError: anything but the one form of a grant.
    """
    reader = HeaderReader(payload, keys=9, limit=MAX_GRANT_BYTES, depth=2)
    return Grant(
        grant_id=reader.exact_bytes(1, ID_BYTES),
        account=reader.text(2, ACCOUNT),
        window=reader.choice(3, GRANT_WINDOWS),
        subject=reader.text(4, SUBJECT),
        certificate=reader.exact_bytes(5, merkle.DIGEST_BYTES),
        rights=tuple(reader.texts(6, SERVICE_CODE, most_items=MAX_RIGHTS)),
        from_ms=reader.instant(7),
        until_ms=reader.instant(8),
        district=reader.text(9, DISTRICT),
    )
