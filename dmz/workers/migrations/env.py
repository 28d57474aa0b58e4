"""Alembic's entry: runs on the connection that ``migrate.upgrade`` put into the configuration."""

from __future__ import annotations

from alembic import context

from dmz.workers.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
