"""Reference numbers in addresses: 32 hex digits, since the number's check symbol may be `*`, `~`, `$` or `=`."""

from __future__ import annotations

from typing import Final

from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.ids import parse_reference_number, reference_number

PATTERN: Final = "[0-9a-f]{32}"


def place_of(reference: str) -> str:
    """Give the place of a reference number in an address, "" if it is none."""
    try:
        return parse_reference_number(reference).hex()
    except PeerError:
        return ""


def reference_at(place: str) -> str:
    """Give the reference number of a place.

    Raises:
        Refused: NOT_FOUND, if the place is not 32 lower-case hex digits.
    """
    try:
        identifier = bytes.fromhex(place)
    except ValueError:
        identifier = b""
    if identifier.hex() != place or len(identifier) != 16:
        raise Refused(Kind.NOT_FOUND, "not the place of a reference number")
    return reference_number(identifier)
