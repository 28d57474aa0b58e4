"""All tables in one place: import tables from here.

`METADATA` knows every table only after the modules below are imported, hence this one door.
"""

from __future__ import annotations

from core.db.columns import METADATA
from core.db.tables_accounts import account, account_certificate, ended_grant, login_guard
from core.db.tables_cases import (
    answer_outbox,
    applied,
    case_part,
    case_row_failure,
    case_step,
    decision,
    held_request,
    lane_position,
    number_series,
    service_case,
    task,
)
from core.db.tables_ledgers import (
    card,
    late_fee,
    medical_use,
    personal_account_entry,
    posting,
    receipt,
    receivable,
    tax_ledger,
    wage_declaration,
    writeoff,
)
from core.db.tables_people import enrolment, person, person_identity, person_merge, unit
from core.db.tables_reference import audit_entry, reference_base, reference_code, reference_rate
from core.db.tables_staff import (
    access_log,
    agreement,
    appointment,
    appointment_slot,
    desk,
    desk_member,
    draw_key,
    feedback,
    feedback_step,
    notice,
    period_lock,
    review_flow,
    staff_operator,
)

__all__ = [
    "METADATA",
    "access_log",
    "account",
    "account_certificate",
    "agreement",
    "answer_outbox",
    "applied",
    "appointment",
    "appointment_slot",
    "audit_entry",
    "card",
    "case_part",
    "case_row_failure",
    "case_step",
    "decision",
    "desk",
    "desk_member",
    "draw_key",
    "ended_grant",
    "enrolment",
    "feedback",
    "feedback_step",
    "held_request",
    "lane_position",
    "late_fee",
    "login_guard",
    "medical_use",
    "notice",
    "number_series",
    "period_lock",
    "person",
    "person_identity",
    "person_merge",
    "personal_account_entry",
    "posting",
    "receipt",
    "receivable",
    "reference_base",
    "reference_code",
    "reference_rate",
    "review_flow",
    "service_case",
    "staff_operator",
    "task",
    "tax_ledger",
    "unit",
    "wage_declaration",
    "writeoff",
]
