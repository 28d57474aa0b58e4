"""A test's ``input`` → the bytes that are sent, and back into parts as a lenient server takes them.

What the corpus leaves to its runner is done here as its runner does it, or a test would send something else than its
author saw:

- ``Connection: close`` is added; ``Content-Length`` when there is a body or the method has one; a form's content type
  when there is a body without a type.  ``autocomplete_headers: false`` (v3: ``stop_magic: true``) stops all of it.
- A form that is not encoded yet (decoding changes nothing) is encoded, names and values apart.
- Line ends of a multipart body become CRLF.
- ``{{ "1" | repeat 64200 }}`` stands for a long text; ``encoded_request`` holds a whole request in Base64.

Source: coreruleset/go-ftw, ftwhttp (its behaviour, not its text); waf research, section 1.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from dmz.waf.seclang.sent_request import SentRequest, read_request

_REPEAT = re.compile(r"\{\{ *\"([^\"]*)\" *\| *repeat +(\d{1,6}) *\}\}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: The runner's own pattern, in which ``^`` and ``$`` bind to the first and last word only.
_HAS_BODY = re.compile(r"^POST|PUT|PATCH|DELETE$")
_FORM = "application/x-www-form-urlencoded"
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]*\r?\n")


def bytes_of(text: str) -> bytes:
    """Give a text's bytes; signs that were written as lone bytes stay what they are."""
    return text.encode("utf-8", "surrogateescape")


def written_request(given: Mapping[str, Any], *, empty_length: bool) -> bytes:
    """Write the request of a stage's ``input``.

    Args:
        given: as the file says it.
        empty_length: whether a method that may have a body gets ``Content-Length: 0`` without one; v3's runner sent none.
    """
    for name in ("encoded_request", "raw_request"):
        if given.get(name):
            return base64.b64decode(given[name]) if name == "encoded_request" else bytes_of(given[name])
    headers = {str(name): str(value) for name, value in (given.get("headers") or {}).items()}
    method, data = str(given.get("method", "GET")), _data(given.get("data"))
    completes = not given.get("stop_magic", not given.get("autocomplete_headers", True))
    if data and completes:
        if _header(headers, "content-type") is None:
            headers["Content-Type"] = _FORM
        if _header(headers, "content-type") == _FORM:
            data = _encoded_form(data)
    if (_header(headers, "content-type") or "").startswith("multipart/form-data;"):
        data = re.sub(r"(?<!\r)\n", "\r\n", data)
    body = bytes_of(data)
    if completes:
        if _header(headers, "connection") is None:
            headers["Connection"] = "close"
        if _header(headers, "content-length") is None and (body or (empty_length and _HAS_BODY.search(method))):
            headers["Content-Length"] = str(len(body))
    line = f"{method} {given.get('uri', '/')} {given.get('version', 'HTTP/1.1')}\r\n"
    return bytes_of(line + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n") + body


def taken_request(data: bytes) -> SentRequest:
    """Take a request apart as a lenient server does: transfer coding undone, the body as long as announced."""
    sent = read_request(data)
    if b"chunked" in sent.header(b"transfer-encoding").lower():
        return replace(sent, body=_unchunked(sent.body))
    length = sent.header(b"content-length")
    return replace(sent, body=sent.body[: int(length)] if length.isdigit() else b"")


def _unchunked(text: bytes) -> bytes:
    pieces, at = [], 0
    while (size := _CHUNK.match(text, at)) and (length := int(size[1], 16)):
        pieces.append(text[size.end() : size.end() + length])
        at = size.end() + length + 2
    return b"".join(pieces)


def _data(value: Any) -> str:
    if value is None:
        return ""
    text = "\r\n".join(str(line) for line in value) if isinstance(value, list) else str(value)
    return _REPEAT.sub(lambda match: match[1] * int(match[2]), text)


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _encoded_form(data: str) -> str:
    if _BAD_ESCAPE.search(data) or unquote_plus(data, errors="surrogateescape") != data:
        return data
    pieces = data.removesuffix("&").split("&")
    return "&".join("=".join(quote_plus(part) for part in piece.split("=", 1)) for piece in pieces)
