"""Alembic migrations of the production database; run by `core.db.migrate.migrate`."""
