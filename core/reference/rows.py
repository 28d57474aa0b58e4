"""Rows of dated reference data, and the strict reader of their TOML files: those that ship, and official notices.

    [[base]]     base limits of a pooling area          [[rate]]     an insurance's rate
    [[classes]]  work injury's rates, class 1 first

Every entry has `first` and perhaps `last` (`YYYY-MM`), `source`, `evidence` and `verified`; the shipped files are the
example. Source: RULES, Reference data to ship.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from core.rules.contribution import INSURANCES
from core.rules.months import from_text
from wire_formats.settings_reader import SettingsError

FOLDER: Final = Path(__file__).parent
STANDARD: Final = "standard"
MOST_SOURCE: Final = 200
MOST_FILE_BYTES: Final = 1_000_000
_Month = Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}$")]
_Points = Annotated[int, Meta(ge=0, le=10_000)]
_Fen = Annotated[int, Meta(ge=0, le=1_000_000_000)]


@dataclass(frozen=True, slots=True)
class RateRow:
    """One insurance's rate for a time.

    `scheme` is `standard`, `flexible`, or the class of risk (`1` to `8`) of work injury.
    """

    insurance: str
    scheme: str
    first_month: int
    last_month: int | None
    employer_basis_points: int
    employee_basis_points: int
    employee_fixed_fen: int
    verified: bool
    source: str

    def covers(self, month: int) -> bool:
        """Tell whether the row holds in this month."""
        return self.first_month <= month and (self.last_month is None or month <= self.last_month)


@dataclass(frozen=True, slots=True)
class BaseRow:
    """Base limits of one pooling area for a time, fen per month."""

    pooling_area: str
    first_month: int
    last_month: int | None
    average_wage_fen: int
    floor_fen: int
    ceiling_fen: int
    verified: bool
    illustrative: bool
    source: str

    def covers(self, month: int) -> bool:
        """Tell whether the row holds in this month."""
        return self.first_month <= month and (self.last_month is None or month <= self.last_month)


class _Dated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    first: _Month
    last: _Month | None = None
    source: str
    evidence: str
    verified: bool

    def months(self) -> tuple[int, int | None]:
        first, last = from_text(self.first), None if self.last is None else from_text(self.last)
        if last is not None and last < first:
            raise ValueError(f"{self.first} to {self.last}: ends before it begins")
        return first, last

    def told(self) -> str:
        told = f"{self.source} [{self.evidence}]"
        if len(told) > MOST_SOURCE:
            raise ValueError(f"{self.first}: source and evidence have more than {MOST_SOURCE} characters")
        return told


class _Insured(_Dated, frozen=True, kw_only=True):
    insurance: str

    def known(self) -> str:
        if self.insurance not in INSURANCES:
            raise ValueError(f"no such insurance: {self.insurance[:20]!r}; one of {', '.join(INSURANCES)}")
        return self.insurance


class _Rate(_Insured, frozen=True, kw_only=True):
    scheme: Annotated[str, Meta(pattern="^(standard|flexible|[1-8])$")]
    employer: _Points
    employee: _Points
    employee_fixed_fen: _Fen = 0

    def row(self) -> RateRow:
        points = (self.employer, self.employee, self.employee_fixed_fen)
        return RateRow(self.known(), self.scheme, *self.months(), *points, self.verified, self.told())


class _Classes(_Insured, frozen=True, kw_only=True):
    employer: Annotated[list[_Points], Meta(min_length=1, max_length=8)]

    def rows(self) -> list[RateRow]:
        return [
            RateRow(self.known(), str(number), *self.months(), points, 0, 0, self.verified, self.told())
            for number, points in enumerate(self.employer, start=1)
        ]


class _Base(_Dated, frozen=True, kw_only=True):
    pooling_area: Annotated[str, Meta(pattern="^[0-9]{6}$")]
    average_wage_fen: _Fen
    floor_fen: _Fen
    ceiling_fen: _Fen
    illustrative: bool

    def row(self) -> BaseRow:
        if self.floor_fen > self.ceiling_fen:
            raise ValueError(f"{self.first}: the floor is above the ceiling")
        limits = (self.average_wage_fen, self.floor_fen, self.ceiling_fen)
        return BaseRow(self.pooling_area, *self.months(), *limits, self.verified, self.illustrative, self.told())


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rate: list[_Rate] = []
    classes: list[_Classes] = []
    base: list[_Base] = []


def read_rows(path: Path) -> tuple[list[RateRow], list[BaseRow]]:
    """Read a file of reference rows.

    Args:
        path: TOML, at most MOST_FILE_BYTES.

    Raises:
        SettingsError: it cannot be read, or a row is not what it must be.
    """
    try:
        entries = msgspec.convert(tomllib.loads(_text(path)), _File)
        rates = [entry.row() for entry in entries.rate] + [row for entry in entries.classes for row in entry.rows()]
        return rates, [entry.row() for entry in entries.base]
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except (ValueError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path}: {error}") from None


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MOST_FILE_BYTES + 1)
    if len(data) > MOST_FILE_BYTES:
        raise ValueError(f"more than {MOST_FILE_BYTES:,} bytes")
    return data.decode("utf-8")


def shipped_rates() -> list[RateRow]:
    """Read the shipped rates."""
    return read_rows(FOLDER / "rates.toml")[0]


def shipped_bases() -> list[BaseRow]:
    """Read the shipped base limits."""
    return read_rows(FOLDER / "base_limits.toml")[1]
