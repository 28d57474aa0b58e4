"""Initial revision: every table, index and insert-only guard.

The DDL is frozen in `migrations/ddl/`, one file per database, so that this revision stays what it was when the
tables in code move on.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from core.db.frozen_ddl import read_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    connection = op.get_bind()
    folder = Path(__file__).parent.parent / "ddl"
    for statement in read_statements(folder / f"{revision}_{connection.dialect.name}.sql"):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: production data is restored from a backup, never dropped by a migration."""
    raise NotImplementedError("the initial revision cannot be undone; restore a backup")
