"""One request as a peer sent it, before any rule looks at it: the raw bytes, taken apart without judging them.

    METHOD SP URI SP PROTOCOL CRLF  *( name ":" value CRLF )  CRLF  body

The edge's own grammar refuses what it does not like; this reader is for explaining verdicts, for conformance runs and
for the oracle, which all need requests that the edge would never let through.

Source: RFC 9112, read leniently on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Pairs = tuple[tuple[bytes, bytes], ...]
MOST_HEADERS: Final = 256
_LINE_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What was sent.

    Attributes:
        method: as sent.
        uri: the request target as sent, with query.
        protocol: ``HTTP/1.1`` ….
        headers: names and values in the order sent, names as sent, values without surrounding white space.
        body: as sent, without transfer coding.
        address: the peer's address as text.
        port: the peer's port.
    """

    method: bytes
    uri: bytes
    protocol: bytes = b"HTTP/1.1"
    headers: Pairs = ()
    body: bytes = b""
    address: bytes = b"127.0.0.1"
    port: int = 0

    @property
    def line(self) -> bytes:
        """The request line."""
        return b" ".join(part for part in (self.method, self.uri, self.protocol) if part)

    def header(self, name: bytes) -> bytes:
        """Give the first value of a header, or nothing; ``name`` in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), b"")


@dataclass(frozen=True, slots=True)
class SentAnswer:
    """What was answered.

    Attributes:
        status: three digits.
        headers: names and values in the order sent.
        body: as sent, without transfer coding.
        protocol: ``HTTP/1.1`` ….
    """

    status: int
    headers: Pairs = ()
    body: bytes = b""
    protocol: bytes = b"HTTP/1.1"

    def header(self, name: bytes) -> bytes:
        """Give the first value of a header, or nothing; ``name`` in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), b"")


def read_request(data: bytes, *, address: bytes = b"127.0.0.1", port: int = 0) -> SentRequest:
    """Take a request apart; never fails: what is missing is empty.

    Args:
        data: the bytes of one request; lines may end in CRLF or LF.
        address: the peer's address.
        port: the peer's port.
    """
    head, body = _head_and_body(data)
    lines = head.replace(b"\r\n", b"\n").split(b"\n")
    parts = lines[0].split(b" ")
    method = parts[0]
    protocol = parts[-1] if len(parts) >= _LINE_PARTS else b""
    uri = b" ".join(parts[1:-1]) if len(parts) >= _LINE_PARTS else b" ".join(parts[1:])
    return SentRequest(method, uri, protocol, _headers(lines[1:]), body, address, port)


def _head_and_body(data: bytes) -> tuple[bytes, bytes]:
    ends = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if (at := data.find(mark)) >= 0]
    if not ends:
        return data.rstrip(b"\r\n"), b""
    at, length = min(ends)
    return data[:at], data[at + length :]


def _headers(lines: list[bytes]) -> Pairs:
    found = []
    for line in lines[:MOST_HEADERS]:
        name, colon, value = line.partition(b":")
        if colon:
            found.append((name, value.strip(b" \t")))
    return tuple(found)
