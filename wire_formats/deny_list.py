"""The deny list: revoked client certificates, as signed increments with an epoch number.

    1 epoch      from 1, without gaps
    2 previous   SHA-256 of the payload of epoch - 1; zeros for epoch 1
    3 made       ms since 1970
    4 full       whether the serials are the whole list (a snapshot) or only what is new
    5 serials    [bytes, ...] big-endian without leading zeros, sorted, at most 20 bytes each
    6 size       number of revoked serials after this increment

An increment with no serials is a sign of life: it shows how fresh the list is.  A reader that misses
an epoch keeps what it has and waits for the next snapshot.  Serials are unique over all issuing CAs.

Source: catalogue F7, F10; research "Propagation".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from wire_formats import cbor, cose, merkle
from wire_formats.bundle import CLOCK_SLACK_MS
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

FIRST: Final = bytes(32)
#: cbor.MAX_ITEMS bounds an array; a larger list crosses as a snapshot followed by increments.
MAX_SERIALS: Final = 2048
MAX_SERIAL_BYTES: Final = 20
MAX_INCREMENT_BYTES: Final = cose.MAX_MESSAGE_BYTES
_MAX_EPOCH: Final = (1 << 48) - 1
_USE: Final = b"ferrygate deny list 1"


@dataclass(frozen=True, slots=True)
class DenyIncrement:
    """One step of the deny list."""

    epoch: int
    previous: bytes
    made_ms: int
    full: bool
    serials: tuple[int, ...]
    size: int


def encode_increment(increment: DenyIncrement) -> bytes:
    """Encode an increment's payload in its one form."""
    serials: list[cbor.Value] = [_serial_bytes(serial) for serial in sorted(increment.serials)]
    return cbor.encode(
        {
            1: increment.epoch,
            2: increment.previous,
            3: increment.made_ms,
            4: increment.full,
            5: serials,
            6: increment.size,
        }
    )


def increment_digest(increment: DenyIncrement) -> bytes:
    """Give the digest that the next increment names as ``previous``."""
    return hashlib.sha256(encode_increment(increment)).digest()


def sign_increment(increment: DenyIncrement, key: SigningKey) -> bytes:
    """Sign an increment with the deny key of the CA."""
    return cose.sign1(encode_increment(increment), key, external=_USE)


def verify_increment(message: bytes, trust: TrustStore, *, now_ms: int) -> DenyIncrement:
    """Verify and parse an increment.

    Raises:
        PeerError: malformed, not signed by the CA's deny key, or made in the future.
    """
    increment = parse_increment(cose.verify1(message, trust, role="ca_deny", now_ms=now_ms, external=_USE).payload)
    if increment.made_ms > now_ms + CLOCK_SLACK_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "deny list was made in the future")
    return increment


def parse_increment(payload: bytes) -> DenyIncrement:
    """Parse an increment's payload.

    Raises:
        PeerError: anything but the one form of an increment.
    """
    reader = HeaderReader(payload, keys=6, limit=MAX_INCREMENT_BYTES, depth=2)
    raw = reader.raw(5)
    if not isinstance(raw, list) or len(raw) > MAX_SERIALS:
        raise PeerError(Kind.MALFORMED, "serials are not a list, or too many")
    serials: list[int] = []
    for item in raw:
        if not isinstance(item, bytes) or not 1 <= len(item) <= MAX_SERIAL_BYTES or item[0] == 0:
            raise PeerError(Kind.MALFORMED, "not a serial number")
        serial = int.from_bytes(item, "big")
        if serials and serial <= serials[-1]:
            raise PeerError(Kind.NOT_CANONICAL, "serials out of order or doubled")
        serials.append(serial)
    return DenyIncrement(
        epoch=reader.integer(1, least=1, most=_MAX_EPOCH),
        previous=reader.exact_bytes(2, merkle.DIGEST_BYTES),
        made_ms=reader.instant(3),
        full=reader.flag(4),
        serials=tuple(serials),
        size=reader.integer(6, least=0, most=_MAX_EPOCH),
    )


def _serial_bytes(serial: int) -> bytes:
    if serial <= 0 or serial.bit_length() > 8 * MAX_SERIAL_BYTES:
        raise ValueError("not a serial number")
    return serial.to_bytes((serial.bit_length() + 7) // 8, "big")
