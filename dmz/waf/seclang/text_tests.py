"""Tests of a value as text, as a number, and of its encoding; each is made from its argument and linear in the value.

Source: ModSecurity reference manual v3, "Operators".
"""

from __future__ import annotations

import re
from typing import Final

from dmz.waf.seclang.findings import Check, Found, whole
from dmz.waf.seclang.model import RuleSetError

_NUMBER: Final = re.compile(rb"[ \t-\r]*([+-]?[0-9]{1,18})")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9a-fA-F]{2})")
_RANGE: Final = re.compile(rb"\s*([0-9]{1,3})\s*(?:-\s*([0-9]{1,3})\s*)?")


def integer(text: bytes) -> int:
    """Read a number as C does: white space, a sign, digits; what follows does not count, and no digits are 0.

    Of more than 18 digits only the first 18 count.
    """
    match = _NUMBER.match(text)
    return int(match[1]) if match else 0


def begins_with(argument: bytes) -> Check:
    """``beginsWith``."""
    return lambda value: Found(argument, (argument,)) if value.startswith(argument) else None


def ends_with(argument: bytes) -> Check:
    """``endsWith``."""
    return lambda value: Found(argument, (argument,)) if value.endswith(argument) else None


def contains(argument: bytes) -> Check:
    """``contains`` and ``strmatch``."""
    return lambda value: Found(argument, (argument,)) if argument in value else None


def contains_word(argument: bytes) -> Check:
    """``containsWord``: the argument with no letter directly before or behind it."""
    if not argument:
        return whole
    word = re.compile(rb"(?<![A-Za-z])" + re.escape(argument) + rb"(?![A-Za-z])")
    return lambda value: Found(argument, (argument,)) if argument in value and word.search(value) else None


def same(argument: bytes) -> Check:
    """``streq``."""
    return lambda value: Found(value, (value,)) if value == argument else None


def within(argument: bytes) -> Check:
    """``within``: the value stands somewhere in the argument."""
    return lambda value: Found(value, (value,)) if value in argument else None


def equals(argument: bytes) -> Check:
    """``eq``."""
    number = integer(argument)
    return lambda value: Found(value, (value,)) if integer(value) == number else None


def at_least(argument: bytes) -> Check:
    """``ge``."""
    number = integer(argument)
    return lambda value: Found(value, (value,)) if integer(value) >= number else None


def above(argument: bytes) -> Check:
    """``gt``."""
    number = integer(argument)
    return lambda value: Found(value, (value,)) if integer(value) > number else None


def at_most(argument: bytes) -> Check:
    """``le``."""
    number = integer(argument)
    return lambda value: Found(value, (value,)) if integer(value) <= number else None


def below(argument: bytes) -> Check:
    """``lt``."""
    number = integer(argument)
    return lambda value: Found(value, (value,)) if integer(value) < number else None


def anything(argument: bytes) -> Check:
    """``unconditionalMatch``."""
    del argument
    return whole


def nothing(argument: bytes) -> Check:
    """``noMatch``."""
    del argument
    return lambda _: None


def outside_byte_range(argument: bytes) -> Check:
    """``validateByteRange``: finds the first byte that is in none of the ranges ("32-126,10").

    Raises:
        RuleSetError: the argument is no list of ranges.
    """
    inside = _bytes_inside(argument)

    def check(value: bytes) -> Found | None:
        left = value.translate(None, inside)
        return Found(left[:1], (left[:1],)) if left else None

    return check


def byte_outside(argument: bytes) -> str:
    """Give the pattern of a byte that ``validateByteRange`` finds; "" when every byte is allowed.

    Raises:
        RuleSetError: the argument is no list of ranges.
    """
    outside = sorted({*range(256)} - {*_bytes_inside(argument)})
    return "[" + "".join([rf"\x{code:02x}" for code in outside]) + "]" if outside else ""


def _bytes_inside(argument: bytes) -> bytes:
    allowed = bytearray()
    for part in argument.split(b","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise RuleSetError(f"no byte range: {argument!r}")
        least, most = int(match[1]), int(match[2] or match[1])
        if not least <= most <= 255:
            raise RuleSetError(f"no byte range: {argument!r}")
        allowed += bytes(range(least, most + 1))
    return bytes(allowed)


def bad_url_encoding(argument: bytes) -> Check:
    """``validateUrlEncoding``: finds a percent sign without two hexadecimal digits."""
    del argument

    def check(value: bytes) -> Found | None:
        if b"%" not in value:
            return None
        match = _BAD_ESCAPE.search(value)
        return Found(match[0], (match[0],)) if match else None

    return check


def bad_utf8(argument: bytes) -> Check:
    """``validateUtf8Encoding``: finds bytes that are not UTF-8, too long a form or a surrogate."""
    del argument

    def check(value: bytes) -> Found | None:
        if value.isascii():
            return None
        try:
            value.decode("utf-8")
        except UnicodeDecodeError as error:
            piece = value[error.start : error.end]
            return Found(piece, (piece,))
        return None

    return check
