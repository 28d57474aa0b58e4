"""The exchange database as it first was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "draft",
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("window", sa.String(length=16), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account", "window", "id"),
    )
    op.create_index("draft_by_end", "draft", ["expires_at"], unique=False)
    op.create_table(
        "form_token",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("body_mark", sa.LargeBinary(length=32), nullable=False),
        sa.Column("used_for", sa.LargeBinary(length=16), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("form_token_by_end", "form_token", ["expires_at"], unique=False)
    op.create_table(
        "login_throttle",
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "request_out",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("window", sa.String(length=16), nullable=False),
        sa.Column("session", sa.LargeBinary(length=16), nullable=False),
        sa.Column("worker", sa.String(length=32), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.Column("crossed_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("batch", sa.LargeBinary(length=16), nullable=True),
        sa.Column("chunk", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("request_out_by_account", "request_out", ["account", "window", "saved_at"], unique=False)
    op.create_index("request_out_by_batch", "request_out", ["batch", "chunk"], unique=False)
    op.create_index("request_out_by_end", "request_out", ["expires_at"], unique=False)
    op.create_index("request_out_to_send", "request_out", ["worker", "state", "next_try_at"], unique=False)
    op.create_table(
        "result_in",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("error_kind", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("result_in_by_end", "result_in", ["expires_at"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("window", sa.String(length=16), nullable=False),
        sa.Column("certificate", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("session_by_account", "session", ["account", "window"], unique=False)
    op.create_index("session_by_certificate", "session", ["certificate"], unique=False)
    op.create_index("session_by_end", "session", ["ends_at"], unique=False)
    op.create_table(
        "upload",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("window", sa.String(length=16), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("file_error", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("upload_by_account", "upload", ["account", "window", "uploaded_at"], unique=False)
    op.create_index("upload_by_end", "upload", ["expires_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index("upload_by_end", table_name="upload")
    op.drop_index("upload_by_account", table_name="upload")
    op.drop_table("upload")
    op.drop_index("session_by_end", table_name="session")
    op.drop_index("session_by_certificate", table_name="session")
    op.drop_index("session_by_account", table_name="session")
    op.drop_table("session")
    op.drop_index("result_in_by_end", table_name="result_in")
    op.drop_table("result_in")
    op.drop_index("request_out_to_send", table_name="request_out")
    op.drop_index("request_out_by_end", table_name="request_out")
    op.drop_index("request_out_by_batch", table_name="request_out")
    op.drop_index("request_out_by_account", table_name="request_out")
    op.drop_table("request_out")
    op.drop_table("login_throttle")
    op.drop_index("form_token_by_end", table_name="form_token")
    op.drop_table("form_token")
    op.drop_index("draft_by_end", table_name="draft")
    op.drop_table("draft")
