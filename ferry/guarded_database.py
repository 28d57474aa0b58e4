"""What every ledger of a half does with its SQLite file: a whole change or none, and a clear word when it is refused.

The journal is another matter: its changes come in groups (``ferry.journal``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from wire_formats.errors import Kind, Unavailable

#: Seconds after which a refused change may be tried again.
RETRY_S: Final = 1


class GuardedDatabase:
    """Base of a ledger; whoever derives from it opens ``_database`` without transactions of its own."""

    #: What the ledger is called in a refusal.
    NAME: ClassVar[str]
    _database: sqlite3.Connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what happens within as a whole, or nothing of it."""
        with self._guarded():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn the database's refusal into Unavailable, STORAGE_FULL."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise Unavailable(Kind.STORAGE_FULL, f"{self.NAME}: {error}", RETRY_S) from None
