"""Chinese identity numbers and unit codes: what is wrong (error), and what is odd (warning, 疑点).

Identity number (公民身份号码, GB 11643): 6 digits area, 8 birth date, 3 sequence, 1 check symbol.
Unified social credit code (统一社会信用代码, GB 32100): 18 symbols, the last a check symbol; symbols
9 to 17 hold the organisation code of GB 11714 with its own check symbol.

Length, alphabet, date and check symbol are errors.  An unknown province is a warning only: areas are
renamed and numbers outlive them, and residents from Hong Kong, Macao and Taiwan hold 81.../83...

Source: RULES "Identifiers" (what was measured about the usual library).
"""

from __future__ import annotations

import datetime
from typing import Final

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
#: First two digits: provinces by region, then Taiwan 71, Hong Kong 81, Macao 82 and Taiwan residents 83.
_PROVINCES: Final = frozenset(
    str(number)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for number in range(first, last + 1)
)
_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_EARLIEST_YEAR: Final = 1880
LENGTH: Final = 18


def id_check_symbol(first_17: str) -> str:
    """Compute the check symbol of an identity number from its first 17 digits."""
    return _CHECKS[sum(int(d) * w for d, w in zip(first_17, _WEIGHTS, strict=True)) % 11]


def id_number_fault(text: str) -> str | None:
    """Give the fault code of an identity number, or None when it is right.

    Codes: ``id_length``, ``id_symbol``, ``id_date``, ``id_check``.
    """
    if len(text) != LENGTH:
        return "id_length"
    digits = text[:17]
    if not (digits.isascii() and digits.isdigit()) or text[17] not in "0123456789X":
        return "id_symbol"
    if birth_date(text) is None:
        return "id_date"
    return None if id_check_symbol(digits) == text[17] else "id_check"


def birth_date(id_number: str) -> datetime.date | None:
    """Give the birth date inside an identity number, or None when there is no such day."""
    try:
        day = datetime.date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    except ValueError:
        return None
    return day if day.year >= _EARLIEST_YEAR else None


def sex_of(id_number: str) -> str:
    """Give ``1`` (male) or ``2`` (female), the standard's codes (aac004), from the 17th digit."""
    return "1" if int(id_number[16]) % 2 else "2"


def id_number_warning(text: str) -> str | None:
    """Give the warning code of a right identity number: ``id_area`` for an unknown province."""
    return None if text[:2] in _PROVINCES else "id_area"


def credit_check_symbol(first_17: str) -> str:
    """Compute the check symbol of a unified credit code from its first 17 symbols.

    Raises:
        ValueError: a symbol outside the alphabet.
    """
    total = sum(_CREDIT_ALPHABET.index(s) * w for s, w in zip(first_17, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT_ALPHABET[(31 - total % 31) % 31]


def organisation_check_symbol(first_8: str) -> str:
    """Compute the check symbol of an organisation code (GB 11714) from its first 8 symbols."""
    total = sum(_ORGANISATION_ALPHABET.index(s) * w for s, w in zip(first_8, _ORGANISATION_WEIGHTS, strict=True))
    check = 11 - total % 11
    return {10: "X", 11: "0"}.get(check, str(check))


def credit_code_fault(text: str) -> str | None:
    """Give the fault code of a unified credit code, or None when it is right.

    Codes: ``credit_length``, ``credit_symbol``, ``credit_check``.
    """
    if len(text) != LENGTH:
        return "credit_length"
    if any(symbol not in _CREDIT_ALPHABET for symbol in text):
        return "credit_symbol"
    return None if credit_check_symbol(text[:17]) == text[17] else "credit_check"


def credit_code_warning(text: str) -> str | None:
    """Give ``credit_organisation`` when the organisation code inside has a wrong check symbol."""
    return None if organisation_check_symbol(text[8:16]) == text[16] else "credit_organisation"
