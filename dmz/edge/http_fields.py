"""The lines of a request's head: their syntax, and what they say together about framing.

Each rule refuses for its own reason. Where RFC 9112 lets a recipient repair (obs-fold, bare LF, repeated equal
Content-Length), this module refuses: a repaired message is one that somebody else reads differently.

Source: RFC 9110 sections 5 and 7.6; RFC 9112 sections 2 to 6; firewall research, section 6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.target import Host, Target, parse_host, parse_target

METHODS: Final = ("GET", "HEAD", "POST")
MAX_LENGTH_DIGITS: Final = 12

_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([^ \t\r\n\x00]+) (HTTP/[0-9]\.[0-9])")
#: The common case in a few looks: a path of these bytes without a query is canonical as it stands, if no segment is
#: empty, and none begins or ends with a dot or has two together, so that there is no dot segment.
_PLAIN_PATH: Final = bytes(sorted(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~-./"))
_PLAIN_METHODS: Final = {name.encode("ascii"): name for name in METHODS}
_NO_PAIRS: Final[tuple[tuple[str, str], ...]] = ()
_HEADER_LINE: Final = re.compile(rb"([!#$%&'*+^`|~0-9A-Za-z-]{1,64}):[ \t]*([\t\x20-\x7e]*)")
#: A neighbour of the parent domain may have set a cookie in any encoding; ``parse_cookies`` passes over it.
_COOKIE_LINE: Final = re.compile(rb"([Cc][Oo][Oo][Kk][Ii][Ee]):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SINGLE: Final = frozenset(
    {
        "authorization",
        "content-encoding",
        "content-type",
        "cookie",
        "expect",
        "if-modified-since",
        "if-none-match",
        "origin",
        "range",
        "referer",
        "sec-fetch-mode",
        "sec-fetch-site",
        "user-agent",
        "x-csrf-token",
        "x-requested-with",
    }
)
_VERSIONS: Final = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}


#: A browser sends the same lines with every request; they are parsed once. None of these headers holds a secret.
_REPEATED_NAMES: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-type",
        "host",
        "user-agent",
    }
)
#: Fields that decide what kind of body there is, or what becomes of the connection, besides Connection itself.
_ABOUT_FRAMING: Final = frozenset({"content-length", "expect", "http2-settings", "transfer-encoding", "upgrade"})
#: Header names whose lines differ from request to request, as browsers write them. For ASCII, ``str.isprintable`` is
#: exactly 0x20 to 0x7e: what ``_HEADER_LINE`` takes besides tabs.
_USUAL_NAMES: Final = {
    spelling.encode("ascii"): name
    for name in ("content-length", "cookie", "if-modified-since", "if-none-match", "origin", "referer", "x-csrf-token")
    for spelling in (name, name.title(), name.title().replace("Csrf", "CSRF"))
}
_KNOWN_LINES: Final = 1_024
_KNOWN_LINE_BYTES: Final = 256
_known_lines: Final[dict[bytes, tuple[str, str]]] = {}
#: Gives a header line that was parsed before, or None.
known_line: Final = _known_lines.get


class RequestLine(NamedTuple):
    """Method, canonical target, and minor version (0 or 1)."""

    method: str
    target: Target
    minor: int


class RequestHead(NamedTuple):
    """A request's head, checked.

    Attributes:
        method: GET, HEAD or POST.
        target: the canonical target.
        minor: 1 for HTTP/1.1, 0 for HTTP/1.0.
        headers: in the order sent, names in lower case.
        fields: the same by name; of a repeated list header the values that are not empty are joined by a comma.
        host: the Host field.
        content_length: the announced length, or None.
        chunked: whether the body is chunked.
        keep_alive: whether the client wants the connection kept.
        expects_continue: whether it waits for ``100 Continue``.
    """

    method: str
    target: Target
    minor: int
    headers: tuple[tuple[str, str], ...]
    fields: dict[str, str]
    host: Host
    content_length: int | None
    chunked: bool
    keep_alive: bool
    expects_continue: bool


def parse_request_line(line: bytes) -> RequestLine:
    """Read the first line, without its CRLF.

    Raises:
        RefusalError: REQUEST_LINE, VERSION, METHOD, or what ``parse_target`` refuses.
    """
    pieces = line.split(b" ")
    if len(pieces) == 3 and pieces[2] == b"HTTP/1.1":
        method, path = _PLAIN_METHODS.get(pieces[0]), pieces[1]
        if method is not None and path[:1] == b"/" and not path.translate(None, _PLAIN_PATH) and b"//" not in path:
            dots = b"." in path and (b"/." in path or b"./" in path or b".." in path or path[-1:] == b".")
            if not dots:
                return RequestLine(method, Target(path.decode("ascii"), _NO_PAIRS, None), 1)
    return parse_any_request_line(line)


def parse_any_request_line(line: bytes) -> RequestLine:
    """Read the first line as ``parse_request_line`` does, rule by rule.

    Raises:
        RefusalError: as there.
    """
    _check_bytes(line)
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise RefusalError(Reason.REQUEST_LINE)
    minor = _VERSIONS.get(match[3])
    if minor is None:
        raise RefusalError(Reason.VERSION)
    method = match[1].decode("ascii")
    if method not in METHODS:
        raise RefusalError(Reason.METHOD)
    return RequestLine(method, parse_target(match[2]), minor)


def parse_header_line(line: bytes) -> tuple[str, str]:
    """Read one header line, without its CRLF: name in lower case, value without outer white space.

    Raises:
        RefusalError: the reason says which rule of RFC 9112 section 5 it breaks.
    """
    known = known_line(line)
    if known is not None:
        return known
    raw_name, _, raw_value = line.partition(b": ")
    usual = _USUAL_NAMES.get(raw_name)
    if usual is not None and raw_value.isascii():
        text = raw_value.decode("ascii")
        if text.isprintable():
            return usual, text.strip(" ")
    return parse_any_header_line(line)


def parse_any_header_line(line: bytes) -> tuple[str, str]:
    """Read a header line as ``parse_header_line`` does, by its full syntax.

    Raises:
        RefusalError: as there.
    """
    match = _HEADER_LINE.fullmatch(line) or _COOKIE_LINE.fullmatch(line)
    if match is None:
        raise RefusalError(_what_is_wrong(line))
    name, value = match[1].decode("ascii").lower(), match[2].decode("latin-1").rstrip(" \t")
    if name in _REPEATED_NAMES and len(line) <= _KNOWN_LINE_BYTES:
        if len(_known_lines) >= _KNOWN_LINES:
            _known_lines.clear()
        _known_lines[line] = (name, value)
    return name, value


def build_head(first: RequestLine, headers: Sequence[tuple[str, str]]) -> RequestHead:
    """Put the lines together and decide the framing.

    Raises:
        RefusalError: the headers contradict each other, or ask for what the edge does not do.
    """
    fields = dict(headers)
    if len(fields) != len(headers):
        fields = _joined(headers)
    method, target, minor = first
    host = _host(fields, target)
    if minor == 1 and method != "POST" and _ABOUT_FRAMING.isdisjoint(fields):
        # Nothing but perhaps "keep-alive" is said about framing and the connection: the checks below would all pass.
        connection = fields.get("connection")
        if connection is None or connection == "keep-alive":
            return RequestHead(method, target, 1, tuple(headers), fields, host, None, False, True, False)
    keep_alive = _keep_alive(fields, first.minor)
    chunked = _chunked(fields, first.minor)
    length = _content_length(fields)
    if chunked and length is not None:
        raise RefusalError(Reason.LENGTH_AND_CODING)
    _check_body_rules(first.method, fields, length=length, chunked=chunked)
    return RequestHead(
        method=first.method,
        target=first.target,
        minor=first.minor,
        headers=tuple(headers),
        fields=fields,
        host=host,
        content_length=length,
        chunked=chunked,
        keep_alive=keep_alive,
        expects_continue=_expects_continue(fields, first.minor),
    )


def _check_bytes(line: bytes) -> None:
    if b"\x00" in line:
        raise RefusalError(Reason.NUL)
    if b"\r" in line:
        raise RefusalError(Reason.BARE_CR)


def _what_is_wrong(line: bytes) -> Reason:
    if b"\x00" in line:
        return Reason.NUL
    if b"\r" in line:
        return Reason.BARE_CR
    if line[:1] in {b" ", b"\t"}:
        return Reason.FOLDED_HEADER
    name, colon, _ = line.partition(b":")
    if colon and name != name.rstrip(b" \t"):
        return Reason.SPACE_BEFORE_COLON
    if not colon or not _NAME.fullmatch(name) or len(name) > 64:
        return Reason.HEADER_NAME
    if b"_" in name or b"." in name:
        return Reason.HEADER_NAME_AMBIGUOUS
    return Reason.HEADER_VALUE


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Give the fields by name when some come more than once."""
    fields: dict[str, str] = {}
    for name, value in headers:
        if name in fields:
            _check_repeat(name)
            fields[name] = ", ".join(filter(None, (fields[name], value)))
        else:
            fields[name] = value
    return fields


def _check_repeat(name: str) -> None:
    if name == "host":
        raise RefusalError(Reason.HOST_REPEATED)
    if name == "content-length":
        raise RefusalError(Reason.LENGTH_REPEATED)
    if name == "transfer-encoding":
        raise RefusalError(Reason.CODING_UNKNOWN)
    if name in _SINGLE:
        raise RefusalError(Reason.HEADER_REPEATED)


def _host(fields: dict[str, str], target: Target) -> Host:
    value = fields.get("host")
    if value is None:
        raise RefusalError(Reason.HOST_MISSING)
    host = parse_host(value)
    if target.authority is not None and target.authority != value.lower():
        raise RefusalError(Reason.TARGET_HOST)
    return host


def _keep_alive(fields: dict[str, str], minor: int) -> bool:
    if "upgrade" in fields or "http2-settings" in fields:
        raise RefusalError(Reason.UPGRADE)
    value = fields.get("connection")
    if value is None:
        return minor == 1
    options = {option.strip(" \t").lower() for option in value.split(",")}
    if "upgrade" in options:
        raise RefusalError(Reason.UPGRADE)
    if not options <= {"close", "keep-alive"}:
        raise RefusalError(Reason.CONNECTION_OPTION)
    return "close" not in options and (minor == 1 or "keep-alive" in options)


def _chunked(fields: dict[str, str], minor: int) -> bool:
    value = fields.get("transfer-encoding")
    if value is None:
        return False
    if minor == 0:
        raise RefusalError(Reason.CODING_IN_1_0)
    if value.lower() != "chunked":
        raise RefusalError(Reason.CODING_UNKNOWN)
    return True


def _content_length(fields: dict[str, str]) -> int | None:
    value = fields.get("content-length")
    if value is None:
        return None
    if "," in value:
        raise RefusalError(Reason.LENGTH_REPEATED)
    if not value.isdigit() or len(value) > MAX_LENGTH_DIGITS or (len(value) > 1 and value[0] == "0"):
        raise RefusalError(Reason.LENGTH_SYNTAX)
    return int(value)


def _check_body_rules(method: str, fields: dict[str, str], *, length: int | None, chunked: bool) -> None:
    if method != "POST":
        if chunked or length:
            raise RefusalError(Reason.BODY_NOT_ALLOWED)
        return
    if length is None and not chunked:
        raise RefusalError(Reason.LENGTH_MISSING)
    if fields.get("content-encoding", "identity").lower() != "identity":
        raise RefusalError(Reason.CONTENT_ENCODING)


def _expects_continue(fields: dict[str, str], minor: int) -> bool:
    value = fields.get("expect")
    if value is None:
        return False
    if value.lower() != "100-continue" or minor == 0:
        raise RefusalError(Reason.EXPECTATION)
    return True
