"""A year of assessments, receipts, postings and the tax office's view, computed inside the database.

Set-based: one statement a ledger, in the order of its primary key, at about a million rows a second.
Rounding is half-up in integers, the same as ``core.rules.money.share``; a test compares both.

Source: RULES "Arithmetic", "Who collects"; catalogue C5-C7.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from core.city.people import INSURANCES
from core.city.shape import MONTHS
from core.reference.parameters import ReferenceData
from core.rules.contribution import WORK_INJURY

_INJURY_CLASSES: Final = range(1, 9)
#: Every 29th unit has not paid the last two months, so that there are arrears to see.
_ARREARS_EVERY: Final = 29
_ARREARS_FROM: Final = MONTHS[-2]

_ASSESS: Final = """
WITH months(period) AS (VALUES {months}),
     rates(insurance, injury_class, employer, employee, fixed) AS (VALUES {rates})
INSERT INTO receivable (unit_id, period, person_id, insurance, kind, entry, booked_in,
                        base_fen, employer_fen, employee_fen, state)
SELECT e.unit_id, m.period, e.person_id, e.insurance, 'normal', 0, m.period, e.base_fen,
       (e.base_fen * r.employer + 5000) / 10000,
       (e.base_fen * r.employee + 5000) / 10000 + r.fixed,
       CASE WHEN e.unit_id % {every} = 0 AND m.period >= {arrears} THEN 'open' ELSE 'paid' END
FROM enrolment e
JOIN unit u ON u.unit_id = e.unit_id
JOIN rates r ON r.insurance = e.insurance AND (r.injury_class = 0 OR r.injury_class = u.injury_class)
CROSS JOIN months m
WHERE e.since <= m.period
ORDER BY e.unit_id, m.period, e.person_id, e.insurance
"""
_RECEIVE: Final = """
INSERT INTO receipt (unit_id, receipt_id, channel, bank_reference, amount_fen, received_at, period)
SELECT unit_id, period, 'tax', 'S' || unit_id || '-' || period, SUM(employer_fen + employee_fen), :now, period
FROM receivable WHERE state = 'paid' GROUP BY unit_id, period
"""
_POST: Final = """
INSERT INTO posting (unit_id, receipt_id, period, person_id, insurance, kind, entry, amount_fen, posted_at)
SELECT unit_id, period, period, person_id, insurance, kind, entry, employer_fen + employee_fen, :now
FROM receivable WHERE state = 'paid' ORDER BY unit_id, period, person_id, insurance
"""
_TAX: Final = """
INSERT INTO tax_ledger (unit_id, period, insurance, due_fen, paid_fen, tax_reference, changed_at)
SELECT unit_id, period, insurance, SUM(employer_fen + employee_fen),
       SUM(CASE WHEN state = 'paid' THEN employer_fen + employee_fen ELSE 0 END),
       'T' || unit_id || '-' || period, :now
FROM receivable GROUP BY unit_id, period, insurance
"""


def assess_year(connection: Connection, reference: ReferenceData) -> int:
    """Assess every enrolment for every month of the year.

    Returns:
        The number of rows.

    Raises:
        Refused: NO_PARAMETERS, a month has no rates.
    """
    statement = _ASSESS.format(
        months=", ".join(f"({month})" for month in MONTHS),
        rates=", ".join(_rate_rows(reference)),
        every=_ARREARS_EVERY,
        arrears=_ARREARS_FROM,
    )
    connection.execute(text(statement))
    return int(connection.execute(text("SELECT COUNT(*) FROM receivable")).scalar_one())


def receive_year(connection: Connection, now_ms: int) -> None:
    """Book one receipt a unit and month, post it to the assessed rows, and write the tax ledger."""
    for statement in (_RECEIVE, _POST, _TAX):
        connection.execute(text(statement), {"now": now_ms})


def _rate_rows(reference: ReferenceData) -> list[str]:
    """Give the rates as SQL rows; all twelve months of the year have the same."""
    parameters = reference.parameters_for(MONTHS[0])
    rows = []
    for insurance in INSURANCES:
        schemes = _INJURY_CLASSES if insurance == WORK_INJURY else (0,)
        for scheme in schemes:
            rate = parameters.rate(insurance, str(scheme)) if scheme else parameters.rate(insurance)
            rows.append(
                f"('{insurance}', {scheme}, {rate.employer_basis_points}, {rate.employee_basis_points}, "
                f"{rate.employee_fixed_fen})"
            )
    return rows
