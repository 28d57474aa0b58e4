"""Reads the integer-keyed CBOR maps that are our headers and statements, field by field.

Every getter checks type and range and raises PeerError, so that a parser reads like its format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from wire_formats import cbor
from wire_formats.errors import Kind, PeerError
from wire_formats.instants import LATEST_MS

#: The keys of a map with so many fields.
_KEYS: Final = tuple(frozenset(range(1, keys + 1)) for keys in range(24))


class HeaderReader:
    """One decoded map with exactly the keys 1..n."""

    __slots__ = ("_map",)

    def __init__(self, data: bytes, *, keys: int, limit: int, depth: int = 4) -> None:
        """Decode.

        Args:
            data: the encoded map.
            keys: the map must have the integer keys 1 to this, at most 23.
            limit: largest size in bytes.
            depth: deepest nesting.

        Raises:
            PeerError: too large, malformed, or other keys.
        """
        if len(data) > limit:
            raise PeerError(Kind.TOO_LARGE, "header too large")
        value = cbor.decode(data, max_depth=depth)
        if not isinstance(value, dict) or value.keys() != _KEYS[keys]:
            raise PeerError(Kind.MALFORMED, "header without exactly its fields")
        self._map = value

    def raw(self, key: int) -> cbor.Value:
        """Give a field unchecked."""
        return self._map[key]

    def exact_bytes(self, key: int, length: int) -> bytes:
        """Give a byte string of exactly this length."""
        value = self._map[key]
        if not isinstance(value, bytes) or len(value) != length:
            raise PeerError(Kind.MALFORMED, f"field {key}: {length} bytes expected")
        return value

    def bytes_up_to(self, key: int, most: int) -> bytes:
        """Give a byte string of at most this length."""
        value = self._map[key]
        if not isinstance(value, bytes) or len(value) > most:
            raise PeerError(Kind.MALFORMED, f"field {key}: at most {most} bytes expected")
        return value

    def text(self, key: int, pattern: re.Pattern[str]) -> str:
        """Give a text that matches the whole pattern."""
        value = self._map[key]
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise PeerError(Kind.MALFORMED, f"field {key}: text outside its grammar")
        return value

    def choice(self, key: int, choices: Sequence[str]) -> str:
        """Give one of these texts."""
        value = self._map[key]
        if not isinstance(value, str) or value not in choices:
            raise PeerError(Kind.MALFORMED, f"field {key}: not one of its choices")
        return value

    def integer(self, key: int, *, least: int, most: int) -> int:
        """Give an integer in this range."""
        value = self._map[key]
        if type(value) is not int or not least <= value <= most:
            raise PeerError(Kind.MALFORMED, f"field {key}: integer out of range")
        return value

    def instant(self, key: int) -> int:
        """Give an instant in milliseconds."""
        return self.integer(key, least=0, most=LATEST_MS)

    def flag(self, key: int) -> bool:
        """Give a truth value."""
        value = self._map[key]
        if not isinstance(value, bool):
            raise PeerError(Kind.MALFORMED, f"field {key}: true or false expected")
        return value

    def integers(self, key: int, *, most_items: int, least: int, most: int) -> list[int]:
        """Give a list of integers, each in this range."""
        value = self._map[key]
        if not isinstance(value, list) or len(value) > most_items:
            raise PeerError(Kind.MALFORMED, f"field {key}: at most {most_items} integers expected")
        numbers = [item for item in value if type(item) is int and least <= item <= most]
        if len(numbers) != len(value):
            raise PeerError(Kind.MALFORMED, f"field {key}: integer out of range")
        return numbers

    def digests(self, key: int, *, most_items: int, length: int) -> tuple[bytes, ...]:
        """Give a list of byte strings of one length."""
        value = self._map[key]
        if not isinstance(value, list) or len(value) > most_items:
            raise PeerError(Kind.MALFORMED, f"field {key}: at most {most_items} digests expected")
        digests = tuple(item for item in value if isinstance(item, bytes) and len(item) == length)
        if len(digests) != len(value):
            raise PeerError(Kind.MALFORMED, f"field {key}: {length} bytes expected")
        return digests

    def texts(self, key: int, pattern: re.Pattern[str], *, most_items: int) -> list[str]:
        """Give a list of texts that each match the whole pattern."""
        value = self._map[key]
        if not isinstance(value, list) or len(value) > most_items:
            raise PeerError(Kind.MALFORMED, f"field {key}: at most {most_items} texts expected")
        texts = [item for item in value if isinstance(item, str) and pattern.fullmatch(item)]
        if len(texts) != len(value):
            raise PeerError(Kind.MALFORMED, f"field {key}: text outside its grammar")
        return texts
