"""Transformations that decode or encode: percent, Base64, hexadecimal, C escapes, UTF-8 as ``%uXXXX``.

Each gives the very object back when there is nothing to change, reads its input once and never fails: what is not a
valid escape stays as it is, exactly as ModSecurity leaves it, since rules are written against that behaviour.

Source: ModSecurity reference manual v3, "Transformation functions"; RFC 4648; RFC 3629; code page 20127.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Final

_HEX_PAIRS: Final = {
    (f"{high}{low}").encode(): bytes([int(high + low, 16)])
    for high in "0123456789abcdefABCDEF"
    for low in "0123456789abcdefABCDEF"
}
_FOUR_DIGITS: Final = re.compile(rb"[0-9a-fA-F]{4}")

#: Which signs IIS takes for a plain one when it reads %uXXXX; full-width forms are computed.
ALIKE: Final = {
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006",
    "!": "¡",
    '"': "ʺ\u030e“”„",
    "$": "¤",
    "'": "ʹʼˈ‘’′",
    ",": "¸‚",
    "-": "\u00ad\u2010\u2011–—",
    ".": "·•…",
    "1": "¹",
    "2": "²",
    "3": "³",
    "<": "«‹",
    ">": "»›",
    "A": "ÀÁÂÃÄÅÆĀĂĄǍǞ",
    "C": "©ÇĆĈĊČ",
    "D": "ÐĎĐƉ",
    "E": "ÈÉÊËĒĔĖĘĚ",
    "F": "Ƒ",
    "G": "ĜĞĠĢǤǦ",
    "H": "ĤĦ",
    "I": "ÌÍÎÏĨĪĬĮİƗǏ",
    "J": "Ĵ",
    "K": "ĶǨ",
    "L": "ĹĻĽŁ",
    "N": "ÑŃŅŇ",
    "O": "ÒÓÔÕÖØŌŎŐŒƟƠǑǪǬ",
    "R": "®ŔŖŘ",
    "S": "ŚŜŞŠ",
    "T": "ŢŤŦƮ™",
    "U": "ÙÚÛÜŨŪŬŮŰŲƯǓǕǗǙǛ",
    "W": "Ŵ",
    "Y": "¥ÝŶŸ",
    "Z": "ŹŻŽ",
    "^": "\u02c4ˆ\u0302",
    "_": "ˍ\u0331\u0332",
    "`": "ˋ\u0300\u2035",
    "a": "ªàáâãäåæāăąǎǟ",
    "b": "ƀ",
    "c": "¢çćĉċč",
    "d": "ďđ",
    "e": "èéêëēĕėęě",
    "f": "ƒ",
    "g": "ĝğġģǥǧɡ",
    "h": "ĥħ",
    "i": "ìíîïĩīĭįıǐ",
    "j": "ĵǰ",
    "k": "ķǩ",
    "l": "ĺļľłƚ",
    "n": "ñńņň",
    "o": "ºòóôõöøōŏőœơǒǫǭ",
    "r": "ŕŗř",
    "s": "śŝşš",
    "t": "ţťŧƫ",
    "u": "ùúûüũūŭůűųưǔǖǘǚǜ",
    "w": "ŵ",
    "y": "ýÿŷ",
    "z": "źžżƶ",
    "|": "¦",
    "~": "\u02dc\u0303",
}
BEST_FIT: Final = {ord(sign): plain.encode() for plain, signs in ALIKE.items() for sign in signs} | {
    code: bytes([code - 0xFEE0]) for code in range(0xFF01, 0xFF5F)
}


def url_decode(value: bytes) -> bytes:
    """``urlDecode``: ``+`` to a space, ``%HH`` to its byte; what is no pair of digits stays."""
    if b"+" in value:
        value = value.replace(b"+", b" ")
    if b"%" not in value:
        return value
    first, *rest = value.split(b"%")
    pieces = [first]
    for piece in rest:
        decoded = _HEX_PAIRS.get(piece[:2])
        pieces += (b"%", piece) if decoded is None else (decoded, piece[2:])
    return b"".join(pieces)


def url_decode_uni(value: bytes) -> bytes:
    """``urlDecodeUni``: as ``urlDecode``, and ``%uXXXX`` to the plain sign that IIS takes for it, or its lower byte."""
    if b"%" not in value:
        return value.replace(b"+", b" ") if b"+" in value else value
    if b"%u" not in value and b"%U" not in value:
        return url_decode(value)
    first, *rest = value.replace(b"+", b" ").split(b"%")
    pieces = [first]
    for piece in rest:
        decoded = _HEX_PAIRS.get(piece[:2])
        if decoded is not None:
            pieces += (decoded, piece[2:])
        elif piece[:1] in (b"u", b"U") and (wide := _wide(piece[1:5])):
            pieces += (wide, piece[5:])
        else:
            pieces += (b"%", piece)
    return b"".join(pieces)


@lru_cache(maxsize=8192)
def _wide(digits: bytes) -> bytes:
    """Give the byte for four hexadecimal digits, or nothing for anything else."""
    if not _FOUR_DIGITS.fullmatch(digits):
        return b""
    code = int(digits, 16)
    return BEST_FIT.get(code) or bytes([_narrow(code)])


def _narrow(code: int) -> int:
    """Give a code's lower byte; signs of the full-width block become the plain ones."""
    low = code & 0xFF
    return low + 0x20 if code >> 8 == 0xFF and 0 < low < 0x5F else low


_UNRESERVED: Final = frozenset(b"*0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_ENCODED: Final = [
    bytes([code]) if code in _UNRESERVED else b"+" if code == 0x20 else b"%%%02x" % code for code in range(256)
]


def url_encode(value: bytes) -> bytes:
    """``urlEncode``: everything but letters, digits and ``*``, in lower-case digits; a space as ``+``."""
    return value if value.isalnum() else b"".join([_ENCODED[code] for code in value])


_BASE64: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_NOT_BASE64: Final = bytes(code for code in range(256) if code not in _BASE64)
#: Each sign can be taken in one way only, so that the time is linear without possessive groups, some of which Python
#: before 3.11.5 matches wrongly.
_BASE64_STRICT: Final = re.compile(rb"(?: *+\r?\n)*(?:[A-Za-z0-9+/]++(?: *+\r?\n)*)*(?:={1,2}(?: *+\r?\n)*)? *+")


def base64_decode(value: bytes) -> bytes:
    """``base64Decode``: strictly; nothing comes of what is not Base64, nor of a last group that is not whole."""
    if not _BASE64_STRICT.fullmatch(value):
        return b""
    signs = value.translate(None, b" \r\n")
    return binascii.a2b_base64(signs[: len(signs) & ~3])


def base64_decode_ext(value: bytes) -> bytes:
    """``base64DecodeExt``: skips what is not of the alphabet; a last group that is not whole gives its whole bytes."""
    signs = value.translate(None, _NOT_BASE64)
    if len(signs) % 4 == 1:
        signs = signs[:-1]
    return binascii.a2b_base64(signs + b"=" * (-len(signs) % 4))


def base64_encode(value: bytes) -> bytes:
    """``base64Encode``."""
    return base64.b64encode(value)


def hex_encode(value: bytes) -> bytes:
    """``hexEncode``: two lower-case digits a byte."""
    return value.hex().encode()


_NIBBLE: Final = bytes(
    ((code & 0xDF) - 0x41 + 10) & 0xFF if code >= 0x41 else (code - 0x30) & 0xFF for code in range(256)
)


def hex_decode(value: bytes) -> bytes:
    """``hexDecode``: every two signs a byte, a last odd one dropped; what is no digit counts by its place in ASCII."""
    nibbles = value.translate(_NIBBLE)
    return bytes([(high * 16 + low) & 0xFF for high, low in zip(nibbles[::2], nibbles[1::2], strict=False)])


_SQL_HEX: Final = re.compile(rb"0[xX]((?:[0-9a-fA-F]{2})++)")


def sql_hex_decode(value: bytes) -> bytes:
    """``sqlHexDecode``: ``0x414243`` to ``ABC``."""
    if b"0x" not in value and b"0X" not in value:
        return value
    return _SQL_HEX.sub(lambda match: binascii.unhexlify(match[1]), value)


_C_ESCAPE: Final = re.compile(rb"\\(?:[xX]([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
C_ESCAPES: Final = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}


def escape_seq_decode(value: bytes) -> bytes:
    r"""``escapeSeqDecode``: C's escapes ``\n``, ``\x41``, ``\101``; the backslash before anything else goes."""
    return _C_ESCAPE.sub(_c_escape, value) if b"\\" in value else value


def _c_escape(match: re.Match[bytes]) -> bytes:
    digits, octal, sign = match.groups()
    if digits is not None:
        return _HEX_PAIRS[digits]
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    return C_ESCAPES.get(sign, sign)


_SEQUENCE: Final = re.compile(
    rb"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|[\xc0-\xf4]"
)
_SHORTEST: Final = (0, 0, 0x80, 0x800, 0x10000)


def utf8_to_unicode(value: bytes) -> bytes:
    """``utf8toUnicode``: each sign beyond ASCII as ``%uXXXX``; NULs go, as in both versions of ModSecurity.

    A first byte without those that belong to it goes, other stray bytes stay; a form longer than needed and a
    surrogate are followed by their first byte, so that rules on invalid bytes see it.
    """
    if value.isascii():
        return value.replace(b"\0", b"")
    try:
        return value.replace(b"\0", b"").decode("utf-8").translate(_PERCENT_U).encode("ascii")
    except UnicodeDecodeError:
        return _SEQUENCE.sub(_percent_u, value).replace(b"\0", b"")


class _PercentU(dict[int, str]):
    """Signs beyond ASCII as ``%uXXXX``, made when first asked for; those beyond 16 bits are not kept."""

    def __missing__(self, code: int) -> str:
        written = chr(code) if code < 0x80 else f"%u{code:04x}"
        if code < 0x10000:
            self[code] = written
        return written


_PERCENT_U: Final = _PercentU()


def _percent_u(match: re.Match[bytes]) -> bytes:
    raw = match[0]
    if len(raw) == 1:
        return b""
    code = raw[0] & (0x7F >> len(raw))
    for byte in raw[1:]:
        code = code << 6 | byte & 0x3F
    wrong = code < _SHORTEST[len(raw)] or 0xD800 <= code < 0xE000
    return b"%%u%04x" % code + (raw[:1] if wrong else b"")
