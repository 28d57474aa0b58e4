from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from core.audit_log import append, verify_chain
from core.db import frozen_ddl
from core.db.columns import METADATA
from core.db.engine import open_engine, reading
from core.db.insert_only import guarded_tables
from core.db.migrate import check_revision, migrate
from core.db.tables import applied, audit_entry, case_step, enrolment, service_case
from core.services.numbers import next_number
from tests.support.core_world import VIP_UNIT, World, id_number
from wire_formats.errors import Bug, PeerError

LARGE = {
    "person", "enrolment", "wage_declaration", "receivable", "receipt", "posting", "tax_ledger", "late_fee", "writeoff",
    "personal_account_entry", "card", "medical_use", "service_case", "case_part", "case_step", "case_row_failure", "task",
    "decision", "applied", "access_log",
}  # fmt: skip


def test_frozen_ddl_is_that_of_the_tables() -> None:
    folder = Path(frozen_ddl.__file__).parent / "migrations" / "ddl"
    for name in frozen_ddl.DATABASES:
        dialect = frozen_ddl.dialect_of(name)
        frozen = frozen_ddl.read_statements(folder / f"0001_{dialect.name}.sql")
        assert frozen == [part.strip() for part in frozen_ddl.ddl_statements(METADATA, dialect)]
        assert not any("%" in part for part in frozen)


def test_a_migrated_database_is_that_of_the_tables(database_url: str) -> None:
    engine = open_engine(database_url)
    with pytest.raises(Bug):
        check_revision(engine)
    migrate(engine)
    migrate(engine)  # again changes nothing
    check_revision(engine)
    with engine.connect() as connection:
        differences: list[Any] = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()
    assert differences == []


def test_large_tables_carry_their_distribution_key_first() -> None:
    for name in LARGE:
        first = next(iter(METADATA.tables[name].primary_key)).name
        assert first in {"district", "unit_id"}, name
    assert set(METADATA.tables) >= LARGE


def test_every_column_says_what_it_is() -> None:
    for table in METADATA.tables.values():
        for column in table.columns:
            assert column.comment, f"{table.name}.{column.name}"


def test_insert_only_tables_refuse_changes(world: World) -> None:
    world.ask("vip", "wage.declare", _wage())
    for table, change in (
        (case_step, update(case_step).values(note="x")),
        (case_step, delete(case_step)),
        (applied, update(applied).values(reply_to="x")),
        (audit_entry, delete(audit_entry)),
    ):
        with pytest.raises(DBAPIError, match="insert-only"), world.engine.begin() as connection:
            assert connection.execute(select(table)).first() is not None
            connection.execute(change)
    with world.engine.begin() as connection:  # answers may be cleared when they are old
        assert connection.execute(delete(applied)).rowcount == 1
    assert "applied" in guarded_tables(METADATA)


def test_illegal_states_cannot_be_stored(world: World) -> None:
    with pytest.raises(DBAPIError), world.engine.begin() as connection:
        connection.execute(update(enrolment).values(state="anything"))
    with pytest.raises(DBAPIError), world.engine.begin() as connection:
        connection.execute(update(enrolment).values(since=202413))


def test_a_double_live_enrolment_cannot_be_stored(world: World) -> None:
    with world.engine.begin() as connection:
        row = dict(
            connection.execute(select(enrolment).where(enrolment.c.unit_id == VIP_UNIT)).mappings().first() or {}
        )
    with pytest.raises(DBAPIError), world.engine.begin() as connection:
        connection.execute(insert(enrolment).values({**row, "since": 202402}))


def test_reading_changes_nothing_and_takes_no_write_lock(world: World) -> None:
    with reading(world.engine) as one, world.engine.begin() as writer:
        writer.execute(update(service_case).values(version=9))
        assert one.execute(select(service_case)).all() is not None


def test_sqlite_is_durable(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/p.sqlite")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    engine.dispose()


def test_other_databases_are_refused() -> None:
    with pytest.raises(ValueError, match="SQLite or PostgreSQL"):
        open_engine("mysql://x")


def test_audit_chain_breaks_where_it_was_changed(world: World, tmp_path: Path) -> None:
    with world.engine.begin() as connection:
        for number in range(5):
            append(connection, "staff", "looked", {"n": number}, now_ms=number)
        assert verify_chain(connection, "accounts") > 0
        count = verify_chain(connection, "staff")
        rows = connection.execute(select(audit_entry).where(audit_entry.c.chain == "staff")).mappings().all()
    assert count == 6  # five here, and the notice that the world loaded
    copy = create_engine(f"sqlite:///{tmp_path}/copy.sqlite")
    audit_entry.create(copy)
    with copy.begin() as connection:
        connection.execute(insert(audit_entry), [dict(row) for row in rows])
        assert verify_chain(connection, "staff") == 6
        connection.execute(update(audit_entry).where(audit_entry.c.entry_no == 4).values(entry=b"{}"))
        with pytest.raises(PeerError, match="entry 4"):
            verify_chain(connection, "staff")
    copy.dispose()
    with pytest.raises(ValueError, match="chain"), world.engine.begin() as connection:
        append(connection, "nothing", "x", {}, now_ms=1)


def test_numbers_are_never_given_twice(world: World) -> None:
    with world.engine.begin() as connection:
        assert [next_number(connection, "t", first=7) for _ in range(3)] == [7, 8, 9]
    with pytest.raises(RuntimeError), world.engine.begin() as connection:
        next_number(connection, "t", first=7)
        raise RuntimeError
    with world.engine.begin() as connection:
        assert next_number(connection, "t", first=7) == 10


def _wage() -> dict[str, Any]:

    return {"year": 2026, "id_number": id_number(1), "name": "张三甲", "wage": 510_000}
