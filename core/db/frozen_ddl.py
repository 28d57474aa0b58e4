"""Freezes the DDL of the initial revision, and reads frozen DDL back.

Run `python -m core.db.frozen_ddl` before the first release after a change of tables; later changes are revisions of
their own. A test compares a migrated database with the tables in code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import MetaData, make_url
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement, SetColumnComment

from core.db.insert_only import trigger_statements
from core.db.tables import METADATA

SEPARATOR: Final = "\n--;\n"
"""Between statements: a line of its own, because trigger bodies contain semicolons."""


DATABASES: Final = ("sqlite", "postgresql")


def dialect_of(name: str) -> Dialect:
    """Return the dialect of a database."""
    return make_url(f"{name}://").get_dialect()()


def ddl_statements(metadata: MetaData, dialect: Dialect) -> list[str]:
    """Return the DDL that creates all tables, indexes, comments and guards, in order."""
    statements: list[str] = []
    for table in metadata.sorted_tables:
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        parts: list[ExecutableDDLElement] = [CreateTable(table), *(CreateIndex(index) for index in indexes)]
        if dialect.supports_comments:
            parts += [SetColumnComment(column) for column in table.columns]
        statements += [str(part.compile(dialect=dialect)).strip() for part in parts]
    return [*statements, *trigger_statements(metadata, dialect.name)]


def freeze(folder: Path) -> None:
    """Write one DDL file per database."""
    for name in DATABASES:
        dialect = dialect_of(name)
        body = SEPARATOR.join(ddl_statements(METADATA, dialect))
        (folder / f"0001_{dialect.name}.sql").write_text(body + "\n", encoding="utf-8")


def read_statements(path: Path) -> list[str]:
    """Return the statements of a frozen file (none holds a percent sign: drivers take it for a placeholder)."""
    return [part.strip() for part in path.read_text(encoding="utf-8").split(SEPARATOR) if part.strip()]


if __name__ == "__main__":
    freeze(Path(__file__).parent / "migrations" / "ddl")
