"""Loads official notices: an administrator's rows, in front of the shipped ones.

Source: RULES ("let an administrator load official notices").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert

from core import audit_log
from core.db.tables import reference_base, reference_rate
from core.reference.parameters import load_reference
from core.reference.rows import BaseRow, RateRow
from wire_formats.errors import Bug, Kind, Refused


def load_rows(connection: Connection, rows: Iterable[RateRow | BaseRow], *, operator_id: str, now_ms: int) -> None:
    """Load rows; one with the same subject (insurance and scheme, or area) and first month is replaced.

    Args:
        connection: a write transaction.
        rows: of one notice; only together they must fit what is loaded already.
        operator_id: who answers for them, at most 32 characters.
        now_ms: the instant now.

    Raises:
        Refused: CONFLICT, loaded rows overlap; the transaction must be rolled back.
    """
    loaded = {"loaded_by": operator_id, "loaded_at": now_ms}
    for row in rows:
        if isinstance(row, BaseRow):
            table, what = reference_base, f"base {row.pooling_area}"
        else:
            table, what = reference_rate, f"rate {row.insurance}/{row.scheme}"
        same = [column == getattr(row, column.name) for column in table.primary_key]
        connection.execute(delete(table).where(*same))
        connection.execute(insert(table).values(**dataclasses.asdict(row), **loaded))
        fields = {"operator": operator_id, "row": f"{what} {row.first_month}"}
        audit_log.append(connection, "staff", "reference_loaded", dict(fields), now_ms=now_ms)
    try:
        load_reference(connection)
    except Bug as error:
        raise Refused(Kind.CONFLICT, error.private) from None
