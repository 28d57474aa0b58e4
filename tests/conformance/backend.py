"""What stands behind the rules in a conformance run: a server that answers as the request asks it to.

``POST /reflect`` with a JSON body ``{"status": …, "headers": {…}, "body": … | "encodedBody": …}`` gets just that answer;
everything else an empty 200.  An answer without a type gets the one that its first bytes suggest, as the corpus' own
server does it, because rules look only at texts.

Source: coreruleset/albedo (its behaviour, not its text); WHATWG MIME Sniffing, section 7.1, shortened.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from dmz.waf.seclang.sent_request import SentAnswer, SentRequest

_HTML = re.compile(
    rb"[\t\n\x0c\r ]*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)[ >-]",
    re.I,
)
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def answer_to(sent: SentRequest) -> SentAnswer:
    """Answer a request."""
    if sent.method != b"POST" or sent.uri.partition(b"?")[0].rstrip(b"/") != b"/reflect":
        return _answer(200, {}, b"")
    try:
        wish = json.loads(sent.body)
        status = int(wish.get("status") or 200)
        body = _body(wish)
    except (ValueError, AttributeError, binascii.Error):
        return _answer(400, {}, b"Invalid JSON in request body")
    if not 100 <= status < 600:
        return _answer(400, {}, b"Invalid status code: %d" % status)
    return _answer(status, wish.get("headers") or {}, body)


def _body(wish: dict[str, Any]) -> bytes:
    if wish.get("body"):
        return str(wish["body"]).encode("utf-8", "replace")
    return base64.b64decode(wish.get("encodedBody") or "")


def _answer(status: int, wished: dict[str, Any], body: bytes) -> SentAnswer:
    headers = [(str(name).encode(), str(value).encode()) for name, value in wished.items()]
    if body and not any(name.lower() == b"content-type" for name, _ in headers):
        headers.append((b"Content-Type", _type_of(body[:512])))
    headers.append((b"Content-Length", b"%d" % len(body)))
    return SentAnswer(status=status, headers=tuple(headers), body=body, protocol=b"HTTP/1.1")


def _type_of(start: bytes) -> bytes:
    if _HTML.match(start):
        return b"text/html; charset=utf-8"
    if start.lstrip().startswith(b"<?xml"):
        return b"text/xml; charset=utf-8"
    return b"application/octet-stream" if _BINARY.search(start) else b"text/plain; charset=utf-8"
