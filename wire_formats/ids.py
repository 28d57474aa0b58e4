"""Identifiers: 128 random bits, and the reference number a user can read aloud.

The reference number is the identifier in Crockford's base 32 (no I, L, O, U) with one check
symbol, in groups: ``0123456-789ABCD-EFGHJKM-NPQRS-*``.  27 symbols: 26 of the number, 1 check.

Source: Crockford, "Base 32" (alphabet, mod-37 check symbol); DESIGN "request".
"""

from __future__ import annotations

import re
from typing import Final

from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, PeerError

ID_BYTES: Final = 16
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK_ALPHABET: Final = _ALPHABET + "*~$=U"
_VALUES: Final = {symbol: number for number, symbol in enumerate(_CHECK_ALPHABET)}
_LOOK_ALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_SYMBOLS: Final = 26
_GROUP: Final = 7
_DIGITS: Final = re.compile(f"[0-9A-Fa-f]{{{2 * ID_BYTES}}}", re.ASCII)


def new_id(randomness: Randomness) -> bytes:
    """Draw a fresh 128-bit identifier."""
    return randomness.bytes(ID_BYTES)


def check_id(value: bytes) -> bytes:
    """Give ``value`` back if it is 16 bytes.

    Raises:
        PeerError: any other length.
    """
    if len(value) != ID_BYTES:
        raise PeerError(Kind.MALFORMED, "an identifier has 16 bytes")
    return value


def reference_number(identifier: bytes) -> str:
    """Write an identifier as the reference number that users see.

    Raises:
        PeerError: not 16 bytes.
    """
    number = int.from_bytes(check_id(identifier), "big")
    symbols = [_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    text = "".join(symbols) + _CHECK_ALPHABET[number % 37]
    return "-".join(text[i : i + _GROUP] for i in range(0, len(text), _GROUP))


def parse_reference_number(text: str) -> bytes:
    """Read a reference number as people type it: lower case, spaces, O for 0.

    Raises:
        PeerError: a wrong symbol, length or check symbol.
    """
    if len(text) > 2 * _SYMBOLS:
        raise PeerError(Kind.MALFORMED, "reference number too long")
    symbols = text.upper().translate(_LOOK_ALIKES)
    if len(symbols) != _SYMBOLS + 1 or any(s not in _VALUES for s in symbols):
        raise PeerError(Kind.MALFORMED, "not a reference number")
    number = 0
    for symbol in symbols[:-1]:
        value = _VALUES[symbol]
        if value >= len(_ALPHABET):
            raise PeerError(Kind.MALFORMED, "not a reference number")
        number = number << 5 | value
    if number >> 128 or _VALUES[symbols[-1]] != number % 37:
        raise PeerError(Kind.MALFORMED, "reference number: check symbol does not fit")
    return number.to_bytes(ID_BYTES, "big")


def parse_request_id(text: str) -> bytes:
    """Read a request's id as operators have it: 32 hexadecimal digits of a log line, or the user's reference number.

    Raises:
        PeerError: neither.
    """
    return bytes.fromhex(text) if _DIGITS.fullmatch(text) else parse_reference_number(text)
