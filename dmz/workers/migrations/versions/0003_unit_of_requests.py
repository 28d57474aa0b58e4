"""For which unit a transaction is asked: a mark, so that units take turns and have bounds of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("request_out", sa.Column("unit", sa.LargeBinary(16), nullable=True))
    op.create_index("request_out_by_unit", "request_out", ["unit", "state"])


def downgrade() -> None:
    """Undo."""
    op.drop_index("request_out_by_unit", "request_out")
    op.drop_column("request_out", "unit")
