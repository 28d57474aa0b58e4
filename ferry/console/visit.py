"""One request as pages see it, what they answer, and the strict reading of forms.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from wire_formats.bilingual import LANGUAGES, Language
from wire_formats.errors import Kind, PeerError
from wire_formats.trust import Signer

Pair = tuple[str, str]
MOST_FIELDS: Final = 12
#: Name of the part that is a file.
FILE_FIELD: Final = b"file"
LANGUAGE_COOKIE: Final = "__Host-gatekeeper-language"
_STATUS: Final = {
    Kind.NOT_FOUND: 404, Kind.METHOD_NOT_ALLOWED: 405, Kind.CONFLICT: 409, Kind.BODY_TOO_LARGE: 413, Kind.BUSY: 503,
    Kind.STORAGE_FULL: 503, Kind.BUG: 500,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visit:
    """One request.

    Attributes:
        method: GET or POST.
        path: without parameters.
        language: of the page.
        operator: whose certificate was shown; None before it is known.
        serial: serial number of that certificate.
        token: the form token of that certificate.
        now_ms: the instant.
        query: parameters, each once.
        form: fields of a POST, each once.
        file: the one file of a POST; None where there is none.
    """

    method: str
    path: str
    language: Language
    operator: Signer | None
    serial: int
    token: str
    now_ms: int
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    file: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back."""

    status: int
    body: bytes = b""
    headers: tuple[Pair, ...] = ()


def redirect(address: str) -> Reply:
    """Send the browser to another page of the console with GET."""
    return Reply(303, b"", (("Location", address),))


def status_of(kind: Kind) -> int:
    """Give the HTTP status of an error."""
    return _STATUS.get(kind) or {1: 400, 2: 403, 3: 503}.get(kind.value // 1000, 500)


def parse_fields(data: bytes) -> dict[str, str]:
    """Read parameters or a form (application/x-www-form-urlencoded).

    Raises:
        PeerError: BAD_HTTP, not UTF-8, a name twice, too many, or not printable.
    """
    try:
        pairs = parse_qsl(
            data.decode("ascii"), keep_blank_values=True, strict_parsing=bool(data), errors="strict",
            max_num_fields=MOST_FIELDS,
        )  # fmt: skip
    except (ValueError, UnicodeDecodeError):
        raise PeerError(Kind.BAD_HTTP, "form cannot be read") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or not all(text.isprintable() for text in fields.values()):
        raise PeerError(Kind.BAD_HTTP, "a field came twice, or is not printable")
    return fields


def parts_to_fields(parts: Mapping[bytes, Sequence[bytes]]) -> tuple[dict[str, str], bytes | None]:
    """Take the parts of a form with a file (multipart/form-data; RFC 7578): its fields, and the file if there is one.

    Raises:
        PeerError: BAD_HTTP, not UTF-8, a name twice, too many, or not printable.
    """
    fields: dict[str, str] = {}
    file = None
    for name, values in parts.items():
        if len(values) != 1 or len(parts) > MOST_FIELDS:
            raise PeerError(Kind.BAD_HTTP, "a part came twice, or there are too many")
        if name == FILE_FIELD:
            file = values[0]
            continue
        try:
            fields[name.decode("ascii")] = values[0].decode("utf-8")
        except UnicodeDecodeError:
            raise PeerError(Kind.BAD_HTTP, "form cannot be read") from None
    if not all(text.isprintable() for text in fields.values()):
        raise PeerError(Kind.BAD_HTTP, "a field is not printable")
    return fields, file


def choose_language(cookie: str, accept: str) -> Language:
    """Choose by cookie, then by the first known language the browser names, then Chinese."""
    for language in LANGUAGES:
        if cookie == language:
            return language
    for part in accept[:256].split(","):
        name = part.split(";")[0].strip().lower()
        if name.startswith("en"):
            return "en"
        if name.startswith("zh"):
            break
    return "zh-CN"
