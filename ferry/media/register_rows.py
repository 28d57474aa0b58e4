"""The tables of the media register, and its rows as values."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ferry.media.states import MediumKind, MediumState

EXPORT_WAY: Final = "export"
IMPORT_WAY: Final = "import"
#: States of a passage. An import is OPEN until all its files are checked, DELIVERING until they lie before the half.
OPEN: Final = "open"
DELIVERING: Final = "delivering"
DONE: Final = "done"
RECEIPTED: Final = "receipted"
GIVEN_UP: Final = "given_up"
MOST_LISTED: Final = 1000
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS media (
    serial TEXT PRIMARY KEY, label TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, changed_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS passages (
    export BLOB PRIMARY KEY, way TEXT NOT NULL, serial TEXT NOT NULL REFERENCES media, state TEXT NOT NULL,
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, statement BLOB NOT NULL,
    files INTEGER NOT NULL, bytes INTEGER NOT NULL, first_operator TEXT NOT NULL, second_operator TEXT NOT NULL,
    made_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, receipt_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS passages_serial ON passages (serial, way, at_ms);
CREATE TABLE IF NOT EXISTS carried (
    export BLOB NOT NULL REFERENCES passages, lane TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (export, lane, name)
) STRICT;
CREATE TABLE IF NOT EXISTS acts (
    position INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, act TEXT NOT NULL, serial TEXT NOT NULL,
    detail TEXT NOT NULL, operator TEXT NOT NULL, chain BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS origin (only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL) STRICT;
"""
PASSAGE_COLUMNS: Final = (
    "export, way, serial, state, epoch, sequence, statement, files, bytes, first_operator, second_operator,"
    " made_ms, expires_ms, at_ms, receipt_ms"
)


class Medium(NamedTuple):
    """One medium."""

    serial: str
    label: str
    kind: MediumKind
    state: MediumState
    changed_ms: int


class Passage(NamedTuple):
    """One export or import of a medium.

    Attributes:
        export: which filling of the medium.
        statement: SHA-256 of what two operators signed.
        operators: who signed.
        at_ms: when this half exported or imported it.
        receipt_ms: when a receipt was written or taken in; None before.
    """

    export: bytes
    way: str
    serial: str
    state: str
    epoch: int
    sequence: int
    statement: bytes
    files: int
    size: int
    operators: tuple[str, str]
    made_ms: int
    expires_ms: int
    at_ms: int
    receipt_ms: int | None


class Act(NamedTuple):
    """One line of the list of acts."""

    position: int
    at_ms: int
    act: str
    serial: str
    detail: str
    operator: str


def medium_of(row: tuple[str, str, str, str, int]) -> Medium:
    """Read a row of ``media``."""
    serial, label, kind, state, changed_ms = row
    return Medium(serial, label, MediumKind(kind), MediumState(state), changed_ms)


def passage_of(row: tuple[Any, ...]) -> Passage:
    """Read a row of ``passages``, in the order of ``PASSAGE_COLUMNS``."""
    return Passage._make((*row[:9], (row[9], row[10]), *row[11:]))
