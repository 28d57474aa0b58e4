"""Serial numbers: sixteen octets, one of shard and fifteen of randomness.

    octet 0            octets 1..15
    0x40 | shard       120 random bits

The first octet keeps the number positive and of one length; its low six bits name the
shard of the revocation list the certificate belongs to, so a serial alone tells which
list to look in. The shard follows from the random part's own last octet, which spreads
certificates evenly over the shards in use. There is one list per authority so far (`ca.crl`).

Source: RFC 5280 section 4.1.2.2 (positive, at most 20 octets), CA/B Baseline
Requirements 7.1 (at least 64 random bits); F7.
"""

from __future__ import annotations

from wire_formats.collaborators import Randomness

SERIAL_OCTETS = 16
RANDOM_OCTETS = 15
MARKER = 0x40
MAX_SHARDS = 64


def new_serial(randomness: Randomness, *, shards: int = 1) -> int:
    """Draw a serial number.

    Args:
        randomness: source of unpredictable octets.
        shards: number of revocation-list shards in use, 1..64.

    Returns:
        An integer of exactly 16 octets, positive as a DER INTEGER.

    Raises:
        ValueError: `shards` outside 1..64.
    """
    if not 1 <= shards <= MAX_SHARDS:
        message = f"shards must be 1..{MAX_SHARDS}"
        raise ValueError(message)
    random_part = randomness.bytes(RANDOM_OCTETS)
    shard = random_part[-1] % shards
    return int.from_bytes(bytes([MARKER | shard]) + random_part, "big")


def shard_of(serial: int) -> int:
    """Return the shard a serial number belongs to.

    Raises:
        ValueError: the number was not made by `new_serial`.
    """
    if not is_house_serial(serial):
        message = "not one of this authority's serial numbers"
        raise ValueError(message)
    return (serial >> (8 * RANDOM_OCTETS)) & (MAX_SHARDS - 1)


def is_house_serial(serial: int) -> bool:
    """Tell whether a number has the shape `new_serial` gives."""
    return serial > 0 and serial.bit_length() <= 8 * SERIAL_OCTETS and (serial >> (8 * RANDOM_OCTETS)) & 0xC0 == MARKER


def serial_text(serial: int) -> str:
    """Return the serial as 32 lower-case hexadecimal digits (the ledger's key)."""
    return f"{serial:0{2 * SERIAL_OCTETS}x}"
