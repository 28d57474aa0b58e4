"""What a person had typed when the session ended, carried through the login page in one hidden field.

It never rests on the server before the login; after it, it becomes a draft sealed with the account's key. Secret fields
are never among the texts.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final, NamedTuple

from wire_formats.canonical import Json, JsonLimits, decode_object, encode_json
from wire_formats.errors import Kind, PeerError

MAX_CHARACTERS: Final = 32 * 1024
PATTERN: Final = "[A-Za-z0-9_-]*"
_LIMITS: Final = JsonLimits(size_bytes=24 * 1024, depth=2)


class KeptInput(NamedTuple):
    """A form's service and its texts as typed."""

    service: str
    texts: Mapping[str, str]


def pack(kept: KeptInput) -> str:
    """Write it for a hidden field; "" if it is too large to carry or cannot be written (lone surrogates)."""
    texts: dict[str, Json] = dict(kept.texts)
    try:
        plain = encode_json({"service": kept.service, "texts": texts})
    except ValueError:
        return ""
    if len(plain) > _LIMITS.size_bytes:
        return ""
    return base64.urlsafe_b64encode(plain).decode("ascii").rstrip("=")


def unpack(text: str) -> KeptInput:
    """Read it back.

    Raises:
        PeerError: anything that `pack` does not write.
    """
    if len(text) > MAX_CHARACTERS or not text.isascii():
        raise PeerError(Kind.MALFORMED, "kept input too long")
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise PeerError(Kind.MALFORMED, "kept input is not base64url") from None
    value = decode_object(plain, limits=_LIMITS)
    service, texts = value.get("service"), value.get("texts")
    if len(value) != 2 or not isinstance(service, str) or not isinstance(texts, dict):
        raise PeerError(Kind.MALFORMED, "kept input has another shape")
    if not all(isinstance(text, str) for text in texts.values()):
        raise PeerError(Kind.MALFORMED, "kept input holds something else than texts")
    return KeptInput(service, {name: str(text) for name, text in texts.items()})
