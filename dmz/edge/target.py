"""The request target: decoded once, canonical, or refused.

Whatever the firewall and the worker see is what this module made; nobody decodes a second time. So everything that two
decoders could read differently is refused rather than cleaned: invalid or double percent-encoding, encoded slashes,
dot segments, empty segments, ``;`` parameters, backslashes, control characters, invalid UTF-8.

Source: RFC 3986 sections 2.1, 3.3 and 5.2.4; RFC 9112 section 3.2; firewall research, section 6.
"""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from dmz.edge.refusals import Reason, RefusalError

MAX_PARAMETERS: Final = 64

_TARGET: Final = re.compile(rb"[!$-;=?-Z_a-z~]+")  # RFC 3986 characters without the fragment, brackets, quotes
_BROKEN_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_STILL_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_BUT_BREAKS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PATH_FORBIDDEN: Final = re.compile(r"[;\\]")
_HOST: Final = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
)
_SCHEMES: Final = ("http://", "https://")
_KNOWN_HOSTS: Final = 64


class Target(NamedTuple):
    """A canonical target; ``authority`` is the host of an absolute-form target, lower case, else None."""

    path: str
    query: tuple[tuple[str, str], ...]
    authority: str | None


class Host(NamedTuple):
    """A Host field: name in lower case (an IPv6 address keeps its brackets), and port."""

    name: str
    port: int | None


def parse_target(raw: bytes) -> Target:
    """Read a request target in origin-form or absolute-form.

    Args:
        raw: the bytes between the two spaces of the request line.

    Raises:
        RefusalError: anything that is not one canonical path with at most MAX_PARAMETERS parameters.
    """
    if not _TARGET.fullmatch(raw):
        raise RefusalError(Reason.TARGET_BYTES)
    text = raw.decode("ascii")
    authority, text = _split_authority(text)
    path, mark, query = text.partition("?")
    return Target(_decode_path(path), parse_pairs(query, plus=True) if mark and query else (), authority)


@functools.lru_cache(maxsize=_KNOWN_HOSTS)
def parse_host(value: str) -> Host:
    """Read a Host field or an authority; the same one comes with every request, so the last few are remembered.

    Raises:
        RefusalError: HOST_SYNTAX.
    """
    match = _HOST.fullmatch(value)
    if match is None or ".." in value:
        raise RefusalError(Reason.HOST_SYNTAX)
    port = match["port"]
    if port is not None and not 1 <= int(port) <= 65_535:
        raise RefusalError(Reason.HOST_SYNTAX)
    return Host(match["name"].lower(), None if port is None else int(port))


def parse_pairs(text: str, *, plus: bool) -> tuple[tuple[str, str], ...]:
    """Read ``a=1&b=2`` as it stands in a query.

    Args:
        text: percent-encoded ASCII.
        plus: whether ``+`` stands for a space.

    Raises:
        RefusalError: too many, or a name or value that does not decode to plain text.
    """
    pieces = text.split("&")
    if len(pieces) > MAX_PARAMETERS:
        raise RefusalError(Reason.TOO_MANY_PARAMETERS)
    pairs = []
    for piece in pieces:
        name, _, value = piece.partition("=")
        decoded = decode_value(name, plus=plus), decode_value(value, plus=plus)
        if not decoded[0]:
            raise RefusalError(Reason.FORM_SYNTAX, "parameter without a name")
        if _STILL_ENCODED.search(decoded[0]) or _STILL_ENCODED.search(decoded[1]):
            raise RefusalError(Reason.DOUBLE_ENCODING)
        pairs.append(decoded)
    return tuple(pairs)


def decode_value(text: str, *, plus: bool) -> str:
    """Decode one percent-encoded name or value; tab and line breaks may stay, other control characters not.

    Raises:
        RefusalError: PERCENT, NOT_UTF8 or CONTROL_CHARACTER.
    """
    if plus and "+" in text:
        text = text.replace("+", " ")
    decoded = _decode(text)
    if _CONTROL_BUT_BREAKS.search(decoded):
        raise RefusalError(Reason.CONTROL_CHARACTER)
    return decoded


def _split_authority(text: str) -> tuple[str | None, str]:
    if text.startswith("/"):
        return None, text
    for scheme in _SCHEMES:
        if text.lower().startswith(scheme):
            rest = text[len(scheme) :]
            end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
            authority, tail = rest[:end].lower(), rest[end:]
            parse_host(authority)
            return authority, tail if tail.startswith("/") else f"/{tail}"
    raise RefusalError(Reason.TARGET_FORM)


def _decode_path(raw: str) -> str:
    path = _decode(raw)
    if _STILL_ENCODED.search(path):
        raise RefusalError(Reason.DOUBLE_ENCODING)
    if _CONTROL.search(path):
        raise RefusalError(Reason.CONTROL_CHARACTER)
    if _PATH_FORBIDDEN.search(path) or path.count("/") != raw.count("/"):
        raise RefusalError(Reason.PATH_CHARACTER)
    if "//" in path:
        raise RefusalError(Reason.PATH_EMPTY_SEGMENT)
    if "/." in path and not {".", ".."}.isdisjoint(path.split("/")):
        raise RefusalError(Reason.PATH_DOTS)
    return path


def _decode(text: str) -> str:
    if "%" not in text:
        return text
    if _BROKEN_PERCENT.search(text):
        raise RefusalError(Reason.PERCENT)
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise RefusalError(Reason.NOT_UTF8) from None
