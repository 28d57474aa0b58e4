"""Tables of the authority's ledger, and the triggers that keep its history honest.

    certificate       every certificate, from the moment its bytes are recorded before signing
    key_table         one row per slip (SysKeyInfo, F6): state, times, operator, held secrets
    key_move          the legal moves of both lives, written from `ca.lifecycle`
    revocation        what the deny list and the revocation list are made of, in order
    deny_epoch        where the published deny list stands (one row)
    log               hash-chained record of every act; rows are never changed or removed
    log_head          the end of the chain (one row), locked while a row is appended

Triggers (SQLite and PostgreSQL) refuse: a state change that is not in `key_move`, a new row
in another than the first state, a second life for a held secret, any UPDATE or DELETE of
`log` and `revocation`, any DELETE of `certificate` and `key_table`.

Source: F6, F7; DESIGN invariant 10; research/pki.md section 7 point 4.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    event,
)

from ca.lifecycle import (
    FIRST_CERTIFICATE_STATE,
    FIRST_KEY_STATE,
    CertificateState,
    KeyState,
    certificate_moves,
    key_moves,
)
from wire_formats.desk_messages import MAX_TRIES

METADATA: Final = MetaData()
SERIAL_DIGITS: Final = 32
DIGEST_OCTETS: Final = 32


def _one_of(column: str, states: type[KeyState | CertificateState]) -> CheckConstraint:
    values = ", ".join(f"'{state.value}'" for state in states)
    return CheckConstraint(f"{column} IN ({values})", name=f"{column}_known")


KEY_TABLE: Final = Table(
    "key_table",
    METADATA,
    Column("number", String(16), primary_key=True),
    Column("account", String(40), nullable=False),
    Column("window_name", String(16), nullable=False),
    Column("profile", String(32), nullable=False),
    Column("display", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("salt", LargeBinary),
    Column("check_value", LargeBinary),
    Column("wrapped", LargeBinary),
    Column("tries_left", Integer, nullable=False),
    Column("code_expires_ms", BigInteger, nullable=False),
    Column("agreement", String(64)),
    Column("prepared_ms", BigInteger, nullable=False),
    Column("prepared_by", String(64), nullable=False),
    Column("enabled_ms", BigInteger),
    Column("enabled_by", String(64)),
    Column("downloaded_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("revoked_by", String(64)),
    _one_of("state", KeyState),
    CheckConstraint(f"tries_left BETWEEN 0 AND {MAX_TRIES}", name="tries_bounded"),
    CheckConstraint(
        "state IN ('not_enabled', 'revoked') OR "
        "(enabled_ms IS NOT NULL AND enabled_by IS NOT NULL AND agreement IS NOT NULL)",
        name="enabled_with_agreement",
    ),
    CheckConstraint("state <> 'downloaded' OR downloaded_ms IS NOT NULL", name="downloaded_when"),
    CheckConstraint(
        "state <> 'revoked' OR (revoked_ms IS NOT NULL AND revoked_by IS NOT NULL)", name="revoked_when_and_by"
    ),
    CheckConstraint(
        "state NOT IN ('downloaded', 'revoked') OR (salt IS NULL AND check_value IS NULL AND wrapped IS NULL)",
        name="secrets_wiped",
    ),
)
CERTIFICATE: Final = Table(
    "certificate",
    METADATA,
    Column("serial", String(SERIAL_DIGITS), primary_key=True),
    Column("issuer", String(32), nullable=False),
    Column("profile", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("holder", String(128), nullable=False),
    Column("spki_digest", LargeBinary, nullable=False),
    Column("tbs", LargeBinary, nullable=False),
    Column("der", LargeBinary),
    Column("fingerprint", LargeBinary),
    Column("not_before_ms", BigInteger, nullable=False),
    Column("not_after_ms", BigInteger, nullable=False),
    Column("key_number", String(16), ForeignKey("key_table.number")),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("issued_ms", BigInteger),
    _one_of("state", CertificateState),
    CheckConstraint("length(serial) = 32", name="serial_whole"),
    CheckConstraint(
        "state IN ('recorded', 'abandoned') OR (der IS NOT NULL AND fingerprint IS NOT NULL AND issued_ms IS NOT NULL)",
        name="issued_with_bytes",
    ),
    # One key, one certificate: the same key never comes back under another name or after revocation.
    Index("certificate_one_per_key", "spki_digest", unique=True),
    Index("certificate_state", "state"),
    Index("certificate_holder", "holder"),
    Index("certificate_key_number", "key_number"),
)
KEY_MOVE: Final = Table(
    "key_move",
    METADATA,
    Column("life", String(16), primary_key=True),
    Column("old_state", String(16), primary_key=True),
    Column("new_state", String(16), primary_key=True),
)
REVOCATION: Final = Table(
    "revocation",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("serial", String(SERIAL_DIGITS), nullable=False, unique=True),
    Column("issuer", String(32), nullable=False),
    Column("reason", Integer, nullable=False),
    Column("not_after_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger, nullable=False),
    Column("operator", String(64), nullable=False),
)
DENY_EPOCH: Final = Table(
    "deny_epoch",
    METADATA,
    Column("one", Integer, CheckConstraint("one = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)
LOG: Final = Table(
    "log",
    METADATA,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("act", String(32), nullable=False),
    Column("details", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
)
LOG_HEAD: Final = Table(
    "log_head",
    METADATA,
    Column("one", Integer, CheckConstraint("one = 1", name="one_head"), primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

_MOVES: Final = (("key_table", key_moves()), ("certificate", certificate_moves()))
_FIRST: Final = {"key_table": FIRST_KEY_STATE.value, "certificate": FIRST_CERTIFICATE_STATE.value}


def _refused() -> list[tuple[str, str, str, str]]:
    """Return (table, operation, condition, message) of every refusal."""
    rules: list[tuple[str, str, str, str]] = []
    for life, first in _FIRST.items():
        # Fixed words of this module only; no value from outside reaches these statements.
        known = f"SELECT 1 FROM key_move WHERE life = '{life}' AND old_state = OLD.state AND new_state = NEW.state"  # noqa: S608
        rules += [
            (life, "UPDATE", f"NEW.state <> OLD.state AND NOT EXISTS ({known})", f"{life}: illegal change of state"),
            (life, "INSERT", f"NEW.state <> '{first}'", f"{life}: a life begins with {first}"),
            (life, "DELETE", "1 = 1", f"{life}: rows are kept"),
        ]
    rules += [
        (table, operation, "1 = 1", f"{table}: rows are never changed")
        for table in ("log", "revocation", "key_move")
        for operation in ("UPDATE", "DELETE")
    ]
    rules.append(("key_table", "UPDATE", _SECOND_LIFE, "key_table: secret, number and account stay"))
    rules.append(("certificate", "UPDATE", _OTHER_BYTES, "certificate: what was recorded is not rewritten"))
    return rules


_SECOND_LIFE: Final = (
    "NEW.number <> OLD.number OR NEW.account <> OLD.account OR NEW.window_name <> OLD.window_name "
    "OR (NEW.wrapped IS NOT NULL AND (OLD.wrapped IS NULL OR NEW.wrapped <> OLD.wrapped)) "
    "OR (NEW.check_value IS NOT NULL AND (OLD.check_value IS NULL OR NEW.check_value <> OLD.check_value))"
)
_OTHER_BYTES: Final = (
    "NEW.serial <> OLD.serial OR NEW.tbs <> OLD.tbs OR NEW.holder <> OLD.holder OR NEW.spki_digest <> OLD.spki_digest "
    "OR (OLD.der IS NOT NULL AND (NEW.der IS NULL OR NEW.der <> OLD.der))"
)


def _ddl(statement: str) -> DDL:
    return DDL(statement)  # type: ignore[no-untyped-call]


def _sqlite(number: int, rule: tuple[str, str, str, str]) -> DDL:
    table, operation, condition, message = rule
    return _ddl(
        f"CREATE TRIGGER guard_{number} BEFORE {operation} ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _postgresql(number: int, rule: tuple[str, str, str, str]) -> tuple[DDL, DDL]:
    table, operation, condition, message = rule
    given_back = "OLD" if operation == "DELETE" else "NEW"
    function = _ddl(
        f"CREATE FUNCTION guard_{number}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        f"RETURN {given_back}; END $$"
    )
    return function, _ddl(
        f"CREATE TRIGGER guard_{number} BEFORE {operation} ON {table} FOR EACH ROW EXECUTE FUNCTION guard_{number}()"
    )


def _listen() -> None:
    """Attach moves and triggers, so that `METADATA.create_all` makes all of it or nothing."""
    for life, moves in _MOVES:
        for old, new in sorted(moves):
            statement = f"INSERT INTO key_move (life, old_state, new_state) VALUES ('{life}', '{old}', '{new}')"  # noqa: S608
            event.listen(METADATA, "after_create", _ddl(statement))
    heads = (
        "INSERT INTO log_head (one, position, digest) VALUES (1, 0, {zeros})",
        "INSERT INTO deny_epoch (one, epoch, digest, position, size) VALUES (1, 0, {zeros}, 0, 0)",
    )
    for head in heads:
        zeros = "00" * DIGEST_OCTETS
        event.listen(METADATA, "after_create", _ddl(head.format(zeros=f"X'{zeros}'")).execute_if(dialect="sqlite"))
        as_bytes = f"decode('{zeros}', 'hex')"
        event.listen(METADATA, "after_create", _ddl(head.format(zeros=as_bytes)).execute_if(dialect="postgresql"))
    for number, rule in enumerate(_refused()):
        event.listen(METADATA, "after_create", _sqlite(number, rule).execute_if(dialect="sqlite"))
        for statement_part in _postgresql(number, rule):
            event.listen(METADATA, "after_create", statement_part.execute_if(dialect="postgresql"))


_listen()
