"""Triggers that keep insert-only tables insert-only, on SQLite and on PostgreSQL.

The rule stands in the database itself, so that a mistake in code (ours or a staff tool's) cannot rewrite history.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import MetaData

from core.db.columns import INSERT_ONLY, NO_UPDATE

_POSTGRES_FUNCTION = """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE = 'table ' || TG_TABLE_NAME || ' is insert-only', ERRCODE = 'restrict_violation';
END
$$"""


def guarded_tables(metadata: MetaData) -> dict[str, tuple[str, ...]]:
    """Return the guarded tables, sorted by name, with the events each refuses."""
    guarded: dict[str, tuple[str, ...]] = {}
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        if table.info.get(INSERT_ONLY):
            guarded[table.name] = ("UPDATE", "DELETE")
        elif table.info.get(NO_UPDATE):
            guarded[table.name] = ("UPDATE",)
    return guarded


def trigger_statements(metadata: MetaData, dialect: str) -> Iterator[str]:
    """Yield the DDL of the guards for `sqlite` or `postgresql`.

    Raises:
        ValueError: another dialect.
    """
    if dialect == "sqlite":
        yield from _sqlite_triggers(guarded_tables(metadata))
    elif dialect == "postgresql":
        yield _POSTGRES_FUNCTION
        yield from _postgres_triggers(guarded_tables(metadata))
    else:
        raise ValueError(f"no guards known for {dialect}")


def _sqlite_triggers(guarded: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for name, events in guarded.items():
        for event in events:
            yield (
                f"CREATE TRIGGER {name}_no_{event.lower()} BEFORE {event} ON {name} BEGIN\n"
                f"  SELECT RAISE(ABORT, 'table {name} is insert-only');\nEND"
            )


def _postgres_triggers(guarded: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for name, events in guarded.items():
        yield (
            f"CREATE TRIGGER {name}_no_change BEFORE {' OR '.join(events)} ON {name}\n"
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        yield (
            f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name}\n"
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
