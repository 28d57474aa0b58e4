"""One request as a value, and reading it: certificate, target, form, and whether a page of ours made it.  Pure.

Source: RFC 9110; RFC 6454, section 7 (Origin); Fetch Metadata Request Headers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from cryptography import x509

from wire_formats.errors import Kind, PeerError, Refused

FORM: Final = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """One request whose head and bounded body have been read; nothing in it is believed yet.

    Attributes:
        method: as it came.
        target: path and query, as they came.
        headers: fields by their names in small letters; of one that came more than once the last.
        cookies: by name.
        body: as it came.
        parts: of a form with files (multipart/form-data; RFC 7578), by name; with a query its fields are among them.
        certificate: what the client has shown, its chain verified by TLS; None: none, or one that cannot be read.
    """

    method: str
    target: bytes
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    cookies: Mapping[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    parts: Mapping[bytes, Sequence[bytes]] = field(default_factory=dict)
    certificate: x509.Certificate | None = None

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]


def shown_certificate(request: WebRequest) -> x509.Certificate:
    """Give the client certificate of a request's connection; TLS has verified its chain.

    Raises:
        Refused: CERTIFICATE_REQUIRED.
    """
    if request.certificate is None:
        raise Refused(Kind.CERTIFICATE_REQUIRED, "no client certificate")
    return request.certificate


def method_of(request: WebRequest) -> str:
    """Give the method.

    Raises:
        Refused: METHOD_NOT_ALLOWED: neither GET nor POST.
    """
    if request.method not in ("GET", "POST"):
        raise Refused(Kind.METHOD_NOT_ALLOWED, "only GET and POST")
    return request.method


def target_of(request: WebRequest, *, most: int) -> tuple[str, bytes]:
    """Give path and query; no address of ours needs escapes in its path.

    Args:
        request: the request.
        most: longest target in bytes.

    Raises:
        PeerError: BAD_HTTP.
    """
    path, _, query = request.target.partition(b"?")
    if len(request.target) > most:
        raise PeerError(Kind.BAD_HTTP, "target too long")
    if not path.startswith(b"/") or not path.isascii() or b"%" in path:
        raise PeerError(Kind.BAD_HTTP, "no address of ours needs escapes")
    return path.decode("ascii"), query


def header_text(request: WebRequest, name: bytes) -> str:
    """Give the value of a header, named in small letters, or nothing."""
    return request.headers.get(name, b"").decode("latin-1")


def cookie_text(request: WebRequest, name: str) -> str:
    """Give a cookie's value, or nothing."""
    return request.cookies.get(name.encode("ascii"), b"").decode("latin-1")


def check_made_here(request: WebRequest) -> None:
    """Refuse a POST that another site has made.

    Raises:
        Refused: CSRF_MISMATCH.
    """
    made_by = request.headers.get(b"sec-fetch-site")
    if made_by not in (None, b"same-origin", b"none"):  # none: by the person, not by a site
        raise Refused(Kind.CSRF_MISMATCH, "made by another site")
    origin = request.headers.get(b"origin")
    if origin not in (None, b"https://" + request.headers.get(b"host", b"")):
        raise Refused(Kind.CSRF_MISMATCH, "origin is another site")


def content_kind(request: WebRequest) -> bytes:
    """Give the kind of a request's body, without parameters."""
    return request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


def form_fields(request: WebRequest, *, most: int, is_text: Callable[[str], bool] = str.isprintable) -> dict[str, str]:
    """Read a form's fields; see ``parse_fields``.

    Raises:
        PeerError: BAD_HTTP.
    """
    if content_kind(request) != FORM:
        raise PeerError(Kind.BAD_HTTP, "not a form")
    return parse_fields(request.body, most=most, is_text=is_text)


def parse_fields(data: bytes, *, most: int, is_text: Callable[[str], bool] = str.isprintable) -> dict[str, str]:
    """Read parameters or a form (application/x-www-form-urlencoded).

    Args:
        data: as it came.
        most: fields at most.
        is_text: what a field's value may be.

    Raises:
        PeerError: BAD_HTTP, not UTF-8, a name twice, too many, or a value that is no text.
    """
    try:
        pairs = parse_qsl(
            data.decode("ascii"), keep_blank_values=True, strict_parsing=bool(data), errors="strict",
            max_num_fields=most,
        )  # fmt: skip
    except (ValueError, UnicodeDecodeError):
        raise PeerError(Kind.BAD_HTTP, "form cannot be read") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise PeerError(Kind.BAD_HTTP, "a field came twice")
    if not all(map(is_text, fields.values())):
        raise PeerError(Kind.BAD_HTTP, "control character in a field")
    return fields


def is_lines(text: str) -> bool:
    """Tell whether a text is printable but for line breaks and tabs."""
    return all(character.isprintable() or character in "\r\n\t" for character in text)
