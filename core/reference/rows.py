"""Rows of dated reference data, and the strict reader of the shipped TOML files.

Source: RULES, Reference data to ship.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.rules.months import from_text
from wire_formats.errors import Bug, Kind

FOLDER: Final = Path(__file__).parent
STANDARD: Final = "standard"


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


def shipped_rates(path: Path = FOLDER / "rates.toml") -> list[RateRow]:
    """Read the shipped rates.

    Raises:
        Bug: the file is not what it must be (our own file).
    """
    table = _load(path, {"rate", "classes"})
    rows = [_rate_row(entry) for entry in table.get("rate", [])]
    for entry in table.get("classes", []):
        rows.extend(_class_rows(entry))
    return rows


def shipped_bases(path: Path = FOLDER / "base_limits.toml") -> list[BaseRow]:
    """Read the shipped base limits.

    Raises:
        Bug: the file is not what it must be (our own file).
    """
    return [_base_row(entry) for entry in _load(path, {"base"}).get("base", [])]


def _load(path: Path, known: set[str]) -> dict[str, Any]:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    if set(table) - known:
        raise Bug(Kind.BUG, f"{path.name}: unknown table {sorted(set(table) - known)}")
    return table


def _check_keys(entry: dict[str, Any], needed: set[str], allowed: set[str]) -> None:
    needed = needed | {"first", "source", "evidence", "verified"}
    if not needed <= set(entry) or set(entry) - needed - allowed - {"last"}:
        raise Bug(Kind.BUG, f"reference row with wrong keys: {sorted(entry)}")


def _dates(entry: dict[str, Any]) -> tuple[int, int | None]:
    first = from_text(entry["first"])
    last = from_text(entry["last"]) if "last" in entry else None
    if last is not None and last < first:
        raise Bug(Kind.BUG, "reference row ends before it begins")
    return first, last


def _rate_row(entry: dict[str, Any]) -> RateRow:
    _check_keys(entry, {"insurance", "scheme", "employer", "employee"}, {"employee_fixed_fen"})
    first, last = _dates(entry)
    return RateRow(
        insurance=entry["insurance"],
        scheme=entry["scheme"],
        first_month=first,
        last_month=last,
        employer_basis_points=int(entry["employer"]),
        employee_basis_points=int(entry["employee"]),
        employee_fixed_fen=int(entry.get("employee_fixed_fen", 0)),
        verified=bool(entry["verified"]),
        source=f"{entry['source']} [{entry['evidence']}]",
    )


def _class_rows(entry: dict[str, Any]) -> list[RateRow]:
    _check_keys(entry, {"insurance", "employer"}, set())
    first, last = _dates(entry)
    source = f"{entry['source']} [{entry['evidence']}]"
    return [
        RateRow(entry["insurance"], str(number), first, last, int(points), 0, 0, bool(entry["verified"]), source)
        for number, points in enumerate(entry["employer"], start=1)
    ]


def _base_row(entry: dict[str, Any]) -> BaseRow:
    _check_keys(entry, {"pooling_area", "average_wage_fen", "floor_fen", "ceiling_fen", "illustrative"}, set())
    first, last = _dates(entry)
    return BaseRow(
        pooling_area=entry["pooling_area"],
        first_month=first,
        last_month=last,
        average_wage_fen=int(entry["average_wage_fen"]),
        floor_fen=int(entry["floor_fen"]),
        ceiling_fen=int(entry["ceiling_fen"]),
        verified=bool(entry["verified"]),
        illustrative=bool(entry["illustrative"]),
        source=f"{entry['source']} [{entry['evidence']}]",
    )
