"""Late fee on arrears (滞纳金).

Source: RULES, Arrears: Social Insurance Law art. 86, 0.05 % per day; never above the principal; never charged to
the employee. Test vector: 100 000.00 yuan x 30 days = 1 500.00.
"""

from __future__ import annotations

from typing import Final

from core.rules.money import share

DAILY_BASIS_POINTS: Final = 5
"""0.05 % per day, in force since 2011-07-01."""


def late_fee(principal_fen: int, days: int, *, daily_basis_points: int = DAILY_BASIS_POINTS) -> int:
    """Return the late fee in fen, half-up once over the whole time, at most the principal.

    Args:
        principal_fen: amount in arrears.
        days: days since the day of default; local practice fixes that day.
        daily_basis_points: rate per day.

    Raises:
        ValueError: a negative number of days or amount.
    """
    if days < 0:
        raise ValueError("days are not negative")
    return min(share(principal_fen, daily_basis_points * days), principal_fen)
