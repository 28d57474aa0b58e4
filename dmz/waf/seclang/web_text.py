"""Transformations that decode what browsers decode: HTML entities, escapes of JavaScript and of CSS.

Each gives the very object back when there is nothing to change and reads its input once.

Source: ModSecurity reference manual v3 (htmlEntityDecode, jsDecode, cssDecode).
"""

from __future__ import annotations

import re
from typing import Final

from dmz.waf.seclang.decoding import C_ESCAPES

#: More digits than a machine word holds saturate; the lower byte of what results is 255.
_MOST_DIGITS: Final = 16
_WORD: Final = (1 << 63) - 1

_ENTITY: Final = re.compile(
    rb"&(?:#[xX]([0-9a-fA-F]++)|#([0-9]++)|(quot|amp|lt|gt|nbsp)(?![0-9A-Za-z]));?", re.IGNORECASE
)
_NAMED: Final = {b"quot": b'"', b"amp": b"&", b"lt": b"<", b"gt": b">", b"nbsp": b"\xa0"}


def html_entity_decode(value: bytes) -> bytes:
    """``htmlEntityDecode``: ``&#x41;``, ``&#65;``, ``&quot;``, ``&amp;``, ``&lt;``, ``&gt;`` and ``&nbsp;``.

    The semicolon may lack; of a number the lower byte counts. Other names stay.
    """
    return _ENTITY.sub(_entity, value) if b"&" in value else value


def _entity(match: re.Match[bytes]) -> bytes:
    digits, decimal, name = match.groups()
    if name is not None:
        return _NAMED[name.lower()]
    return bytes([_number(digits, 16) & 0xFF if digits is not None else _number(decimal, 10) & 0xFF])


def _number(digits: bytes, base: int) -> int:
    digits = digits.lstrip(b"0") or b"0"
    return _WORD if len(digits) > _MOST_DIGITS + 4 else min(int(digits, base), _WORD)


_JS_ESCAPE: Final = re.compile(
    rb"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-3][0-7]{0,2}|[4-7][0-7]?)|(.))", re.DOTALL
)


def js_decode(value: bytes) -> bytes:
    r"""``jsDecode``: ``\uHHHH`` (lower byte; full-width signs made plain), ``\xHH``, ``\OOO`` and ``\n``."""
    return _JS_ESCAPE.sub(_js_escape, value) if b"\\" in value else value


def _js_escape(match: re.Match[bytes]) -> bytes:
    unicode, digits, octal, sign = match.groups()
    if sign is not None:
        return C_ESCAPES.get(sign, sign)
    if octal is not None:
        return bytes([int(octal, 8)])
    if digits is not None:
        return bytes([int(digits, 16)])
    return bytes([_narrow(int(unicode, 16))])


def _narrow(code: int) -> int:
    low = code & 0xFF
    return low + 0x20 if code >> 8 == 0xFF and 0 < low < 0x5F else low


_CSS_ESCAPE: Final = re.compile(rb"\\(?:([0-9a-fA-F]{1,6})[ \t-\r]?|(\n)|(.)|$)", re.DOTALL)


def css_decode(value: bytes) -> bytes:
    r"""``cssDecode``: ``\HHHHHH`` with up to six digits and one white space behind; of a code the lower byte counts.

    A backslash before a line's end goes with it, before anything else alone.
    """
    return _CSS_ESCAPE.sub(_css_escape, value) if b"\\" in value else value


def _css_escape(match: re.Match[bytes]) -> bytes:
    digits, _, sign = match.groups()
    if digits is None:
        return sign or b""
    code = int(digits, 16)
    return bytes([_narrow(code) if code <= 0xFFFF else code & 0xFF])
