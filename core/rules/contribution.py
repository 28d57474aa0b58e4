"""What an employer and an employee owe for one person, month and insurance (应缴核定).

Pure: the rates and limits are passed in, dated and sourced, by core.reference.
Source: RULES, Period and base; Arithmetic; Reference data to ship. Catalogue B29.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.rules.money import MAX_FEN, clamp, share

PENSION: Final = "110"
UNEMPLOYMENT: Final = "210"
MEDICAL: Final = "310"
WORK_INJURY: Final = "410"
MATERNITY: Final = "510"
INSURANCES: Final = (PENSION, UNEMPLOYMENT, MEDICAL, WORK_INJURY, MATERNITY)


@dataclass(frozen=True, slots=True)
class BaseLimits:
    """Limits of the contribution base (缴费基数上下限), in fen per month."""

    floor_fen: int
    ceiling_fen: int
    average_wage_fen: int

    def __post_init__(self) -> None:
        """Refuse limits that cannot be.

        Raises:
            ValueError: floor above ceiling, or not positive.
        """
        if not 0 < self.floor_fen <= self.ceiling_fen <= MAX_FEN:
            raise ValueError("base limits must be positive and in order")


@dataclass(frozen=True, slots=True)
class Rate:
    """Rate of one insurance: basis points of the base, and a fixed part of the employee (大额医疗)."""

    employer_basis_points: int
    employee_basis_points: int
    employee_fixed_fen: int = 0


@dataclass(frozen=True, slots=True)
class Contribution:
    """What is owed for one person, one insurance, one month."""

    insurance: str
    base_fen: int
    employer_fen: int
    employee_fen: int


def base_of(wage_fen: int, limits: BaseLimits) -> int:
    """Return the contribution base of a declared monthly wage: clamped to the limits (60-300 %).

    Raises:
        ValueError: a negative wage.
    """
    if wage_fen < 0:
        raise ValueError("a wage is not negative")
    return clamp(wage_fen, limits.floor_fen, limits.ceiling_fen)


def contribution(insurance: str, base_fen: int, rate: Rate) -> Contribution:
    """Return one insurance's contribution on a base, each part half-up to the fen."""
    return Contribution(
        insurance=insurance,
        base_fen=base_fen,
        employer_fen=share(base_fen, rate.employer_basis_points),
        employee_fen=share(base_fen, rate.employee_basis_points) + rate.employee_fixed_fen,
    )
