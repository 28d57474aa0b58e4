"""Login accounts, bound certificates, lockout counters and ended grants.

A certificate is bound by (issuer, serial, SHA-256 of its public key), never by the subject's name; an account may
have several. No password is ever stored: argon2id over the peppered password (research pki.md section 5).
Source: catalogue E1, E18, E19, F1, F9.
"""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, Table

from core.db.columns import (
    ACCOUNT_ID_LENGTH,
    DISTRICT_LENGTH,
    METADATA,
    flag,
    instant,
    one_of,
    person_id,
    text,
    unit_id,
    whole,
)
from core.db.states import AccountKind, AccountState, BindingState

account = Table(
    "account",
    METADATA,
    text("account_id", ACCOUNT_ID_LENGTH, "128 random bits, hex", key=True),
    text("user_name", 64, "登录名, lower case"),
    text("window", 12, "window it may enter"),
    text("kind", 10, "whom it acts for"),
    text("state", 10, "状态", default=AccountState.ACTIVE.value),
    text("district", DISTRICT_LENGTH, "行政区划代码"),
    unit_id(key=False, nullable=True),
    person_id(key=False, nullable=True),
    text("community", 12, "社区编号", nullable=True),
    text("parent_account_id", ACCOUNT_ID_LENGTH, "account one level up (分层帐号)", nullable=True),
    text("rights", 1000, "service codes separated by blanks; * = all of its window", default="*"),
    text("display_name", 100, "name shown in the hall"),
    text("password_hash", 200, "argon2id of the peppered password"),
    flag("must_change", "password must be changed before anything else"),
    instant("password_set_at", "时间"),
    instant("grants_valid_from", "grants issued before are ended (password change, logout everywhere)"),
    instant("last_login_at", "上次登录", nullable=True),
    instant("created_at", "时间"),
    whole("version", "optimistic lock", default=1),
    one_of("kind", AccountKind),
    one_of("state", AccountState),
    Index(None, "window", "user_name", unique=True),
    Index(None, "unit_id"),
    Index(None, "person_id"),
)

account_certificate = Table(
    "account_certificate",
    METADATA,
    text("certificate_sha256", 64, "SHA-256 of the certificate's DER, hex", key=True),
    text("account_id", ACCOUNT_ID_LENGTH, "account"),
    text("issuer", 200, "issuer, RFC 4514"),
    text("serial", 48, "serial number, hex"),
    text(
        "key_sha256", 64, "SHA-256 of its SubjectPublicKeyInfo, hex; NULL when only the desk saw the key", nullable=True
    ),
    text("state", 10, "状态", default=BindingState.BOUND.value),
    instant("not_after", "valid until"),
    instant("bound_at", "时间"),
    instant("revoked_at", "时间", nullable=True),
    one_of("state", BindingState),
    ForeignKeyConstraint(["account_id"], ["account.account_id"]),
    Index(None, "issuer", "serial", unique=True),
    Index(None, "key_sha256", unique=True),
    Index(None, "account_id"),
)

login_guard = Table(
    "login_guard",
    METADATA,
    text("subject", 80, "account:<id>, name:<digest> or certificate:<sha256>", key=True),
    whole("failures", "failures in a row", default=0),
    instant("last_failed_at", "时间"),
    instant("not_before", "no attempt is verified before this instant"),
)

ended_grant = Table(
    "ended_grant",
    METADATA,
    text("grant_id", 64, "grant ended before its time (logout)", key=True),
    text("account_id", ACCOUNT_ID_LENGTH, "account"),
    instant("ended_at", "时间"),
    instant("expires_at", "row may be cleared after this instant"),
    Index(None, "expires_at"),
)
