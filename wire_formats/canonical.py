"""Canonical JSON, for the bodies of requests and answers.

One value has one form: keys sorted by code point, no white space, text unescaped except what JSON
demands, integers only (money is integer fen), no floats, no duplicate keys, no lone surrogates.
The decoder decodes, encodes again and compares: whatever is not the one form is refused.

Source: RFC 8259; the idea of RFC 8785 without floats; DESIGN "Wire formats".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from wire_formats.errors import Kind, PeerError

Json = int | str | bool | None | list["Json"] | dict[str, "Json"]

#: Integers are limited so that every JSON reader in the field keeps them exact.
MAX_INTEGER: Final = (1 << 53) - 1


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """How large and how deep a document may be."""

    size_bytes: int = 1 << 20
    depth: int = 6


BODY_LIMITS: Final = JsonLimits()
#: A whole text (so that brackets inside it do not count), or one bracket.
_BRACKETS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


def encode_json(value: Json) -> bytes:
    """Encode a value in its one canonical form.

    Raises:
        ValueError: text with lone surrogates, or a float (our own fault, not a peer's).
    """
    _check(value, BODY_LIMITS.depth + 2)
    return _ENCODER.encode(value).encode("utf-8", "strict")


def decode_json(data: bytes, *, limits: JsonLimits = BODY_LIMITS) -> Json:
    """Decode canonical JSON.

    Raises:
        PeerError: TOO_LARGE, MALFORMED or NOT_CANONICAL.
    """
    if len(data) > limits.size_bytes:
        raise PeerError(Kind.TOO_LARGE, "JSON too large")
    # Few brackets cannot nest deep, wherever they stand; most bodies are such and need no closer look.
    if data.count(b"{") + data.count(b"[") > limits.depth and _depth(data) > limits.depth:
        raise PeerError(Kind.MALFORMED, "JSON nested too deep")
    try:
        value: Json = msgspec.json.decode(data)
        _check(value, limits.depth + 1)
        again = _ENCODER.encode(value).encode("utf-8", "strict")
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise PeerError(Kind.MALFORMED, "not JSON of the subset") from None
    if again != data:
        raise PeerError(Kind.NOT_CANONICAL, "JSON is not in canonical form")
    return value


def decode_object(data: bytes, *, limits: JsonLimits = BODY_LIMITS) -> dict[str, Json]:
    """Decode canonical JSON that is one object.

    Raises:
        PeerError: as ``decode_json``, and MALFORMED for anything but an object.
    """
    value = decode_json(data, limits=limits)
    if not isinstance(value, dict):
        raise PeerError(Kind.MALFORMED, "JSON is not an object")
    return value


def _depth(data: bytes) -> int:
    """Give an upper bound of the nesting, before any parser recurses over it."""
    deepest = depth = 0
    for match in _BRACKETS.finditer(data):
        byte = match.group()
        if byte in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif byte in (b"]", b"}"):
            depth -= 1
    return deepest


def _check(value: Json, depth: int) -> None:
    """Refuse what canonical JSON has no form for."""
    if depth <= 0:
        raise ValueError("nested too deep")
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError("integer beyond 53 bits")
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError("key is not text")
            _check(item, depth - 1)
    else:
        raise ValueError(f"no canonical JSON for {type(value).__name__}")
