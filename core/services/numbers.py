"""Hands out numbers of a series (person numbers) inside the transaction that uses them.

Source: aac001 (个人编号).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, insert, select, update

from core.db.tables import number_series

PERSON_SERIES: Final = "person"
FIRST_PERSON: Final = 9_000_000_000
"""Numbers of persons first registered here; those taken over keep theirs, which are smaller."""


def next_number(connection: Connection, series: str, *, first: int) -> int:
    """Take the next number of a series; a rolled-back transaction leaves no gap.

    Args:
        connection: open write transaction.
        series: which numbers.
        first: where the series begins.
    """
    taken = connection.execute(
        update(number_series)
        .where(number_series.c.name == series)
        .values(next_number=number_series.c.next_number + 1)
        .returning(number_series.c.next_number)
    ).scalar()
    if taken is not None:
        return int(taken) - 1
    if connection.scalar(select(number_series.c.name).where(number_series.c.name == series)) is None:
        connection.execute(insert(number_series).values(name=series, next_number=first + 1))
    return first
