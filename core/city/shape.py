"""How large the city is: 13 districts, units of very unequal size, one of 10,000 employees.

Source: catalogue A1-A4 (42,000 units, 1,592,380 persons, 1,061 communities); RULES "Wuhan's 13 districts".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wire_formats.catalogue import words

#: District code -> Chinese name.
DISTRICTS: Final[dict[str, str]] = {code: name.zh for code, name in words.DISTRICTS.items()}
FULL_UNITS: Final = 42_000
FULL_PERSONS: Final = 1_592_380
FULL_COMMUNITIES: Final = 1_061
DEMO_UNITS: Final = 300
DEMO_PERSONS: Final = 20_000
LARGEST_UNIT: Final = 10_000
#: The one year for which (illustrative) limits of the base ship.
YEAR: Final = 2024
MONTHS: Final = tuple(YEAR * 100 + month for month in range(1, 13))


@dataclass(frozen=True, slots=True)
class CityShape:
    """The size of a city.

    Args:
        units: number of employer units, at least 2 and at most 42,000.
        persons: number of insured persons.
        largest: employees of the largest unit, which is the first.
        communities: number of community offices.
        seed: what chance grows from.
    """

    units: int = DEMO_UNITS
    persons: int = DEMO_PERSONS
    largest: int = LARGEST_UNIT
    communities: int = 26
    seed: str = "ferrygate city 1"

    def __post_init__(self) -> None:
        """Refuse a city that cannot be.

        Raises:
            ValueError: numbers that do not fit each other.
        """
        if not 2 <= self.units <= FULL_UNITS:
            raise ValueError(f"CITY_UNITS must be from 2 to {FULL_UNITS}, not {self.units}")
        if self.persons < self.largest + self.units - 1 or self.largest < 1 or self.communities < 1:
            raise ValueError("the city needs a person for every unit besides the employees of the largest")


def shape_for(units: int) -> CityShape:
    """Give the shape of a city with this many units: 300 are the demonstration, 42,000 the real city.

    Raises:
        ValueError: out of range.
    """
    if units <= DEMO_UNITS:
        persons = LARGEST_UNIT + max(1, units - 1) * (DEMO_PERSONS - LARGEST_UNIT) // (DEMO_UNITS - 1)
    else:
        persons = LARGEST_UNIT + (units - 1) * (FULL_PERSONS - LARGEST_UNIT) // (FULL_UNITS - 1)
    communities = max(2 * len(DISTRICTS), FULL_COMMUNITIES * units // FULL_UNITS)
    return CityShape(units=units, persons=max(persons, LARGEST_UNIT + units), communities=communities)


def unit_sizes(shape: CityShape) -> list[int]:
    """Give the number of employees of every unit: the largest first, the others falling as 1/rank.

    Real cities have a few large units and very many small ones; every unit has at least one person.
    """
    others = shape.units - 1
    left = shape.persons - shape.largest - others
    weights = [1 / (rank + 3) for rank in range(others)]
    scale = left / sum(weights)
    sizes = [1 + int(weight * scale) for weight in weights]
    for index in range(shape.persons - shape.largest - sum(sizes)):
        sizes[index % others] += 1
    return [shape.largest, *sizes]
