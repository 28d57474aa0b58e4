"""Units, employees and identity numbers for core tests."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from core.db.tables import enrolment, person, person_identity, unit
from tests.support.machines import NOW_MS
from wire_formats.identifiers import credit_check_symbol, id_check_symbol, organisation_check_symbol

VIP_UNIT, PLAIN_UNIT = 420100001, 420100002
DISTRICT = "420102"


def id_number(serial: int, area: str = "420102", born: str = "19850101") -> str:
    """Make a right identity number."""
    first = f"{area}{born}{serial % 1000:03d}"
    return first + id_check_symbol(first)


def credit_end(first: str) -> str:
    """The organisation's and the whole code's check symbols."""
    first += organisation_check_symbol(first[8:16])
    return first[16] + credit_check_symbol(first)


def add_unit(connection: Connection, number: int, *, vip: bool) -> None:
    connection.execute(
        insert(unit).values(
            unit_id=number,
            credit_code="91110000600037341L" if vip else "9142010276012345" + credit_end("9142010276012345"),
            name=f"单位{number}",
            district=DISTRICT,
            agency="江岸社保处",
            injury_class=2,
            vip=vip,
            credit_level=90,
            changed_at=NOW_MS,
        )
    )


def add_employee(connection: Connection, unit_id: int, number: int, id_no: str, name: str) -> None:
    connection.execute(insert(person_identity).values(id_number=id_no, district=DISTRICT, person_id=number))
    connection.execute(
        insert(person).values(
            district=DISTRICT,
            person_id=number,
            id_number=id_no,
            name=name,
            sex="1",
            birth_day=19850101,
            alive=True,
            changed_at=NOW_MS,
        )
    )
    connection.execute(
        insert(enrolment),
        [
            {
                "unit_id": unit_id,
                "person_id": number,
                "insurance": insurance,
                "since": 202401,
                "entry": 0,
                "person_district": DISTRICT,
                "state": "active",
                "wage_fen": 500_000,
                "base_fen": 500_000,
                "changed_at": NOW_MS,
            }
            for insurance in ("110", "210", "310", "410")
        ],
    )
