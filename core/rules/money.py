"""Money as integer fen (分) and rates as basis points (万分之一); rounding is half-up, never floating point.

Source: RULES, Arithmetic ("integer fen and basis points; half-up per person x insurance x month").
"""

from __future__ import annotations

from typing import Final

BASIS_POINTS: Final = 10_000
"""Basis points in one whole: 1600 basis points are 16 %."""
MAX_FEN: Final = 10**15
"""Ten trillion yuan: beyond any sum here, well inside the 64 bits of a column."""


def share(amount_fen: int, basis_points: int) -> int:
    """Return a rate's share of an amount, half-up to whole fen.

    Args:
        amount_fen: 0 to MAX_FEN.
        basis_points: 0 to any rate; 800 is 8 %.

    Raises:
        ValueError: a negative or too large amount, or a negative rate.
    """
    if not 0 <= amount_fen <= MAX_FEN or basis_points < 0:
        raise ValueError("amount or rate out of range")
    return (amount_fen * basis_points + BASIS_POINTS // 2) // BASIS_POINTS


def clamp(amount_fen: int, floor_fen: int, ceiling_fen: int) -> int:
    """Return the amount brought between floor and ceiling.

    Raises:
        ValueError: the floor is above the ceiling.
    """
    if floor_fen > ceiling_fen:
        raise ValueError("floor above ceiling")
    return min(max(amount_fen, floor_fen), ceiling_fen)
