"""Counts by service, state, window and day (统计); the settlement centre sees every district, others their own.

Source: catalogue D12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, func, literal_column, select

from core.db.any_row import AnyRow
from core.db.tables import service_case
from core.rules.case_states import CaseState
from core.staff.flow import Operator
from wire_formats.instants import DAY_MS, HOUR_MS

MOST_DAYS: Final = 366
USUAL_DAYS: Final = 30
_CHINA_MS: Final = 8 * HOUR_MS


class Volume(NamedTuple):
    """How many cases a group had, by state."""

    name: str
    total: int
    by_state: dict[str, int]


class Statistics(NamedTuple):
    """Volumes of the wanted days; `days` are numbers of days since 1970 in China Standard Time, newest first."""

    services: Sequence[Volume]
    windows: Sequence[Volume]
    districts: Sequence[Volume]
    days: Sequence[Volume]
    total: int


def read_statistics(connection: Connection, operator: Operator, *, first_day: int, last_day: int) -> Statistics:
    """Count the cases submitted on these days.

    Args:
        connection: a read transaction.
        operator: whose district counts; all districts for the settlement centre.
        first_day: number of the first day since 1970, China Standard Time.
        last_day: number of the last; at most MOST_DAYS are counted.
    """
    first_day = max(first_day, last_day - MOST_DAYS + 1)
    conditions: list[ColumnElement[bool]] = [
        service_case.c.state != CaseState.SAVED.value,
        service_case.c.submitted_at >= first_day * DAY_MS - _CHINA_MS,
        service_case.c.submitted_at < (last_day + 1) * DAY_MS - _CHINA_MS,
    ]
    if not operator.sees_city:
        conditions.append(service_case.c.district == operator.district)
    # Literals, not parameters: PostgreSQL must see the same expression in SELECT and GROUP BY.
    shift_ms, day_ms = (literal_column(str(number), BigInteger) for number in (_CHINA_MS, DAY_MS))
    day = (service_case.c.submitted_at + shift_ms) // day_ms
    services = _volumes(connection, service_case.c.service, conditions)
    days = _volumes(connection, day, conditions)
    return Statistics(
        services=services,
        windows=_volumes(connection, service_case.c.window, conditions),
        districts=_volumes(connection, service_case.c.district, conditions) if operator.sees_city else (),
        days=sorted(days, key=lambda volume: int(volume.name), reverse=True),
        total=sum(volume.total for volume in services),
    )


def _volumes(
    connection: Connection, group: ColumnElement[object], conditions: list[ColumnElement[bool]]
) -> list[Volume]:
    name = group.label("name")
    rows: Sequence[AnyRow] = connection.execute(
        select(name, service_case.c.state, func.count().label("cases"))
        .where(*conditions)
        .group_by(group, service_case.c.state)
    ).all()
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(str(row.name), {})[row.state] = row.cases
    volumes = [Volume(name, sum(states.values()), states) for name, states in found.items()]
    return sorted(volumes, key=lambda volume: (-volume.total, volume.name))
