"""Numbers of requests: 128 random bits each, drawn many at a time.

They name an exchange in logs and on pages, and protect nothing; a process never uses one twice.
"""

from __future__ import annotations

from typing import Final

from wire_formats.collaborators import Randomness
from wire_formats.ids import ID_BYTES

_DRAWN: Final = 128
_DIGITS: Final = 2 * ID_BYTES


class RequestIds:
    """Gives numbers as 32 hex digits.

    Args:
        randomness: where they come from; it must not be shared with a forked process.
    """

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness
        self._digits = ""
        self._at = 0

    def next(self) -> str:
        """Give the next number."""
        at = self._at
        if at == len(self._digits):
            self._digits = self._randomness.bytes(_DRAWN * ID_BYTES).hex()
            at = 0
        self._at = at + _DIGITS
        return self._digits[at : at + _DIGITS]
