"""Loads official notices: an administrator's rows, in front of the shipped ones.

Source: RULES ("let an administrator load official notices").
"""

from __future__ import annotations

import dataclasses

from sqlalchemy import Connection, delete, insert

from core import audit_log
from core.db.tables import reference_base, reference_rate
from core.reference.parameters import load_reference
from core.reference.rows import BaseRow, RateRow


def load_base_row(connection: Connection, row: BaseRow, *, operator_id: str, now_ms: int) -> None:
    """Load base limits; a row with the same area and first month is replaced.

    Raises:
        Bug: the row overlaps another loaded one.
    """
    key = (reference_base.c.pooling_area == row.pooling_area, reference_base.c.first_month == row.first_month)
    connection.execute(delete(reference_base).where(*key))
    values = dataclasses.asdict(row)
    connection.execute(insert(reference_base).values(**values, loaded_by=operator_id, loaded_at=now_ms))
    _check_and_note(connection, f"base {row.pooling_area} {row.first_month}", operator_id, now_ms)


def load_rate_row(connection: Connection, row: RateRow, *, operator_id: str, now_ms: int) -> None:
    """Load a rate; a row with the same insurance, scheme and first month is replaced.

    Raises:
        Bug: the row overlaps another loaded one.
    """
    key = (
        reference_rate.c.insurance == row.insurance,
        reference_rate.c.scheme == row.scheme,
        reference_rate.c.first_month == row.first_month,
    )
    connection.execute(delete(reference_rate).where(*key))
    values = dataclasses.asdict(row)
    connection.execute(insert(reference_rate).values(**values, loaded_by=operator_id, loaded_at=now_ms))
    _check_and_note(connection, f"rate {row.insurance}/{row.scheme} {row.first_month}", operator_id, now_ms)


def _check_and_note(connection: Connection, what: str, operator_id: str, now_ms: int) -> None:
    load_reference(connection)
    fields = {"operator": operator_id, "row": what}
    audit_log.append(connection, "staff", "reference_loaded", dict(fields), now_ms=now_ms)
