"""One request as pages see it, and the strict reading of forms with a file.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from wire_formats.bilingual import Language
from wire_formats.errors import Kind, PeerError
from wire_formats.inner_web.replies import Reply
from wire_formats.trust import Signer

MOST_FIELDS: Final = 12
#: Name of the part that is a file.
FILE_FIELD: Final = b"file"
LANGUAGE_COOKIE: Final = "__Host-gatekeeper-language"


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


def redirect(address: str) -> Reply:
    """Send the browser to another page of the console with GET."""
    return Reply(303, b"", (("Location", address),))


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
