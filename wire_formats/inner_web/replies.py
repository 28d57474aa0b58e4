"""What goes back to a browser, and with which status.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wire_formats.errors import Kind

Pair = tuple[str, str]
#: May be kept by the browser: its name changes with its content.
KEEP: Final[Pair] = ("Cache-Control", "public, max-age=31536000, immutable")
#: Of an error's kind; other refusals are 403, other broken bytes 400.
_STATUS: Final = {
    Kind.NOT_FOUND: 404,
    Kind.METHOD_NOT_ALLOWED: 405,
    Kind.CONFLICT: 409,
    Kind.BODY_TOO_LARGE: 413,
    Kind.FIELDS_INVALID: 422,
    Kind.WEAK_PASSWORD: 422,
    Kind.LOCKED_OUT: 429,
    Kind.BUSY: 503,
    Kind.STORAGE_FULL: 503,
    Kind.BUG: 500,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes = b""
    headers: tuple[Pair, ...] = ()


def status_of(kind: Kind) -> int:
    """Give the HTTP status of an error."""
    return _STATUS.get(kind) or {1: 400, 2: 403, 3: 503}.get(kind.value // 1000, 500)
