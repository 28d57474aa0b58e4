"""How many rows an upload has and how many of them were sent: counts, for the list of what was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("upload", sa.Column("rows_total", sa.Integer(), nullable=True))
    op.add_column("upload", sa.Column("rows_sent", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column("upload", "rows_sent")
    op.drop_column("upload", "rows_total")
