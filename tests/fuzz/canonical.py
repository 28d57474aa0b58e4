"""A request of the hall → the one HTTP message that says it: what was accepted must be accepted again, unchanged."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

from dmz.edge.watch_port import is_foreign
from dmz.messages import HallRequest

_ESCAPES = (('"', "%22"), ("\r", "%0D"), ("\n", "%0A"))


def write(request: HallRequest) -> bytes:
    """Write a request as HTTP/1.1 with a length."""
    body = _body(request)
    lines = [f"{request.method} {_target(request)} HTTP/1.1"]
    lines += [f"{name.title()}: {value}" for name, value in request.headers.items()]
    if is_foreign(request.headers):  # then it was a link; no worker gets the field that says so
        lines.append("Sec-Fetch-Dest: document")
    if request.cookies:
        lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in request.cookies))
    if request.method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _target(request: HallRequest) -> str:
    path = quote(request.path, safe="/")
    return f"{path}?{_pairs(request.query)}" if request.query else path


def _pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)


def _body(request: HallRequest) -> bytes:
    if not request.form and not request.uploads:
        return b""
    kind = request.headers["content-type"]
    if not kind.lower().startswith("multipart/"):
        return _pairs(request.form).encode("ascii")
    found = re.search('boundary="?([^";]+)', kind, re.IGNORECASE)
    assert found is not None
    boundary = found[1].encode("ascii").rstrip(b" \t")
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (boundary, _escape(name), value.encode())
        for name, value in request.form
    ]
    parts += [
        b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\nContent-Type: %b\r\n\r\n%b\r\n'
        % (boundary, _escape(each.name), _escape(each.filename), each.content_type.encode(), each.data)
        for each in request.uploads
    ]
    return b"".join(parts) + b"--" + boundary + b"--\r\n"


def _escape(text: str) -> bytes:
    for plain, escape in _ESCAPES:
        text = text.replace(plain, escape)
    return text.encode()
