"""The journal's tables (SQLite); what they mean stands in ``journal``.

``IF NOT EXISTS`` throughout: a journal of an earlier run gets what it lacks when it is opened.
"""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS crossings (
    id INTEGER PRIMARY KEY,
    way TEXT NOT NULL, direction TEXT NOT NULL, lane TEXT NOT NULL,
    file_digest BLOB NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    author BLOB, author_epoch INTEGER, author_sequence INTEGER, root BLOB,
    epoch INTEGER, sequence INTEGER, leaf BLOB,
    items INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
    received_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS crossings_file ON crossings (way, direction, lane, file_digest);
CREATE UNIQUE INDEX IF NOT EXISTS crossings_author
    ON crossings (way, direction, lane, author, author_epoch, author_sequence) WHERE author IS NOT NULL;
CREATE INDEX IF NOT EXISTS crossings_number ON crossings (way, direction, lane, epoch, sequence);
CREATE TABLE IF NOT EXISTS epochs (
    direction TEXT NOT NULL, lane TEXT NOT NULL, epoch INTEGER NOT NULL, PRIMARY KEY (direction, lane)
) STRICT;
CREATE TABLE IF NOT EXISTS inboxes (
    direction TEXT NOT NULL, lane TEXT NOT NULL, epoch INTEGER NOT NULL, cumulative INTEGER NOT NULL,
    PRIMARY KEY (direction, lane)
) STRICT;
CREATE TABLE IF NOT EXISTS breaks (leaf BLOB PRIMARY KEY, looks INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heard (
    direction TEXT NOT NULL, lane TEXT NOT NULL, epoch INTEGER NOT NULL, made_ms INTEGER NOT NULL,
    PRIMARY KEY (direction, lane)
) STRICT;
CREATE TABLE IF NOT EXISTS beyond (
    direction TEXT NOT NULL, lane TEXT NOT NULL, sequence INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (direction, lane, sequence)
) STRICT;
"""
