r"""Changes to a request: those that smugglers and scanners make on purpose, and bytes that go wrong by chance.

Source: RFC 9112 sections 2 to 7 and 11; RFC 7578; the permutations named in the firewall research, section 6.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from tests.fuzz.seeds import BOUNDARY, Message, chunked

_LENGTHS: Final = (
    b"Content-Length: +5", b"Content-Length: -1", b"Content-Length: 0x10", b"Content-Length: 5, 5", b"Content-Length:",
    b"Content-Length: 5 5", b"Content-Length: 005", b"Content-Length: 99999999999999999999", b"Content-Length : 5",
    b"Content-Length:\t5", b"Content_Length: 5", b"content-length: 5", b"Content-Length: 5\x0b", b"Content-Length: 1e1",
    b"Content-Length: \xd9\xa5", b"X-Content-Length: 5", b"Content-Length\x00: 5", b"Content-Length: 5\x00",
)  # fmt: skip
_CODINGS: Final = (
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding:\r\n chunked", b" Transfer-Encoding: chunked", b"Transfer_Encoding: chunked",
    b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: chunked;q=1",
    b"X: y\rTransfer-Encoding: chunked", b"X: y\nTransfer-Encoding: chunked", b"Transfer-Encoding\n: chunked",
    b"TE: trailers", b"Trailer: X", b"Transfer-Encoding: ", b"Transfer-Encoding: chunke\xc4\x91",
)  # fmt: skip
_HEADERS: Final = (
    b"Host: localhost", b"Host: evil.example", b"host:localhost", b"Host: localhost:443", b"Host: local_host",
    b"Expect: 100-continue", b"Expect: 200-ok", b"Upgrade: h2c", b"Connection: close", b"Connection: Host",
    b"Connection: Content-Length", b"Content-Encoding: gzip", b"Content-Encoding: identity", b"X-Forwarded-For: 1.1.1.1",
    b"X-Client-Cert: x", b"Content-Type: application/json", b"Content-Type: text/xml; charset=utf-7",
    b"Content-Type: multipart/form-data; boundary=" + b"b" * 71, b"Content-Type: multipart/form-data",
    b"Content-Type: application/x-www-form-urlencoded; charset=gbk", b"Range: bytes=0-,0-,0-", b"X-Http-Method: PUT",
    b" folded: yes", b"\tfolded", b"no colon here", b": empty", b"a b: c", b"x.y: z", b"x_y: z", b"X: \x7f", b"X: \xff",
    b"Cookie: __Host-fg-unit=a; __Host-fg-unit=b", b"Cookie: \xe4\xbd\xa0=1", b"Cookie: " + b"a=b; " * 40,
    b"User-Agent: sqlmap/1.7", b"Referer: http://x/?q=<script>alert(1)</script>", b"HTTP2-Settings: AAMAAABk",
    b"Origin: null", b"Proxy: http://evil.example", b"Content-Type: multipart/form-data; boundary=\"a b\"",
)  # fmt: skip
_TARGETS: Final = (
    b"/%00", b"/..", b"/../etc/passwd", b"//", b"/a//b", b"/;x", b"/\\", b"/%5c", b"/%2e%2e/", b"/%252e", b"/%c0%ae",
    b"/%ff", b"/%", b"/%g0", b"*", b"localhost:443", b"http://localhost/", b"https://localhost/login",
    b"http://evil.example/", b"http://u@localhost/", b"/#x", b"/?", b"/??", b"/?=1", b"/?a", b"/?a=%2525", b"/?a=%00",
    b"/?a=1&a=2", b"/?a%5b%5d=1", b"/?%ed%a0%80=1", b"/%ef%bb%bf", b"/%e2%80%ae", b"/login/../login", b"/login%2f",
    b"/login%20", b"/.", b"/./login", b"/LOGIN", b"/?" + b"a=1&" * 70, b"/?a=1;b=2", b"", b"\x00", b"/\xe4\xbd\xa0",
)  # fmt: skip
_FIRSTS: Final = (
    b"GET /", b"GET / HTTP/1.0", b"GET / HTTP/0.9", b"GET / HTTP/2.0", b"PRI * HTTP/2.0", b"get / HTTP/1.1",
    b"GET  / HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"GET / HTTP/1.1\r", b"",
    b"CONNECT localhost:443 HTTP/1.1", b"TRACE / HTTP/1.1", b"OPTIONS * HTTP/1.1", b"PUT / HTTP/1.1", b"GET / HTTP/01.1",
    b"GET / HTTP/1.10", b"GET / HTTP/1,1", b"G\x00T / HTTP/1.1", b"GET / HTTPS/1.1", b"POST / HTTP/1.0",
)  # fmt: skip
_CHUNKS: Final = (
    b"5;x=y\r\nabcde\r\n0\r\n\r\n", b"5 \r\nabcde\r\n0\r\n\r\n", b"0x5\r\nabcde\r\n0\r\n\r\n", b"5\nabcde\n0\n\n",
    b"-5\r\nabcde\r\n0\r\n\r\n", b"FFFFFFFFF\r\n", b"ffffffff\r\nabc", b"5\r\nabcdef\r\n0\r\n\r\n", b"5\r\nabc",
    b"0\r\nX: y\r\n\r\n", b"0\r\n\r\n0\r\n\r\n", b"00000005\r\na=bcd\r\n00\r\n\r\n", b"3\r\na=b\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
    b"5\r\r\nabcde\r\n0\r\n\r\n", b"\r\n", b"0;\r\n\r\n", b"5\r\nabcde0\r\n\r\n", b"1\r\na\r\n" * 60 + b"0\r\n\r\n",
)  # fmt: skip
_PART_HEADS: Final = (
    b'Content-Disposition: form-data; name="a"; filename*=UTF-8\'\'x.exe', b"Content-Disposition: attachment",
    b'Content-Disposition: form-data; name=a', b'Content-Disposition: form-data; name="a"; name="b"',
    b'Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="b"',
    b'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64',
    b'Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=inner',
    b'Content-Disposition: form-data; name="a"; filename="../../x"', b'content-disposition: form-data; name="csrf"',
    b'Content-Disposition: form-data; name="a"; filename="x\x00.xlsx"', b'Content-Disposition: form-data; name=""',
    b'Content-Disposition: form-data; name="a%22b"; filename=""', b'X: y\r\nContent-Disposition: form-data; name="a"',
)  # fmt: skip
_UNITS: Final = (
    b"\r", b"\n", b"\r\n", b"\x00", b" ", b"\t", b":", b";", b"%", b"%00", b"%25", b"&", b"=", b"+", b"\xff", b"\xc0\x80",
    b"/", b"..", b"\\", b"--", BOUNDARY, b'"', b"'", b"<", b"\xe2\x80\xa8", b"\x1a", b"\x7f", b"\x85", b"0\r\n\r\n",
)  # fmt: skip


def _first(message: Message, chance: random.Random) -> None:
    message.first = chance.choice(_FIRSTS)


def _target(message: Message, chance: random.Random) -> None:
    method, _, rest = message.first.partition(b" ")
    old, _, version = rest.partition(b" ")
    new = chance.choice(_TARGETS)
    if chance.random() < 0.4:
        at = chance.randrange(len(old) + 1)
        new = old[:at] + chance.choice(_UNITS) + old[at:]
    message.first = b" ".join((method, new, version))


def _version(message: Message, chance: random.Random) -> None:
    message.first = message.first.replace(
        b"HTTP/1.1", chance.choice((b"HTTP/1.0", b"HTTP/1.2", b"http/1.1", b"HTTP/3.0"))
    )


def _add_header(message: Message, chance: random.Random) -> None:
    message.headers.insert(chance.randrange(len(message.headers) + 1), chance.choice(_HEADERS))


def _double_header(message: Message, chance: random.Random) -> None:
    lines = message.headers + message.framing
    if lines:
        message.headers.insert(chance.randrange(len(message.headers) + 1), chance.choice(lines))


def _drop_header(message: Message, chance: random.Random) -> None:
    if message.headers:
        message.headers.pop(chance.randrange(len(message.headers)))


def _flood(message: Message, chance: random.Random) -> None:
    if chance.random() < 0.5:
        message.headers += [b"X-%d: y" % number for number in range(chance.randint(50, 80))]
    else:
        message.headers.append(b"X: " + b"a" * chance.choice((100, 8_000, 16_380, 17_000)))


def _case(message: Message, chance: random.Random) -> None:
    at = chance.randrange(len(message.headers)) if message.headers else -1
    if at >= 0:
        name, colon, value = message.headers[at].partition(b":")
        message.headers[at] = name.swapcase() + colon + chance.choice((b"", b" ", b"\t", b"  \t ")) + value + b" "


def _framing(message: Message, chance: random.Random) -> None:
    line = chance.choice(_LENGTHS + _CODINGS)
    if chance.random() < 0.5 and message.framing:
        message.framing = [line]
    else:
        message.framing.insert(chance.randrange(len(message.framing) + 1), line)


def _lie(message: Message, chance: random.Random) -> None:
    """Announce another length than is sent."""
    length = max(0, len(message.body) + chance.choice((-40, -2, -1, 1, 2, 40)))
    message.framing = [b"Content-Length: %d" % length]


def _chunks(message: Message, chance: random.Random) -> None:
    message.framing = [b"Transfer-Encoding: chunked"]
    message.body = chance.choice(_CHUNKS) if chance.random() < 0.6 else chunked(message.body, chance)


def _line_ends(message: Message, chance: random.Random) -> None:
    message.end = chance.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n ", b"\x00\r\n"))


def _part_head(message: Message, chance: random.Random) -> None:
    start = message.body.find(b"Content-Disposition")
    stop = message.body.find(b"\r\n", start)
    if 0 <= start < stop:
        _set_body(message, message.body[:start] + chance.choice(_PART_HEADS) + message.body[stop:], chance)


def _parts(message: Message, chance: random.Random) -> None:
    """Break the frame of a multipart body."""
    mark = b"--" + BOUNDARY
    body = message.body
    choice = chance.randrange(6)
    if choice == 0:
        body = body.replace(mark + b"--\r\n", b"")
    elif choice == 1:
        body = b"preamble\r\n" + body
    elif choice == 2:
        body += b"epilogue"
    elif choice == 3:
        body = body + body
    elif choice == 4:
        body = body.replace(mark, mark + b" ", 1)
    else:
        parts = body.split(mark)
        body = mark.join([parts[0], *parts[1:-1], *parts[1:-1], parts[-1]])
    _set_body(message, body, chance)


def _body_bytes(message: Message, chance: random.Random) -> None:
    at = chance.randrange(len(message.body) + 1)
    unit = chance.choice(_UNITS)
    end = at + chance.choice((0, 0, 1, 4))
    _set_body(message, message.body[:at] + unit + message.body[end:], chance)


def _more_pairs(message: Message, chance: random.Random) -> None:
    extra = chance.choice(
        (b"&evil=1", b"&csrf=x&csrf=y", b"&a", b"&=b", b"&&", b"&a=%", b"&a=%00", b"&x=1" * 600, b";a=b")
    )
    _set_body(message, message.body + extra, chance)


def _set_body(message: Message, body: bytes, chance: random.Random) -> None:
    """Put a body in, with a framing that is right for it."""
    if message.framing == [b"Transfer-Encoding: chunked"]:
        message.body = chunked(body, chance)
    else:
        message.body = body
        message.framing = [b"Content-Length: %d" % len(body)]


_ANYWHERE: Final[tuple[Callable[[Message, random.Random], None], ...]] = (
    _first, _target, _target, _version, _add_header, _add_header, _double_header, _drop_header, _flood, _case, _framing,
    _framing, _framing, _lie, _chunks, _line_ends,
)  # fmt: skip
_IN_BODIES: Final = (_body_bytes, _body_bytes, _more_pairs, _lie, _framing, _chunks, _add_header)
_IN_PARTS: Final = (_part_head, _part_head, _parts, _parts, _body_bytes, _lie, _add_header)


def mutate(message: Message, chance: random.Random) -> bytes:
    """Change a request by its grammar, by its bytes, by both, or (one in twelve) not at all."""
    draw = chance.random()
    if draw < 0.66:
        _by_grammar(message, chance)
    raw = message.raw()
    if 0.5 < draw < 0.92:
        raw = _by_bytes(raw, chance)
    return raw


def _by_grammar(message: Message, chance: random.Random) -> None:
    is_multipart = any(b"multipart" in line for line in message.headers)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if message.body and chance.random() < 0.6:
            chance.choice(_IN_PARTS if is_multipart else _IN_BODIES)(message, chance)
        else:
            chance.choice(_ANYWHERE)(message, chance)


def _by_bytes(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(changed) + 1)
        step = chance.randrange(7)
        if step == 0:
            changed[at : at + 1] = bytes((chance.randrange(256),))
        elif step == 1:
            changed[at:at] = chance.choice(_UNITS)
        elif step == 2:
            del changed[at : at + chance.randint(1, 16)]
        elif step == 3:
            changed[at:at] = changed[at : at + chance.randint(1, 64)]
        elif step == 4 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif step == 5:
            del changed[at:]
        else:
            other = chance.randrange(len(changed) + 1)
            changed[at:at] = changed[other : other + chance.randint(1, 40)]
    return bytes(changed)
