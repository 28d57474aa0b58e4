"""The one serialiser of HTTP responses: framing, Date, Connection and the security headers are the edge's alone.

Source: RFC 9110 sections 6.6.1 and 8.6; RFC 9112 section 6; RFC 6797 (HSTS); CSP level 3.
"""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from dmz.messages import HallResponse, check_header
from wire_formats.collaborators import Clock
from wire_formats.instants import SECOND_MS

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

#: Response headers that a worker may not decide; its own are dropped.
_OWN: Final = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "server",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-content-type-options",
    }
)
_CONTENT_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
#: Sent with every response unless the worker has set a header of that name.
DEFAULT_HEADERS: Final = (
    ("content-security-policy", _CONTENT_POLICY),
    ("referrer-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
_ALWAYS: Final = b"X-Content-Type-Options: nosniff\r\n"
_HSTS: Final = b"Strict-Transport-Security: max-age=31536000\r\n"
_NO_CONTENT: Final = frozenset({204, 304})
_DEFAULT_LINES: Final = {name: f"{name.title()}: {value}\r\n".encode("ascii") for name, value in DEFAULT_HEADERS}
_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus
}


class ResponseWriter:
    """Writes responses; remembers the Date line of the current second.

    Args:
        clock: wall clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._date = b""

    def write(self, response: HallResponse, *, head_only: bool, keep_alive: bool, secure: bool) -> tuple[bytes, bytes]:
        """Serialise a response.

        Args:
            response: status, headers and body.
            head_only: True for HEAD: the length is told, the body not sent.
            keep_alive: whether the connection stays open afterwards.
            secure: whether the connection is TLS (then HSTS is sent).

        Returns:
            The head, and the body that is sent (empty for HEAD and for statuses without content).

        Raises:
            PeerError: a header that would change the message's shape.
        """
        lines = [_STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} \r\n".encode("ascii")]
        sent = set()
        for name, value in response.headers:
            check_header(name, value)
            lowered = name.lower()
            if lowered not in _OWN:
                sent.add(lowered)
                lines.append(f"{name}: {value}\r\n".encode("ascii"))
        lines.extend(line for name, line in _DEFAULT_LINES.items() if name not in sent)
        lines.append(_ALWAYS)
        if secure:
            lines.append(_HSTS)
        lines.append(self._date_line())
        without_content = response.status in _NO_CONTENT
        if not without_content:
            lines.append(b"Content-Length: %d\r\n" % len(response.body))
        lines.append(b"Connection: keep-alive\r\n\r\n" if keep_alive else b"Connection: close\r\n\r\n")
        head = b"".join(lines)
        return head, b"" if head_only or without_content else response.body

    def _date_line(self) -> bytes:
        second = self._clock.now_ms() // SECOND_MS
        if second != self._second:
            self._second = second
            self._date = f"Date: {formatdate(second, usegmt=True)}\r\n".encode("ascii")
        return self._date
