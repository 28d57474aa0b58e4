"""Reading a request: who shows which certificate, what is asked for, and the form, if a page of ours made it.

Source: RFC 9110; RFC 6454, section 7 (Origin); Fetch Metadata Request Headers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

from cryptography import x509
from twisted.web.server import Request

from wire_formats.errors import Kind, PeerError, Refused

FORM: Final = b"application/x-www-form-urlencoded"


def shown_certificate(request: Request) -> x509.Certificate:
    """Give the client certificate of a request's connection; TLS has verified its chain.

    Raises:
        Refused: CERTIFICATE_REQUIRED.
    """
    transport: Any = request.transport
    shown = transport.getPeerCertificate()
    if shown is None:
        raise Refused(Kind.CERTIFICATE_REQUIRED, "no client certificate")
    certificate: x509.Certificate = shown.to_cryptography()
    return certificate


def method_of(request: Request) -> str:
    """Give the method.

    Raises:
        Refused: METHOD_NOT_ALLOWED: neither GET nor POST.
    """
    method = request.method.decode("latin-1")
    if method not in ("GET", "POST"):
        raise Refused(Kind.METHOD_NOT_ALLOWED, "only GET and POST")
    return method


def target_of(request: Request, *, most: int) -> tuple[str, bytes]:
    """Give path and query; no address of ours needs escapes in its path.

    Args:
        request: the request.
        most: longest target in bytes.

    Raises:
        PeerError: BAD_HTTP.
    """
    path, _, query = request.uri.partition(b"?")
    if len(request.uri) > most:
        raise PeerError(Kind.BAD_HTTP, "target too long")
    if not path.startswith(b"/") or not path.isascii() or b"%" in path:
        raise PeerError(Kind.BAD_HTTP, "no address of ours needs escapes")
    return path.decode("ascii"), query


def header_text(request: Request, name: bytes) -> str:
    """Give a header's value, or nothing."""
    return (request.getHeader(name) or b"").decode("latin-1")


def cookie_text(request: Request, name: str) -> str:
    """Give a cookie's value, or nothing."""
    return (request.getCookie(name.encode("ascii")) or b"").decode("latin-1")


def check_made_here(request: Request) -> None:
    """Refuse a POST that another site has made.

    Raises:
        Refused: CSRF_MISMATCH.
    """
    made_by = request.getHeader(b"sec-fetch-site")
    if made_by not in (None, b"same-origin", b"none"):  # none: by the person, not by a site
        raise Refused(Kind.CSRF_MISMATCH, "made by another site")
    origin = request.getHeader(b"origin")
    if origin not in (None, b"https://" + (request.getHeader(b"host") or b"")):
        raise Refused(Kind.CSRF_MISMATCH, "origin is another site")


def content_kind(request: Request) -> bytes:
    """Give the kind of a request's body, without parameters."""
    return (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()


def form_fields(request: Request, *, most: int, is_text: Callable[[str], bool] = str.isprintable) -> dict[str, str]:
    """Read a form's fields; see ``parse_fields``.

    Raises:
        PeerError: BAD_HTTP.
    """
    if content_kind(request) != FORM or request.content is None:
        raise PeerError(Kind.BAD_HTTP, "not a form")
    request.content.seek(0)
    return parse_fields(request.content.read(), most=most, is_text=is_text)


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
