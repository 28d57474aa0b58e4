"""Rows of persons, units and enrolments, drawn from a seeded generator."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from core.city.names import community_name, person_name, unit_name
from core.city.shape import DISTRICTS, CityShape, unit_sizes
from core.rules.contribution import BaseLimits, base_of
from wire_formats.identifiers import (
    credit_check_symbol,
    id_check_symbol,
    organisation_check_symbol,
    sex_of,
)

#: Maternity is part of medical insurance since 2020, so an employee has four enrolments.
INSURANCES: Final = ("110", "210", "310", "410")
_FIRST_BIRTH: Final = datetime.date(1966, 1, 1)
_BIRTH_DAYS: Final = 13_500
_PERSON_BASE: Final = 1_000_000_000
_UNIT_BASE: Final = 100_000
_VIP_SHARE: Final = 0.3
_WAGE_CENTRE: Final = 8.75
_WAGE_SPREAD: Final = 0.42
_WAGE_STEP_FEN: Final = 100


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One employer unit."""

    unit_id: int
    credit_code: str
    name: str
    district: str
    injury_class: int
    vip: bool
    size: int


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One insured person, with the unit that employs them and their wage."""

    district: str
    person_id: int
    id_number: str
    name: str
    birth_day: int
    household: str
    unit_id: int
    since: int
    wage_fen: int
    base_fen: int

    @property
    def sex(self) -> str:
        """aac004."""
        return sex_of(self.id_number)


@dataclass(frozen=True, slots=True)
class CommunityRow:
    """One community office."""

    number: str
    name: str
    district: str


def units(shape: CityShape) -> Iterator[UnitRow]:
    """Give the units; the first is the largest, a VIP unit in the first district."""
    chance = Random(f"{shape.seed} units")
    districts = list(DISTRICTS)
    for number, size in enumerate(unit_sizes(shape), start=1):
        district = districts[(number - 1) % len(districts)]
        name, injury_class = unit_name(chance, number)
        yield UnitRow(
            unit_id=int(district) * _UNIT_BASE + number,
            credit_code=_credit_code(chance, district, number),
            name=name,
            district=district,
            injury_class=injury_class,
            vip=number == 1 or (number != 2 and chance.random() < _VIP_SHARE),
            size=size,
        )


def persons(shape: CityShape, employers: list[UnitRow], limits: BaseLimits) -> Iterator[PersonRow]:
    """Give the persons, unit by unit; identity numbers are valid and unique."""
    chance = Random(f"{shape.seed} persons")
    districts = list(DISTRICTS)
    taken: set[str] = set()
    number = 0
    for employer in employers:
        for _ in range(employer.size):
            number += 1
            home = employer.district if chance.random() < 0.7 else chance.choice(districts)
            id_number = _id_number(chance, home, taken)
            wage_fen = int(chance.lognormvariate(_WAGE_CENTRE, _WAGE_SPREAD)) * _WAGE_STEP_FEN
            yield PersonRow(
                district=home,
                person_id=_PERSON_BASE + number,
                id_number=id_number,
                name=person_name(chance),
                birth_day=int(id_number[6:14]),
                household="10" if chance.random() < 0.6 else "20",
                unit_id=employer.unit_id,
                since=chance.randint(2015, 2023) * 100 + chance.randint(1, 12),
                wage_fen=wage_fen,
                base_fen=base_of(wage_fen, limits),
            )


def communities(shape: CityShape) -> list[CommunityRow]:
    """Give the community offices, spread over the districts."""
    chance = Random(f"{shape.seed} communities")
    codes = list(DISTRICTS)
    rows = []
    for number in range(1, shape.communities + 1):
        code = codes[(number - 1) % len(codes)]
        rows.append(CommunityRow(f"{code}{number:05d}", community_name(chance, DISTRICTS[code], number), code))
    return rows


def _credit_code(chance: Random, district: str, number: int) -> str:
    # The organisation code inside carries the unit's number, so codes are unique.
    organisation = f"MA{number:05d}{chance.choice('ABCDEFGH')}"
    first = "91" + district + organisation + organisation_check_symbol(organisation)
    return first + credit_check_symbol(first)


def _id_number(chance: Random, district: str, taken: set[str]) -> str:
    while True:
        day = _FIRST_BIRTH + datetime.timedelta(days=chance.randrange(_BIRTH_DAYS))
        first = f"{district}{day:%Y%m%d}{chance.randrange(1, 1000):03d}"
        if first not in taken:
            taken.add(first)
            return first + id_check_symbol(first)
