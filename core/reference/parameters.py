"""The parameters of a month: rates and base limits, or a refusal.

Rows an administrator loaded (official notices) come before the shipped ones, month by month. Two rows of one origin
for one month are a mistake in the data and refused; a month without a row is refused when somebody asks for it.
Source: RULES ("refuse to compute for a period without a row"); catalogue B29.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from core.db.tables import reference_base, reference_rate
from core.reference.rows import STANDARD, BaseRow, RateRow, shipped_bases, shipped_rates
from core.rules.contribution import MATERNITY, MEDICAL, PENSION, UNEMPLOYMENT, WORK_INJURY, BaseLimits, Rate
from wire_formats.errors import Bug, Kind, Refused

DEFAULT_AREA: Final = "420100"
"""Pooling area (统筹区) of the city."""
_ALWAYS: Final = (PENSION, UNEMPLOYMENT, MEDICAL)
_MATERNITY_MERGED_FROM: Final = 202001


@dataclass(frozen=True, slots=True)
class MonthParameters:
    """Everything needed to assess a month."""

    period: int
    pooling_area: str
    limits: BaseLimits
    rates: dict[tuple[str, str], Rate]
    verified: bool
    illustrative: bool

    def rate(self, insurance: str, scheme: str = STANDARD) -> Rate:
        """Return the rate of an insurance.

        Raises:
            Refused: NO_PARAMETERS, no row for this insurance, scheme and month.
        """
        try:
            return self.rates[insurance, scheme]
        except KeyError:
            raise Refused(Kind.NO_PARAMETERS, f"no rate for {insurance}/{scheme} in {self.period}") from None

    def employee_rates(self, injury_class: int) -> dict[str, Rate]:
        """Return the rates of the five insurances for an employee of a unit in this class of risk.

        Raises:
            Refused: NO_PARAMETERS, one of them has no row for the month.
        """
        rates = {insurance: self.rate(insurance) for insurance in _ALWAYS}
        rates[WORK_INJURY] = self.rate(WORK_INJURY, str(injury_class))
        if self.period < _MATERNITY_MERGED_FROM:  # from then on it is part of medical insurance
            rates[MATERNITY] = self.rate(MATERNITY)
        return rates


@dataclass(frozen=True, slots=True)
class Layer:
    """Rows of one origin; rows of one kind never overlap inside a layer."""

    rates: tuple[RateRow, ...]
    bases: tuple[BaseRow, ...]

    def __post_init__(self) -> None:
        """Check the rows.

        Raises:
            Bug: two rows overlap.
        """
        _refuse_overlaps([((row.insurance, row.scheme), row.first_month, row.last_month) for row in self.rates])
        _refuse_overlaps([((row.pooling_area, ""), row.first_month, row.last_month) for row in self.bases])


class ReferenceData:
    """All rows: what an administrator loaded before what ships, month by month."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = tuple(layers)

    def parameters_for(self, period: int, *, pooling_area: str = DEFAULT_AREA) -> MonthParameters:
        """Return the parameters of a month.

        Raises:
            Refused: NO_PARAMETERS, there are no base limits for the month.
        """
        bases = (row for layer in self._layers for row in layer.bases)
        base = next((row for row in bases if row.pooling_area == pooling_area and row.covers(period)), None)
        if base is None:
            raise Refused(Kind.NO_PARAMETERS, f"no base limits for {pooling_area} in {period}")
        rows: dict[tuple[str, str], RateRow] = {}
        for layer in self._layers:
            for row in layer.rates:
                if row.covers(period):
                    rows.setdefault((row.insurance, row.scheme), row)
        return MonthParameters(
            period=period,
            pooling_area=pooling_area,
            limits=BaseLimits(base.floor_fen, base.ceiling_fen, base.average_wage_fen),
            rates={key: _rate(row) for key, row in rows.items()},
            verified=base.verified and all(row.verified for row in rows.values()),
            illustrative=base.illustrative,
        )

    def parameters_for_year(self, year: int, *, pooling_area: str = DEFAULT_AREA) -> MonthParameters:
        """Return the parameters of a payment year: those of its first month.

        Raises:
            Refused: NO_PARAMETERS.
        """
        return self.parameters_for(year * 100 + 1, pooling_area=pooling_area)


def shipped_layer() -> Layer:
    """Return the rows that ship with the product."""
    return Layer(tuple(shipped_rates()), tuple(shipped_bases()))


def load_reference(connection: Connection | None = None) -> ReferenceData:
    """Return the shipped rows, with rows from the database (loaded notices) before them.

    Raises:
        Bug: loaded rows overlap each other.
    """
    if connection is None:
        return ReferenceData([shipped_layer()])
    loaded = Layer(tuple(_loaded_rates(connection)), tuple(_loaded_bases(connection)))
    return ReferenceData([loaded, shipped_layer()])


def _rate(row: RateRow) -> Rate:
    return Rate(row.employer_basis_points, row.employee_basis_points, row.employee_fixed_fen)


def _refuse_overlaps(spans: list[tuple[tuple[str, str], int, int | None]]) -> None:
    ordered = sorted(spans, key=lambda span: (span[0], span[1]))
    for (key, _, last), (next_key, next_first, _) in itertools.pairwise(ordered):
        if key == next_key and (last is None or next_first <= last):
            raise Bug(Kind.BUG, f"reference rows of {'/'.join(key)} overlap at {next_first}")


def _loaded_rates(connection: Connection) -> list[RateRow]:
    columns = [column for column in reference_rate.columns if column.name not in ("loaded_by", "loaded_at")]
    return [RateRow(**row._mapping) for row in connection.execute(select(*columns))]


def _loaded_bases(connection: Connection) -> list[BaseRow]:
    columns = [column for column in reference_base.columns if column.name not in ("loaded_by", "loaded_at")]
    return [BaseRow(**row._mapping) for row in connection.execute(select(*columns))]
