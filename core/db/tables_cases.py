"""Cases, tasks and decisions, and what intake keeps: applied, answers, held.

A case's distribution key is its district, because staff work by district. `case_id` is the request id (for a batch
the batch id) in lower-case hex, 32 characters; what was asked stands in `case_part`; `reference` is what people see
(wire_formats.ids.reference_number).
`applied` makes a transaction take effect once: it is written in the same transaction as the business effect.
Source: catalogue B21-B23, X2-X8; DESIGN invariant 3.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, Table
from sqlalchemy import text as sql_text

from core.db.columns import (
    ACCOUNT_ID_LENGTH,
    CASE_ID_LENGTH,
    INSERT_ONLY,
    METADATA,
    NO_UPDATE,
    REFERENCE_LENGTH,
    blob,
    district,
    instant,
    month,
    one_of,
    person_id,
    text,
    unit_id,
    whole,
)
from core.db.states import HeldState
from core.rules.case_states import Approval, CaseState, TaskRole, TaskState, Verdict

service_case = Table(
    "service_case",
    METADATA,
    district(),
    text("case_id", CASE_ID_LENGTH, "request id (batch id), lower-case hex", key=True),
    text("reference", REFERENCE_LENGTH, "业务流水号 shown to people"),
    text("service", 40, "service code of the catalogue"),
    whole("service_version", "version of its declaration", default=1),
    text("window", 12, "window it came through"),
    text("account_id", ACCOUNT_ID_LENGTH, "account that submitted it"),
    unit_id(key=False, nullable=True),
    person_id(key=False, nullable=True),
    text("state", 12, "业务状态"),
    text("approval", 10, "how it becomes effective"),
    month("period", "aae002 业务期, next one when the month is closed"),
    whole("parts_expected", "块数 of a batch, 1 otherwise", default=1),
    whole("parts_received", "块数 received so far", default=1),
    whole("rows_total", "行数 of a batch, 1 otherwise", default=1),
    whole("rows_failed", "失败行数", default=0),
    text("reason", 400, "退单/不通过 reason shown to the applicant", nullable=True),
    instant("submitted_at", "提交时间"),
    instant("opened_at", "first opened by a reviewer; NULL = may still be withdrawn", nullable=True),
    instant("decided_at", "last decision", nullable=True),
    instant("effective_at", "生效时间", nullable=True),
    whole("version", "optimistic lock", default=1),
    one_of("state", CaseState),
    one_of("approval", Approval),
    Index(None, "reference", unique=True),
    Index(None, "unit_id", "submitted_at"),
    Index(None, "account_id", "submitted_at"),
    Index(None, "district", "state", "submitted_at"),
)

case_step = Table(
    "case_step",
    METADATA,
    district(),
    text("case_id", CASE_ID_LENGTH, "case", key=True),
    whole("step_no", "第几步, 1 first", key=True),
    text("state", 12, "state reached"),
    text("actor", 12, "applicant, rule, operator, system"),
    text("operator_id", 32, "aae011 经办人", nullable=True),
    text("note", 400, "aae013 备注", nullable=True),
    instant("at", "aae036 经办时间"),
    one_of("state", CaseState),
    ForeignKeyConstraint(["district", "case_id"], ["service_case.district", "service_case.case_id"]),
    info={INSERT_ONLY: True},
)

case_part = Table(
    "case_part",
    METADATA,
    district(),
    text("case_id", CASE_ID_LENGTH, "case", key=True),
    whole("part", "第几块 of a batch, 1 first; 1 for a single request", key=True),
    text("request_id", CASE_ID_LENGTH, "request id, lower-case hex"),
    blob("body", "canonical JSON of the request: what the reviewer sees, what post-audit compares"),
    blob("body_digest", "SHA-256 of the salted content, as the request's header named it"),
    whole("rows_total", "行数", default=1),
    whole("rows_failed", "失败行数", default=0),
    instant("received_at", "时间"),
    ForeignKeyConstraint(["district", "case_id"], ["service_case.district", "service_case.case_id"]),
    info={INSERT_ONLY: True},
)

case_row_failure = Table(
    "case_row_failure",
    METADATA,
    district(),
    text("case_id", CASE_ID_LENGTH, "case", key=True),
    whole("row_no", "行号, 1 first", key=True),
    text("code", 32, "fault code of wire_formats.field_faults"),
    text("field", 40, "field at fault", nullable=True),
    ForeignKeyConstraint(["district", "case_id"], ["service_case.district", "service_case.case_id"]),
    info={INSERT_ONLY: True},
)

task = Table(
    "task",
    METADATA,
    district(),
    text("task_id", 32, "128 random bits, hex", key=True),
    text("case_id", CASE_ID_LENGTH, "case"),
    text("role", 12, "环节"),
    text("state", 10, "状态"),
    text("desk_id", 32, "柜组", nullable=True),
    text("operator_id", 32, "aae011 经办人 drawn by lot", nullable=True),
    text("draw_day", 8, "day key used by the draw, YYYYMMDD", nullable=True),
    blob("draw_proof", "HMAC of the draw: anyone can recompute it once the day key is revealed", nullable=True),
    instant("created_at", "分派时间"),
    instant("opened_at", "打开时间", nullable=True),
    instant("due_at", "办理期限", nullable=True),
    instant("closed_at", "办结时间", nullable=True),
    whole("version", "optimistic lock", default=1),
    one_of("role", TaskRole),
    one_of("state", TaskState),
    ForeignKeyConstraint(["district", "case_id"], ["service_case.district", "service_case.case_id"]),
    Index(None, "district", "case_id", "role"),
    Index(None, "operator_id", "state"),
)

decision = Table(
    "decision",
    METADATA,
    district(),
    text("decision_id", 32, "128 random bits, hex", key=True),
    text("case_id", CASE_ID_LENGTH, "case"),
    text("task_id", 32, "task decided"),
    text("role", 12, "环节"),
    text("verdict", 8, "结论"),
    text("operator_id", 32, "aae011 经办人"),
    text("reason", 400, "aae013 意见", nullable=True),
    blob("row_verdicts", "canonical JSON of verdicts per row of a batch", nullable=True),
    blob("signature", "card signature over the decision, if the operator signed", nullable=True),
    instant("decided_at", "aae036 经办时间"),
    one_of("role", TaskRole),
    one_of("verdict", Verdict),
    ForeignKeyConstraint(["district", "case_id"], ["service_case.district", "service_case.case_id"]),
    ForeignKeyConstraint(["district", "task_id"], ["task.district", "task.task_id"]),
    # Each role decides a case once; three distinct persons is checked by core.staff (needs all rows of the case).
    Index(None, "district", "case_id", "role", unique=True),
    info={INSERT_ONLY: True},
)

applied = Table(
    "applied",
    METADATA,
    district(),
    blob("request_id", "128-bit request id", key=True),
    blob("header_digest", "SHA-256 of the header bytes: same id, other digest = held"),
    text("service", 40, "service code"),
    whole("status", "AnswerStatus"),
    blob("answer_header", "answer header, encoded"),
    blob("answer_content", "answer, sealed to the session that asked"),
    text("reply_to", 40, "worker"),
    text("lane", 12, "lane"),
    instant("applied_at", "时间"),
    # On one database the id alone is unique. With tables distributed by district (Citus) this index is dropped: the
    # header digest covers the grant and so the account's district, hence a replay always lands in the same shard.
    Index(None, "request_id", unique=True),
    info={NO_UPDATE: True},
)

answer_outbox = Table(
    "answer_outbox",
    METADATA,
    blob("request_id", "answer still to send: its bytes stand in applied", key=True),
    instant("queued_at", "时间"),
)

held_request = Table(
    "held_request",
    METADATA,
    text("held_id", 32, "128 random bits, hex", key=True),
    blob("request_id", "request id, when it could be read", nullable=True),
    blob("header_digest", "SHA-256 of the header bytes", nullable=True),
    text("bundle", 120, "file name of the bundle"),
    text("reason", 40, "why: same_id_other_digest, poison, bad_seal, bad_syntax"),
    text("state", 10, "状态", default=HeldState.HELD.value),
    text("released_by", 32, "first person", nullable=True),
    text("released_with", 32, "second person", nullable=True),
    instant("held_at", "时间"),
    one_of("state", HeldState),
    Index(None, "state", "held_at"),
)

lane_position = Table(
    "lane_position",
    METADATA,
    text("lane", 40, "lane and sender", key=True),
    whole("epoch", "epoch: milliseconds when this sender's numbering began"),
    whole("sequence", "last number used"),
    blob("last_digest", "SHA-256 of the last bundle", nullable=True),
)

number_series = Table(
    "number_series",
    METADATA,
    text("name", 32, "which numbers", key=True),
    whole("next_number", "next free number"),
)

person_case_index = Index(
    "ix_service_case_person",
    service_case.c.person_id,
    service_case.c.submitted_at,
    sqlite_where=sql_text("person_id IS NOT NULL"),
    postgresql_where=sql_text("person_id IS NOT NULL"),
)
