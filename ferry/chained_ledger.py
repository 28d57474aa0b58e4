"""What every ledger of a half is: a SQLite file changed whole or not at all, with a list of acts that is a hash chain.

    acts       position, from 1 without gaps; what the ledger tells; chain
    chain      SHA-256 of the chain of the act before (32 zeros before the first) and of deterministic CBOR of
               [position, what the ledger tells ...]

An altered, missing or inserted act is found by ``verify``.  The journal is another matter: its changes come in groups
(``ferry.journal``), and what proves them is the witnessed log.

Source: DESIGN invariant 10.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from wire_formats import cbor
from wire_formats.errors import Bug, Kind, Unavailable

#: Seconds after which a refused change may be tried again.
RETRY_S: Final = 1
_BEFORE_THE_FIRST: Final = bytes(32)


class ChainedLedger:
    """Base of a ledger; whoever derives from it opens ``_database``, without transactions, and makes ``acts``.

    Attributes:
        NAME: what the ledger is called in a refusal.
    """

    NAME: ClassVar[str]
    _database: sqlite3.Connection

    def close(self) -> None:
        """Close; everything is committed."""
        self._database.close()

    def verify(self) -> int:
        """Recompute the chain; gives how many acts there are.

        Raises:
            Bug: the first act that does not fit.
            Unavailable: it cannot be read now.
        """
        previous, number = _BEFORE_THE_FIRST, 0
        with self._guarded():
            rows = self._database.execute("SELECT * FROM acts ORDER BY position")
            for number, (*fields, chain) in enumerate(rows, start=1):
                previous = _chained(previous, fields)
                if fields[0] != number or chain != previous:
                    raise Bug(Kind.BUG, f"line {number} of the {self.NAME} does not fit the chain")
        return number

    def _append(self, *fields: int | str) -> None:
        """Put one act behind the last one; within a transaction."""
        row = self._database.execute("SELECT position, chain FROM acts ORDER BY position DESC LIMIT 1").fetchone()
        position, previous = row or (0, _BEFORE_THE_FIRST)
        whole = (position + 1, *fields)
        marks = ", ".join("?" * (len(whole) + 1))
        self._database.execute(f"INSERT INTO acts VALUES ({marks})", (*whole, _chained(previous, whole)))  # noqa: S608

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


def _chained(previous: bytes, fields: Iterable[int | str]) -> bytes:
    return hashlib.sha256(previous + cbor.encode(list(fields))).digest()
