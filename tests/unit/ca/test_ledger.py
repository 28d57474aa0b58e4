"""What the database itself refuses, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from ca import hash_log, key_rows
from ca.key_rows import NewEntry
from ca.ledger import Ledger
from ca.ledger_tables import CERTIFICATE, KEY_TABLE, LOG, LOG_HEAD, REVOCATION
from ca.lifecycle import KeyState, certificate_moves, key_moves
from ca.slip_codes import HeldSecrets
from tests.support.postgres import running_postgres
from wire_formats.errors import Bug, HallError, Unavailable


@pytest.fixture(scope="module")
def postgres():
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/ca.sqlite"
    else:
        url = request.getfixturevalue("postgres").new_database()
    opened = Ledger.open(url)
    yield opened
    opened.close()


REFUSAL = (HallError, DatabaseError)


def entry(number="N", **values):
    held = HeldSecrets(b"s", b"c", b"w")
    return NewEntry(number, "1", "unit", "client_unit", "", held, 10, 1, "op", **values)


def row_in(ledger, state, number):
    """A key entry that came to `state` by legal moves."""
    with ledger.transaction() as connection:
        key_rows.add(connection, entry(number))
        if state in (KeyState.ENABLED, KeyState.DOWNLOADED):
            key_rows.enable(connection, number, agreement="A", operator="op", now_ms=2)
        if state is KeyState.DOWNLOADED:
            key_rows.downloaded(connection, number, now_ms=3)
        if state is KeyState.REVOKED:
            key_rows.revoke(connection, number, operator="op", now_ms=3)


FULL = {
    "agreement": "A",
    "enabled_ms": 1,
    "enabled_by": "op",
    "downloaded_ms": 2,
    "revoked_ms": 3,
    "revoked_by": "op",
    "salt": None,
    "check_value": None,
    "wrapped": None,
}


def test_only_the_table_s_moves_are_possible_even_by_hand(ledger):
    for count, (old, new) in enumerate(itertools.product(KeyState, KeyState)):
        number = f"N{count}"
        row_in(ledger, old, number)
        by_hand = update(KEY_TABLE).where(KEY_TABLE.c.number == number).values(state=new.value, **FULL)
        if old is new or (old.value, new.value) in key_moves():
            with ledger.transaction() as connection:
                connection.execute(by_hand)
        else:
            with pytest.raises(REFUSAL), ledger.transaction() as connection:
                connection.execute(by_hand)


def statements():
    yield "born enabled", insert(KEY_TABLE).values(
        number="B", account="1", window_name="unit", profile="p", display="", state="enabled", tries_left=5,
        code_expires_ms=1, prepared_ms=1, prepared_by="x", enabled_ms=1, enabled_by="x", agreement="x",
    )  # fmt: skip
    yield "unknown state", update(KEY_TABLE).values(state="lost")
    yield "enabled without agreement", update(KEY_TABLE).values(state="enabled", enabled_ms=1, enabled_by="x")
    yield "revoked by nobody", update(KEY_TABLE).values(state="revoked", salt=None, check_value=None, wrapped=None)
    yield "revoked with secrets", update(KEY_TABLE).values(state="revoked", revoked_ms=1, revoked_by="x")
    yield "six tries", update(KEY_TABLE).values(tries_left=6)
    yield "minus one try", update(KEY_TABLE).values(tries_left=-1)
    yield "another secret", update(KEY_TABLE).values(wrapped=b"other")
    yield "another account", update(KEY_TABLE).values(account="2")
    yield "entry deleted", delete(KEY_TABLE)
    yield "log rewritten", update(LOG).values(act="nothing")
    yield "log deleted", delete(LOG)
    yield "moves rewritten", text("UPDATE key_move SET new_state = 'enabled'")
    yield "moves deleted", text("DELETE FROM key_move")
    yield "second head", insert(LOG_HEAD).values(one=2, position=0, digest=b"")
    yield "certificate born issued", insert(CERTIFICATE).values(
        serial="0" * 32, issuer="i", profile="p", state="issued", holder="h", spki_digest=b"k", tbs=b"t", der=b"d",
        fingerprint=b"f", not_before_ms=1, not_after_ms=2, recorded_ms=1, issued_ms=1,
    )  # fmt: skip


def test_the_database_refuses_by_itself(ledger):
    with ledger.transaction() as connection:
        hash_log.append(connection, 1, "something", number="N")
        key_rows.add(connection, entry())
    for what, statement in statements():
        try:
            with ledger.transaction() as connection:
                connection.execute(statement)
        except REFUSAL:
            continue
        pytest.fail(f"the database let this pass: {what}")
    with ledger.transaction() as connection:
        assert key_rows.find(connection, "N").state is KeyState.NOT_ENABLED
        assert hash_log.verify(connection).position == 1


def test_certificates_move_by_the_table_only(ledger):
    row = {
        "serial": "0" * 32, "issuer": "i", "profile": "p", "state": "recorded", "holder": "h", "spki_digest": b"k",
        "tbs": b"t", "not_before_ms": 1, "not_after_ms": 2, "recorded_ms": 1,
    }  # fmt: skip
    with ledger.transaction() as connection:
        connection.execute(insert(CERTIFICATE).values(**row))
    signed = {"der": b"d", "fingerprint": b"f", "issued_ms": 1}
    assert ("recorded", "revoked") not in certificate_moves()
    for values in (
        {"state": "revoked", **signed},
        {"state": "issued"},
        {"tbs": b"other"},
        {"holder": "other"},
    ):
        with pytest.raises(REFUSAL), ledger.transaction() as connection:
            connection.execute(update(CERTIFICATE).values(**values))
    with ledger.transaction() as connection:
        connection.execute(update(CERTIFICATE).values(state="issued", **signed))
    for statement in (update(CERTIFICATE).values(der=b"other"), delete(CERTIFICATE)):
        with pytest.raises(REFUSAL), ledger.transaction() as connection:
            connection.execute(statement)


def test_a_failed_transaction_leaves_nothing(ledger):
    with pytest.raises(ZeroDivisionError), ledger.transaction() as connection:
        hash_log.append(connection, 1, "act")
        raise ZeroDivisionError
    with ledger.transaction() as connection:
        assert connection.execute(select(LOG)).all() == []
        assert hash_log.verify(connection) == hash_log.Head(0, hash_log.FIRST)


def test_many_writers_make_one_chain(ledger):
    def write(number):
        with ledger.transaction() as connection:
            hash_log.append(connection, number, "act", number=str(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(40)))
    with ledger.transaction() as connection:
        assert hash_log.verify(connection).position == 40


def test_opening_twice_keeps_everything(tmp_path):
    url = f"sqlite:///{tmp_path}/ca.sqlite"
    first = Ledger.open(url)
    with first.transaction() as connection:
        key_rows.add(connection, entry())
    second = Ledger.open(url)
    with second.transaction() as connection:
        assert key_rows.find(connection, "N")
    first.close()
    second.close()


def test_a_locked_database_is_busy_not_broken(tmp_path):
    url = f"sqlite:///{tmp_path}/ca.sqlite"
    ledger = Ledger.open(url, busy_ms=100)
    import sqlite3

    holder = sqlite3.connect(tmp_path / "ca.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable), ledger.transaction():
        pass
    holder.execute("ROLLBACK")
    holder.close()
    ledger.close()


@pytest.mark.parametrize("harm", ["change", "cut", "swap"])
def test_a_tampered_record_is_noticed(tmp_path, harm):
    import sqlite3

    ledger = Ledger.open(f"sqlite:///{tmp_path}/ca.sqlite")
    with ledger.transaction() as connection:
        for number in range(5):
            hash_log.append(connection, number, "act", number=str(number))
    ledger.close()
    raw = sqlite3.connect(tmp_path / "ca.sqlite")
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    if harm == "change":
        raw.execute("UPDATE log SET details = X'7b7d' WHERE position = 3")
    elif harm == "cut":
        raw.execute("DELETE FROM log WHERE position = 5")
    else:
        raw.execute("UPDATE log SET at_ms = CASE position WHEN 2 THEN 2 ELSE 1 END WHERE position IN (2, 3)")
    raw.commit()
    raw.close()
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ca.sqlite")
    with pytest.raises(Bug), ledger.transaction() as connection:
        hash_log.verify(connection)
    ledger.close()


def test_revocations_are_kept(ledger):
    with ledger.transaction() as connection:
        connection.execute(
            insert(REVOCATION).values(serial="0" * 32, issuer="i", reason=0, not_after_ms=9, revoked_ms=1, operator="x")
        )
    for statement in (update(REVOCATION).values(reason=1), delete(REVOCATION)):
        with pytest.raises(REFUSAL), ledger.transaction() as connection:
            connection.execute(statement)
