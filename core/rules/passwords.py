"""What a password must be: long, not derivable, not a common one.

No composition rules (they make passwords worse); never derivable from the identity number, credit code or user name,
because the old system's initial passwords were (catalogue E18: ID digits 12-17).
Source: catalogue E18; NIST SP 800-63B section 5.1.1 for length and block lists.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from wire_formats.errors import Kind, Refused

LEAST_LENGTH: Final = 10
LONGEST: Final = 128
LEAST_DISTINCT: Final = 5
DERIVED_PIECE: Final = 5
"""A shared piece of this many characters with something known about the account makes a password derivable."""
GENERATED_LENGTH: Final = 14
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""31 symbols without look-alikes; 14 of them hold 69 bits."""
_RUNS: Final = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def load_common(path: Path) -> frozenset[str]:
    """Read the list of common passwords, one per line, `#` for comments, compared in folded form."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(_fold(line) for line in lines if line.strip() and not line.startswith("#"))


def check_password(password: str, *, known: Iterable[str], common: frozenset[str]) -> None:
    """Check a new password.

    Args:
        password: the password as typed.
        known: texts known about the account: user name, identity number, credit code, phone, unit number.
        common: common passwords in folded form (see `load_common`).

    Raises:
        Refused: WEAK_PASSWORD; the private reason is a fixed word, never part of the password.
    """
    if not LEAST_LENGTH <= len(password) <= LONGEST:
        raise Refused(Kind.WEAK_PASSWORD, "length")
    folded = _fold(password)
    if len(set(folded)) < LEAST_DISTINCT:
        raise Refused(Kind.WEAK_PASSWORD, "too few different characters")
    bare = folded.rstrip("0123456789!.")
    if common & {folded, bare, _stem(folded), _stem(bare)}:
        raise Refused(Kind.WEAK_PASSWORD, "common")
    if _is_run(folded):
        raise Refused(Kind.WEAK_PASSWORD, "keyboard run")
    if any(_shares_piece(folded, _fold(text)) for text in known):
        raise Refused(Kind.WEAK_PASSWORD, "derivable")


def generate_password(random_bytes: bytes) -> str:
    """Return a temporary password from random bytes; rejection sampling, so every symbol is equally likely.

    Args:
        random_bytes: at least 64 unpredictable bytes.

    Raises:
        ValueError: too few usable bytes (practically only when too few were given).
    """
    limit = 256 - 256 % len(ALPHABET)
    symbols = [ALPHABET[byte % len(ALPHABET)] for byte in random_bytes if byte < limit]
    if len(symbols) < GENERATED_LENGTH:
        raise ValueError("too few random bytes")
    return "".join(symbols[:GENERATED_LENGTH])


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace(" ", "")


def _stem(folded: str) -> str:
    # p@ssw0rd → password: the usual disguises.
    return folded.translate(str.maketrans("@013$57", "aolesst"))


def _is_run(folded: str) -> bool:
    return any(_covers(folded, run) or _covers(folded, run[::-1]) for run in _RUNS)


def _covers(folded: str, run: str) -> bool:
    # A run, repeated or cut, such as 1234567890 or qwertyuiop.
    doubled = run * (len(folded) // len(run) + 2)
    return folded in doubled


def _shares_piece(folded: str, known: str) -> bool:
    if len(known) < DERIVED_PIECE:
        return False
    pieces = (known[start : start + DERIVED_PIECE] for start in range(len(known) - DERIVED_PIECE + 1))
    return any(piece in folded or piece[::-1] in folded for piece in pieces)
