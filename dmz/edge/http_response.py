"""The one serialiser of HTTP responses: framing, Date, Connection and the security headers are the edge's alone.

Source: RFC 9110 sections 6.6.1 and 8.6; RFC 9112 section 6; RFC 6797 (HSTS); CSP level 3.
"""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from dmz.messages import HallResponse, Pair, check_header
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
#: Response headers that say nothing about a person: heads of these only are written once and remembered.
_REPEATED_NAMES: Final = frozenset({"cache-control", "content-language", "content-type", "referrer-policy", "vary"})
_KNOWN_HEADS: Final = 256
_KNOWN_HEADERS: Final = 8
_KNOWN_HEADER_BYTES: Final = 256
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
        self._known: dict[tuple[int, tuple[Pair, ...], bool], bytes] = {}

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
        shape = (response.status, response.headers, secure)
        beginning = self._known.get(shape) or self._remember(shape, first_lines(*shape))
        without_content = response.status in _NO_CONTENT
        length = b"" if without_content else b"Content-Length: %d\r\n" % len(response.body)
        stays = b"Connection: keep-alive\r\n\r\n" if keep_alive else b"Connection: close\r\n\r\n"
        head = b"".join((beginning, self._date_line(), length, stays))
        return head, b"" if head_only or without_content else response.body

    def _remember(self, shape: tuple[int, tuple[Pair, ...], bool], beginning: bytes) -> bytes:
        """Keep the beginning of a head for the next of its shape; never one that holds a cookie or an address."""
        headers = shape[1]
        if len(headers) <= _KNOWN_HEADERS and all(
            name.lower() in _REPEATED_NAMES and len(value) <= _KNOWN_HEADER_BYTES for name, value in headers
        ):
            if len(self._known) >= _KNOWN_HEADS:
                self._known.clear()
            self._known[shape] = beginning
        return beginning

    def _date_line(self) -> bytes:
        second = self._clock.now_ms() // SECOND_MS
        if second != self._second:
            self._second = second
            self._date = f"Date: {formatdate(second, usegmt=True)}\r\n".encode("ascii")
        return self._date


def first_lines(status: int, headers: tuple[Pair, ...], secure: bool) -> bytes:  # noqa: FBT001 - one shape of a head
    """Write a head's lines that do not change from one answer to the next.

    Args:
        status: of the answer.
        headers: the worker's.
        secure: whether HSTS is sent.

    Raises:
        PeerError: a header that would change the message's shape.
    """
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode("ascii")]
    sent = set()
    for name, value in headers:
        check_header(name, value)
        lowered = name.lower()
        if lowered not in _OWN:
            sent.add(lowered)
            lines.append(f"{name}: {value}\r\n".encode("ascii"))
    lines.extend(line for name, line in _DEFAULT_LINES.items() if name not in sent)
    lines.append(_ALWAYS)
    if secure:
        lines.append(_HSTS)
    return b"".join(lines)
