"""The media register's database: opened, changed whole or not at all, and every act chained to those before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from ferry.chained_ledger import RETRY_S, ChainedLedger
from ferry.media.register_rows import MOST_LISTED, SCHEMA, Act
from wire_formats.errors import Kind, Unavailable


def open_database(path: Path) -> sqlite3.Connection:
    """Open the file; made if missing."""
    return sqlite3.connect(path, isolation_level=None, timeout=5.0)


class RegisterStore(ChainedLedger):
    """The database and its list of acts.

    Args:
        path: the database file; its folder must exist.
        now_ms: the instant now, which a new register takes for its epoch; None for those who only look.
        connect: opens the database; statements begin no transactions of their own.

    Raises:
        Unavailable: it cannot be opened.
    """

    NAME = "media register"

    def __init__(
        self, path: Path, *, now_ms: int | None = None, connect: Callable[[Path], sqlite3.Connection] = open_database
    ) -> None:
        try:
            self._database = connect(path)
        except sqlite3.OperationalError as error:
            raise Unavailable(Kind.STORAGE_FULL, f"{self.NAME}: {error}", RETRY_S) from None
        with self._guarded():
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA foreign_keys = ON")
            self._database.executescript(SCHEMA)
            if now_ms is not None:
                self._database.execute("INSERT OR IGNORE INTO origin VALUES (1, ?)", (now_ms,))
        self._version = -1

    def acts(self, *, serial: str = "", most: int = MOST_LISTED) -> list[Act]:
        """Give the latest acts, oldest first."""
        with self._guarded():
            rows = self._database.execute(
                "SELECT position, at_ms, act, serial, detail, operator FROM acts WHERE ? IN ('', serial)"
                " ORDER BY position DESC LIMIT ?",
                (serial, most),
            ).fetchall()
        return [Act(*row) for row in reversed(rows)]

    def note(self, act: str, serial: str, detail: str, *, operator: str, now_ms: int) -> None:
        """Enter an act that changes no medium: an export was prepared, signed or cancelled."""
        with self._transaction():
            self._act(act, serial, detail, operator, now_ms)

    def _act(self, act: str, serial: str, detail: str, operator: str, now_ms: int) -> None:
        self._append(now_ms, act, serial, detail, operator)
