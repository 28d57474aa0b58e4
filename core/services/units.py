"""What handlers ask about a unit, always the caller's own.

Source: catalogue A3, B17.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select

from core.db.any_row import AnyRow
from core.db.states import UnitState
from core.db.tables import unit
from core.rules.approval import UnitStanding
from wire_formats.errors import Kind, Refused

_UNIT: Final = select(unit).where(unit.c.unit_id == bindparam("which"))


def own_unit(connection: Connection, unit_id: int) -> AnyRow:
    """Return the caller's unit.

    Raises:
        Refused: NOT_FOUND, the unit was removed since the grant was made.
    """
    row = connection.execute(_UNIT, {"which": unit_id}).first()
    if row is None:
        raise Refused(Kind.NOT_FOUND, "unit does not exist")
    return row


def standing(row: AnyRow) -> UnitStanding:
    """Return what the approval rule needs to know of a unit."""
    return UnitStanding(vip=row.vip, credit_level=row.credit_level, active=row.state == UnitState.ACTIVE.value)
