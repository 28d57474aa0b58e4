"""Writes `access_log`: which operator looked at whose data, for which case.

Source: catalogue E19; Personal Information Protection Law, art. 51 and 55 (records of processing).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, insert, select

from core.db.any_row import AnyRow
from core.db.tables import access_log, person_identity
from wire_formats.collaborators import Randomness

UNREGISTERED: Final = 0
"""Person number noted when the shown identity number is not, or no longer, in the register."""
PURPOSE: Final = "staff.case"


def note_views(
    connection: Connection,
    case: AnyRow,
    id_numbers: Sequence[str],
    *,
    operator_id: str,
    randomness: Randomness,
    now_ms: int,
) -> int:
    """Note that an operator was shown these persons' data on a case; return how many persons."""
    known = {
        row.id_number: (row.district, row.person_id)
        for row in connection.execute(
            select(person_identity.c.id_number, person_identity.c.district, person_identity.c.person_id).where(
                person_identity.c.id_number.in_(id_numbers)
            )
        )
    }
    seen = {known.get(number, (case.district, UNREGISTERED)) for number in id_numbers}
    if case.person_id is not None:
        seen.add((case.district, case.person_id))
    rows = [
        {
            "district": district,
            "person_id": person,
            "access_id": randomness.bytes(16).hex(),
            "operator_id": operator_id,
            "purpose": PURPOSE,
            "case_id": case.case_id,
            "at": now_ms,
        }
        for district, person in sorted(seen)
    ]
    if rows:
        connection.execute(insert(access_log), rows)
    return len(rows)
