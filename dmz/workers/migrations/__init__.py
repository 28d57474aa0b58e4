"""Alembic migrations of the exchange database; ``migrate.upgrade`` runs them."""
